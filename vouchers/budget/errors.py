"""What this room refuses."""

from accounts.errors import Refused


class BudgetError(Refused):
    """Money that may not be moved that way; the text says why."""
