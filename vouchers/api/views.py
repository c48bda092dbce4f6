"""The endpoints. Each is one service of the portal's, for one's own enterprise only."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from applicants.models import Organisation
from applicants.web import acting_for
from providers.selectors import products_on
from vouchers.api import requests, serializers
from vouchers.api.refusals import FormInvalid
from vouchers.calls.models import Call
from vouchers.claims import services as claims
from vouchers.claims.completeness import deficiencies_of
from vouchers.claims.models import Claim
from vouchers.claims.papers import Attachment, Invoice, InvoiceLine, PaymentMade
from vouchers.claims.selectors import claims_of, vouchers_of
from vouchers.review.funding import Case
from vouchers.review.preview import preview
from vouchers.review.services import Actor, fire

CREATED = status.HTTP_201_CREATED
REFUSAL = serializers.RefusalSerializer


class Endpoint(APIView):
    """What every endpoint knows of its caller: an enterprise, and what belongs to it. All else is 404."""

    @property
    def organisation(self) -> Organisation:
        """The enterprise that the caller acts for; the permission has made sure that there is one."""
        return acting_for(self.request)

    def claims(self) -> QuerySet[Claim]:
        """The enterprise's own claims, and those of the ones that merged into it."""
        return claims_of(self.organisation)

    def claim(self) -> Claim:
        """The claim that the address names, if it is the enterprise's own."""
        return get_object_or_404(self.claims(), number=self.kwargs["number"])

    def own(self, claim: Claim, model, pk: int):
        """A row of the organisation that the claim is of, by its id."""
        return get_object_or_404(model, pk=pk, organisation=claim.organisation_id)

    def clean(self, form_class) -> dict:
        """What was sent, made clean. Raises FormInvalid."""
        form = form_class(self.request.data)
        if not form.is_valid():
            raise FormInvalid(form)
        return form.cleaned_data

    def fire(self, verb: str) -> Response:
        """Take a step with the claim that the address names, as the version that the caller has seen."""
        data, claim = self.clean(requests.VersionForm), self.claim()
        fire(claim, verb, actor=Actor(self.request.user), seen_version=data["version"], reason=data["reason"])
        return Response(serializers.ClaimSerializer(self.claim()).data)


class Calls(Endpoint):
    """The calls that are open today."""

    @extend_schema(responses=serializers.CallSerializer(many=True))
    def get(self, request):
        """Open calls, the latest year first."""
        today = settings.CLOCK.today()
        rows = Call.objects.filter(published_at__isnull=False, filing_from__lte=today, filing_until__gte=today)
        return Response(serializers.CallSerializer(rows, many=True).data)


class Products(Endpoint):
    """What the listed providers sell."""

    @extend_schema(
        responses=serializers.ProductSerializer(many=True), parameters=[OpenApiParameter("seller", str, required=True)]
    )
    def get(self, request):
        """The products of the seller with this credit code."""
        rows = products_on(settings.CLOCK.today()).filter(provider__uscc=request.query_params.get("seller", ""))
        return Response(serializers.ProductSerializer(rows[:200], many=True).data)


class Vouchers(Endpoint):
    """The enterprise's vouchers."""

    @extend_schema(responses=serializers.VoucherSerializer(many=True))
    def get(self, request):
        """All of them, the newest first."""
        rows = vouchers_of(self.organisation)
        return Response(serializers.VoucherSerializer(rows, many=True).data)

    @extend_schema(request=requests.VoucherRequest, responses={201: serializers.VoucherSerializer, 422: REFUSAL})
    def post(self, request):
        """Apply for the year's voucher."""
        data = self.clean(requests.VoucherForm)
        call = get_object_or_404(Call, pk=data["call"], published_at__isnull=False)
        voucher = claims.apply_for_voucher(self.organisation, call, purpose=data["purpose"], user=request.user)
        return Response(serializers.VoucherSerializer(voucher).data, CREATED)


class Claims(Endpoint):
    """The enterprise's claims."""

    @extend_schema(responses=serializers.ClaimSerializer(many=True))
    def get(self, request):
        """The newest two hundred."""
        return Response(serializers.ClaimSerializer(self.claims()[:200], many=True).data)

    @extend_schema(request=requests.ClaimRequest, responses={201: serializers.ClaimSerializer, 422: REFUSAL})
    def post(self, request):
        """Open a draft under an issued voucher."""
        data = self.clean(requests.ClaimForm)
        voucher = get_object_or_404(vouchers_of(self.organisation), serial_number=data["voucher"])
        claim = claims.open_claim(voucher, user=request.user)
        return Response(serializers.ClaimSerializer(claim).data, CREATED)


class ClaimDetail(Endpoint):
    """One claim with everything that its amount rests on."""

    @extend_schema(responses=serializers.ClaimDetailSerializer)
    def get(self, request, number):
        """The claim, what is missing, what it would get now and what was decided last."""
        claim = self.claim()
        editable = claim.state in claims.EDITABLE
        last = claim.decisions.order_by("-pk").values_list("result", flat=True).first()
        whole = {
            "claim": claim,
            "lines": claim.lines.all(),
            "allocations": claim.allocations.all(),
            "deficiencies": deficiencies_of(claim) if editable else [],
            "preview": preview(claim) if editable else None,
            "decision": Case.from_json(last).decision if last else None,
        }
        return Response(serializers.ClaimDetailSerializer(whole).data)


