"""Half-typed forms: what a clerk has typed so far is there again, in another tab, tomorrow, after signing in anew.

They are no papers yet and prove nothing. A form that was saved for good is forgotten here.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from vouchers.claims.models import Claim

MOST_CHARACTERS = 200_000


class HalfTyped(models.Model):
    """What was typed into one form of a claim: the form as a query string, when, and by whom."""

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="+", verbose_name="申请")
    form = models.CharField("表单", max_length=60)
    body = models.TextField("内容")
    at = models.DateTimeField("保存时间")
    by = models.CharField("填写人", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "未提交的填写内容"
        constraints = [models.UniqueConstraint(fields=["claim", "form"], name="half_typed_once")]

    def __str__(self):
        return f"{self.claim_id} {self.form}"

    @property
    def mark(self) -> str:
        """A mark of this state of the form."""
        return f"{self.at.timestamp():.6f}"


def half_typed(claim: Claim, form: str) -> HalfTyped | None:
    """What was typed into this form of the claim last, if anything."""
    return HalfTyped.objects.filter(claim=claim, form=form).first()


def keep_half_typed(claim: Claim, form: str, body: str, *, user) -> HalfTyped | None:
    """Keep what was typed; None when it is too long to be a form of ours."""
    if len(body) > MOST_CHARACTERS:
        return None
    typed = {"body": body, "at": settings.CLOCK.now(), "by": user.name}
    return HalfTyped.objects.update_or_create(claim=claim, form=form, defaults=typed)[0]


def suggest(claim: Claim, form: str, body: str, *, by: str) -> bool:
    """Fill in a form that nobody has begun to type; returns whether it was."""
    if len(body) > MOST_CHARACTERS:
        return False
    filled = {"body": body, "at": settings.CLOCK.now(), "by": by}
    return HalfTyped.objects.get_or_create(claim=claim, form=form, defaults=filled)[1]


def forms_by(claim: Claim, by: str) -> set[str]:
    """The forms of the claim that `by` was the last to fill in."""
    return set(HalfTyped.objects.filter(claim=claim, by=by).values_list("form", flat=True))


def forget_half_typed(claim: Claim, form: str) -> None:
    """The form was saved for good."""
    HalfTyped.objects.filter(claim=claim, form=form).delete()
