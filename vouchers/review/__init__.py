"""`services.fire` is the only writer of a claim's or voucher's state."""
