"""Invoices: bytes in, Invoice out. Plain Python; knows no database, no clock and no applicant.

`read` tells the carrier by its leading bytes and calls its reader (einvoice_xml, ofd, pdf). A reader returns text under
the names people know the fields by; `assemble` alone makes numbers of it and `checks` doubts them. Where one file
states a field several times, `witnesses` compares. To add a carrier: give its reader to `reading._READERS`; if it
has pages, make tokens and let `layout` find the fields.
"""

from vouchers.invoices.invoice import Invoice, Line, UnreadableInvoice, Warning
from vouchers.invoices.reading import MAX_BYTES, read, refuse_size

__all__ = ["MAX_BYTES", "Invoice", "Line", "UnreadableInvoice", "Warning", "read", "refuse_size"]
