"""What officials see of vouchers: every room's rows, read-only, with search and filters."""

from vouchers.admin import budget, calls, claims, disbursement, ledger, papers, review, system

__all__ = ["budget", "calls", "claims", "disbursement", "ledger", "papers", "review", "system"]
