"""What the API answers. Output only: what comes in passes the forms of `vouchers.forms`. Money is yuan as text."""

from __future__ import annotations

from rest_framework import serializers

from vouchers import money, workflow
from vouchers.calls.models import Call
from vouchers.claims.models import Claim, Voucher
from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, InvoiceLine, PaymentMade
from vouchers.review.models import ClaimEvent

# For the names in OpenAPI.
CLAIM_STATES = workflow.CLAIM.choices()
VOUCHER_STATES = workflow.VOUCHER.choices()


class Yuan(serializers.CharField):
    """Fen as yuan with two decimals."""

    def to_representation(self, value):
        """123450 → "1234.50"."""
        return money.yuan(value)


class CallSerializer(serializers.ModelSerializer):
    """A call that is open."""

    annual_cap = Yuan(source="annual_cap_fen")

    class Meta:
        model = Call
        fields = [
            "id", "scheme", "fiscal_year", "title", "citation", "local_rate", "external_rate", "annual_cap",
            "spend_from", "spend_until", "filing_from", "filing_until",
        ]  # fmt: skip


class ProductSerializer(serializers.Serializer):
    """Something that the listed providers sell."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    provider = serializers.CharField(source="provider.name")
    provider_uscc = serializers.CharField(source="provider.uscc")
    centre = serializers.CharField(source="centre.name")
    local = serializers.BooleanField(source="centre.in_wuxi")
    service = serializers.CharField()
    unit = serializers.CharField()


class VoucherSerializer(serializers.ModelSerializer):
    """One of the enterprise's vouchers."""

    state_label = serializers.CharField(source="get_state_display")

    class Meta:
        model = Voucher
        fields = ["serial_number", "scheme", "fiscal_year", "state", "state_label", "purpose", "applied_at"]


class ClaimSerializer(serializers.ModelSerializer):
    """One of the enterprise's claims, as far as a list shows it."""

    voucher = serializers.CharField(source="voucher.serial_number")
    state_label = serializers.CharField(source="get_state_display")
    computed = Yuan(source="computed_fen")
    granted = Yuan(source="granted_fen")

    class Meta:
        model = Claim
        fields = [
            "number", "voucher", "state", "state_label", "version", "computed", "granted", "queue_number", "waiting",
            "created_at", "submitted_at", "correction_due", "publicised_until",
        ]  # fmt: skip


class EventSerializer(serializers.ModelSerializer):
    """One step of a claim, without the names of officers."""

    verb_label = serializers.CharField(source="get_verb_display")

    class Meta:
        model = ClaimEvent
        fields = ["version", "verb", "verb_label", "source", "target", "reason", "at"]


class AttachmentSerializer(serializers.ModelSerializer):
    """An uploaded file."""

    class Meta:
        model = Attachment
        fields = ["id", "kind", "original_name", "sha256", "size", "uploaded_at"]


class InvoiceLineSerializer(serializers.ModelSerializer):
    """A line of an invoice."""

    amount = Yuan(source="amount_fen")
    tax = Yuan(source="tax_fen")

    class Meta:
        model = InvoiceLine
        fields = ["id", "position", "name", "spec", "unit", "quantity", "unit_price", "amount", "tax_rate", "tax"]


class InvoiceSerializer(serializers.ModelSerializer):
    """An invoice with its lines and what the reader doubts."""

    amount = Yuan(source="amount_fen")
    tax = Yuan(source="tax_fen")
    total = Yuan(source="total_fen")
    lines = InvoiceLineSerializer(many=True)

    class Meta:
        model = Invoice
        fields = [
            "id", "read_by", "carrier", "kind", "code", "number", "issued_on", "buyer_name", "buyer_id", "seller_name",
            "seller_id", "amount", "tax", "total", "red", "warnings", "lines",
        ]  # fmt: skip


class ClaimLineSerializer(serializers.ModelSerializer):
    """An invoice line that the claim asks a subsidy for."""

    contract_amount = Yuan(source="contract_fen", allow_null=True)

    class Meta:
        model = ClaimLine
        fields = [
            "id", "invoice_line", "product", "service", "location", "seller_related", "subsidised_elsewhere",
            "contract", "contract_amount", "signed_on", "service_from", "service_until", "classes",
        ]  # fmt: skip


class PaymentSerializer(serializers.ModelSerializer):
    """A bank transfer."""

    amount = Yuan(source="amount_fen")

    class Meta:
        model = PaymentMade
        fields = ["id", "serial_number", "paid_on", "payer_name", "payee_name", "amount"]


class AllocationSerializer(serializers.ModelSerializer):
    """What of a payment paid an invoice."""

    amount = Yuan(source="amount_fen")

    class Meta:
        model = Allocation
        fields = ["id", "payment", "invoice", "amount"]


class LineResultSerializer(serializers.Serializer):
    """What a line makes, and why it does not."""

    ref = serializers.CharField()
    base = Yuan(source="base_fen")
    rate = serializers.SerializerMethodField()
    subsidy = Yuan(source="subsidy_fen")
    reason = serializers.CharField()

    def get_rate(self, line) -> str:
        """The rate as text."""
        return money.rate_text(line.rate)


class StepSerializer(serializers.Serializer):
    """One step of the explanation."""

    rule = serializers.CharField()
    citation = serializers.CharField()
    text = serializers.CharField()


class DecisionSerializer(serializers.Serializer):
    """An amount and why it is what it is."""

    eligible = serializers.BooleanField()
    computed = Yuan(source="computed_fen")
    granted = Yuan(source="granted_fen")
    binding = serializers.CharField()
    lines = LineResultSerializer(many=True)
    trace = StepSerializer(many=True)


class DeficiencySerializer(serializers.Serializer):
    """One thing that keeps the claim from being submitted."""

    code = serializers.CharField()
    message = serializers.CharField()


class ClaimDetailSerializer(serializers.Serializer):
    """A whole claim: `preview` is what would be decided now, `decision` what was decided last."""

    claim = ClaimSerializer()
    lines = ClaimLineSerializer(many=True)
    allocations = AllocationSerializer(many=True)
    deficiencies = DeficiencySerializer(many=True)
    preview = DecisionSerializer(allow_null=True)
    decision = DecisionSerializer(allow_null=True)


class RefusalSerializer(serializers.Serializer):
    """Why something was not done."""

    code = serializers.CharField()
    message = serializers.CharField()
