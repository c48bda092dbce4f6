"""An order behind whatever changes a year's money; caps over several years and of a contract kept by the database too."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

DROP = """
DROP FUNCTION ledger_by_order, vouchers_decision_within_bounds CASCADE;
DROP FUNCTION vouchers_other_claims, vouchers_contract_lines;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("vouchers", "0014_witness"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="officer",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="工作人员"),
        ),
        migrations.AlterField(
            model_name="message",
            name="organisation",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="applicants.organisation", verbose_name="单位"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(condition=models.Q(models.Q(("officer", None), ("organisation__isnull", False)), models.Q(("officer__isnull", False), ("organisation", None)), _connector="OR"), name="message_has_one_addressee"),
        ),
        migrations.AlterField(
            model_name="order",
            name="payment",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="vouchers.payment", verbose_name="原拨付"),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), DROP),
    ]
