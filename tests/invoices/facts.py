"""Plain facts of invented invoices, and what a reader must make of them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from vouchers.invoices import Invoice, Line
from vouchers.money import in_words


@dataclass
class Facts:
    """One invoice as its issuer knows it. Sums follow from the lines."""

    number: str = "26322000000000000017"
    day: datetime.date = datetime.date(2026, 5, 8)
    kind: str = "数电专票"
    buyer_name: str = "无锡示例人工智能有限公司"
    buyer_id: str = "91320214MA00000028"
    seller_name: str = "示例智算科技（无锡）有限公司"
    seller_id: str = "91320214MA00000010"
    lines: list[Line] = field(default_factory=lambda: [compute_line()])
    remark: str = "合同编号：SL-2026-0001"
    reverses: str = ""
    code: str = ""
    check_code: str = ""

    @property
    def amount_fen(self) -> int:
        return sum(line.amount_fen for line in self.lines)

    @property
    def tax_fen(self) -> int:
        return sum(line.tax_fen for line in self.lines)

    @property
    def total_fen(self) -> int:
        return self.amount_fen + self.tax_fen

    @property
    def words(self) -> str:
        said = in_words(abs(self.total_fen)).replace("元", "圆")
        return ("（负数）" if self.total_fen < 0 else "") + said

    def invoice(self, carrier: str) -> Invoice:
        """What a reader must make of a file of these facts, without any warning."""
        return Invoice(
            carrier=carrier,
            kind=self.kind,
            number=self.number,
            code=self.code,
            check_code=self.check_code,
            date=self.day,
            buyer_name=self.buyer_name,
            buyer_id=self.buyer_id,
            seller_name=self.seller_name,
            seller_id=self.seller_id,
            amount_fen=self.amount_fen,
            tax_fen=self.tax_fen,
            total_fen=self.total_fen,
            red=bool(self.reverses),
            reverses=self.reverses,
            remark=self.remark,
            lines=tuple(self.lines),
            warnings=(),
        )


def compute_line(**changes) -> Line:
    """An ordinary line of compute: 12,000 card hours at 10 yuan."""
    facts = {
        "name": "*信息技术服务*智能算力服务费",
        "spec": "A800 8卡",
        "unit": "卡时",
        "quantity": "12000",
        "unit_price": "10",
        "amount_fen": 12_000_000,
        "tax_rate": "6%",
        "tax_fen": 720_000,
    }
    return Line(**{**facts, **changes})


def discount_line(amount_fen: int = -1_200_000, tax_fen: int = -72_000) -> Line:
    """A discount: negative, without quantity, under the name of its line."""
    return compute_line(spec="", unit="", quantity="", unit_price="", amount_fen=amount_fen, tax_fen=tax_fen)


def red_letter(blue: Facts) -> Facts:
    """The red letter that cancels all of `blue`."""
    lines = [
        Line(
            line.name,
            line.spec,
            line.unit,
            f"-{line.quantity}" if line.quantity else "",
            line.unit_price,
            -line.amount_fen,
            line.tax_rate,
            -line.tax_fen,
        )
        for line in blue.lines
    ]
    return Facts(
        number="26322000000000000025",
        lines=lines,
        reverses=blue.number,
        remark=f"被红冲蓝字数电票号码：{blue.number} 红字发票信息确认单编号：32021426051000000001",
    )
