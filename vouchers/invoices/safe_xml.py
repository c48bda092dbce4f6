"""XML from strangers: bounded in bytes, nodes, depth and names, UTF-8 or GBK, and without any DOCTYPE.

libxml2 refuses depth over 256 by itself. It also keeps every name it has ever seen for the life of the
process, so a file of invented names would leak: names are counted before parsing.
"""

from __future__ import annotations

import re

from lxml import etree

from vouchers.invoices.invoice import UnreadableInvoice
from vouchers.invoices.text import tidy

MAX_XML_BYTES = 8 * 2**20
# Each element writes one or two "<". An invoice of 300 lines has about 7,000.
MAX_MARKS = 200_000
MAX_NAMES = 2_000
MAX_NAME_BYTES = 200
MAX_NAMESPACES = 100
_MAX_TEXT = 10_000

_PARSER = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)
_DECLARATION = re.compile(rb"\s*<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# GB18030 holds GBK and GB2312 whole; files declare any of the three.
_CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}
_TOO_MUCH = "数据量远超一张发票应有的大小"
_UTF8_MARK = b"\xef\xbb\xbf"
_ELEMENT = re.compile(rb"<([^!\s/>][^\s/>]*)")
_ATTRIBUTE = re.compile(rb"[A-Za-z_:\x80-\xff][-.:\w\x80-\xff]*")
_BEFORE_EQUALS = re.compile(rb"\s([^\s=]+)\s*=")
_NAMESPACE = re.compile(rb"""xmlns[^=<>]{0,100}=\s*["']([^"'<]{0,300})["']""")


def parse(content: bytes) -> etree._Element:
    """The root element of `content`. Comments and processing instructions are dropped.

    Raises UnreadableInvoice: `xml_unsafe` beyond a cap or with a DOCTYPE, `encoding_not_supported`, `xml_damaged`.
    """
    if len(content) > MAX_XML_BYTES:
        raise _unsafe(_TOO_MUCH)
    text = _utf8(content)
    _check_bounds(text)
    try:
        return etree.fromstring(text, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableInvoice(
            "xml_damaged", "文件内容不完整或已损坏，无法读取。请从税务平台重新下载原文件后再上传，不要用其他软件改存。"
        ) from error


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_at(parent: etree._Element, path: str) -> str:
    """The text at `path` of local names, tidied; empty where there is none.

    Raises UnreadableInvoice `xml_ambiguous` where an element on the way stands twice, or has elements for text.
    """
    element = parent
    for name in path.split("/"):
        found = child(element, name)
        if found is None:
            return ""
        element = found
    text = element.text or ""
    if len(element) or len(text) > _MAX_TEXT:
        raise _ambiguous(path)
    return tidy(text)


def child(parent: etree._Element, name: str) -> etree._Element | None:
    """The child of that local name, or None; two of them are refused (`xml_ambiguous`)."""
    found = children(parent, name)
    if len(found) > 1:
        raise _ambiguous(name)
    return found[0] if found else None


def children(parent: etree._Element, name: str) -> list[etree._Element]:
    """Every child of that local name, in order."""
    return list(parent.iterchildren(f"{{*}}{name}"))


def _ambiguous(path: str) -> UnreadableInvoice:
    return UnreadableInvoice(
        "xml_ambiguous",
        f"文件中“{path}”重复出现或结构不正常，无法确定以哪一个为准。请从税务平台重新下载原文件后再上传。",
    )


def _utf8(content: bytes) -> bytes:
    """`content` as UTF-8 without byte-order mark and XML declaration."""
    marked = content.startswith(_UTF8_MARK)
    content = content.removeprefix(_UTF8_MARK)
    declaration = _DECLARATION.match(content)
    declared = _ENCODING.search(declaration.group()) if declaration else None
    codec = _CODECS.get(declared.group(1).decode("ascii").lower(), "") if declared else "utf-8"
    if not codec or (marked and codec != "utf-8") or b"\0" in content[:4]:
        raise _encoding_refused()
    body = content[declaration.end() :] if declaration else content
    try:
        return body.decode(codec).encode("utf-8")
    except UnicodeError as error:
        raise _encoding_refused() from error


def _encoding_refused() -> UnreadableInvoice:
    return UnreadableInvoice(
        "encoding_not_supported",
        "文件的文字编码不受支持（只接受 UTF-8 和 GBK）。请从税务平台重新下载原文件后再上传。",
    )


def _check_bounds(text: bytes) -> None:
    """Refuse what is no plain data file, before a parser sees it. All linear in the size of `text`."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise _unsafe("含有不允许的文档类型声明（DOCTYPE）")
    elements, attributes = text.count(b"<"), text.count(b"=")
    if elements > MAX_MARKS or attributes > MAX_MARKS:
        raise _unsafe(_TOO_MUCH)
    namespaces = _NAMESPACE.findall(text)
    if len(namespaces) > MAX_NAMESPACES or len(namespaces) != text.count(b"xmlns"):
        raise _unsafe("命名空间声明不正常")
    if elements + attributes <= MAX_NAMES and len(text) <= MAX_NAMES * MAX_NAME_BYTES:
        return  # too small to hold more names than that, or more letters of names
    # The word before each "=", where it can be an attribute's name at all.
    words = set(_BEFORE_EQUALS.findall(text))
    names = {*namespaces, *_ELEMENT.findall(text), *filter(_ATTRIBUTE.fullmatch, words)}
    if len(names) > MAX_NAMES or any(len(name) > MAX_NAME_BYTES for name in names):
        raise _unsafe("标签名称过多或过长")


def _unsafe(what: str) -> UnreadableInvoice:
    return UnreadableInvoice("xml_unsafe", f"文件{what}，为安全起见不予读取。请从税务平台重新下载原文件后再上传。")
