"""Synthetic 数电票 files from plain facts, whole or with one change. The values are invented, the shapes are met."""

from __future__ import annotations

from .facts import Facts, compute_line, discount_line, red_letter
from .make_ofd import NAME_MM, OFD_NS, Part, ofd, ofd_parts, wrapped, zipped
from .make_xml import xml, xml_text

__all__ = [
    "DOCUMENT",
    "NAME_MM",
    "OFD_NS",
    "PAGE",
    "TAGS",
    "TEMPLATE",
    "Facts",
    "Part",
    "changed",
    "changed_ofd",
    "changed_xml",
    "compute_line",
    "discount_line",
    "ofd",
    "ofd_parts",
    "red_letter",
    "wrapped",
    "xml",
    "xml_text",
    "zipped",
]

PAGE = "Doc_0/Pages/Page_0/Content.xml"
TAGS = "Doc_0/Tags/CustomTag.xml"
TEMPLATE = "Doc_0/Tpls/Tpl_0/Content.xml"
DOCUMENT = "Doc_0/Document.xml"


def changed(text: str, old: str, new: str) -> str:
    """`text` with `old`, which must stand there exactly once, replaced by `new`."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def changed_xml(facts: Facts, old: str, new: str) -> bytes:
    """The XML of `facts` with one change, as a file."""
    return changed(xml_text(facts), old, new).encode()


def changed_ofd(facts: Facts, path: str, old: str, new: str) -> bytes:
    """The OFD of `facts` with one change in the member at `path`, as a file."""
    parts = ofd_parts(facts)
    return zipped({**parts, path: changed(parts[path], old, new)})
