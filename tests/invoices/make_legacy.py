"""Synthetic invoices of the forms before 数电票 as OFD: the page as it was printed, with a data file beside it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from vouchers.invoices import Invoice
from vouchers.money import yuan

from .facts import Facts
from .make_ofd import OFD_NS, Part, wrapped
from .make_xml import element

MOF = "http://xbrl.mof.gov.cn/taxonomy"
FP = "http://www.edrm.org.cn/schema/e-invoice/2019"
DATA_A = "Doc_0/Attachs/original_invoice.xml"
_ROWS = 7
_LABELS = [
    (148.6, 10.23, "发票代码："), (148.6, 15.73, "发票号码："), (148.6, 21.23, "开票日期："), (148.6, 26.73, "校验码："),
    (5.6, 26.73, "机器编号："), (22, 26.73, "016000351595"),
    (13.52, 34.33, "名"), (29.09, 34.33, "称："), (13.52, 39.53, "纳税人识别号："), (13.52, 45.13, "地址、电话："),
    (13.52, 50.43, "开户行及账号："),
    (6.85, 35.95, "购"), (6.85, 42.3, "买"), (6.85, 48.65, "方"),
    (120.37, 35.65, "密"), (120.37, 42.0, "码"), (120.37, 48.35, "区"),
    (25.02, 55.73, "项目名称"), (64.02, 55.73, "规格型号"), (85.52, 55.73, "单位"), (99.32, 55.73, "数 量"),
    (120.52, 55.73, "单 价"), (144.72, 55.73, "金 额"), (166.72, 55.73, "税率"), (185.02, 55.73, "税 额"),
    (22.52, 94.9, "合"), (34.52, 94.9, "计"), (17.32, 101.23, "价税合计（大写）"), (156.6, 101.23, "（小写）"),
    (13.52, 108.14, "名"), (29.09, 108.14, "称："), (13.52, 113.02, "纳税人识别号："), (13.52, 117.5, "地址、电话："),
    (13.52, 122.19, "开户行及账号："),
    (6.85, 109.45, "销"), (6.85, 115.8, "售"), (6.85, 122.15, "方"), (120.37, 110.65, "备"), (120.37, 120.65, "注"),
    (7.1, 128.23, "收款人："), (63.6, 128.23, "复核："), (105.7, 128.23, "开票人："), (121, 128.23, "示例"),
]  # fmt: skip
_LIST_LABELS = [
    (10.5, 39.73, "购买方名称："), (10.5, 46.73, "销售方名称："), (10.5, 53.73, "所属增值税电子普通发票代码："),
    (95.5, 53.73, "号码："), (6, 63.43, "序号"), (25.5, 63.43, "项目名称"), (63.5, 63.43, "规格型号"),
    (85.5, 63.43, "单位"), (100.5, 63.43, "数 量"), (119.5, 63.43, "单 价"), (144.5, 63.43, "金 额"),
    (167, 63.43, "税率"), (182.98, 63.43, "税"), (191.98, 63.43, "额"),
]  # fmt: skip
_TITLES = {"电子普票": "江苏增值税电子普通发票", "电子专票": "江苏增值税电子专用发票"}
_QR_TYPES = {"电子普票": "10", "电子专票": "20"}


@dataclass
class LegacyFacts(Facts):
    """One invoice of 2020 to 2022."""

    number: str = "12345678"
    code: str = "032002200111"
    check_code: str = "80200846912530403376"
    day: datetime.date = datetime.date(2022, 5, 8)
    kind: str = "电子普票"

    def invoice(self, carrier: str) -> Invoice:
        """What a reader must make of it."""
        return replace(super().invoice(carrier), code=self.code, check_code=self.check_code)

    @property
    def date_words(self) -> str:
        return f"{self.day.year}年{self.day.month:02d}月{self.day.day:02d}日"


def data_a(facts: LegacyFacts) -> str:
    """`original_invoice.xml`."""
    goods = "".join(
        "<fp:GoodsInfo>"
        + "".join(
            _fp(name, text)
            for name, text in (
                ("Item", line.name), ("Specification", line.spec), ("MeasurementDimension", line.unit),
                ("Price", line.unit_price), ("Quantity", line.quantity), ("Amount", yuan(line.amount_fen)),
                ("TaxScheme", line.tax_rate), ("TaxAmount", _tax(line.tax_fen, line.tax_rate)),
            )
        )
        + "</fp:GoodsInfo>"
        for line in facts.lines
    )  # fmt: skip
    amount = yuan(facts.amount_fen).rstrip("0").rstrip(".")
    code = (
        f"01,{_QR_TYPES[facts.kind]},{facts.code},{facts.number},{amount},{facts.day:%Y%m%d},{facts.check_code},7257,"
    )
    original = _fp("OriginalInvoiceCode", facts.reverses[:12]) + _fp("OriginalInvoiceNo", facts.reverses[12:])
    return (
        f'<?xml version="1.0" encoding="utf-8"?><eInvoice xmlns:fp="{FP}" Version="1.0">{_fp("DocID", "01")}'
        f"{_fp('InvoiceCode', facts.code)}{_fp('InvoiceNo', facts.number)}{_fp('IssueDate', facts.date_words)}"
        f"{_fp('InvoiceCheckCode', facts.check_code)}<fp:Buyer>{_fp('BuyerName', facts.buyer_name)}"
        f"{_fp('BuyerTaxID', facts.buyer_id)}</fp:Buyer><fp:Seller>{_fp('SellerName', facts.seller_name)}"
        f"{_fp('SellerTaxID', facts.seller_id)}</fp:Seller>{_fp('TaxInclusiveTotalAmount', yuan(facts.total_fen))}"
        f"{_fp('Note', facts.remark)}{_fp('TaxTotalAmount', _total_tax(facts))}"
        f"{_fp('TaxExclusiveTotalAmount', yuan(facts.amount_fen))}{_fp('GraphCode', code)}"
        f"{original if facts.reverses else ''}<fp:GoodsInfos>{goods}</fp:GoodsInfos></eInvoice>"
    )


def data_b(facts: LegacyFacts, *, date: str = "2021-09-30", schema: str = "inv_issuer") -> str:
    """财政部's instance of the invoice."""
    rows = "".join(
        "<inv:InformationOfTaxableGoodsOrServicesDetailItemsTuple>"
        + _inv("NameOfTaxableGoodsOrServices", line.name)
        + _inv("Specification", line.spec)
        + _inv("UnitOfGoodsOrServices", line.unit)
        + _inv("QuantityOfGoodsOrServices", line.quantity)
        + _inv("UnitPriceOfGoodsOrServices", line.unit_price)
        + _inv("AmountExcludingTax", yuan(line.amount_fen))
        + _inv("TaxRate", line.tax_rate.replace("%", ".00%"))
        + _inv("TaxAmount", yuan(line.tax_fen))
        + "</inv:InformationOfTaxableGoodsOrServicesDetailItemsTuple>"
        for line in facts.lines
    )
    special = "专用" if facts.kind == "电子专票" else "普通"
    side = "TaxpayerIdentificationNumberUnifiedSocialCreditCodeOf"
    body = (
        f"{_inv('TypeOfInvoice', f'增值税电子{special}发票')}{_inv('UniqueCodeOfInvoice', facts.code + facts.number)}"
        f"{_inv('CodeOfInvoice', facts.code)}{_inv('NumberOfInvoice', facts.number)}"
        f"{_inv('DateOfIssue', facts.day.isoformat())}{_inv('IdentifyingCode', facts.check_code)}"
        f"{_inv('NameOfPurchaser', facts.buyer_name)}{_inv(f'{side}Purchaser', facts.buyer_id)}"
        f"{_inv('TotalAmountExcludingTax', yuan(facts.amount_fen))}{_inv('TotalTaxAmount', yuan(facts.tax_fen))}"
        f"{_inv('TaxIncludedAmountInWords', facts.words)}{_inv('TaxIncludedAmountInFigures', yuan(facts.total_fen))}"
        f"{rows}{_inv('NameOfSeller', facts.seller_name)}{_inv(f'{side}Seller', facts.seller_id)}"
        f"{_inv('Remarks', facts.remark)}"
    )
    return xbrl(body, "inv", date=date, schema=schema)


