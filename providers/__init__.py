"""Compute providers, their centres, and what they sell."""
