"""A hold and a claim's step, each written by one function in one round trip."""

from pathlib import Path

from django.db import migrations

DROP = """
DROP FUNCTION vouchers_take_step, vouchers_bind, ledger_hold, ledger_refuse_short;
ALTER FUNCTION audit_link SET plan_cache_mode = force_generic_plan;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0006_corrections")]

    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), DROP)]
