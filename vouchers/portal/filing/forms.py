"""The forms of a claim. They clean what comes in; whether it may be so, the services say."""

from __future__ import annotations

import re
import unicodedata
from typing import cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from vouchers import forms as forms_of_all
from vouchers import invoices
from vouchers.claims.intake import InvoiceRefused
from vouchers.claims.papers import ATTACHMENT_KINDS, Invoice, PaymentMade
from vouchers.claims.uploads import MOST_AT_ONCE
from vouchers.forms import Day, LookForm, YuanField, is_number
from vouchers.money import grouped

INVOICE_KINDS = ["电子发票（增值税专用发票）", "电子发票（普通发票）", "增值税专用发票", "增值税普通发票"]
TAX_RATES = ["6%", "13%", "9%", "3%", "1%", "免税", "***"]
LINES_SHOWN = 3
MOST_LINES = 100


class ManyFiles(forms.FileInput):
    """Chooses many files at once."""

    allow_multiple_selected = True

    def value_from_datadict(self, data, files, name):
        """All of them."""
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.FileField):
    """As many files as were chosen, each checked by the services."""

    def __init__(self, **kwargs):
        super().__init__(widget=ManyFiles(attrs={"class": "pickfile", "multiple": True}), **kwargs)

    def clean(self, value, initial=None):
        """The list of files. Raises ValidationError for none or too many."""
        files = [each for each in (value if isinstance(value, list | tuple) else [value]) if each]
        if not files:
            raise ValidationError("请先选择文件，再按上传。")
        if len(files) > MOST_AT_ONCE:
            raise ValidationError(f"一次最多上传 {MOST_AT_ONCE} 个文件，这次选了 {len(files)} 个，请分几次上传。")
        return files


class UploadForm(LookForm):
    """Files of one kind of paper."""

    kind = forms.ChoiceField(choices=ATTACHMENT_KINDS, widget=forms.HiddenInput)
    chosen = FilesField(label="文件", required=False)

    @classmethod
    def of(cls, kind: str, data=None, files: MultiValueDict | None = None) -> UploadForm:
        """The form for one kind; what it names is told apart on a page with several."""
        return cls(data, files, initial={"kind": kind}, auto_id=f"{kind}_%s")


class HeaderForm(LookForm):
    """An invoice's face, typed in. Sums are taken from the lines and compared with the printed total."""

    kind = forms.ChoiceField(label="票种", choices=[(kind, kind) for kind in INVOICE_KINDS])
    code = forms.CharField(label="发票代码", max_length=12, required=False)
    number = forms.CharField(label="发票号码", max_length=20)
    date = Day(label="开票日期")
    seller_name = forms.CharField(label="销售方名称", max_length=200)
    seller_id = forms.CharField(label="销售方信用代码", max_length=20)
    buyer_name = forms.CharField(label="购买方名称", max_length=200)
    total_fen = YuanField(label="价税合计（小写）", min_fen=1)
    remark = forms.CharField(label="备注", max_length=1000, required=False)

    def clean_code(self):
        """Digits in their plain form."""
        return _plain(self.cleaned_data["code"])

    def clean_number(self):
        """Digits in their plain form."""
        return _plain(self.cleaned_data["number"])

    def clean_seller_id(self):
        """The code in capitals."""
        return _plain(self.cleaned_data["seller_id"]).upper()


class LineForm(LookForm):
    """One line of an invoice's face."""

    use_required_attribute = False

    name = forms.CharField(label="项目名称", max_length=300)
    spec = forms.CharField(label="规格型号", max_length=200, required=False)
    unit = forms.CharField(label="单位", max_length=40, required=False)
    quantity = forms.CharField(label="数量", max_length=40, required=False)
    unit_price = forms.CharField(label="单价", max_length=40, required=False)
    amount_fen = YuanField(label="金额", min_fen=-(10**15))
    tax_rate = forms.ChoiceField(label="税率", choices=[(rate, rate) for rate in TAX_RATES])
    tax_fen = YuanField(label="税额", min_fen=-(10**15))

    def has_changed(self):
        """A row with only the rate chosen is empty."""
        return bool(set(self.changed_data) - {"tax_rate"})


class _Lines(forms.BaseFormSet):
    """Rows of an invoice: a few to begin with, one for each that is there; a row left empty is no row."""

    def initial_form_count(self):
        """No row is special: each may be cleared."""
        return 0

    def total_form_count(self):
        """As many as were sent, else one for each that is there."""
        return super().total_form_count() if self.is_bound else max(len(self.initial or []), LINES_SHOWN)

    def rows(self) -> list[dict]:
        """What was typed, without the rows left empty."""
        return [form.cleaned_data for form in self.forms if form.has_changed()]