class Events(Endpoint):
    """What happened to a claim."""

    @extend_schema(responses=serializers.EventSerializer(many=True))
    def get(self, request, number):
        """Every step, the oldest first."""
        return Response(serializers.EventSerializer(self.claim().events.all(), many=True).data)


class Attachments(Endpoint):
    """The files of a claim."""

    @extend_schema(responses=serializers.AttachmentSerializer(many=True))
    def get(self, request, number):
        """All of them."""
        return Response(serializers.AttachmentSerializer(self.claim().attachments.all(), many=True).data)

    @extend_schema(
        request={"multipart/form-data": requests.FileRequest},
        responses={201: serializers.AttachmentSerializer, 422: REFUSAL},
    )
    def post(self, request, number):
        """Upload a contract, receipt, usage statement or other paper."""
        (name, content), kind = requests.file_of(request), request.data.get("kind", "")
        attachment = claims.upload(self.claim(), kind=kind, name=name, content=content, user=request.user)
        return Response(serializers.AttachmentSerializer(attachment).data, CREATED)


class Invoices(Endpoint):
    """The invoices of a claim."""

    @extend_schema(responses=serializers.InvoiceSerializer(many=True))
    def get(self, request, number):
        """Those whose file was uploaded with the claim, or whose lines it claims."""
        claim = self.claim()
        uploaded = Invoice.objects.filter(organisation=claim.organisation_id, attachment__claim=claim)
        claimed = Invoice.objects.filter(lines__in=claim.lines.values("invoice_line"))
        rows = Invoice.objects.filter(pk__in=uploaded.values("pk").union(claimed.values("pk")))
        return Response(serializers.InvoiceSerializer(rows.prefetch_related("lines"), many=True).data)

    @extend_schema(
        request={"multipart/form-data": requests.InvoiceRequest},
        responses={201: serializers.InvoiceSerializer, 422: REFUSAL},
    )
    def post(self, request, number):
        """Upload an e-invoice; it is read at once."""
        name, content = requests.file_of(request)
        invoice = claims.add_invoice_file(self.claim(), name=name, content=content, user=request.user)
        return Response(serializers.InvoiceSerializer(invoice).data, CREATED)


class Lines(Endpoint):
    """The invoice lines that a claim asks a subsidy for."""

    @extend_schema(request=requests.LineRequest, responses={201: serializers.ClaimLineSerializer, 422: REFUSAL})
    def post(self, request, number):
        """Claim an invoice line, saying which product it bought."""
        data, claim = self.clean(requests.LineForm), self.claim()
        lines = InvoiceLine.objects.filter(invoice__organisation=claim.organisation_id).select_related("invoice")
        line = get_object_or_404(lines, pk=data.pop("invoice_line"))
        product = get_object_or_404(products_on(line.invoice.issued_on), pk=data.pop("product"))
        made = claims.declare_line(claim, line, product, user=request.user, **data)
        return Response(serializers.ClaimLineSerializer(made).data, CREATED)


class Payments(Endpoint):
    """Bank transfers of the enterprise."""

    @extend_schema(responses=serializers.PaymentSerializer(many=True))
    def get(self, request, number):
        """Those that paid invoices of this claim."""
        rows = PaymentMade.objects.filter(allocations__claim=self.claim()).distinct()
        return Response(serializers.PaymentSerializer(rows, many=True).data)

    @extend_schema(request=requests.PaymentRequest, responses={201: serializers.PaymentSerializer, 422: REFUSAL})
    def post(self, request, number):
        """Enter a transfer; `attachment` is the id of its receipt."""
        data, claim = self.clean(requests.ApiPaymentForm), self.claim()
        pk = data.pop("attachment")
        receipt = self.own(claim, Attachment, pk) if pk else None
        payment = claims.record_payment(claim, attachment=receipt, user=request.user, **data)
        return Response(serializers.PaymentSerializer(payment).data, CREATED)


class Allocations(Endpoint):
    """Which payment paid which invoice."""

    @extend_schema(request=requests.AllocationRequest, responses={201: serializers.AllocationSerializer, 422: REFUSAL})
    def post(self, request, number):
        """Say how much of a payment paid an invoice."""
        data, claim = self.clean(requests.ApiAllocationForm), self.claim()
        payment, invoice = self.own(claim, PaymentMade, data["payment"]), self.own(claim, Invoice, data["invoice"])
        made = claims.allocate(claim, payment, invoice, data["amount_fen"], user=request.user)
        return Response(serializers.AllocationSerializer(made).data, CREATED)


class Declaration(Endpoint):
    """The declaration of truth."""

    @extend_schema(request=requests.DeclarationRequest, responses={200: serializers.ClaimSerializer, 422: REFUSAL})
    def post(self, request, number):
        """Sign it."""
        self.clean(requests.DeclarationForm)
        claim = self.claim()
        claims.sign_declaration(claim, user=request.user)
        return Response(serializers.ClaimSerializer(claim).data)


class Submission(Endpoint):
    """Handing a claim in."""

    @extend_schema(
        request=requests.VersionRequest, responses={200: serializers.ClaimSerializer, 409: REFUSAL, 422: REFUSAL}
    )
    def post(self, request, number):
        """Submit a draft, or submit a returned claim again."""
        return self.fire("resubmit" if self.claim().state == "returned" else "submit")


class Withdrawal(Endpoint):
    """Taking a claim back."""

    @extend_schema(
        request=requests.VersionRequest, responses={200: serializers.ClaimSerializer, 409: REFUSAL, 422: REFUSAL}
    )
    def post(self, request, number):
        """Withdraw the claim."""
        return self.fire("withdraw")
