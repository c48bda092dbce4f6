"""The ledger's rows. Only the database function `ledger_post` writes them (migration 0002); rooms read them
through `vouchers.ledger.selectors`.

Everything sums to zero: the two accounts outside (`treasury` for money, `statute` for room under the yearly cap)
are never above zero, all others never below.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.db.models.lookups import GreaterThanOrEqual

from audit.models import AuditEntry
from vouchers.ledger import kinds


class Account(models.Model):
    """One account and its balance, which is always the sum of its transfers. Its key says what it is.

    `sign` is -1 for the accounts outside and 1 for all others; a balance never has the other sign.
    """

    key = models.CharField("账户", max_length=120, primary_key=True, db_collation="C")
    kind = models.CharField("类别", max_length=10, choices=list(kinds.ACCOUNT_LABELS.items()))
    sign = models.SmallIntegerField(editable=False)
    balance_fen = models.BigIntegerField("余额（分）", default=0)

    class Meta:
        db_table = "ledger_account"
        verbose_name = verbose_name_plural = "账户"
        constraints = [
            models.CheckConstraint(
                name="ledger_account_sign", condition=GreaterThanOrEqual(F("balance_fen") * F("sign"), 0)
            )
        ]

    def __str__(self):
        return self.key


class Transfer(models.Model):
    """An amount that moved from `source` to `target`. Never changed, never deleted.

    `key` is its kind and what caused it, so the same cause never moves money twice. `entry` is the audit entry
    of the whole movement it is part of. Migration 0002 adds the triggers that know which kind moves between which
    accounts and what it must say.

    The database has no foreign keys here: checking them would share-lock the pool's row before its turn (accounts are
    made by the same function, and never deleted). The check of the books looks instead.
    """

    kind = models.CharField("类型", max_length=10, choices=list(kinds.TRANSFER_LABELS.items()))
    source = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_column="source", db_index=False, db_constraint=False,
        verbose_name="转出账户",
    )  # fmt: skip
    target = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_column="target", db_index=False, db_constraint=False,
        verbose_name="转入账户",
    )  # fmt: skip
    amount_fen = models.BigIntegerField("金额（分）")
    key = models.CharField("唯一键", max_length=160, db_collation="C")
    subject = models.CharField("对象", max_length=100)
    actor = models.CharField("操作人", max_length=200)
    at = models.DateTimeField("发生时间")
    recorded_at = models.DateTimeField("记录时间", db_default=Now(), editable=False)
    reason = models.CharField("调整原因", max_length=20, blank=True, choices=list(kinds.ADJUST_REASONS.items()))
    note = models.CharField("依据或说明", max_length=500, blank=True)
    original = models.ForeignKey(
        "self", models.PROTECT, to_field="key", related_name="reversals", null=True, db_column="original",
        db_index=False, db_constraint=False, verbose_name="冲回的拨付",
    )  # fmt: skip
    entry = models.ForeignKey(
        AuditEntry, models.PROTECT, related_name="+", db_index=False, db_constraint=False, verbose_name="审计记录"
    )

    class Meta:
        db_table = "ledger_transfer"
        verbose_name = verbose_name_plural = "转账"
        indexes = [
            models.Index(fields=["source", "id"], name="ledger_transfer_out"),
            models.Index(fields=["target", "id"], name="ledger_transfer_in"),
            models.Index(fields=["original"], condition=Q(original__isnull=False), name="ledger_transfer_reversals"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="ledger_transfer_once"),
            models.CheckConstraint(name="ledger_transfer_amount", condition=Q(amount_fen__gt=0)),
        ]

    def __str__(self):
        return self.key


class ClosedYear(models.Model):
    """A scheme's fiscal year whose books are closed (年度结账). Rows are only added, by a signed order.

    Triggers refuse every transfer of the year's pool and caps but what the law of close permits (migration 0011).
    """

    period = models.CharField("年度", max_length=60, primary_key=True, db_collation="C")
    order = models.OneToOneField("vouchers.Order", models.PROTECT, related_name="closed", verbose_name="资金办理单")
    closed_at = models.DateTimeField("结账时间")
    recorded_at = models.DateTimeField("记录时间", db_default=Now(), editable=False)

    class Meta:
        db_table = "ledger_closedyear"
        verbose_name = verbose_name_plural = "已结账年度"

    def __str__(self):
        return self.period