LineForms = forms.formset_factory(
    LineForm, formset=_Lines, extra=0, min_num=1, validate_min=True, max_num=MOST_LINES, absolute_max=MOST_LINES
)


def typed_invoice(header: dict, lines: list[dict], buyer_id: str) -> invoices.Invoice:
    """The typed face as an invoice. Raises `InvoiceRefused` where the lines do not make the printed total."""
    rows = tuple(invoices.Line(**line) for line in lines)
    amount_fen, tax_fen = sum(row.amount_fen for row in rows), sum(row.tax_fen for row in rows)
    if amount_fen + tax_fen != header["total_fen"]:
        raise InvoiceRefused(
            f"各行金额 {grouped(amount_fen)} 元加税额 {grouped(tax_fen)} 元，合计 {grouped(amount_fen + tax_fen)} 元，"
            f"与价税合计 {grouped(header['total_fen'])} 元不符。请对照票面逐行核对。"
        )
    return invoices.Invoice(
        carrier="",
        kind=header["kind"],
        number=header["number"],
        code=header["code"],
        check_code="",
        date=header["date"],
        buyer_name=header["buyer_name"],
        buyer_id=buyer_id,
        seller_name=header["seller_name"],
        seller_id=header["seller_id"],
        amount_fen=amount_fen,
        tax_fen=tax_fen,
        total_fen=header["total_fen"],
        red=False,
        reverses="",
        remark=header["remark"],
        lines=rows,
        warnings=(),
    )


class PaymentForm(forms_of_all.PaymentForm):
    """One bank transfer, with the choice of its receipt."""

    attachment = forms.ChoiceField(label="银行回单", required=False)

    def __init__(self, *args, receipts, **kwargs):
        super().__init__(*args, **kwargs)
        self.receipts = {str(each.pk): each for each in receipts}
        chooser = cast(forms.ChoiceField, self.fields["attachment"])
        chooser.choices = [("", "没有选择"), *((pk, str(each)) for pk, each in self.receipts.items())]

    def clean_attachment(self):
        """The receipt itself."""
        return self.receipts.get(self.cleaned_data["attachment"])

    @staticmethod
    def initial_of(payment: PaymentMade) -> dict:
        """What is entered now."""
        names = ("serial_number", "paid_on", "payer_name", "payee_name", "amount_fen")
        return {name: getattr(payment, name) for name in names} | {"attachment": payment.attachment_id or ""}


class DeclareForm(LookForm):
    """The signature under the declaration."""

    truth = forms.BooleanField(label="真实性承诺")
    unrelated = forms.BooleanField(label="非关联声明")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["truth"].error_messages["required"] = "请阅读真实性承诺，并勾选同意。"
        self.fields["unrelated"].error_messages["required"] = "请阅读关联关系声明，并勾选确认。"


class ReasonForm(LookForm):
    """Why, in the applicant's words."""

    reason = forms.CharField(label="理由", max_length=2000, widget=forms.Textarea(attrs={"rows": 6}))


def header_initial(invoice: Invoice) -> dict:
    """A typed invoice as its form shows it."""
    names = ("kind", "code", "number", "seller_name", "seller_id", "buyer_name", "total_fen", "remark")
    return {name: getattr(invoice, name) for name in names} | {"date": invoice.issued_on}


def lines_initial(invoice: Invoice) -> list[dict]:
    """The lines of a typed invoice as their forms show them."""
    names = ("name", "spec", "unit", "quantity", "unit_price", "amount_fen", "tax_rate", "tax_fen")
    return [{name: getattr(line, name) for name in names} for line in invoice.lines.all()]


def _plain(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def typed_so_far(body: QueryDict) -> tuple[dict, list[dict]]:
    """A half-typed form as the initial values of header and lines: shown as typed, not judged yet."""
    header = {name: body.get(name, "") for name in HeaderForm.base_fields}
    count = body.get("lines-TOTAL_FORMS", "")
    rows = range(min(int(count), MOST_LINES)) if is_number(count) else range(0)
    return header, [{name: body.get(f"lines-{row}-{name}", "") for name in LineForm.base_fields} for row in rows]


def one_more_row(data: QueryDict) -> QueryDict:
    """The same form with three rows more."""
    more = data.copy()
    count = more.get("lines-TOTAL_FORMS", "")
    more["lines-TOTAL_FORMS"] = str(min(int(count) + 3, MOST_LINES)) if is_number(count) else "3"
    return more
