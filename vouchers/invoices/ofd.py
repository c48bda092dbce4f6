"""Invoices as OFD: a zip of page parts, with tags that point at the page's text objects and data files beside them.

Up to four parts of the file state the header: an attached data file, the tags (CustomTags: element → ObjectRef →
TextObject), the page as it is seen (labels and columns), and the file's properties (CustomDatas, whose 合计金额 is
without tax). All that are there are read and compared. Tags know no rows; the item table is the attachment's or
else the page's, and the others confirm its columns. The QR code, a picture beside them, is a further witness.
"""

from __future__ import annotations

from dataclasses import replace

from vouchers.invoices.assemble import assemble
from vouchers.invoices.invoice import Invoice, Printed, Seal, UnreadableInvoice, Warning
from vouchers.invoices.kinds import kind_of
from vouchers.invoices.layout import Layout, read_layout
from vouchers.invoices.ofd_attached import Attached, read_attached
from vouchers.invoices.ofd_document import Document, read_document, several_refusal
from vouchers.invoices.ofd_resources import code_payload
from vouchers.invoices.ofd_rows import item_rows
from vouchers.invoices.ofd_tags import tagged_fields, tagged_places
from vouchers.invoices.qr import compare
from vouchers.invoices.safe_zip import Package
from vouchers.invoices.seals import ofd_seals
from vouchers.invoices.witnesses import agree

_HINTS = {
    "发票代码": "code",
    "发票号码": "number",
    "校验码": "check_code",
    "开票日期": "date",
    "购买方名称": "buyer_name",
    "购买方纳税人识别号": "buyer_id",
    "销售方名称": "seller_name",
    "销售方纳税人识别号": "seller_id",
    "合计金额": "amount",
    "合计税额": "tax",
    "价税合计": "total",
}


def read_ofd(content: bytes) -> Invoice:
    """The invoice in an OFD with its seals. Raises UnreadableInvoice, also for every other document."""
    package = Package(content)
    if "OFD.xml" not in package.paths:
        raise UnreadableInvoice(
            "not_an_invoice",
            "这是一个压缩包，不是 OFD 发票。请先解压，再逐个上传里面的发票文件（数电票 XML 或 OFD）。",
        )
    document = read_document(package)
    attached = read_attached(package, document)
    layout = read_layout(document.pages)
    if len(layout.numbers) > 1:
        raise several_refusal()
    seals, seal_warnings = ofd_seals(package)
    printed = _printed(document, layout, attached)
    printed.warnings += seal_warnings or _seal_missing(layout, seals)
    layout.places = {**tagged_places(document), **layout.places}
    boxes = layout.boxes(document.sizes)
    if len(layout.table.rows) != len(printed.lines):
        boxes = tuple(box for box in boxes if not box.field.startswith("lines."))
    invoice = assemble(printed)
    payload = code_payload(package, document.resources)
    doubts = compare(payload, invoice) if payload else []
    return replace(invoice, boxes=boxes, seals=seals, warnings=(*invoice.warnings, *doubts))


def _seal_missing(layout: Layout, seals: tuple[Seal, ...]) -> list[Warning]:
    """The forms before 数电票 were all sealed by the tax bureau; a copy that was written anew is not."""
    if seals or not layout.legacy:
        return []
    message = (
        "数电票之前的电子发票带有税务机关的电子签章，这个文件里没有，可能是用其他软件另存过的。"
        "请上传原文件，或到税务平台查验这张发票。"
    )
    return [Warning("seal_missing", message)]


def _printed(document: Document, layout: Layout, attached: Attached) -> Printed:
    """The statements of the file as one, with a warning wherever they differ."""
    by_hint = {field: document.hints[name] for name, field in _HINTS.items() if name in document.hints}
    fields, warnings = agree(
        {
            **{place: part.fields for place, part in attached.parts.items()},
            "数据标签": tagged_fields(document),
            "版面": layout.fields,
            "文件属性": by_hint,
            **{place: part.fields for place, part in attached.declared.items()},
        }
    )
    if "number" not in fields:
        raise UnreadableInvoice(
            "not_an_invoice", "这个 OFD 文件里没有读到发票号码，不是发票。请上传税务平台下载的发票原文件。"
        )
    rows, row_warnings = item_rows(document, layout, attached)
    letters = [part.blue for part in attached.parts.values() if part.blue is not None]
    return Printed(
        carrier="ofd",
        kind=_kind(layout, attached, layout.legacy or "code" in fields, warnings),
        fields=fields,
        lines=rows,
        blue=letters[0] if letters else None,
        reverses=next((part.reverses for part in attached.parts.values() if part.reverses), ""),
        warnings=[*warnings, *row_warnings, *attached.warnings],
    )


def _kind(layout: Layout, attached: Attached, legacy: bool, warnings: list[Warning]) -> str:
    """The kind by the page's title, and by the data file where that does not contradict it."""
    said = next((part.kind for part in attached.parts.values() if part.kind), "")
    kind = kind_of(layout.title, legacy, warnings, said)
    if said and said != kind:
        warnings.append(
            Warning("kind_mismatch", f"发票种类前后不一致：附带数据是{said}，版面标题是{kind}。请对照原件核实。")
        )
    return kind
