"""The demonstration: loads made-up people and runs the main job once by itself."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from vouchers.claims.models import Claim
from vouchers.management.demo import signins
from vouchers.management.demo.panorama import show_every_state
from vouchers.management.demo.story import Story


class Command(BaseCommand):
    """`demo` loads people and runs the main job unless it was run; `demo --once` runs it always and exits."""

    help = "演示：载入虚构人员和数据，完整办理一次主流程。仅限本地环境，须有后台执行进程（worker）。"

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="再办理一次主流程后退出")
        parser.add_argument("--codes", action="store_true", help="只显示登录信息和当前动态码")

    def handle(self, *args, once: bool, codes: bool, **options):
        if not settings.LOCAL:
            raise CommandError("演示只能在本地环境运行。")
        if not codes and (once or not Claim.objects.exists()):
            story = Story(self._say)
            try:
                story.tell()
                if not once:
                    show_every_state(story)
            except Exception as failure:
                raise CommandError(f"演示没有完成：{failure!r}") from failure
        if not once:
            for line in signins.table():
                self._say(line)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
