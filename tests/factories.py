"""Made-up people, firms and claims for tests, made through the real services.

Numbers make everything unique: `firm(7)` is always the same firm, and no two tests share rows.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import appoint
from applicants.models import Organisation
from applicants.services import add_member, register_organisation, set_bank_account
from providers.models import Product
from providers.services import add_centre, add_product, register_provider
from vouchers import workflow
from vouchers.budget import orders
from vouchers.budget.services import appropriate
from vouchers.calls.models import Call
from vouchers.calls.services import publish
from vouchers.claims import services as claims
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.papers import Invoice
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Batch, Payment
from vouchers.invoices.verifier import Double
from vouchers.jobs.models import Job
from vouchers.management.demo.papers import Item, Party, credit_code, invoice_xml
from vouchers.money import yuan
from vouchers.review import verifying
from vouchers.review.services import SYSTEM_ACTOR, Actor, fire, fire_voucher

BEGIN = dt.date(2020, 1, 1)
PAID_ON = dt.date(2025, 6, 20)


@dataclass(frozen=True)
class Firm:
    """An enterprise, the clerk who files for it, and its issued voucher."""

    organisation: Organisation
    name: str
    clerk: User
    call: Call

    @property
    def actor(self) -> Actor:
        return Actor(self.clerk)


def user(username: str, *roles: str) -> User:
    """A user with these roles; no password, because hashing one is slow and no test of these signs in."""
    person = User.objects.create(username=username, name=username)
    for role in roles:
        appoint(person, role, valid_from=BEGIN)
    return person


def officer(username: str, *roles: str) -> Actor:
    """An officer, ready to act."""
    return Actor(user(username, *roles))


def call(pool_fen: int = 5_000_000_000, year: int = 2025, **changes) -> Call:
    """A published call with its pool funded; its filing window lies around today."""
    made = published(pool_fen, year, **changes)
    appropriate(made, citation="测试拨款", actor="test")
    return made


def published(pool_fen: int = 5_000_000_000, year: int = 2025, **changes) -> Call:
    """A published call whose pool is empty still."""
    today = settings.CLOCK.today()
    fields = {
        "scheme": "compute_voucher",
        "fiscal_year": year,
        "title": f"{year} 年度申报通知",
        "citation": "测试通知",
        "appropriation_fen": pool_fen,
        "annual_cap_fen": 200_000_000,
        "local_rate": Decimal("0.30"),
        "external_rate": Decimal("0.15"),
        "spend_from": dt.date(year, 1, 1),
        "spend_until": dt.date(year, 12, 31),
        "filing_from": today - dt.timedelta(days=30),
        "filing_until": today + dt.timedelta(days=365),
    } | changes
    return publish(Call(**fields), actor="test")


def product(city: str = "无锡市", service: str = "intelligent") -> Product:
    """Something to buy, computed in `city`."""
    number = Product.objects.count() + 1
    provider = register_provider(code=credit_code(900_000 + number), name=f"示范算力{number}", listed_from=BEGIN)
    centre = add_centre(provider, name="示范中心", kind="intelligent", city=city, address="示范路")
    return add_product(provider, centre, name="卡时", service=service, unit="卡时", price_fen=1000, valid_from=BEGIN)


def firm(number: int, call: Call, *, category: str = "digital_enterprise", reviewer: Actor | None = None) -> Firm:
    """An enterprise with a clerk, an account and, where a `reviewer` is given, an issued voucher."""
    name = f"无锡示范{number}科技有限公司"
    organisation = register_organisation(
        code=credit_code(number),
        name=name,
        category=category,
        district="滨湖区",
        address="示范大道",
        legal_representative="法人",
        contact_name="经办",
        contact_phone="13800000000",
        registered_on=BEGIN,
    )
    clerk = user(f"clerk{number}")
    add_member(organisation, clerk, "owner", since=BEGIN)
    set_bank_account(
        organisation, holder_name=name, bank_name="示范银行", number=f"62{number:014d}", on=BEGIN, by=clerk
    )
    made = Firm(organisation, name, clerk, call)
    if reviewer is not None:
        voucher = claims.apply_for_voucher(organisation, call, purpose="训练", user=clerk)
        fire_voucher(voucher, "issue", actor=reviewer)
    return made


def join(firm: Firm, call: Call, reviewer: Actor) -> Firm:
    """The same firm with an issued voucher under another call."""
    fire_voucher(
        claims.apply_for_voucher(firm.organisation, call, purpose="训练", user=firm.clerk), "issue", actor=reviewer
    )
    return replace(firm, call=call)


def draft(firm: Firm) -> Claim:
    """An empty draft claim under the firm's voucher."""
    voucher = Voucher.objects.select_related("organisation", "call").get(organisation=firm.organisation, call=firm.call)
    return claims.open_claim(voucher, user=firm.clerk)


