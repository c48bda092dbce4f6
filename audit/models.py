"""The rows of the audit trail. They are written by `audit.services` and by the database itself.

An entry is inserted plain. When its transaction commits, the database links it into a chain of
hashes (migration 0002): the runtime role can add entries, and can write nothing else here.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One thing that somebody did, or was refused. Never changed, never deleted."""

    at = models.DateTimeField("发生时间", help_text="办理时的业务时钟")
    recorded_at = models.DateTimeField("记录时间", db_default=Now(), editable=False)
    actor = models.TextField("操作人")
    action = models.TextField("操作")
    subject = models.TextField("对象", help_text="办理的对象，写作“类别:编号”")
    ok = models.BooleanField("成功", default=True)
    detail = models.JSONField("详情", default=dict)
    request_id = models.TextField("请求编号", blank=True, default="")
    ip = models.TextField("来源地址", blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "审计记录"
        indexes = [models.Index(fields=["subject", "id"], name="audit_entry_subject")]

    def __str__(self):
        return f"{self.actor} {self.action} {self.subject}"


class ChainLink(models.Model):
    """The place of one entry in the chain. `seq` runs from 1 without a gap, in the order of commits.

    No foreign key in the database: it would be one more thing to wait for while the chain's head is locked, entries
    are never deleted, and `verify_chain` finds a link without its entry.
    """

    seq = models.BigIntegerField("序号", primary_key=True)
    entry = models.OneToOneField(AuditEntry, models.PROTECT, related_name="link", db_constraint=False)
    prev_hash = models.BinaryField("前一摘要", unique=True)
    hash = models.BinaryField("摘要")
    algorithm = models.CharField("算法", max_length=20)

    class Meta:
        verbose_name = verbose_name_plural = "审计链"

    def __str__(self):
        return f"{self.seq} {bytes(self.hash).hex()}"


class ChainHead(models.Model):
    """The one row that says where the chain ends. Whoever commits an entry locks it, last of all locks."""

    id = models.SmallIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    prev_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        constraints = [models.CheckConstraint(name="audit_chainhead_is_one_row", condition=Q(id=1))]

    def __str__(self):
        return f"{self.seq} {bytes(self.hash).hex()}"
