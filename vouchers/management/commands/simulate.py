"""`manage.py simulate FILE`: what a change of law or call would mean. The shape is told in docs/simulate.md."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import Refused
from vouchers import policy, rules
from vouchers.management.cases import InputError
from vouchers.management.simulations import answer_of, changes_of, of_cases, question_of
from vouchers.review.whatif import what_if

MAX_BYTES = 512 * 1024 * 1024


class Command(BaseCommand):
    """Reads one question as JSON and prints its answer; changes nothing."""

    help = "假设改变政策或申报通知的数值，把一年的申请重新测算一遍，比较前后结果。只读，不改动任何数据。"
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="问题文件（JSON）；“-”表示标准输入")

    def handle(self, *args, **options):
        name = options["file"]
        try:
            raw = sys.stdin.buffer.read(MAX_BYTES) if name == "-" else Path(name).read_bytes()
            self.stdout.write(_answer(raw.decode("utf-8-sig")))
        except FileNotFoundError as problem:
            raise CommandError(f"没有文件 {name}，请检查路径。", returncode=2) from problem
        except (OSError, UnicodeDecodeError) as problem:
            raise CommandError(f"读不了 {name}：请检查权限，文件须为 UTF-8 编码。", returncode=2) from problem
        except (InputError, rules.TermsError, policy.NoLawInForce, Refused) as problem:
            raise CommandError(str(problem), returncode=2) from problem


def _answer(text: str) -> str:
    """The answer to the question `text`, on its own cases or on the year's real claims."""
    question = question_of(text)
    if "cases" in question:
        return answer_of(question, of_cases(question))
    answer = what_if(question["scheme"], question["fiscal_year"], changes_of(question))
    return answer_of(question, answer.supposed, answer.names)
