"""A corpus of invoices as XML and OFD, each with what a reader must make of it: families, versions, forms of lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vouchers.invoices import Invoice, Line

from . import make
from .make_legacy import LegacyFacts, data_a, data_b, legacy_parts
from .make_tags import with_other_tags

LONG = "*信息技术服务*面向大模型训练与推理场景的智能算力租赁及配套调度运维技术服务费（二〇二六年五月）"


def lines_of() -> dict[str, list[Line]]:
    """Item rows of every form, by name."""
    return {
        "one": [make.compute_line()],
        "discount": [make.compute_line(), make.discount_line(), make.compute_line(name="*信息技术服务*存储服务费")],
        "no quantity": [make.compute_line(quantity="", unit_price="", unit="", spec="")],
        "endless price": [
            make.compute_line(quantity="3", unit_price="33.3333333333333", amount_fen=10_000, tax_fen=600)
        ],
        "untaxed": [make.compute_line(tax_rate="免税", tax_fen=0)],
        "mixed rates": [make.compute_line(), make.compute_line(tax_rate="13%", tax_fen=1_560_000)],
        "odd fen": [make.compute_line(quantity="1", unit_price="0.01", amount_fen=1, tax_fen=0)],
        "large": [make.compute_line(quantity="", unit_price="", amount_fen=98_765_432_101, tax_fen=5_925_925_926)],
        "seven": [make.compute_line(name=f"*信息技术服务*算力第{n}期") for n in range(1, 8)],
        "forty": [make.compute_line(name=f"*信息技术服务*算力第{n}期", spec="") for n in range(1, 41)],
        "three hundred": [make.compute_line(name=f"*信息技术服务*算力第{n}期", spec="") for n in range(1, 301)],
    }


def corpus() -> Iterator[tuple[str, bytes, Invoice]]:
    """Name, file and invoice of every member."""
    yield from _xml()
    yield from _new_ofd()
    yield from _old_ofd()


def _xml() -> Iterator[tuple[str, bytes, Invoice]]:
    shapes = {
        "0.2": {"version": "0.2", "rate": "long"},
        "0.32": {"version": "0.32", "rate": "percent", "time": " 09:47:14"},
    }
    for version, shape in shapes.items():
        for name, lines in lines_of().items():
            facts = make.Facts(lines=lines)
            yield f"xml {version} {name}", make.xml(facts, **shape), facts.invoice("xml")
        for name, facts in _odd_ones().items():
            yield f"xml {version} {name}", make.xml(facts, encoding="GB18030", **shape), facts.invoice("xml")


def _new_ofd() -> Iterator[tuple[str, bytes, Invoice]]:
    for name, facts in {**{name: make.Facts(lines=lines) for name, lines in lines_of().items()}, **_odd_ones()}.items():
        parts = make.ofd_parts(facts)
        yield f"ofd C {name}", make.zipped(parts), facts.invoice("ofd")
        yield f"ofd D {name}", make.zipped(with_other_tags(parts)), facts.invoice("ofd")
    facts = make.Facts(lines=[make.compute_line(name=LONG), make.discount_line()])
    for style in ("cdata", "padded"):
        parts = make.ofd_parts(facts, style=style)
        yield f"ofd C {style}", make.zipped(parts), facts.invoice("ofd")
        yield f"ofd D {style}", make.zipped(with_other_tags(parts, wrapped=True)), facts.invoice("ofd")


def _old_ofd() -> Iterator[tuple[str, bytes, Invoice]]:
    # A form of those years prints its rate in every row, and no more than a dozen figures.
    usual = ("one", "discount", "no quantity", "untaxed", "mixed rates", "odd fen", "seven", "forty", "three hundred")
    old = {name: LegacyFacts(lines=lines) for name, lines in lines_of().items() if name in usual}
    red = make.red_letter(make.Facts())
    old["red"] = LegacyFacts(
        lines=red.lines,
        reverses="03200220011187654321",
        remark="对应正数发票代码:032002200111号码:87654321",
    )
    old["special"] = LegacyFacts(kind="电子专票", code="032002200113")
    for name, facts in old.items():
        invoice = facts.invoice("ofd")
        yield f"ofd A {name}", make.zipped(legacy_parts(facts, "A")), invoice
        if name != "untaxed":
            yield f"ofd B {name}", make.zipped(legacy_parts(facts, "B")), invoice
        if len(facts.lines) == 1:
            yield f"ofd page {name}", make.zipped(legacy_parts(facts, "")), invoice
        if name in ("one", "discount"):
            yield f"xml A {name}", data_a(facts).encode(), replace(invoice, carrier="xml")
            yield f"xml B {name}", data_b(facts, date="2023-12-31").encode(), replace(invoice, carrier="xml")


def _odd_ones() -> dict[str, make.Facts]:
    blue = make.Facts(lines=[make.compute_line(), make.discount_line()])
    return {
        "red": make.red_letter(blue),
        "ordinary": make.Facts(kind="数电普票"),
        "rare characters": make.Facts(seller_name="𬭚㐂䶮镕（无锡）算力有限公司", buyer_name="龘龖䲜示例有限公司"),
        "long names": make.Facts(
            buyer_name="无锡" + "示例" * 20 + "股份有限公司", lines=[make.compute_line(name=LONG)]
        ),
        "no remark": make.Facts(remark=""),
        "long remark": make.Facts(remark="服务期自二〇二六年四月一日起至二〇二六年四月三十日止；" * 5),
    }
