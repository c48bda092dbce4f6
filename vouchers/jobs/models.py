"""The job row."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

STATES = [
    ("waiting", "等待执行"),
    ("running", "执行中"),
    ("done", "已完成"),
    ("dead", "多次失败，已停止"),
]


class Job(models.Model):
    """One piece of long work on one subject, such as the export of a batch.

    A worker takes a lease; when it dies the lease runs out and another worker goes on. All times here are the
    database's own, because a lease must not depend on which machine looks at it.
    """

    kind = models.CharField("任务", max_length=30)
    subject = models.CharField("对象", max_length=60)
    state = models.CharField("状态", max_length=8, choices=STATES, default="waiting")
    done = models.PositiveIntegerField("已完成", default=0)
    total = models.PositiveIntegerField("总数", default=0)
    message = models.CharField("进展", max_length=200, blank=True)
    error = models.TextField("错误", blank=True)
    attempts = models.PositiveSmallIntegerField("执行次数", default=0)
    lease = models.UUIDField("占用标识", null=True, editable=False)
    lease_until = models.DateTimeField("占用至", null=True, editable=False)
    not_before = models.DateTimeField("不早于", null=True, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="发起人"
    )
    requested_at = models.DateTimeField("发起时间", db_default=models.functions.Now())
    finished_at = models.DateTimeField("完成时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "后台任务"
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(state__in=["waiting", "running"]), name="job_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="job_progress_within_total"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease__isnull=False, lease_until__isnull=False),
                name="job_running_has_lease",
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.subject}"
