"""The explanation, word for word: what pages and letters print as “为什么是这个金额”."""

from dataclasses import replace
from fractions import Fraction

from vouchers import money, rules
from vouchers.management.cases import facts_from

from .builders import LAW, TERMS, changed, ordinary_case

RED = {"ref": "R1", "reverses": "L1", "amount": "-50000.00", "tax": "-3000.00", "paid": "-20000.00"}


def explained(changes: dict, terms: rules.CallTerms = TERMS) -> list[tuple[str, str, str | None]]:
    """Citation, text and amount of every step for the ordinary case with `changes`."""
    decision = rules.decide(facts_from(changed(ordinary_case(), changes)), LAW, terms)
    return [
        (step.citation, step.text, None if step.amount_fen is None else money.yuan(step.amount_fen))
        for step in decision.trace
    ]


def test_an_ordinary_case_is_explained_from_applicant_to_amount():
    assert explained({"lines": [{"paid": "53000.00"}]}) == [
        ("二（三）7", "申报主体类别为“465”现代产业集群企业，所在城市为无锡市：属于支持范围。", None),
        (
            "二（三）7",
            "发票行 L1，价税合计 106,000.00 元，实际支付 53,000.00 元："
            "以发票净额与实付净额中较小者 53,000.00 元为基数，本市智能算力按 30% 补助，不足一分的舍去。",
            "15900.00",
        ),
        ("二（三）7", "计入的发票行 1 行：各行补助相加，测算额 15,900.00 元。", "15900.00"),
        (
            "二（三）7",
            "每家单位 2025 年度最高 2,000,000.00 元，此前已获得或已占用 0.00 元：还可获得 2,000,000.00 元，测算额未超出。",
            "2000000.00",
        ),
        ("二（三）7", "2025 年度资金池可用余额 50,000,000.00 元：足以安排。", "50000000.00"),
        ("二（三）7", "测算额 15,900.00 元，未受限额影响：核定补助 15,900.00 元。", "15900.00"),
    ]


def test_red_letters_and_the_annual_cap_are_explained():
    steps = explained({"cap_used": "1999000.00", "lines": [{}, RED, {"ref": "L2", "location": "external"}]})
    assert steps[1:4] == [
        (
            "二（三）7",
            "发票行 L1，价税合计 106,000.00 元，实际支付 106,000.00 元，扣除红字冲销和退款后，"
            "发票净额 53,000.00 元，实付净额 86,000.00 元："
            "以发票净额与实付净额中较小者 53,000.00 元为基数，本市智能算力按 30% 补助，不足一分的舍去。",
            "15900.00",
        ),
        (
            "二（三）7",
            "发票行 L2，价税合计 106,000.00 元，实际支付 106,000.00 元："
            "以发票净额与实付净额中较小者 106,000.00 元为基数，外地智能算力按 15% 补助，不足一分的舍去。",
            "15900.00",
        ),
        (
            "二（三）7",
            "红字 R1，冲销 53,000.00 元，退款 20,000.00 元：从发票行 L1 中扣除，本身不计补助。",
            "0.00",
        ),
    ]
    assert steps[4:] == [
        ("二（三）7", "计入的发票行 2 行：各行补助相加，测算额 31,800.00 元。", "31800.00"),
        (
            "二（三）7",
            "每家单位 2025 年度最高 2,000,000.00 元，此前已获得或已占用 1,999,000.00 元："
            "还可获得 1,000.00 元，测算额超出，按此核减。",
            "1000.00",
        ),
        ("二（三）7", "2025 年度资金池可用余额 50,000,000.00 元：足以安排。", "50000000.00"),
        ("二（三）7", "测算额 31,800.00 元，受单位年度限额所限：核定补助 1,000.00 元。", "1000.00"),
    ]


def test_a_pool_that_cuts_is_explained():
    assert explained({"pool_available": "100.00"})[-2:] == [
        ("二（三）7", "2025 年度资金池可用余额 100.00 元：不足以按测算额安排，按余额核减。", "100.00"),
        ("二（三）7", "测算额 31,800.00 元，受资金池余额所限：核定补助 100.00 元。", "100.00"),
    ]


