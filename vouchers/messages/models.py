"""The message row, which is also the outbox."""

from django.conf import settings
from django.db import models
from django.db.models import Q

CHANNELS = [("portal", "站内通知"), ("email", "电子邮件")]
STATES = [("waiting", "待发送"), ("sent", "已发送"), ("failed", "发送失败")]


class Message(models.Model):
    """One message to one organisation, or one officer, by one channel. A portal message is delivered by being here."""

    organisation = models.ForeignKey(
        "applicants.Organisation", models.PROTECT, null=True, related_name="+", verbose_name="单位"
    )
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="工作人员"
    )
    channel = models.CharField("渠道", max_length=8, choices=CHANNELS)
    address = models.CharField("地址", max_length=254, blank=True)
    subject = models.CharField("标题", max_length=200)
    body = models.TextField("内容")
    state = models.CharField("状态", max_length=8, choices=STATES, default="waiting")
    attempts = models.PositiveSmallIntegerField("发送次数", default=0)
    created_at = models.DateTimeField("时间")
    sent_at = models.DateTimeField("发送时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "通知"
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["id"], condition=models.Q(state="waiting"), name="message_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=Q(organisation__isnull=False, officer=None) | Q(organisation=None, officer__isnull=False),
                name="message_has_one_addressee",
            )
        ]

    def __str__(self):
        return self.subject