def xbrl(body: str, prefix: str, *, date: str = "2021-09-30", schema: str = "", unit: str = "iso4217:CNY") -> str:
    """An instance of the voucher `prefix` around `body`."""
    return (
        f'<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:{prefix}="{MOF}/{date}/{prefix}" '
        'xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:iso4217="http://www.xbrl.org/2003/iso4217" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><link:schemaRef xlink:type="simple" '
        f'xlink:href="{schema or prefix}_entry_point_{date}.xsd"/><context id="c1"><entity><identifier scheme="{MOF}">1'
        "</identifier></entity><period><instant>2022-05-08</instant></period></context>"
        f'<unit id="u1"><measure>{unit}</measure></unit>{body}</xbrl>'
    )


def facts_of(prefix: str, **facts: object) -> str:
    """The facts of an instance as elements."""
    return "".join(f'<{prefix}:{name} contextRef="c1">{text}</{prefix}:{name}>' for name, text in facts.items())


def legacy_parts(facts: LegacyFacts, data: str = "A") -> dict[str, str]:
    """The members of the OFD. `data` is A (original_invoice.xml), B (instance), or empty for the page alone."""
    template = Part(3)
    title = _TITLES[facts.kind]
    template.text(69, 12.73, title, size=6.5)
    for left, baseline, text in _LABELS:
        template.text(left, baseline, text)
    page, lists = _pages(facts)
    parts = {
        "OFD.xml": _ofd_xml(facts),
        "Doc_0/Tpls/Tpl_0/Content.xml": template.page(template=True),
        "Doc_0/Pages/Page_0/Content.xml": page.page(template=False),
        **{f"Doc_0/Pages/Page_{n}/Content.xml": part.page(template=True) for n, part in enumerate(lists, 1)},
    }
    name = {"A": "original_invoice.xml", "B": f"inv_ord_issuer_20220508_{facts.code}{facts.number}.xml"}.get(data, "")
    listing = "<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>" if name else ""
    parts["Doc_0/Document.xml"] = (
        f'<?xml version="1.0" encoding="UTF-8"?><ofd:Document xmlns:ofd="{OFD_NS}"><ofd:CommonData>'
        '<ofd:TemplatePage ID="1" BaseLoc="Tpls/Tpl_0/Content.xml"/></ofd:CommonData><ofd:Pages>'
        + "".join(f'<ofd:Page ID="{61 + n}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(lists) + 1))
        + f"</ofd:Pages>{listing}</ofd:Document>"
    )
    if name:
        parts[f"Doc_0/Attachs/{name}"] = data_a(facts) if data == "A" else data_b(facts)
        parts["Doc_0/Attachs/Attachments.xml"] = (
            f'<ofd:Attachments xmlns:ofd="{OFD_NS}"><ofd:Attachment ID="8" Name="data" Format="xml">'
            f"<ofd:FileLoc>{name}</ofd:FileLoc></ofd:Attachment></ofd:Attachments>"
        )
    return parts


def _pages(facts: LegacyFacts) -> tuple[Part, list[Part]]:
    """The form and the pages of its 清单."""
    part = Part(6900)
    part.text(164, 10.29, facts.code)
    part.text(164, 15.79, facts.number)
    part.text(164, 21.29, facts.date_words)
    part.text(164, 26.79, " ".join(facts.check_code[n : n + 5] for n in range(0, 20, 5)))
    for offset, text in enumerate(("00664<120+*+2-984159/29<+>17", "+8*-62/3/73869<1*43--427<530")):
        part.text(130, 35.66 + 4.5 * offset, text, size=4.9)
    for name, number, top in ((facts.buyer_name, facts.buyer_id, 34.49), (facts.seller_name, facts.seller_id, 108.49)):
        part.text(36, top, name)
        part.text(36, top + 5.2, number, size=4.2333)
    lists: list[Part] = []
    if len(facts.lines) <= _ROWS and all(len(wrapped(line.name, 55)) == 1 for line in facts.lines):
        for index, line in enumerate(facts.lines):
            _item(part, line, 59.84 + 4.5 * index)
    else:
        part.text(5.5, 59.84, "(详见销货清单)")
        _sums(part, facts, 59.84, "6%")
        lists = _lists(facts)
    _sums(part, facts, 94.89, "", sign="¥")
    part.text(63, 101.35, facts.words)
    part.text(168.2, 101.14, f"¥{yuan(facts.total_fen)}")
    for offset, text in enumerate(wrapped(facts.remark, 76)):
        part.text(129, 110 + 3.5 * offset, text)
    return part, lists


def _lists(facts: LegacyFacts) -> list[Part]:
    lists = []
    for start in range(0, len(facts.lines), 25):
        part = Part(6900 + 1000 * (start // 25 + 1))
        part.text(45.05, 20.1, "销售货物或者提供应税劳务、服务清单", size=6)
        for left, baseline, text in _LIST_LABELS:
            part.text(left, baseline, text)
        part.text(30, 39.59, facts.buyer_name)
        part.text(30, 46.59, facts.seller_name)
        for offset, line in enumerate(facts.lines[start : start + 25]):
            part.text(8.2, 71 + 2.5 * offset, str(start + offset + 1), size=2)
            _item(part, line, 71 + 2.5 * offset, left=14.5, size=2)
        lists.append(part)
    return lists


def _item(part: Part, line, level: float, left: float = 5.5, size: float = 3.175) -> None:
    part.text(left, level, line.name, size=size)
    part.text(58, level, line.spec, size=size)
    part.text(87, level, line.unit, size=size)
    part.right(113.5, level, line.quantity, size=size)
    part.right(133.1, level, line.unit_price, size=size)
    part.right(163.5, level, yuan(line.amount_fen), size=size)
    part.right(175, level, line.tax_rate, size=size)
    part.right(204.5, level, _tax(line.tax_fen, line.tax_rate), size=size)


def _sums(part: Part, facts: LegacyFacts, level: float, rate: str, sign: str = "") -> None:
    part.right(163.1, level, sign + yuan(facts.amount_fen))
    part.right(175, level, rate)
    part.right(204.4, level, _total_tax(facts) if _total_tax(facts) == "***" else sign + _total_tax(facts))


def _tax(tax_fen: int, rate: str) -> str:
    return "***" if rate in ("免税", "不征税") else yuan(tax_fen)


def _total_tax(facts: LegacyFacts) -> str:
    return "***" if all(line.tax_rate == "免税" for line in facts.lines) else yuan(facts.tax_fen)


def _ofd_xml(facts: LegacyFacts) -> str:
    hints = {
        "价税合计": yuan(facts.total_fen), "发票代码": facts.code, "发票号码": facts.number,
        "合计金额": yuan(facts.amount_fen), "开票日期": facts.date_words, "校验码": facts.check_code,
        "购买方名称": facts.buyer_name, "销售方名称": facts.seller_name, "销售方纳税人识别号": facts.seller_id,
    }  # fmt: skip
    data = "".join(f'<ofd:CustomData Name="{name}">{text}</ofd:CustomData>' for name, text in hints.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="{OFD_NS}" DocType="OFD" Version="1.0"><ofd:DocBody>'
        f"<ofd:DocInfo><ofd:CustomDatas>{data}</ofd:CustomDatas></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )


def _fp(name: str, text: object) -> str:
    return element(f"fp:{name}", text)


def _inv(name: str, text: object) -> str:
    return f'<inv:{name} contextRef="c1"><![CDATA[{text}]]></inv:{name}>'
