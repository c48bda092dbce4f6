"""What officials see of vouchers: every room's rows, read-only, with search and filters."""

from vouchers.admin import calls, claims, disbursement, ledger, papers, review, system

__all__ = ["calls", "claims", "disbursement", "ledger", "papers", "review", "system"]
