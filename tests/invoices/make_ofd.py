"""Synthetic 数电票 as OFD, laid out as the tax system does: tags and page, places in mm, ¥ apart from its number."""

from __future__ import annotations

import io
import re
import zipfile
from xml.sax.saxutils import escape

from vouchers.invoices import Line
from vouchers.money import yuan

from .facts import Facts

OFD_NS = "http://www.ofdspec.org/2016"
PITCH = 4.5
FIRST_Y, LAST_Y = 56.1, 88.0
NAME_MM, CHAR_MM = 36.5, 3.175

_LABELS = [
    (154, 14.0, 3.3, "发票号码："), (154, 20.0, 3.3, "开票日期："),
    (5.5, 35.5, 3.175, "购"), (5.5, 39.0, 3.175, "买"), (5.5, 42.5, 3.175, "方"),
    (106, 35.5, 3.175, "销"), (106, 39.0, 3.175, "售"), (106, 42.5, 3.175, "方"),
    (11.5, 36.5, 3.175, "名称："), (112, 36.5, 3.175, "名称："),
    (11.5, 47.0, 2.8, "统一社会信用代码/纳税人识别号："), (112, 47.0, 2.8, "统一社会信用代码/纳税人识别号："),
    (16, 56.0, 3.175, "项目名称"), (42.1, 56.0, 3.175, "规格型号"), (67, 56.0, 3.175, "单 位"),
    (93, 56.0, 3.175, "数 量"), (118, 56.0, 3.175, "单 价"), (143.5, 56.0, 3.175, "金 额"),
    (157.5, 56.0, 3.175, "税率/征收率"), (194.5, 56.0, 3.175, "税 额"),
    (16.9, 101.5, 3.175, "价税合计（大写）"), (143.5, 101.5, 3.175, "（小写）"),
    (6, 112.0, 3.175, "备"), (6, 118.0, 3.175, "注"), (19.5, 132.5, 3.175, "开票人："),
]  # fmt: skip
_TITLES = {"数电专票": "电子发票（增值税专用发票）", "数电普票": "电子发票（普通发票）"}


class Part:
    """A page or template part under construction, and the ids of its objects by tag."""

    def __init__(self, first_id: int, style: str = "plain"):
        self.objects: list[str] = []
        self.tags: dict[str, list[int]] = {}
        self._next_id = first_id
        self._style = style

    def text(self, left: float, baseline: float, text: str, *, size: float = CHAR_MM, tag: str = "") -> None:
        """One text object whose first glyph stands at `left`; one a word in the style `words`."""
        if self._style == "words" and " " in text:
            for word in re.findall(r"[^ ]+ *", text):
                self.text(left, baseline, word.rstrip(), size=size, tag=tag)
                left += sum(_width(char, size) for char in word)
            return
        widths = [_width(char, size) for char in text]
        if self._style == "moves":
            # No glyph for a blank, only a wider step.
            widths = [sum(_width(char, size) for char in glyph) for glyph in re.findall(r"[^ ] *", text)]
            text = text.replace(" ", "")
        deltas = " ".join(f"{width:.4f}" for width in widths[:-1])
        written = escape(text)
        if self._style == "cdata":
            written = f"<![CDATA[{text}]]>"
        elif self._style == "padded":
            written = f"\n            {written}\n        "
        self.objects.append(
            f'<ofd:TextObject ID="{self._next_id}" Boundary="{left:.4f} {baseline - 3.4:.4f} 80 4.5" Font="5" '
            f'Size="{size}"><ofd:TextCode X="0" Y="3.4" DeltaX="{deltas}">{written}</ofd:TextCode></ofd:TextObject>'
        )
        if tag:
            self.tags.setdefault(tag, []).append(self._next_id)
        self._next_id += 1

    def right(self, edge: float, baseline: float, text: str, **shape) -> None:
        """One text object that ends at `edge`."""
        size = shape.get("size", CHAR_MM)
        self.text(edge - sum(_width(char, size) for char in text), baseline, text, **shape)

    def centred(self, middle: float, baseline: float, text: str, **shape) -> None:
        """One text object around `middle`."""
        self.text(middle - sum(_width(char, CHAR_MM) for char in text) / 2, baseline, text, **shape)

    def page(self, template: bool) -> str:
        """The part's XML."""
        use = "" if template else '<ofd:Template TemplateID="1" ZOrder="Background"/>'
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><ofd:Page xmlns:ofd="{OFD_NS}"><ofd:Area><ofd:PhysicalBox>'
            f"0 0 210 140</ofd:PhysicalBox></ofd:Area>{use}<ofd:Content><ofd:Layer>{''.join(self.objects)}"
            "</ofd:Layer></ofd:Content></ofd:Page>"
        )


