"""Printed documents: one row a file, never changed."""

from django.db import models


class Document(models.Model):
    """A PDF or workbook that the portal made, with the sha256 of its bytes and a short code to check it by."""

    kind = models.CharField("种类", max_length=20)
    subject = models.CharField("对象", max_length=60)
    title = models.CharField("标题", max_length=200)
    file_name = models.CharField("文件名", max_length=200)
    stored_name = models.CharField("存储名", max_length=100, unique=True, editable=False)
    sha256 = models.CharField("校验值", max_length=64)
    size = models.PositiveIntegerField("大小（字节）")
    short_code = models.CharField("查验码", max_length=16, unique=True)
    made_at = models.DateTimeField("生成时间")

    class Meta:
        verbose_name = verbose_name_plural = "文书"
        ordering = ["-made_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="document_once")]

    def __str__(self):
        return self.title
