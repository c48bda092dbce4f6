"""Django's `migrate`, but that a migration is recorded in the transaction that made its tables.

Django records one that has foreign keys in a transaction of its own afterwards (its ticket 32374): a machine that dies
between the two is left with tables that the next `migrate` tries to make again, and stops at.
"""

from contextlib import nullcontext

from django.core.management.commands import migrate
from django.db import transaction
from django.db.migrations.executor import MigrationExecutor


class WholeExecutor(MigrationExecutor):
    """Applies or takes back each migration together with its record, but for those that ask for no transaction."""

    def apply_migration(self, state, migration, fake=False, fake_initial=False):
        """As Django's."""
        with self._whole(migration):
            return super().apply_migration(state, migration, fake, fake_initial)

    def unapply_migration(self, state, migration, fake=False):
        """As Django's."""
        with self._whole(migration):
            return super().unapply_migration(state, migration, fake)

    def _whole(self, migration):
        return transaction.atomic(using=self.connection.alias) if migration.atomic else nullcontext()


class Command(migrate.Command):
    """Brings the database's tables up to date, one whole migration after the other."""


# The command knows its executor by this name alone.
migrate.MigrationExecutor = WholeExecutor  # type: ignore[attr-defined]