def ofd_parts(facts: Facts, *, style: str = "plain", centre_rows: bool = False) -> dict[str, str]:
    """The XML members of the OFD by path. `centre_rows` sets an item's cells at the middle of its wrapped name."""
    template = Part(3)
    template.text(57, 14.1, _TITLES[facts.kind], size=7.07)
    for left, baseline, size, text in _LABELS:
        template.text(left, baseline, text, size=size)
    pages = _item_pages(facts, style, centre_rows)
    for part in pages:
        _head(part, facts)
    _foot(pages[-1], facts)
    ids = range(61, 61 + len(pages))
    parts = {
        "OFD.xml": _ofd_xml(facts),
        "Doc_0/Document.xml": (
            f'<?xml version="1.0" encoding="UTF-8"?><ofd:Document xmlns:ofd="{OFD_NS}"><ofd:CommonData>'
            '<ofd:TemplatePage ID="1" BaseLoc="Tpls/Tpl_0/Content.xml"/></ofd:CommonData><ofd:Pages>'
            + "".join(f'<ofd:Page ID="{page}" BaseLoc="Pages/Page_{page - 61}/Content.xml"/>' for page in ids)
            + "</ofd:Pages><ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags></ofd:Document>"
        ),
        "Doc_0/Tpls/Tpl_0/Content.xml": template.page(template=True),
        "Doc_0/Tags/CustomTags.xml": (
            f'<ofd:CustomTags xmlns:ofd="{OFD_NS}"><ofd:CustomTag TypeID="root"><ofd:FileLoc>CustomTag.xml'
            "</ofd:FileLoc></ofd:CustomTag></ofd:CustomTags>"
        ),
        "Doc_0/Tags/CustomTag.xml": _tags_xml(dict(zip(ids, pages, strict=True))),
    }
    for page, part in zip(ids, pages, strict=True):
        parts[f"Doc_0/Pages/Page_{page - 61}/Content.xml"] = part.page(template=False)
    return parts


