"""The audit app's configuration: the chain's head is the one row it must always have."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """Who did what."""

    name = "audit"
    verbose_name = "审计"

    def ready(self):
        from audit.chain import begin_chain

        post_migrate.connect(begin_chain, sender=self)
