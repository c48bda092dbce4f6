"""Every doubt about an invoice, at the field it concerns, in words for applicant and reviewer alike.

A doubt that `blocks` keeps the claim from being submitted until the enterprise has explained it, or has replaced the
file. A doubt decides nothing else: what counts, the rules say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from accounts.locks import refuse_when_locked
from audit.services import record
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim
from vouchers.claims.papers import DoubtAnswer, Invoice, InvoiceCopy, InvoiceLine
from vouchers.claims.services import require_editable
from vouchers.invoices.classify import classify
from vouchers.invoices.invoice import FIELD_NAMES
from vouchers.money import grouped
from vouchers.policy import NoLawInForce, law_for

# Doubts of the readers that nobody should decide on before they are explained: a file that contradicts itself.
_BLOCKING = frozenset(
    {"total_mismatch", "lines_amount_mismatch", "lines_tax_mismatch", "words_mismatch", "two_truths", "red_mismatch",
     "qr_mismatch", "seal_broken", "kind_mismatch"}
)  # fmt: skip
# Where a doubt stands that names no field itself.
_FIELDS = {
    "number": "number",
    "code": "number",
    "check": "number",
    "date": "date",
    "total": "total",
    "words": "total",
    "kind": "kind",
    "red": "total",
    "reverses": "remark",
    "lines": "lines",
    "line": "lines",
    "same": "seller_name",
}
# Kinds of invoice that compute is billed with; tickets, tolls and the like are none.
_KINDS = ("专用", "普通", "专票", "普票", "专", "普")


@dataclass(frozen=True)
class Doubt:
    """One doubt: a code that is stable for its invoice, the field it concerns (a key of FIELD_NAMES, `kind`, `lines`,
    `line<position>`, or "" for the whole), its words, and what the enterprise said to it."""

    code: str
    field: str
    message: str
    blocks: bool = False
    answer: DoubtAnswer | None = None

    @property
    def open(self) -> bool:
        """Whether it still keeps the claim from being submitted."""
        return self.blocks and self.answer is None

    @property
    def tone(self) -> str:
        """The colour that it is told in."""
        return "bad" if self.open else "warn"


@dataclass
class Doubting:
    """What is known of the invoices of a claim beside their rows; three queries for however many."""

    claim: Claim
    copies: dict[int, list[InvoiceCopy]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[int, dict[str, DoubtAnswer]] = field(default_factory=lambda: defaultdict(dict))
    letters: dict[str, list[Invoice]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def about(cls, claim: Claim, rows: Iterable[Invoice]) -> Doubting:
        """Everything about these invoices of the claim's organisation."""
        made, invoices = cls(claim), list(rows)
        for copy in InvoiceCopy.objects.filter(invoice__in=invoices).select_related("attachment").order_by("pk"):
            made.copies[copy.invoice_id].append(copy)
        for answer in DoubtAnswer.objects.filter(invoice__in=invoices).select_related("by").order_by("pk"):
            made.answers[answer.invoice_id][answer.code] = answer
        wholes = [row.code + row.number for row in invoices]
        letters = Invoice.objects.filter(organisation=claim.organisation_id, red=True, withdrawn_at=None)
        for letter in letters.filter(reverses__in=wholes).order_by("pk"):
            made.letters[letter.reverses].append(letter)
        return made

    def of(self, invoice: Invoice, lines: Iterable[InvoiceLine], *, asked: Iterable[int] | None = None) -> list[Doubt]:
        """The doubts about one invoice with these lines, those that block first. `asked` are the ids of the lines that
        the claim asks a subsidy for; None for all."""
        found = [*_said_by_reader(invoice), *_seals(invoice), *self._copies(invoice), *_kind(invoice)]
        found += [*self._window(invoice), *self._parties(invoice), *self._letters(invoice)]
        wanted = None if asked is None else set(asked)
        found += [doubt for line in lines if wanted is None or line.pk in wanted for doubt in _band(line)]
        said = self.answers[invoice.pk]
        told = [Doubt(d.code, d.field, d.message, d.blocks, said.get(d.code)) for d in found]
        return sorted(told, key=lambda doubt: not doubt.open)

    def _copies(self, invoice: Invoice) -> Iterable[Doubt]:
        for copy in self.copies[invoice.pk]:
            grave = [each for each in copy.differences if each["grave"]]
            told = grave or copy.differences
            if not told:
                continue
            named = "；".join(f"{d['label']}：{d['entered']} ≠ {d['copy']}" for d in told[:4])
            more = f"等 {len(told)} 处" if len(told) > 4 else ""
            words = f"与另一份文件（{copy.attachment}）不一致：{named}{more}。请核对哪一份是税务平台下载的原件。"
            at = told[0]["field"] if len(told) == 1 else ""
            yield Doubt(f"copy_differs_{copy.pk}", place_of(at), words, blocks=bool(grave))

    def _window(self, invoice: Invoice) -> Iterable[Doubt]:
        call = self.claim.call
        try:
            window = law_for(call.scheme, call.fiscal_year).in_force.value
        except NoLawInForce:
            return
        if invoice.issued_on not in window:
            words = f"开票日期不在政策有效期 {window.first} 至 {window.last} 内，这张发票不计入补助。"
            yield Doubt("date_outside", "date", words)

    def _parties(self, invoice: Invoice) -> Iterable[Doubt]:
        own = self.claim.organisation.uscc
        if invoice.buyer_id != own:
            yield Doubt("wrong_buyer", "buyer_id", f"购买方信用代码与申报单位 {own} 不一致，不能用于本申请。")
        if invoice.seller_id in (own, invoice.buyer_id):
            yield Doubt("own_invoice", "seller_id", "销售方与购买方是同一家单位，不能申请补助，请移除这张发票。")
        elif invoice.seller_name and invoice.seller_name == invoice.buyer_name:
            yield Doubt("same_name", "seller_name", "销售方与购买方名称相同，请对照原件核实。", blocks=True)

    def _letters(self, invoice: Invoice) -> Iterable[Doubt]:
        for letter in self.letters[invoice.code + invoice.number]:
            how = "税务平台查得" if letter.read_by == "officer" else "已登记红字发票"
            words = f"{how} {letter.number} 冲销 {grouped(-letter.total_fen)} 元，补助按冲减后的金额核定。"
            yield Doubt(f"reversed_{letter.pk}", "total", words)


