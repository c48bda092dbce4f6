"""`manage.py assess FILE`: recompute decisions from plain facts. Its shape is fixed; see docs and the help text."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from vouchers.management.cases import InputError, assess_text

# About a hundred thousand cases.
MAX_BYTES = 128 * 1024 * 1024


class Command(BaseCommand):
    """Reads a JSON array of cases and prints an array of decisions; touches no database."""

    help = "按政策重新测算：读入 JSON 案例数组，输出同样顺序的测算结果。不访问数据库。"
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="案例文件；“-”表示标准输入")

    def handle(self, *args, **options):
        try:
            answer = assess_text(_read(options["file"]))
        except (OSError, UnicodeDecodeError, InputError) as problem:
            raise CommandError(f"无法测算 {options['file']}：{_reason(problem)}", returncode=2) from problem
        stream = getattr(self.stdout, "buffer", None)
        if stream is None:
            self.stdout.write(answer)
        else:
            # UTF-8 whatever the terminal's locale says.
            stream.write(answer.encode() + b"\n")
            stream.flush()


def _read(name: str) -> str:
    """The text of the file, or of standard input for "-"; a byte order mark is skipped."""
    if name == "-":
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise InputError(f"文件超过 {MAX_BYTES // 1024 // 1024} MB，请分成几个文件。")
    return raw.decode("utf-8-sig")


def _reason(problem: Exception) -> str:
    if isinstance(problem, FileNotFoundError):
        return "没有这个文件，请检查路径。"
    if isinstance(problem, OSError):
        return f"读不了文件（{problem.strerror}），请检查路径和权限。"
    if isinstance(problem, UnicodeDecodeError):
        return "文件不是 UTF-8 编码，请另存为 UTF-8 后重试。"
    return str(problem)
