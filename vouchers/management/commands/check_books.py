"""`manage.py check_books`: is every fen, every decision and every audit entry where it should be?"""

import json

from django.core.management.base import BaseCommand

from vouchers.budget.checks import check_budget
from vouchers.disbursement.audit_batches import check_batches
from vouchers.ledger import books
from vouchers.review.replay import check_review


class Command(BaseCommand):
    """Prints one JSON object; its shape is fixed."""

    help = "核对账目：余额、核定结论和审计链。有问题时逐条列出，并以状态 1 结束。"
    requires_system_checks = ()

    def handle(self, *args, **options):
        """Exit status 1 when there is any problem."""
        report = books.check()
        decisions, of_review = check_review()
        problems = [*report.problems, *of_review, *check_budget(), *check_batches()]
        found = {
            "ok": not problems,
            "accounts": report.accounts,
            "transfers": report.transfers,
            "decisions": decisions,
            "chain": report.chain,
            "problems": problems,
        }
        text = json.dumps(found, ensure_ascii=False)
        stream = getattr(self.stdout, "buffer", None)
        if stream is None:
            self.stdout.write(text)
        else:
            # UTF-8 whatever the terminal's locale says.
            stream.write(text.encode() + b"\n")
            stream.flush()
        if problems:
            raise SystemExit(1)
