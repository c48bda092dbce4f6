"""What the API takes: the portal's forms with the names that JSON bears, and their description for OpenAPI."""

from __future__ import annotations

from django import forms
from rest_framework import serializers

from vouchers.claims.contracts import ContractFacts
from vouchers.claims.intake import ClaimError
from vouchers.claims.papers import ATTACHMENT_KINDS
from vouchers.claims.services import MAX_UPLOAD_BYTES
from vouchers.forms import LookForm, PaymentForm, PurposeForm, YuanField


def file_of(request) -> tuple[str, bytes]:
    """Name and content of the uploaded `file`. Raises `ClaimError` when there is none."""
    file = request.FILES.get("file")
    if file is None:
        raise ClaimError("没有收到文件。请用 multipart/form-data 的 file 字段上传。")
    # One byte more tells a file that is too large; no more of it is held in memory.
    return file.name or "", file.read(MAX_UPLOAD_BYTES + 1)


class VersionForm(LookForm):
    """The version of the claim that the caller has seen, and a reason where one is needed."""

    version = forms.IntegerField(label="办理版本", min_value=0)
    reason = forms.CharField(label="理由", max_length=2000, required=False)


class ClaimForm(LookForm):
    """Under which voucher a claim is opened."""

    voucher = forms.CharField(label="券号", max_length=30)


class VoucherForm(PurposeForm):
    """An application under one call."""

    call = forms.IntegerField(label="申报通知")


class LineForm(LookForm):
    """Which product an invoice line bought, and what the applicant declares of it."""

    invoice_line = forms.IntegerField(label="发票明细")
    product = forms.IntegerField(label="算力产品")
    seller_related = forms.BooleanField(label="与销售方存在关联关系", required=False)
    subsidised_elsewhere = forms.BooleanField(label="该费用已获其他补助", required=False)
    contract = forms.CharField(label="合同编号", max_length=60, required=False)
    contract_amount = YuanField(label="合同金额", min_fen=1, required=False)
    signed_on = forms.DateField(label="合同签订日期", required=False)
    service_from = forms.DateField(label="服务开始日期", required=False)
    service_until = forms.DateField(label="服务结束日期", required=False)
    classes = forms.JSONField(label="比例档次", required=False)

    def clean_classes(self) -> list[str]:
        """Codes of rate classes. Raises ValidationError."""
        codes = self.cleaned_data["classes"] or []
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise forms.ValidationError('比例档次写成代码的列表，例如 ["startup"]。')
        return codes

    def clean(self) -> dict:
        """What only some calls ask for, as `contract` for the service."""
        data: dict = super().clean() or {}
        days = {name: data.pop(name, None) for name in ("signed_on", "service_from", "service_until")}
        data["contract"] = ContractFacts(
            contract=ContractFacts.plain_number(data.get("contract", "")),
            contract_fen=data.pop("contract_amount", None),
            classes=data.pop("classes", []),
            **days,
        )
        return data


class DeclarationForm(LookForm):
    """The tick below the declaration."""

    agree = forms.BooleanField(label="承诺")


class _Amount(forms.Form):
    """`amount` in yuan, as JSON names it; `amount_fen` for the services."""

    amount = YuanField(label="金额", min_fen=1)

    def clean(self):
        data = super().clean() or {}
        if "amount" in data:
            data["amount_fen"] = data.pop("amount")
        return data


class ApiPaymentForm(_Amount, PaymentForm):
    """A transfer and the id of its receipt."""

    amount_fen = None  # type: ignore[assignment]  # how Django takes a field of the parent away
    attachment = forms.IntegerField(required=False)


class ApiAllocationForm(_Amount, LookForm):
    """How much of a payment paid an invoice."""

    payment = forms.IntegerField(label="付款")
    invoice = forms.IntegerField(label="发票")


# ---- For OpenAPI only: the same, described --------------------------------------------------------------------


class VoucherRequest(serializers.Serializer):
    """An application for a voucher."""

    call = serializers.IntegerField()
    purpose = serializers.CharField(max_length=500)


class ClaimRequest(serializers.Serializer):
    """A new draft."""

    voucher = serializers.CharField()


class FileRequest(serializers.Serializer):
    """A paper."""

    kind = serializers.ChoiceField(ATTACHMENT_KINDS)
    file = serializers.FileField()


class InvoiceRequest(serializers.Serializer):
    """An e-invoice."""

    file = serializers.FileField()


class LineRequest(serializers.Serializer):
    """A claimed line."""

    invoice_line = serializers.IntegerField()
    product = serializers.IntegerField()
    seller_related = serializers.BooleanField(default=False)
    subsidised_elsewhere = serializers.BooleanField(default=False)
    # What the call may ask for besides; amounts are yuan as text.
    contract = serializers.CharField(max_length=60, required=False)
    contract_amount = serializers.CharField(required=False)
    signed_on = serializers.DateField(required=False)
    service_from = serializers.DateField(required=False)
    service_until = serializers.DateField(required=False)
    classes = serializers.ListField(child=serializers.CharField(), required=False)


class PaymentRequest(serializers.Serializer):
    """A transfer. `amount` is yuan as text."""

    serial_number = serializers.CharField(max_length=60)
    paid_on = serializers.DateField()
    payer_name = serializers.CharField(max_length=200)
    payee_name = serializers.CharField(max_length=200)
    amount = serializers.CharField()
    attachment = serializers.IntegerField(required=False)


class AllocationRequest(serializers.Serializer):
    """What of a payment paid an invoice. `amount` is yuan as text."""

    payment = serializers.IntegerField()
    invoice = serializers.IntegerField()
    amount = serializers.CharField()


class DeclarationRequest(serializers.Serializer):
    """The tick."""

    agree = serializers.BooleanField()


class VersionRequest(serializers.Serializer):
    """The version that the caller has seen."""

    version = serializers.IntegerField()
    reason = serializers.CharField(required=False)
