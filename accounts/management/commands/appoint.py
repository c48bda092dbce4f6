"""`manage.py appoint USERNAME ROLE`: the first officers of a new installation, from the shell."""

import getpass
import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.choices import DISTRICTS, ROLES
from accounts.errors import Refused
from accounts.models import User
from accounts.selectors import user_by_login
from accounts.services import appoint, create_user


class Command(BaseCommand):
    """There are no default accounts. The password is asked for, or read as one line of standard input."""

    help = "Give a role of the bureau to a user, from today on; makes the account when --name is given."

    def add_arguments(self, parser):
        """Who, what, where."""
        parser.add_argument("username")
        parser.add_argument("role", choices=[value for value, _ in ROLES])
        parser.add_argument("--name", help="make the account, for the person of this name")
        parser.add_argument("--email", default="")
        parser.add_argument("--district", default="", choices=["", *(value for value, _ in DISTRICTS)])

    def handle(self, *, username, role, name, email, district, **options):
        """Refusals of the services end the command with their words."""
        try:
            user = user_by_login(username) or self._create(username, name, email)
            office = appoint(user, role, valid_from=settings.CLOCK.today(), district=district)
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(str(office))

    def _create(self, username: str, name: str | None, email: str) -> User:
        if not name:
            raise CommandError("没有这个账号。要新建，请加 --name 姓名。")
        password = getpass.getpass("密码：") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        return create_user(username, name, password, email=email)
