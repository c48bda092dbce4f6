"""Vouchers, claims, and the papers that prove them."""
