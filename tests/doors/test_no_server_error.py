"""Whatever somebody sends to whichever address, as whoever they are: an answer, never a server error.

Odd values, always the same ones: the seed is the role. `FUZZ_ROUNDS=20 pytest tests/doors/test_no_server_error.py`
looks longer.
"""

import json
import os
import random
import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from accounts.walls import MEMBER, OFFICERS, SIGNED_IN, wall_of
from tests import factories
from tests.doors.test_walls import SKIPPED, lets_in, signed_in
from tests.doors.walls import patterns

pytestmark = pytest.mark.django_db
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "1"))
NOBODY = "nobody"
ROLES = [NOBODY, SIGNED_IN, MEMBER, *OFFICERS]

# As they stand in an address or a form's body: bytes that are no UTF-8, NUL, half a pair, numbers beyond every column.
ODD = (
    "", "0", "-1", "1", "abc", "1.5", "NaN", "1e999", "9223372036854775808", "9" * 40, "9" * 5000, "-" + "9" * 30,
    "%00", "1%00", "%FF%FE", "%ED%A0%80", "%F0%A0%AE%B7", "%E2%80%AE", "%EF%BC%91%EF%BC%92", "%C2%B2", "%0D%0Aa%3Ab",
    "9999-12-31", "0001-01-01", "2025-02-30", "10000-01-01", "%3Cscript%3E", "..%2F..%2Fetc", "%27%22%5C%25",
    "%25%5F", "true", "pick", "all", "None", "%5B%5D", "%7B%22a%22%3A1%7D", "x" * 3000, "https%3A%2F%2Fe.example%2F",
    "%3D1%2B1",
)  # fmt: skip
ODD_JSON = (
    None, True, [], {}, [[]], 0, -1, 2**63, 10**400, 1.5, "", "abc", "\0", "\ud800", "1\ud800", "𠮷", "9" * 5000,
    "1e9", "9999-12-31", "0001-01-01", "2025-02-30",
)  # fmt: skip
QUERY = (
    "page", "q", "view", "state", "sort", "district", "year", "low", "high", "due", "doubts", "invoice", "only",
    "from", "answer", "reveal", "key", "before", "kind", "actor", "action", "subject", "first", "last", "failed",
    "code", "next", "category", "local", "external", "used", "seller", "line", "amount_fen", "back", "p", "o", "e",
    "all", "_to_field", "id__exact", "id__in", "pk__gt", "state__exact", "at__gte", "at__year", "claim__number",
    "_changelist_filters", "app_label", "model_name", "field_name", "term", "format", "lang", "call",
)  # fmt: skip
BODY = (
    "seen", "seen_version", "version", "reason", "confirm", "line", "amount_fen", "phrase", "item", "more", "pick",
    "verb", "refuse", "objection", "finding", "call", "approval_reference", "payment", "digest", "checked", "answer",
    "reference", "answered_on", "message", "seen_state", "back", "next", "kind", "chosen", "purpose", "organisation",
    "login", "password", "role", "code", "name", "email", "username", "again", "phone", "contact", "text", "truth",
    "unrelated", "serial_number", "paid_on", "payer_name", "payee_name", "attachment", "accept", "kept", "number",
    "date", "seller_id", "total_fen", "lines-TOTAL_FORMS", "lines-0-name", "lines-0-amount_fen", "lines-0-tax_fen",
    "cell_1_1", "answer_1", "seen_1", "all", "holder_name", "bank_name", "registered_on", "category", "district",
    "contact_name", "contact_phone", "contact_email", "address", "voucher", "agree", "invoice", "product", "amount",
    "invoice_line", "_selected_action", "index", "select_across",
)  # fmt: skip
TYPES = (
    "application/x-www-form-urlencoded", "text/html; charset=utf-7", "multipart/form-data",
    "multipart/form-data; boundary=x",
)  # fmt: skip


@pytest.fixture
def world():
    """A firm with a submitted claim and a draft, and the ids of what belongs to them."""
    call = factories.call()
    office = factories.office()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    product = factories.product()
    filed = factories.submitted(firm, product, 1)
    mine = factories.ready(firm, product, 2)
    shown = factories.drive(factories.ready(firm, product, 3), "publicised", firm, office)
    batched = factories.drive(factories.ready(firm, product, 4), "batched", firm, office)
    return {"firm": firm, "claims": [filed, mine, shown, batched]}


