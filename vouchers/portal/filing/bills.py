"""What the pages on invoices show: rows of the list, and the lines of one with what may be declared of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import QueryDict

from providers.models import Product, Provider
from providers.selectors import location_of, products_on
from vouchers.claims.amendments import Declared
from vouchers.claims.contracts import Asks, ContractFacts, asks_of
from vouchers.claims.doubts import open_blocks
from vouchers.claims.models import Claim
from vouchers.claims.papers import ClaimLine, Invoice, InvoiceLine
from vouchers.claims.selectors import invoices_of
from vouchers.portal.filing.contracting import ContractForm, stored_form, typed_form
from vouchers.portal.filing.face import Field
from vouchers.portal.filing.sheet import Counted, Sheet
from vouchers.rules import REASONS

_WHERE = {"local": "本市", "external": "外地"}


class NoProduct(ValueError):
    """A line is ticked without what must be said of it. Its text is for the clerk."""


@dataclass(frozen=True)
class BillRow:
    """One invoice of the list."""

    position: int
    invoice: Invoice
    base_fen: int
    tone: str
    icon: str
    words: str


@dataclass
class LineRow:
    """One line of an invoice, what is declared of it, and what it counts for."""

    line: InvoiceLine
    chosen: bool = False
    product_id: str = ""
    related: bool = False
    elsewhere: bool = False
    counted: Counted | None = None
    stored: str = ""
    place: Field | None = None
    contract: ContractForm | None = None
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why it does not count, in words."""
        return REASONS.get(self.counted.reason, self.counted.reason) if self.counted and self.counted.reason else ""


@dataclass
class Offer:
    """What the seller sells: nothing when it is not on the list. What is `agreed` need not be on it."""

    products: list[Product] = field(default_factory=list)
    agreed: bool = False

    @property
    def any(self) -> bool:
        """Whether lines of the invoice may be claimed."""
        return bool(self.products) or self.agreed

    def choices(self) -> list[tuple[str, str]]:
        """Each product with what and where it computes."""
        return [
            (str(p.pk), f"{p.name}（{p.get_service_display()}，{p.centre.name}，{_WHERE[location_of(p)]}）")
            for p in self.products
        ]


def bill_rows(claim: Claim, sheet: Sheet | None) -> list[BillRow]:
    """The claim's invoices, each with what it counts for."""
    asked = dict(claim.lines.values_list("pk", "invoice_line__invoice_id"))
    bases: dict[int, int] = {}
    for pk, counted in (sheet.lines if sheet else {}).items():
        if pk in asked:
            bases[asked[pk]] = bases.get(asked[pk], 0) + counted.base_fen
    bills = list(invoices_of(claim))
    # What was agreed case by case need not come from the list.
    agreed = claim.tranche_id is not None
    listed = set(Provider.objects.filter(uscc__in=[bill.seller_id for bill in bills]).values_list("uscc", flat=True))
    blocked = {invoice.pk for invoice, _ in open_blocks(claim, bills)}
    return [
        BillRow(
            position,
            bill,
            bases.get(bill.pk, 0),
            *_state(bill, bases.get(bill.pk, 0), agreed or bill.seller_id in listed, bill.pk in blocked),
        )
        for position, bill in enumerate(bills, start=1)
    ]


def _state(bill, base_fen: int, listed: bool, blocked: bool) -> tuple[str, str, str]:
    if bill.red:
        return "", "minus", "红字发票，冲减原发票"
    if blocked:
        return "bad", "bad", "有提示须说明后才能提交"
    if not listed:
        return "warn", "no", "销售方不在服务商名录"
    if not bill.asked:
        return "warn", "pen", "请勾选申报的明细"
    if not bill.paid_here:
        return "warn", "warn", "还没有对应付款"
    if not base_fen:
        return "warn", "minus", "不计入，点开看原因"
    return ("warn", "warn", "请核对提示") if bill.warnings else ("ok", "ok", "计入")


def offer_of(invoice: Invoice, *, agreed: bool = False) -> Offer:
    """What the seller of the invoice sells on its day; where the list then said nothing, all it ever sold."""
    known = Product.objects.filter(provider__uscc=invoice.seller_id)
    on_day = list(products_on(invoice.issued_on).filter(pk__in=known.values("pk")).order_by("name", "pk"))
    return Offer(on_day or list(known.select_related("provider", "centre").order_by("name", "pk")), agreed)


def line_rows(claim: Claim, invoice: Invoice, sheet: Sheet | None) -> list[LineRow]:
    """The lines as they are declared now."""
    said = {each.invoice_line_id: each for each in claim.lines.filter(invoice_line__invoice=invoice)}
    counted, asks = sheet.lines if sheet else {}, asks_of(claim.call)
    rows = [_stored_row(line, said.get(line.pk), counted) for line in invoice.lines.all()]
    for row in rows:
        row.contract = stored_form(asks, row.line.pk, said.get(row.line.pk))
        row.told = asks.told(said[row.line.pk]) if row.chosen else []
    return rows


def _stored_row(line: InvoiceLine, said: ClaimLine | None, counted: Mapping[int, Counted]) -> LineRow:
    if said is None:
        return LineRow(line)
    product = str(said.product_id or "")
    return LineRow(line, True, product, said.seller_related, said.subsidised_elsewhere, counted.get(said.pk))


def typed_rows(
    rows: list[LineRow], data: QueryDict, products: dict[str, str], asks: Asks, *, tell: bool, judge: bool = False
) -> list[LineRow]:
    """The rows as the clerk left the form; with `tell`, beside them what is stored; with `judge`, what is wrong."""
    for row in rows:
        pk = row.line.pk
        if tell:
            told = "，".join([products.get(row.product_id, ""), *(f"{label} {value}" for label, value in row.told)])
            row.stored = f"现在保存着的：申报，{told}" if row.chosen else "现在保存着的：不申报"
        row.contract = typed_form(asks, pk, data, judge=judge and f"line_{pk}" in data)
        row.chosen = f"line_{pk}" in data
        row.product_id = data.get(f"product_{pk}", "")
        row.related, row.elsewhere = f"related_{pk}" in data, f"elsewhere_{pk}" in data
    return rows


def declared_in(rows: list[LineRow], data: QueryDict, offer: Offer, asks: Asks) -> dict[int, Declared]:
    """What the form declares, by line. An agreement pays for what is no product, too. Raises `NoProduct`."""
    known = {str(product.pk): product for product in offer.products}
    found, wrong = {}, []
    for row in rows:
        pk = row.line.pk
        if f"line_{pk}" not in data:
            continue
        product = known.get(data.get(f"product_{pk}", ""))
        if product is None and not offer.agreed:
            raise NoProduct(f"第 {row.line.position} 行已勾选申报，请选择它对应的算力产品。")
        form, facts = typed_form(asks, pk, data, judge=True), None
        if form is not None and form.is_valid():
            facts = ContractFacts(**form.cleaned_data)
        elif form is not None:
            wrong.append(str(row.line.position))
        found[pk] = Declared(product, f"related_{pk}" in data, f"elsewhere_{pk}" in data, facts)
    if wrong:
        raise NoProduct(f"第 {'、'.join(wrong)} 行的合同和服务情况没有填好，没有保存。请按标红的提示补填。")
    return found
