"""Fewer statements for what happens most."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("vouchers", "0015_bounds"),
    ]

    operations: list = []
