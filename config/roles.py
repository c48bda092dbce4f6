"""What the runtime role may do in the database. It owns nothing and may truncate nothing.

`grant_privileges` runs after every migration, as the owner. A table that stands in no list below
is ordinary: SELECT, INSERT, UPDATE, DELETE. A function that is not listed may not be called.
"""

from django.conf import settings
from django.db import connections

# Rows that may be added and never changed. So may the history tables of django-simple-history.
INSERT_ONLY: set[str] = {
    "audit_auditentry",
    "vouchers_claimevent",
    "vouchers_voucherevent",
    "vouchers_decision",
    "vouchers_linecut",
    "vouchers_settlementshare",
    "ledger_closedyear",
    "vouchers_document",
    "vouchers_verification",
    "vouchers_reversalflag",
}
# Rows that only a SECURITY DEFINER function of the owner may write.
READ_ONLY: set[str] = {
    "django_migrations",
    "audit_chainlink",
    "audit_chainhead",
    "ledger_account",
    "ledger_transfer",
    "vouchers_claimduty",
    "vouchers_step",
}
# Rows that end in another state and are never taken away.
NO_DELETE: set[str] = {
    "vouchers_batch",
    "vouchers_payment",
    "vouchers_claim",
    "vouchers_correctionitem",
    "vouchers_objection",
    "vouchers_order",
    "vouchers_voucher",
    "vouchers_filingqueue",
    "vouchers_verificationwaiver",
    "vouchers_clawbackproposal",
}
# Functions that are called by name; each name is one function. Those of the ledger run as the owner.
CALLABLE: set[str] = {
    "ledger_post",
    "ledger_hold",
    "vouchers_bind",
    "vouchers_take_step",
    "vouchers_take_steps",
    "vouchers_unverified",
    "vouchers_contract_lines",
    "vouchers_other_claims",
}


def grant_privileges(using: str, **kwargs) -> None:
    """Give the runtime role exactly its privileges on every table and function of the database `using`."""
    if settings.DATABASES[using]["USER"] == settings.RUNTIME_ROLE or "plan" not in kwargs:
        return  # one role for all; or a test's flush, which changes no privileges
    connection = connections[using]
    quote = connection.ops.quote_name
    role = quote(settings.RUNTIME_ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}, PUBLIC")
        cursor.execute(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM {role}, PUBLIC")
        # A temporary table could stand in for a real one, and a temporary trigger pass for one of ours.
        database = quote(connection.settings_dict["NAME"])
        cursor.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM {role}, PUBLIC")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
        for table in connection.introspection.table_names(cursor):
            rights = "SELECT, INSERT, UPDATE, DELETE"
            if table in INSERT_ONLY or "_historical" in table:
                rights = "SELECT, INSERT"
            elif table in READ_ONLY:
                rights = "SELECT"
            elif table in NO_DELETE:
                rights = "SELECT, INSERT, UPDATE"
            cursor.execute(f"GRANT {rights} ON {quote(table)} TO {role}")
        for function in CALLABLE:
            cursor.execute("SELECT to_regproc(%s) IS NOT NULL", [function])
            if cursor.fetchone()[0]:
                cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {role}")
