"""Connects what must be recorded about signing in, and checks the keys at start."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "用户与工作人员"

    def ready(self):
        from accounts import encryption, signals

        encryption.check_keys()
        signals.connect()
