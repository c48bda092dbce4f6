"""Caps over several years and of a contract are kept by the ledger too."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("vouchers", "0014_witness"),
    ]

    operations: list = []
