"""The vouchers app."""

from django.apps import AppConfig


class VouchersConfig(AppConfig):
    """One app, one migration history, many rooms."""

    name = "vouchers"
    verbose_name = "算力券业务"
