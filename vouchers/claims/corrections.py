"""What a claim was returned for: one list, which the applicant answers item by item (补正)."""

from __future__ import annotations

from django.conf import settings
from django.db import models, transaction

from accounts.locks import refuse_when_locked
from vouchers.claims.intake import ClaimError
from vouchers.claims.models import Claim
from vouchers.claims.services import require_editable

LONGEST_ANSWER = 1000


class CorrectionItem(models.Model):
    """One thing to mend, and what the applicant answered. `claim_version` is the version that the return made."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="corrections", verbose_name="申请")
    claim_version = models.PositiveIntegerField("办理版本")
    position = models.PositiveSmallIntegerField("序号")
    text = models.CharField("补正意见", max_length=500)
    answer = models.CharField("答复", max_length=LONGEST_ANSWER, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="答复人"
    )
    answered_at = models.DateTimeField("答复时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "补正意见"
        ordering = ["claim", "claim_version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["claim", "claim_version", "position"], name="correction_item_once"),
            models.CheckConstraint(condition=~models.Q(text=""), name="correction_item_says_something"),
        ]

    def __str__(self):
        return f"{self.position}. {self.text}"


def open_items(claim: Claim) -> list[CorrectionItem]:
    """The list that the claim was returned with, while it is to be mended; else nothing."""
    if claim.state != "returned":
        return []
    return list(claim.corrections.filter(claim_version=claim.version))


def answer_item(item: CorrectionItem, text: str, *, user) -> CorrectionItem:
    """Answer one item, or answer it anew. Raises `ClaimError` when the claim is not being corrected."""
    text = text.strip()
    if not text:
        raise ClaimError("请写明如何补正的，例如“已重新上传加盖公章的合同”。")
    if len(text) > LONGEST_ANSWER:
        raise ClaimError(f"答复最多 {LONGEST_ANSWER} 个字，请精简。")
    with refuse_when_locked(), transaction.atomic():
        require_editable(item.claim, user)
        item.claim.refresh_from_db(fields=["state", "version"])
        if (item.claim.state, item.claim.version) != ("returned", item.claim_version):
            raise ClaimError("这项补正意见已经处理完毕，不能再答复。请刷新页面。")
        item.answer, item.answered_by, item.answered_at = text, user, settings.CLOCK.now()
        item.save(update_fields=["answer", "answered_by", "answered_at"])
    return item
