"""The same services for programs: one's own vouchers, claims and invoices, as JSON."""
