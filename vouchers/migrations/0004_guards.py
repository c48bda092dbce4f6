"""What the database itself refuses of claims, invoices, calls and batches."""

from pathlib import Path

from django.db import migrations

DROP = """
DROP FUNCTION vouchers_refuse_change, vouchers_event_duty, vouchers_batch_duty, vouchers_claim_follows_event,
  vouchers_voucher_follows_event, vouchers_sum_allocations, vouchers_keep_sum, vouchers_bind_buyer,
  vouchers_call_frozen, vouchers_payment_frozen, vouchers_event_moves_claim, vouchers_allocation_stays,
  vouchers_allocation_live CASCADE;
ALTER TABLE vouchers_invoice DROP CONSTRAINT invoice_used_is_bound;
DROP SEQUENCE vouchers_serial;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0003_rooms"), ("applicants", "0001_initial")]

    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), DROP)]