def add_invoice(
    claim: Claim,
    firm: Firm,
    product: Product,
    number: int,
    *,
    gross_fen: int = 10_600_000,
    paid_fen: int | None = None,
    paid_on: dt.date = PAID_ON,
    issued_on: dt.date = dt.date(2025, 6, 10),
) -> Invoice:
    """A read e-invoice of one line, paid (in full unless told), matched and declared for `product`.

    `gross_fen` is the total with 6 % tax; the amount without tax is what the tax leaves.
    """
    net_fen = gross_fen * 100 // 106
    item = Item("*信息技术服务*智能算力服务费", "卡时", "1", yuan(net_fen), net_fen)
    content = invoice_xml(
        f"{issued_on.year % 100:02d}32{number:016d}",
        issued_on,
        Party(product.provider.uscc, product.provider.name),
        Party(firm.organisation.uscc, firm.name),
        [item],
    )
    invoice = claims.add_invoice_file(claim, name="发票.xml", content=content, user=firm.clerk)
    pay(claim, firm, invoice, f"S{number}", paid_fen or invoice.total_fen, paid_on)
    claims.declare_line(claim, invoice.lines.get(), product, user=firm.clerk)
    return invoice


def pay(claim: Claim, firm: Firm, invoice: Invoice, serial: str, paid_fen: int, paid_on: dt.date = PAID_ON):
    """A bank transfer for an invoice, matched to it."""
    payment = claims.record_payment(
        claim,
        serial_number=serial,
        paid_on=paid_on,
        payer_name=firm.name,
        payee_name=invoice.seller_name,
        amount_fen=paid_fen,
        attachment=None,
        user=firm.clerk,
    )
    claims.allocate(claim, payment, invoice, paid_fen, user=firm.clerk)
    return payment


def complete(claim: Claim, firm: Firm) -> Claim:
    """Add the papers that every claim needs, and sign."""
    for kind in ("contract", "receipt", "usage"):
        claims.upload(claim, kind=kind, name=f"{kind}.pdf", content=b"%PDF-1.7 test", user=firm.clerk)
    claims.sign_declaration(claim, user=firm.clerk)
    return claim


def ready(firm: Firm, product: Product, number: int, **invoice) -> Claim:
    """A complete draft with one invoice."""
    claim = draft(firm)
    add_invoice(claim, firm, product, number, **invoice)
    return complete(claim, firm)


def submitted(firm: Firm, product: Product, number: int, **invoice) -> Claim:
    """A submitted claim with one invoice."""
    claim = ready(firm, product, number, **invoice)
    fire(claim, "submit", actor=firm.actor)
    claim.refresh_from_db()
    return claim


@dataclass(frozen=True)
class Office:
    """The officers of one bureau, each with one role: no two duties of a claim meet in one person."""

    reviewer: Actor
    approver: Actor
    second: Actor
    preparer: Actor
    signer: Actor

    def of_role(self, role: str, firm: Firm) -> Actor:
        """Somebody who may act in `role`."""
        people = {"reviewer": self.reviewer, "approver": self.approver, "finance": self.preparer}
        return {"applicant": firm.actor, "system": SYSTEM_ACTOR, **people}[role]


def office() -> Office:
    """One officer for each duty."""
    return Office(
        reviewer=officer("shenhe", "reviewer"),
        approver=officer("shenpi", "approver"),
        second=officer("shenpi2", "approver"),
        preparer=officer("caiwu", "finance"),
        signer=officer("caiwu2", "finance"),
    )


def pass_days(days: int) -> None:
    """Move the clock on."""
    settings.CLOCK.move_to(settings.CLOCK.now() + dt.timedelta(days=days))


# How a claim comes to each state: the state before, and the verb.
_WAY = {
    "submitted": ("draft", "submit"),
    "discarded": ("draft", "discard"),
    "returned": ("submitted", "return"),
    "rejected": ("submitted", "reject"),
    "withdrawn": ("submitted", "withdraw"),
    "accepted": ("submitted", "accept"),
    "lapsed": ("returned", "lapse"),
    "reviewed": ("accepted", "review"),
    "approved_once": ("reviewed", "approve"),
    "publicised": ("approved", "publicise"),
    "payable": ("publicised", "clear"),
    "suspended": ("payable", "suspend"),
    "batched": ("payable", "batch"),
    "paid": ("batched", "pay"),
    "recovered": ("paid", "recover"),
}


