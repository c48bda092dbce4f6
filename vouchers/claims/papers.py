"""What an applicant hands in: files, invoices, payments, and which payment paid which invoice."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Concat
from simple_history.models import HistoricalRecords

from vouchers.claims.models import Claim
from vouchers.documents.storage import INFECTED, QUARANTINE

ATTACHMENT_KINDS = [
    ("invoice", "发票"),
    ("contract", "算力服务合同"),
    ("receipt", "银行回单"),
    ("usage", "用量清单"),
    ("other", "其他材料"),
]
READ_BY = [("machine", "系统识读"), ("typed", "人工填写"), ("officer", "税务平台查得")]
SERVICES = [("intelligent", "智能算力"), ("general", "通用算力"), ("super", "超算算力"), ("other", "其他")]
LOCATIONS = [("local", "本市"), ("external", "外地")]


class Attachment(models.Model):
    """An uploaded file. Its stored name is made by the server; the original name is only shown."""

    organisation = models.ForeignKey("applicants.Organisation", models.PROTECT, related_name="+", verbose_name="单位")
    claim = models.ForeignKey(Claim, models.PROTECT, null=True, related_name="attachments", verbose_name="申请")
    kind = models.CharField("材料类别", max_length=10, choices=ATTACHMENT_KINDS)
    original_name = models.CharField("文件名", max_length=255)
    stored_name = models.CharField("存储名", max_length=100, unique=True, editable=False)
    sha256 = models.CharField("校验值", max_length=64, editable=False)
    size = models.PositiveIntegerField("大小（字节）")
    pages = models.PositiveSmallIntegerField("可显示的页数", default=0, editable=False)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上传人")
    uploaded_at = models.DateTimeField("上传时间")

    class Meta:
        verbose_name = verbose_name_plural = "申报材料"
        ordering = ["uploaded_at", "pk"]

    def __str__(self):
        return self.original_name

    @property
    def infected(self) -> bool:
        """Whether the virus scanner has condemned it. Its bytes are gone."""
        return self.stored_name.startswith(INFECTED)

    @property
    def held(self) -> bool:
        """Whether it still waits for the virus scanner, and nobody may read it."""
        return self.stored_name.startswith(QUARANTINE) and not self.infected


class Invoice(models.Model):
    """An invoice made out to the applicant. One row a number in the whole system, binding from submission.

    Drafts of two organisations may both hold a number; only one of them can ever be bound, so that nobody blocks
    another's number with a draft. `allocated_fen` is what live claims say was paid on it; a trigger keeps it.

    `boxes` and `seals` are what its file said when it was read (`vouchers.invoices.invoice`). A red letter that an
    officer found at the tax platform is `read_by` "officer": its enterprise cannot take it away, and a mistaken one is
    `withdrawn_at`.
    """

    # Its unique constraints begin with the organisation: an index of its own is one more to write.
    organisation = models.ForeignKey(
        "applicants.Organisation", models.PROTECT, related_name="+", verbose_name="单位", db_index=False
    )
    attachment = models.ForeignKey(Attachment, models.PROTECT, null=True, related_name="invoices", verbose_name="文件")
    read_by = models.CharField("录入方式", max_length=8, choices=READ_BY)
    carrier = models.CharField("载体", max_length=8, blank=True)
    kind = models.CharField("票种", max_length=20)
    code = models.CharField("发票代码", max_length=12, blank=True)
    number = models.CharField("发票号码", max_length=20)
    check_code = models.CharField("校验码", max_length=20, blank=True)
    issued_on = models.DateField("开票日期")
    buyer_name = models.CharField("购买方名称", max_length=200)
    buyer_id = models.CharField("购买方识别号", max_length=20)
    seller_name = models.CharField("销售方名称", max_length=200)
    seller_id = models.CharField("销售方识别号", max_length=20)
    amount_fen = models.BigIntegerField("金额（分）")
    tax_fen = models.BigIntegerField("税额（分）")
    total_fen = models.BigIntegerField("价税合计（分）")
    red = models.BooleanField("红字", default=False)
    reverses = models.CharField("被红冲蓝字发票号码", max_length=32, blank=True)
    refunded_fen = models.BigIntegerField("已退款（分）", default=0)
    remark = models.TextField("备注", blank=True)
    warnings = models.JSONField("识读提示", default=list)
    boxes = models.JSONField("各项在原件中的位置", default=list, editable=False)
    seals = models.JSONField("签章核验", default=list, editable=False)
    withdrawn_at = models.DateTimeField("登记撤销时间", null=True, editable=False)
    bound_at = models.DateTimeField("锁定时间", null=True, editable=False)
    allocated_fen = models.BigIntegerField("已使用金额（分）", default=0, editable=False)
    history = HistoricalRecords(verbose_name="发票修改记录", excluded_fields=["allocated_fen", "boxes", "seals"])

    class Meta:
        verbose_name = verbose_name_plural = "发票"
        ordering = ["-issued_on", "number"]
        indexes = [
            models.Index(fields=["organisation", "reverses"], condition=Q(red=True), name="invoice_red_letters"),
            models.Index(fields=["seller_id", "issued_on", "total_fen"], name="invoice_alike"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "code", "number"], name="invoice_once_in_organisation"),
            # What a foreign key of a claim's papers refers to: the invoice, of this organisation.
            models.UniqueConstraint(fields=["organisation", "id"], name="invoice_of_organisation"),
            # However it is split into code and number.
            models.UniqueConstraint(
                Concat("code", "number"), condition=Q(bound_at__isnull=False), name="invoice_number_once"
            ),
            models.CheckConstraint(condition=Q(total_fen=F("amount_fen") + F("tax_fen")), name="invoice_adds_up"),
            models.CheckConstraint(
                condition=Q(red=True, total_fen__lte=0) | Q(red=False, total_fen__gte=0), name="invoice_sign_is_colour"
            ),
            models.CheckConstraint(
                condition=Q(allocated_fen__gte=0) & (Q(red=True) | Q(allocated_fen__lte=F("total_fen"))),
                name="invoice_paid_once",
            ),
            models.CheckConstraint(
                condition=Q(refunded_fen=0) | (Q(red=True, refunded_fen__gte=0) & Q(refunded_fen__lte=-F("total_fen"))),
                name="invoice_refund_within_red",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(read_by="officer", bound_at__isnull=True),
                name="invoice_withdrawn_by_officers",
            ),
        ]

    def __str__(self):
        return self.number


class InvoiceLine(models.Model):
    """One line of an invoice, as printed."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="lines", verbose_name="发票", db_index=False)
    position = models.PositiveSmallIntegerField("行号")
    name = models.CharField("项目名称", max_length=300)
    spec = models.CharField("规格型号", max_length=200, blank=True)
    unit = models.CharField("单位", max_length=40, blank=True)
    quantity = models.CharField("数量", max_length=40, blank=True)
    unit_price = models.CharField("单价", max_length=40, blank=True)
    amount_fen = models.BigIntegerField("金额（分）")
    tax_rate = models.CharField("税率", max_length=20, blank=True)
    tax_fen = models.BigIntegerField("税额（分）")

    class Meta:
        verbose_name = verbose_name_plural = "发票明细"
        ordering = ["invoice", "position"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="line_position_once"),
            models.UniqueConstraint(fields=["invoice", "id"], name="line_of_invoice"),
        ]

    def __str__(self):
        return self.name


