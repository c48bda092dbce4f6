"""What people are told: a row in the portal, and by e-mail through an outbox."""
