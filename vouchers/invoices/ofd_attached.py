"""The data files inside an OFD: what each says, or a warning that it was not compared with the page.

A member that looks like a data file counts whether the file's list of attachments names it or not: a program that
goes by the name would read it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from vouchers.invoices import einvoice_xml, ofd_legacy, xbrl
from vouchers.invoices.invoice import Printed, Warning
from vouchers.invoices.ofd_document import Document
from vouchers.invoices.safe_xml import local_name
from vouchers.invoices.safe_zip import Package
from vouchers.invoices.witnesses import attachment_unread

_KNOWN = re.compile(r"(?:^|/)(?:original_invoice|e?inv_[^/]*|bker_[^/]*)\.xml$", re.IGNORECASE)
_READERS = {"EInvoice": einvoice_xml.printed, "eInvoice": ofd_legacy.printed, "xbrl": xbrl.printed}
_MAX_PARTS = 10


@dataclass(slots=True)
class Attached:
    """The issuer's data by its Chinese place name, the buyer's declarations apart, and the warnings."""

    parts: dict[str, Printed] = field(default_factory=dict)
    declared: dict[str, Printed] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)


def read_attached(package: Package, document: Document) -> Attached:
    """Read every data file. Raises UnreadableInvoice for a damaged one, and for one that is another kind of voucher."""
    attached = Attached()
    names = {attachment.path: attachment.name for attachment in document.attachments if attachment.path}
    unread = [attachment.name for attachment in document.attachments if not attachment.path]
    paths = [*names, *(path for path in package.paths if path not in names and _KNOWN.search(path))]
    for number, path in enumerate(paths):
        if number >= _MAX_PARTS or not path.lower().endswith(".xml"):
            unread.append(names.get(path, posixpath.basename(path)))
            continue
        root = package.xml(path)
        reader = _READERS.get(local_name(root))
        if reader is None:
            unread.append(names.get(path, posixpath.basename(path)))
            continue
        said = reader(root)
        attached.warnings += said.warnings
        place = "附带数据" if not attached.parts else f"附带数据{len(attached.parts) + 1}"
        if local_name(root) == "xbrl" and xbrl.is_receiver(root):
            attached.declared["购买方入账信息"] = said
        else:
            attached.parts[place] = said
    if unread:
        attached.warnings.append(attachment_unread(unread))
    return attached