def drive(claim: Claim, state: str, firm: Firm, office: Office) -> Claim:
    """Bring a complete draft to `state` through the services; the payment out is number 1."""
    if state == "approved":
        drive(claim, "reviewed", firm, office)
        take(claim, "approve", firm, office)
        claim.refresh_from_db()
        if claim.state == "approved_once":
            fire(claim, "approve", actor=office.second)
            verify(claim, office.second)
    elif state != "draft":
        before, verb = _WAY[state]
        drive(claim, before, firm, office)
        take(claim, verb, firm, office)
    claim.refresh_from_db()
    assert claim.state == state
    return claim


def drive_on(claim: Claim, state: str, firm: Firm, office: Office) -> Claim:
    """Bring a claim that is under way on to `state`, from wherever it stands on the way there."""
    before, verb = _WAY[state]
    if claim.state != before:
        drive_on(claim, before, firm, office)
    take(claim, verb, firm, office)
    claim.refresh_from_db()
    return claim


def take(claim: Claim, verb: str, firm: Firm, office: Office, **changes):
    """Fire `verb` by whoever may, on a day when it may, with all that it needs."""
    claim.refresh_from_db()
    transition = next(t for t in workflow.CLAIM.verbs(claim.state) if t.verb == verb)
    if verb in ("clear", "lapse"):
        due = claim.publicised_until if verb == "clear" else claim.correction_due
        pass_days(max(0, (due - settings.CLOCK.today()).days + 1))
    actor = office.of_role(transition.roles[0], firm)
    if claim.state == "approved_once" and verb == "approve":
        actor = office.second
    needs = _payment_for(claim, verb, office)
    if verb == "recover":
        needs["amount_fen"] = changes.pop("amount_fen", claim.granted_fen)
        if not changes:
            return recover(needs["payment"], needs["amount_fen"], office)
    given = {"actor": actor, "reason": "测试理由" if transition.needs_reason else "", **needs} | changes
    event = fire(claim, verb, **given)
    if event.target == "approved":
        verify(claim, given["actor"])
    if verb == "batch":
        batch = disbursement.open_batch(claim.call, approval_reference="批复", actor=office.preparer)
        Payment.objects.create(batch=batch, claim=claim, amount_fen=claim.granted_fen)
    return event


def signed_batch(claims: int = 1) -> Job:
    """The job that prints the papers of a signed batch of so many claims."""
    people, under, bought = office(), call(), product()
    made = []
    for number in range(1, claims + 1):
        enterprise = firm(number, under, reviewer=people.reviewer)
        made.append(drive(ready(enterprise, bought, number), "payable", enterprise, people))
    batch = disbursement.open_batch(under, approval_reference="批复 1 号", actor=people.preparer)
    disbursement.add_claims(batch, made, actor=people.preparer)
    batch = disbursement.freeze(batch, actor=people.preparer)
    batch = disbursement.sign(batch, actor=people.signer, seen_digest=batch.digest)
    return disbursement.start_export(batch, actor=people.signer)


def recover(payment: int, fen: int, office: Office):
    """Take back `fen` of a payment by an order that two sign; the claim's event."""
    paid = Payment.objects.select_related("claim__call").get(pk=payment)
    order = orders.prepare_recover(paid, fen, citation="测试理由", actor=office.preparer)
    return orders.sign(order, actor=office.signer).event


def verify(claim: Claim, actor: Actor, verifier: Double | None = None) -> None:
    """Ask the double about every invoice of the claim, as must be done before its money leaves."""
    for invoice in Invoice.objects.filter(allocations__claim=claim).distinct():
        verifying.ask(invoice, verifier or Double(), actor=actor)


def _payment_for(claim: Claim, verb: str, office: Office) -> dict:
    """Move the claim's payment out as its service would, before the verb that follows from it."""
    if verb not in ("unbatch", "pay", "bounce", "recover"):
        return {}
    payment = Payment.objects.filter(claim=claim).latest("pk")
    if verb in ("pay", "bounce") and payment.state == "prepared":
        batch = disbursement.freeze(payment.batch, actor=office.preparer)
        disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
        with transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(state="sent")
            sent = {"state": "released", "released_at": settings.CLOCK.now(), "released_by": office.preparer.user}
            Batch.objects.filter(pk=batch.pk).update(**sent)
    state = {"unbatch": "dropped", "pay": "paid", "bounce": "failed", "recover": "paid"}[verb]
    Payment.objects.filter(pk=payment.pk).exclude(state=state).update(state=state)
    return {"payment": payment.pk}
