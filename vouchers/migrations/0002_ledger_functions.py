from pathlib import Path

from django.db import migrations

DROP = """
DROP TRIGGER ledger_alone_speaks_of_money ON audit_auditentry;
DROP TRIGGER ledger_account_check ON ledger_account;
DROP TRIGGER ledger_only_by_post ON ledger_account;
DROP TRIGGER ledger_transfer_check ON ledger_transfer;
DROP TRIGGER ledger_never ON ledger_account;
DROP TRIGGER ledger_never ON ledger_transfer;
DROP FUNCTION ledger_post, ledger_move, ledger_check_reversals, ledger_still_closed,
  ledger_first_answer, ledger_insert, ledger_lock, ledger_create, ledger_account_check, ledger_transfer_check, ledger_only_by_post, ledger_never,
  ledger_alone_speaks_of_money;
DROP TYPE ledger_leg;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0001_ledger")]

    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), DROP)]
