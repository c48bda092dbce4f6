"""Organisations that apply: names with validity, members, bank accounts, sanctions."""