class InvoiceCopy(models.Model):
    """Another file of an invoice that was entered already, and on which fields the two differ.

    Each difference has `field`, `label`, `entered` and `copy` (texts as people read them).
    """

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="copies", verbose_name="发票")
    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="copy", verbose_name="文件")
    carrier = models.CharField("载体", max_length=8)
    differences = models.JSONField("不一致之处", default=list)
    found_at = models.DateTimeField("发现时间")

    class Meta:
        verbose_name = verbose_name_plural = "发票的其他文件"
        ordering = ["invoice", "pk"]

    def __str__(self):
        return f"{self.invoice_id} {self.carrier}"


class DoubtAnswer(models.Model):
    """What the enterprise says to a doubt about its invoice. The latest answer to a code counts; none is changed."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="answers", verbose_name="发票")
    code = models.CharField("疑点", max_length=60)
    text = models.CharField("说明", max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="说明人")
    at = models.DateTimeField("说明时间")

    class Meta:
        verbose_name = verbose_name_plural = "发票疑点说明"
        ordering = ["invoice", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="doubt_answer_says_something")]

    def __str__(self):
        return self.text


class ClaimLine(models.Model):
    """An invoice line that the claim asks a subsidy for, with what the applicant declares of it.

    Contract, days of service and rate classes are what only some calls ask for.

    In the database it also has `organisation_id` and `invoice_id`, which a trigger writes: foreign keys over them keep
    claim, invoice and line of one organisation and of each other (0014_witness.sql).
    """

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="lines", verbose_name="申请")
    invoice_line = models.ForeignKey(InvoiceLine, models.PROTECT, related_name="+", verbose_name="发票明细")
    product = models.ForeignKey(
        "providers.Product", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="算力产品"
    )
    service = models.CharField("服务类别", max_length=12, choices=SERVICES)
    location = models.CharField("算力所在地", max_length=10, choices=LOCATIONS)
    seller_related = models.BooleanField("与销售方关联", default=False)
    subsidised_elsewhere = models.BooleanField("已获其他补助", default=False)
    contract = models.CharField("合同编号", max_length=60, blank=True, default="")
    contract_fen = models.BigIntegerField("合同金额（分）", null=True, blank=True)
    signed_on = models.DateField("合同签订日", null=True, blank=True)
    service_from = models.DateField("服务开始", null=True, blank=True)
    service_until = models.DateField("服务结束", null=True, blank=True)
    classes = models.JSONField("比例档次", blank=True, default=list)

    class Meta:
        verbose_name = verbose_name_plural = "申请明细"
        ordering = ["claim", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["claim", "invoice_line"], name="claim_line_once"),
            models.CheckConstraint(
                condition=Q(contract_fen=None) | Q(contract_fen__gte=0), name="claim_line_contract_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(service_from=None, service_until=None) | Q(service_from__lte=F("service_until")),
                name="claim_line_service_in_order",
            ),
        ]

    def __str__(self):
        return f"{self.claim_id}-{self.pk}"


class PaymentMade(models.Model):
    """A bank transfer by which the applicant paid for compute (付款)."""

    organisation = models.ForeignKey(
        "applicants.Organisation", models.PROTECT, related_name="+", verbose_name="单位", db_index=False
    )
    attachment = models.ForeignKey(Attachment, models.PROTECT, null=True, related_name="+", verbose_name="银行回单")
    serial_number = models.CharField("交易流水号", max_length=60)
    paid_on = models.DateField("付款日期")
    payer_name = models.CharField("付款人", max_length=200)
    payee_name = models.CharField("收款人", max_length=200)
    amount_fen = models.BigIntegerField("付款金额（分）")
    allocated_fen = models.BigIntegerField("已使用金额（分）", default=0, editable=False)
    history = HistoricalRecords(verbose_name="付款修改记录", excluded_fields=["allocated_fen"])

    class Meta:
        verbose_name = verbose_name_plural = "付款记录"
        ordering = ["paid_on", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "serial_number"], name="payment_made_once"),
            models.UniqueConstraint(fields=["organisation", "id"], name="payment_made_of_organisation"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payment_made_positive"),
            models.CheckConstraint(
                condition=Q(allocated_fen__gte=0, allocated_fen__lte=F("amount_fen")), name="payment_made_used_once"
            ),
        ]

    def __str__(self):
        return self.serial_number


class Allocation(models.Model):
    """How much of one payment paid one invoice, claimed in one claim.

    `live` from submission until the claim is closed without payment; only live rows count against the invoice and
    the payment, and a trigger adds them up there. In the database it also has the claim's `organisation_id`, written by a
    trigger: foreign keys over it keep claim, payment and invoice of one organisation (0014_witness.sql).
    """

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="allocations", verbose_name="申请")
    payment = models.ForeignKey(PaymentMade, models.PROTECT, related_name="allocations", verbose_name="付款")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="allocations", verbose_name="发票")
    amount_fen = models.BigIntegerField("金额（分）")
    live = models.BooleanField("已计入", default=False, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "付款对应"
        ordering = ["claim", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["claim", "payment", "invoice"], name="allocation_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="allocation_positive"),
        ]

    def __str__(self):
        return f"{self.payment_id}→{self.invoice_id}"


class InvoiceClash(models.Model):
    """A number that two organisations claim: something for the bureau to look into."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="+", verbose_name="后提交的申请")
    code = models.CharField("发票代码", max_length=12, blank=True)
    number = models.CharField("发票号码", max_length=20)
    found_at = models.DateTimeField("发现时间")

    class Meta:
        verbose_name = verbose_name_plural = "发票号码冲突"
        ordering = ["-found_at"]

    def __str__(self):
        return self.number
