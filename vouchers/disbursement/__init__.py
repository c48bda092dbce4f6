"""Batches, payments out, the roster and the letters."""
