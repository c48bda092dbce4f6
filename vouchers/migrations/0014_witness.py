"""An invoice belongs to its claim by a foreign key, and money waits for the tax platform's answer in the database too."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


def _of(model, name, on_delete="PROTECT", related_name="+", to="applicants.organisation", label="单位"):
    # The unique constraint that foreign keys refer to begins with it: an index of its own is one more to write.
    field = models.ForeignKey(
        db_index=False, on_delete=getattr(django.db.models.deletion, on_delete), related_name=related_name, to=to,
        verbose_name=label,
    )  # fmt: skip
    return migrations.AlterField(model, name, field)


def _whole(model, first, name):
    return migrations.AddConstraint(model, models.UniqueConstraint(fields=[first, "id"], name=name))


class Migration(migrations.Migration):

    dependencies = [
        ("applicants", "0002_walls"),
        ("vouchers", "0013_trust"),
    ]

    operations = [
        _whole("claim", "organisation", "claim_of_organisation"),
        _whole("invoice", "organisation", "invoice_of_organisation"),
        _whole("invoiceline", "invoice", "line_of_invoice"),
        _whole("paymentmade", "organisation", "payment_made_of_organisation"),
        _of("claim", "organisation"),
        _of("invoice", "organisation"),
        _of("invoiceline", "invoice", "CASCADE", "lines", "vouchers.invoice", "发票"),
        _of("paymentmade", "organisation"),
        # Not reversible: it writes what the keys stand on.
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")),
    ]