def person(role, world):
    """A client of the role."""
    if role == NOBODY:
        return Client(raise_request_exception=False)
    someone = (
        world["firm"].clerk if role == MEMBER else factories.user("stranger", *([] if role == SIGNED_IN else [role]))
    )
    client = signed_in(someone)
    client.raise_request_exception = False
    return client


def part(match, dice, world):
    """What stands for one converter of a route: mostly a real id, so that the request gets somewhere."""
    name = match[0]
    claim = dice.choice(world["claims"])
    if "slug:number" in name:
        real = claim.number
    elif "slug:verb" in name or "slug:step" in name:
        real = dice.choice(
            ["accept", "return", "cut", "approve", "add", "freeze", "sign", "answer", "arrivals", "reveal"]
        )
    elif "voucher" in name:
        real = claim.voucher_id
    elif "claims/" in match.string and "<int:pk>" in name and "admin" in match.string:
        real = claim.pk
    elif "claims/" in match.string and "<int:" in name:
        real = dice.choice(
            [*claim.attachments.values_list("pk", flat=True), *claim.payments.values_list("pk", flat=True), 1]
        )
    else:
        real = dice.choice([claim.pk, *claim.payments.values_list("batch_id", flat=True)])
    return str(real) if dice.random() < 0.7 else dice.choice(ODD) or "0"


def address(route, dice, world):
    """A path for the route, with real and odd parts."""
    path = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route)
    path = re.sub(r"\(\?P<\w+>[^)]*\)", lambda match: dice.choice(ODD) or "x", path)
    path = re.sub(r"<[^>]+>", lambda match: part(match, dice, world), path)
    return "/" + path.replace("^", "").replace("$", "")


def pairs(names, dice, most):
    """A query string or body of odd values."""
    return "&".join(f"{name}={dice.choice(ODD)}" for name in dice.sample(names, dice.randint(1, most)))


def requests_to(route, name, fields, dice, world):
    """Some odd requests: verb, path and what goes with it. `fields` are those of the page's own forms."""
    for _ in range(ROUNDS):
        asked, said = [[*names, *fields * 3] for names in (QUERY, BODY)]
        path = f"{address(route, dice, world)}?{pairs(asked, dice, 6)}"
        yield dice.choice(["GET", "GET", "GET", "HEAD"]), path, {}
        yield dice.choice(["OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"]), path, {}
        kind = dice.choice(TYPES) if dice.random() < 0.3 else TYPES[0]
        yield "POST", address(route, dice, world), {"data": pairs(said, dice, 40).encode(), "content_type": kind}
        if name.startswith("api_"):
            whole = {each: dice.choice(ODD_JSON) for each in BODY} if dice.random() < 0.8 else dice.choice(ODD_JSON)
            yield "POST", path, {"data": json.dumps(whole).encode(), "content_type": "application/json"}


def send(client, verb, path, **extra):
    """The answer. What it changed is undone: each request finds the same world."""
    with transaction.atomic():
        answer = client.generic(verb, path, **extra)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


def fields_of(answer):
    """The names of the fields on a page."""
    found = re.findall(r'\sname="([^"{}]+)"', "" if answer.streaming else answer.content.decode(errors="replace"))
    return sorted(set(found) - {"csrfmiddlewaretoken", "viewport", "color-scheme"})


def may_open(view, name, role):
    if name.startswith("api_"):
        return role == MEMBER
    wall = wall_of(view, name)
    return "anybody" in wall or (role != NOBODY and lets_in(wall, role))


@pytest.mark.parametrize("role", ROLES)
def test_no_odd_request_makes_a_server_error(role, world, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]
    client, dice, broken = person(role, world), random.Random(role), []
    for route, name, view in patterns(get_resolver()):
        # Django's own pages are alike for every model and every officer: a few of them for each.
        few = hasattr(view, "model_admin") and dice.random() > (0.06 if role == "auditor" else 0.01) * ROUNDS
        # The three administrators see what the others see: a third of it for each.
        few = few or (role.endswith("_admin") and dice.random() > 0.34 * ROUNDS)
        if name in SKIPPED or few or not may_open(view, name, role):
            continue
        fields = fields_of(send(client, "GET", address(route, dice, world)))
        for verb, path, extra in requests_to(route, name, fields, dice, world):
            answer = send(client, verb, path, **extra)
            if answer.status_code >= 500:
                why = answer.exc_info[1] if getattr(answer, "exc_info", None) else ""
                broken.append((verb, path[:300], {key: value[:2000] for key, value in extra.items()}, repr(why)[:300]))
    assert broken == []
