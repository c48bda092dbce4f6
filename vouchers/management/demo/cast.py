"""The people, firms, providers and calls of the demonstration. Made once, then found again."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import yaml
from django.conf import settings

from accounts.choices import ROLES
from accounts.models import User
from accounts.services import appoint, create_user
from applicants.models import Organisation
from applicants.services import add_member, register_organisation, set_bank_account
from providers.models import Product, Provider
from providers.services import add_centre, add_product, register_provider
from vouchers.budget.services import appropriate
from vouchers.calls.models import Call
from vouchers.calls.services import current_call, publish
from vouchers.management.demo import signins
from vouchers.management.demo.papers import credit_code
from vouchers.money import parse_yuan

SCHEME = "compute_voucher"
BEGIN = dt.date(2024, 1, 1)
DATA = yaml.safe_load((Path(settings.BASE_DIR) / "fixtures/demo.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Enterprise:
    """A firm of the demonstration, and the clerk who files for it."""

    organisation: Organisation
    name: str
    clerk: User


def officers() -> dict[str, User]:
    """The bureau's people by username; their sign-ins are made at random."""
    people = {}
    for row in DATA["officers"]:
        username, name, role = row["username"], row["name"], row["role"]
        user = User.objects.filter(username=username).first()
        if user is None:
            user = create_user(username, name, secrets.token_urlsafe(24) + "-9aA")
            appoint(user, role, valid_from=BEGIN)
            signins.give(user, dict(ROLES)[role])
        people[username] = user
    return people


def calls() -> dict[int, Call]:
    """The published calls for 2024 and 2025, their pools funded. The filing window lies around today."""
    return {year: _call(year) for year in (2024, 2025)}


def _call(year: int) -> Call:
    if Call.objects.filter(scheme=SCHEME, fiscal_year=year, published_at__isnull=False).exists():
        return current_call(SCHEME, year)
    today = settings.CLOCK.today()
    call = publish(
        Call(
            scheme=SCHEME,
            fiscal_year=year,
            title=f"无锡市 {year} 年度“算力券”申报通知",
            citation=f"锡工信综合〔{year + 1}〕演示第 {year - 2000} 号",
            appropriation_fen=5_000_000_000,
            annual_cap_fen=200_000_000,
            local_rate=Decimal("0.30"),
            external_rate=Decimal("0.15"),
            spend_from=dt.date(year, 1, 1),
            spend_until=dt.date(year, 12, 31),
            filing_from=today - dt.timedelta(days=30),
            filing_until=today + dt.timedelta(days=180),
        ),
        actor="demo",
    )
    appropriate(call, citation=f"锡财工贸〔{year + 1}〕演示第 {year - 2000} 号", actor="demo")
    return call


def products() -> dict[str, Product]:
    """What can be bought, by the names that fixtures/demo.yaml gives it."""
    found: dict[str, Product] = {}
    for number, row in enumerate(DATA["providers"], start=1):
        code, site = credit_code(number), row["centre"]
        provider = Provider.objects.filter(uscc=code).first()
        if provider is None:
            provider = register_provider(code=code, name=row["name"], listed_from=BEGIN)
            centre = add_centre(provider, kind="intelligent", **site)
            for sold in row["products"].values():
                price_fen = parse_yuan(sold["price"])
                add_product(
                    provider,
                    centre,
                    name=sold["name"],
                    service=sold["service"],
                    unit="卡时",
                    price_fen=price_fen,
                    valid_from=BEGIN,
                )
        named = {product.name: product for product in provider.products.select_related("provider", "centre")}
        found |= {key: named[sold["name"]] for key, sold in row["products"].items()}
    return found


def enterprise(number: int, name: str, category: str, district: str) -> Enterprise:
    """Register a firm with its clerk and its account; `number` makes its credit code."""
    code = credit_code(number)
    organisation = register_organisation(
        code=code,
        name=name,
        category=category,
        district=district,
        address=f"{district}示范大道 {number} 号",
        legal_representative="演示法人",
        contact_name="演示经办",
        contact_phone="13800000000",
        registered_on=dt.date(2020, 1, 1),
    )
    clerk = create_user(f"qiye{number}", f"{name[2:4]}经办", secrets.token_urlsafe(24) + "-9aA")
    add_member(organisation, clerk, "owner", since=BEGIN)
    set_bank_account(
        organisation,
        holder_name=name,
        bank_name=f"演示银行无锡{district[:2]}支行",
        number=f"6200{number:012d}",
        on=BEGIN,
        by=clerk,
    )
    return Enterprise(organisation, name, clerk)