def place_of(field: str) -> str:
    """The place on the face for a field of a reader or of a comparison."""
    if field.startswith("lines."):
        return f"line{int(field.split('.')[1]) + 1}"
    return {"amount": "total", "tax": "total", "words": "total"}.get(field, field)


def _said_by_reader(invoice: Invoice) -> Iterable[Doubt]:
    seen: dict[str, int] = defaultdict(int)
    for row in invoice.warnings:
        code, message = row.get("code", ""), row.get("message", "")
        seen[code] += 1
        # Several of one code are told apart by their order, which a bound invoice keeps.
        own = code if seen[code] == 1 else f"{code}_{seen[code]}"
        yield Doubt(own, _field_of(code, message), message, bool(row.get("blocks")) or code in _BLOCKING)


def _field_of(code: str, message: str) -> str:
    """The field that a message names in quotes; else the one that its code is about."""
    for name, label in FIELD_NAMES.items():
        if f"“{label}”" in message:
            return place_of(name)
    if "购买方" in message and "销售方" not in message:
        return "buyer_id" if "识别号" in message else "buyer_name"
    if "销售方" in message and "购买方" not in message:
        return "seller_id" if "识别号" in message else "seller_name"
    return _FIELDS.get(code.partition("_")[0], "")


def _seals(invoice: Invoice) -> Iterable[Doubt]:
    told = {row.get("code") for row in invoice.warnings}
    for number, seal in enumerate(invoice.seals):
        if not seal.get("intact") and not told & {"seal_broken", "seal_unread"}:
            yield Doubt(f"seal_{number}", "", seal.get("message", "") or "签章核验未通过。", blocks=True)


def _kind(invoice: Invoice) -> Iterable[Doubt]:
    if not any(word in invoice.kind for word in _KINDS):
        words = f"票种“{invoice.kind}”不是增值税专用发票或普通发票，一般不能作为算力费用凭证。"
        yield Doubt("kind_not_allowed", "kind", words, blocks=True)


def _band(line: InvoiceLine) -> Iterable[Doubt]:
    band = classify(line.name)
    at = f"line{line.position}"
    if band == "no" and line.amount_fen > 0:
        yield Doubt(f"line_no_{line.position}", at, f"第 {line.position} 行“{line.name}”不像算力费用，请确认没有选错。")
    elif band == "review" and line.amount_fen > 0:
        words = f"第 {line.position} 行“{line.name}”看不出是算力费用，须由合同、用量清单和银行回单佐证。"
        yield Doubt(f"line_review_{line.position}", at, words)


def answer_doubt(claim: Claim, invoice: Invoice, code: str, text: str, *, user) -> DoubtAnswer:
    """Explain a doubt that blocks. It is kept with the invoice, and its reviewer reads it. Raises `ClaimError`."""
    text = text.strip()
    if not text:
        raise ClaimError("请写明情况，例如哪一份文件是从税务平台下载的、为什么不一致。")
    if len(text) > 500:
        raise ClaimError("说明最多 500 个字，请精简。")
    with refuse_when_locked(), transaction.atomic():
        require_editable(claim, user)
        known = Doubting.about(claim, [invoice]).of(invoice, list(invoice.lines.all()))
        if invoice.organisation_id != claim.organisation_id or code not in {d.code for d in known if d.blocks}:
            raise ClaimError("这一项提示已经不在，请刷新页面。")
        at = settings.CLOCK.now()
        answer = DoubtAnswer.objects.create(invoice=invoice, code=code, text=text, by=user, at=at)
        detail = {"number": invoice.number, "code": code, "text": text}
        actor = f"user:{user.pk} {user.name}"
        record(actor=actor, action="invoice.explain", subject=f"claim:{claim.pk}", at=at, detail=detail)
    return answer


def open_blocks(claim: Claim, invoices: Iterable[int | Invoice]) -> list[tuple[Invoice, Doubt]]:
    """The doubts about these invoices (rows or their ids) that still keep the claim from being submitted."""
    ids = [each.pk if isinstance(each, Invoice) else each for each in invoices]
    rows = list(Invoice.objects.filter(pk__in=ids).prefetch_related("lines").order_by("pk"))
    if not rows:
        return []
    known = Doubting.about(claim, rows)
    return [(row, doubt) for row in rows for doubt in known.of(row, list(row.lines.all())) if doubt.open]