def ofd(facts: Facts, **shape) -> bytes:
    """The OFD as a file."""
    return zipped(ofd_parts(facts, **shape))


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """A zip of `parts`, always with the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(zipfile.ZipInfo(path), content, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def wrapped(text: str, width: float, size: float = CHAR_MM) -> list[str]:
    """`text` in lines no wider than `width`."""
    lines, line, used = [], "", 0.0
    for char in text:
        if used + _width(char, size) > width:
            lines.append(line)
            line, used = "", 0.0
        line += char
        used += _width(char, size)
    return [*lines, line] if line else lines


def _width(char: str, size: float) -> float:
    return size if ord(char) > 0x2E7F else size / 2


def _item_pages(facts: Facts, style: str, centre_rows: bool) -> list[Part]:
    """The item rows on as many pages as they need; every page but the last ends with a 小计."""
    pages = [Part(6900, style)]
    y = FIRST_Y
    subtotal = [0, 0]
    for line in facts.lines:
        names, specs = wrapped(line.name, NAME_MM), wrapped(line.spec, 24)
        height = max(len(names), len(specs), 1) * PITCH
        if y + height > LAST_Y and y > FIRST_Y:
            _closing(pages[-1], "小", *subtotal)
            pages.append(Part(6900 + 1000 * len(pages), style))
            y, subtotal = FIRST_Y, [0, 0]
        _item(pages[-1], line, names, specs, y, centre_rows)
        y += height
        subtotal = [subtotal[0] + line.amount_fen, subtotal[1] + line.tax_fen]
    return pages


def _item(part: Part, line: Line, names: list[str], specs: list[str], top: float, centre_rows: bool) -> None:
    for offset, text in enumerate(names):
        part.text(4.5, top + 3.2 + offset * PITCH, text, tag="Item")
    for offset, text in enumerate(specs):
        part.text(42, top + 3.4 + offset * PITCH, text)
    level = top + 3.4 + (PITCH * (len(names) - 1) / 2 if centre_rows else 0)
    if line.unit:
        part.centred(71.8, level, line.unit)
    if line.quantity:
        part.right(102.5, level, line.quantity, tag="Quantity")
    if line.unit_price:
        part.right(127.5, level, line.unit_price, size=2.8, tag="Price")
    part.right(153, level, yuan(line.amount_fen), tag="Amount")
    part.centred(166.5, level, line.tax_rate, tag="TaxScheme")
    part.right(205.5, level - 0.13, yuan(line.tax_fen), tag="TaxAmount")


def _closing(part: Part, label: str, amount_fen: int, tax_fen: int, *, tagged: bool = False) -> None:
    """The line 小计 or 合计."""
    part.text(20.5, 95.0, label)
    part.text(36.5, 95.0, "计")
    for edge, fen, tag in ((153, amount_fen, "TaxExclusiveTotalAmount"), (205.5, tax_fen, "TaxTotalAmount")):
        text = yuan(fen)
        part.right(edge - len(text) * CHAR_MM / 2 - 0.4, 94.6, "¥", size=3.88, tag=tag if tagged else "")
        part.right(edge, 94.6, text, tag=tag if tagged else "")


def _head(part: Part, facts: Facts) -> None:
    day = facts.day
    part.text(170, 13.94, facts.number, tag="InvoiceNo")
    part.text(170, 20.04, f"{day.year}年{day.month:02d}月{day.day:02d}日", tag="IssueDate")
    for left, name, number, side in (
        (20, facts.buyer_name, facts.buyer_id, "Buyer"),
        (120, facts.seller_name, facts.seller_id, "Seller"),
    ):
        for offset, text in enumerate(wrapped(name, 84)):
            part.text(left, 36.53 + 3.6 * offset, text, tag=f"{side}/{side}Name")
        part.text(left + 34, 47.07, number, size=4.2333, tag=f"{side}/{side}TaxID")


def _foot(part: Part, facts: Facts) -> None:
    _closing(part, "合", facts.amount_fen, facts.tax_fen, tagged=True)
    part.text(62.9, 100.85, facts.words)
    part.text(155.5, 101.0, "¥", size=3.88, tag="TaxInclusiveTotalAmount")
    part.text(157.9, 101.0, yuan(facts.total_fen), tag="TaxInclusiveTotalAmount")
    for offset, text in enumerate(wrapped(facts.remark, 193)):
        part.text(11.1, 107.3 + 3.3 * offset, text, tag="Note")
    part.text(32, 132.6, "示例", tag="InvoiceClerk")


def _ofd_xml(facts: Facts) -> str:
    day = facts.day
    hints = {
        "发票号码": facts.number,
        "销售方纳税人识别号": facts.seller_id,
        "合计金额": yuan(facts.amount_fen),
        "购买方纳税人识别号": facts.buyer_id,
        "合计税额": yuan(facts.tax_fen),
        "开票日期": f"{day.year}年{day.month:02d}月{day.day:02d}日",
    }
    data = "".join(f'<ofd:CustomData Name="{name}">{text}</ofd:CustomData>' for name, text in hints.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="{OFD_NS}" DocType="OFD" Version="1.0"><ofd:DocBody>'
        f"<ofd:DocInfo><ofd:Author>China Tax</ofd:Author><ofd:CustomDatas>{data}</ofd:CustomDatas></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )


def _tags_xml(pages: dict[int, Part]) -> str:
    """Every tag's references over all pages; a field repeated on each page is referred to on the first."""
    tags: dict[str, list[tuple[int, int]]] = {}
    repeated = ("InvoiceNo", "IssueDate", "Buyer", "Seller")
    for number, (page, part) in enumerate(pages.items()):
        for tag, ids in part.tags.items():
            if number == 0 or not tag.startswith(repeated):
                tags.setdefault(tag, []).extend((page, name) for name in ids)
    body = ""
    for tag, references in tags.items():
        inner = "".join(f'<ofd:ObjectRef PageRef="{page}">{name}</ofd:ObjectRef>' for page, name in references)
        for name in reversed(tag.split("/")):
            inner = f"<ofd:{name}>{inner}</ofd:{name}>"
        body += inner
    return f'<?xml version="1.0" encoding="UTF-8"?><ofd:root xmlns:ofd="{OFD_NS}" version="1.0">{body}</ofd:root>'
