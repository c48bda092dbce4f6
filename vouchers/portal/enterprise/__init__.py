"""An enterprise itself: registration, profile, account, members, vouchers, messages."""
