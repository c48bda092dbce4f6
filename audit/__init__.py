"""Who did what, for ever. Knows no other app: actors and subjects are kept as text."""
