"""Invented invoices in the shapes that issuers print, made as the tests run: nothing of them lies in the repository."""
