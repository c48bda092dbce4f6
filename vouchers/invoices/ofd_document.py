"""The parts of an OFD that state an invoice: properties, text of the pages, tags, names of attachments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import NamedTuple

from lxml import etree

from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.ofd_page import MAX_TOKENS, page_size, text_objects
from vouchers.invoices.ofd_resources import Resources, read_resources
from vouchers.invoices.safe_xml import local_name
from vouchers.invoices.safe_zip import Package, resolve, unsafe
from vouchers.invoices.text import tidy
from vouchers.invoices.tokens import Token

_MAX_PAGES = 200
_MAX_HINT = 300
# Templates a page lies on, and indexes and parts of tags: a real file has one or two of each.
_MAX_FEW = 20
_TAG_DEPTH = 8


class Attachment(NamedTuple):
    """A file inside the file: its name as listed, and the path of its member, empty where the list gives none."""

    name: str
    path: str


@dataclass(slots=True)
class Document:
    """What one OFD says, by part. A page's tokens include its template's, so that labels and values stand together."""

    # The properties (CustomDatas) by name.
    hints: dict[str, str] = field(default_factory=dict)
    pages: list[list[Token]] = field(default_factory=list)
    # Width and height of each page in mm; infinite where the file does not say.
    sizes: list[tuple[float, float]] = field(default_factory=list)
    # Objects by page id and object id: the page's number and its tokens, None where an id stands twice.
    objects: dict[tuple[str, str], tuple[int, list[Token]] | None] = field(default_factory=dict)
    # The objects that each tag points at, by the tag's path.
    tags: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    resources: Resources = field(default_factory=Resources)

    def tagged(self, path: str) -> Iterator[tuple[int, Token]]:
        """Page number and token of every object that the tag at `path` points at, in the tag's order."""
        for key in dict.fromkeys(self.tags.get(path, ())):
            number, tokens = self.objects.get(key) or (0, [])
            for token in tokens:
                yield number, token


def read_document(package: Package) -> Document:
    """Read the one document of `package`. Raises UnreadableInvoice where there are several, or parts are missing."""
    bodies = package.xml("OFD.xml").findall("{*}DocBody")
    if len(bodies) != 1 or bodies[0].find("{*}Versions") is not None:
        raise several_refusal()
    document = Document()
    for hint in bodies[0].iterfind("{*}DocInfo/{*}CustomDatas/{*}CustomData"):
        document.hints.setdefault(hint.get("Name", ""), tidy((hint.text or "")[:_MAX_HINT]))
    path = resolve("OFD.xml", tidy(bodies[0].findtext("{*}DocRoot") or ""))
    root = package.xml(path)
    _read_pages(package, path, root, document)
    document.resources = read_resources(package, path, root)
    for location in _few(root, "{*}CustomTags"):
        _read_tags(package, resolve(path, tidy(location.text or "")), document)
    for location in _few(root, "{*}Attachments"):
        _read_attachments(package, resolve(path, tidy(location.text or "")), document)
    return document


def several_refusal() -> UnreadableInvoice:
    """The refusal of a file that holds more than one invoice, or more than one version of it."""
    return UnreadableInvoice(
        "several_documents",
        "这个 OFD 文件里有多张发票、多份文档或多个版本，无法确定以哪一份为准。请上传单张发票的原文件。",
    )


def _read_pages(package: Package, path: str, root: etree._Element, document: Document) -> None:
    """The text of every page with its templates, in the document's order."""
    pages = root.findall("{*}Pages/{*}Page")
    locations = [resolve(path, page.get("BaseLoc", "")) for page in pages]
    if not pages or len(pages) > _MAX_PAGES or len(set(locations)) != len(locations):
        raise unsafe("的页面数量不正常")
    usual = page_size(root, "{*}CommonData/{*}PageArea") or (inf, inf)
    templates = _Templates(package, path, root)
    count = 0
    for number, (page, location) in enumerate(zip(pages, locations, strict=True)):
        part = package.xml(location)
        width, height = page_size(part, "{*}Area") or usual
        tokens = [token for use in _few(part, "{*}Template") for token in templates.tokens(use.get("TemplateID"))]
        for name, found in text_objects(part):
            inside = [token for token in found if 0 <= token.left < width and 0 <= token.y < height]
            key = (page.get("ID", ""), name)
            document.objects[key] = None if key in document.objects else (number, inside)
            tokens += inside
        count += len(tokens)
        if count > MAX_TOKENS:
            raise unsafe("包含的文字远超一张发票应有的数量")
        document.pages.append(tokens)
        document.sizes.append((width, height))


class _Templates:
    """The printed forms that pages lie on, each read once."""

    def __init__(self, package: Package, path: str, root: etree._Element):
        self._package = package
        self._locations = {
            template.get("ID"): resolve(path, template.get("BaseLoc", ""))
            for template in root.iterfind("{*}CommonData/{*}TemplatePage")
        }
        self._read: dict[str, list[Token]] = {}

    def tokens(self, name: str | None) -> list[Token]:
        """The text of the template of that id."""
        location = self._locations.get(name)
        if location is None:
            raise unsafe("的页面模板不正常")
        if location not in self._read:
            part = self._package.xml(location)
            self._read[location] = [token for _, found in text_objects(part) for token in found]
        return self._read[location]


def _read_attachments(package: Package, index: str, document: Document) -> None:
    for part in _few(package.xml(index), "{*}Attachment"):
        location = tidy(part.findtext("{*}FileLoc") or "")
        path = resolve(index, location) if location else ""
        document.attachments.append(Attachment(part.get("Name") or "附件", path))


def _read_tags(package: Package, index: str, document: Document) -> None:
    """Every ObjectRef of the tag parts that the part `index` lists, under the path of element names above it."""
    for location in _few(package.xml(index), "{*}CustomTag/{*}FileLoc"):
        root = package.xml(resolve(index, tidy(location.text or "")))
        paths: dict[etree._Element | None, str] = {}
        for reference in root.iter("{*}ObjectRef"):
            above = reference.getparent()
            if above not in paths:
                names = [local_name(each) for each in islice(reference.iterancestors(), _TAG_DEPTH)]
                # The root's name says nothing; some issuers wrap the reference in an element of its own.
                paths[above] = "/".join(reversed(names[:-1])).removesuffix("/ObjectData")
            key = (reference.get("PageRef", ""), (reference.text or "").strip())
            document.tags.setdefault(paths[above], []).append(key)


def _few(root: etree._Element, path: str) -> list[etree._Element]:
    """The elements at `path`, of which no invoice has many."""
    found = root.findall(path)
    if len(found) > _MAX_FEW:
        raise unsafe("的内部结构不正常")
    return found