def test_every_exclusion_states_its_fact_and_where_it_stands():
    windowed = replace(TERMS, citation="锡工信〔2026〕1号", spend_from=LAW.in_force.value.first.replace(2025, 3, 1))
    lines = [
        {"ref": "A", "service": "general"},
        {"ref": "B", "seller_related": True},
        {"ref": "C", "subsidised_elsewhere": True},
        {"ref": "D", "invoice_date": "2023-12-31"},
        {"ref": "E", "paid_on": "2024-12-31"},
        {"ref": "F", "paid_on": "2025-02-28"},
    ]
    steps = explained({"lines": lines}, windowed)
    assert steps[1:7] == [
        ("二（三）7", "发票行 A，所购服务不是智能算力：不计入补助。", "0.00"),
        ("锡工信〔2026〕1号", "发票行 B，销售方与申报主体存在关联关系：不计入补助。", "0.00"),
        ("锡工信〔2026〕1号", "发票行 C，该费用已获得其他补助：不计入补助。", "0.00"),
        (
            "文末施行条款",
            "发票行 D，开票日 2023-12-31、付款日 2025-03-15 不都在政策有效期 2024-01-01 至 2025-12-31 内：不计入补助。",
            "0.00",
        ),
        ("二（三）7", "发票行 E，付款日 2024-12-31 不在 2025 年度内：不计入补助。", "0.00"),
        (
            "锡工信〔2026〕1号",
            "发票行 F，付款日 2025-02-28 不在费用发生期 2025-03-01 至 2025-12-31 内：不计入补助。",
            "0.00",
        ),
    ]
    assert steps[7][1] == "没有可计入的发票行：测算额 0.00 元。"


def test_an_applicant_out_of_scope_is_told_so_and_nothing_more():
    assert explained({"applicant.category": "other", "applicant.city": "苏州市"}) == [
        ("二（三）7", "申报主体类别为其他单位，所在城市为苏州市：不在支持范围，不予补助。", "0.00")
    ]


def test_what_the_call_decided_is_named_where_it_differs_from_the_law():
    call = replace(
        TERMS,
        citation="锡工信〔2026〕1号",
        tax_basis="excl_tax",
        local_rate=Fraction(1, 4),
        external_rate=Fraction(1, 8),
        annual_cap_fen=100_000_000,
    )
    steps = explained({"lines": [{}, {"ref": "L2", "location": "external"}, {"ref": "L3", "paid": "0.00"}]}, call)
    assert [step[1] for step in steps[1:4]] == [
        "发票行 L1，价税合计 106,000.00 元，实际支付 106,000.00 元，其中不含税净额 100,000.00 元："
        "以不含税净额与实付净额的不含税部分中较小者 100,000.00 元为基数，"
        "本市智能算力按 25%（锡工信〔2026〕1号确定，政策上限 30%）补助，不足一分的舍去。",
        "发票行 L2，价税合计 106,000.00 元，实际支付 106,000.00 元，其中不含税净额 100,000.00 元："
        "以不含税净额与实付净额的不含税部分中较小者 100,000.00 元为基数，"
        "外地智能算力按 12.5%（锡工信〔2026〕1号确定，政策上限 15%）补助，不足一分的舍去。",
        "发票行 L3，价税合计 106,000.00 元，实际支付 0.00 元，其中不含税净额 100,000.00 元："
        "没有可补助的净额，补助为零。",
    ]
    assert "每家单位 2025 年度最高 1,000,000.00 元（锡工信〔2026〕1号确定）" in steps[5][1]


def test_a_refund_alone_is_shown_as_net():
    refund = {**RED, "amount": "0.00", "tax": "0.00"}
    assert "发票净额 106,000.00 元，实付净额 86,000.00 元" in explained({"lines": [{}, refund]})[1][1]
