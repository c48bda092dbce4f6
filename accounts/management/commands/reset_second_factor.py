"""`manage.py reset_second_factor USERNAME`: for a lost phone, after the person's identity was checked."""

from django.core.management.base import BaseCommand, CommandError

from accounts.selectors import user_by_login
from accounts.services import reset_second_factor


class Command(BaseCommand):
    """The user sets up a new second factor at the next sign-in."""

    help = "Forget a user's authenticator and recovery codes."

    def add_arguments(self, parser):
        """Who."""
        parser.add_argument("username")

    def handle(self, *, username, **options):
        """An unknown name ends the command."""
        user = user_by_login(username)
        if user is None:
            raise CommandError("没有这个账号。")
        reset_second_factor(user)
        self.stdout.write(f"{user} 的动态码和恢复码已重置，下次登录时重新设置。")
