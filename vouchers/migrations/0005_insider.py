"""What the database refuses to a hand that holds the runtime role and writes SQL itself."""

from pathlib import Path

from django.db import migrations

# Functions of 0004 that looked names up wherever the caller's search_path led.
PLAIN = [
    "refuse_change",
    "claim_follows_event",
    "voucher_follows_event",
    "event_moves_claim",
    "sum_allocations",
    "keep_sum",
    "allocation_stays",
    "allocation_live",
    "bind_buyer",
    "call_frozen",
    "payment_frozen",
]

DROP = """
DROP FUNCTION vouchers_event_lawful, vouchers_event_moves_voucher, vouchers_invoice_stays,
  vouchers_payment_made_stays, vouchers_invoice_line_stays, vouchers_paper_stays, vouchers_claim_begins,
  vouchers_claim_stays, vouchers_queue_goes_on, vouchers_voucher_stays, vouchers_batch_steps,
  vouchers_payment_steps, vouchers_call_published CASCADE;
ALTER TABLE vouchers_claimevent DROP CONSTRAINT claim_event_is_a_step;
ALTER TABLE vouchers_voucherevent DROP CONSTRAINT voucher_event_is_a_step;
ALTER TABLE vouchers_voucherevent DROP CONSTRAINT voucher_event_names_its_actor;
ALTER FUNCTION vouchers_event_duty SET search_path = public, pg_temp;
ALTER FUNCTION vouchers_batch_duty SET search_path = public, pg_temp;
""" + "".join(f"ALTER FUNCTION vouchers_{name} RESET search_path;\n" for name in PLAIN)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0004_guards"), ("accounts", "0001_initial"), ("applicants", "0001_initial")]

    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), DROP)]
