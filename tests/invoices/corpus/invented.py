"""Invented invoices by seed: short and long names, rare characters, discounts, red letters, untaxed and margin-taxed."""

from __future__ import annotations

import datetime
import random
from decimal import Decimal

from vouchers.invoices import Line

from ..facts import Facts, red_letter

_PLACES = ["无锡", "示例市滨湖", "江苏", "上海自贸试验区临港", "呼和浩特", "䶮州", "𬭚城"]
_CORES = ["示例智算", "算力云", "星河人工智能", "华镕数据", "云㐂网络科技", "ABC Cloud智能", "某某（中国）信息"]
_TAILS = [
    "有限公司",
    "科技有限公司",
    "股份有限公司",
    "科技（集团）股份有限公司无锡分公司",
    "大数据产业发展研究院有限责任公司",
]
_CATEGORIES = ["*信息技术服务*", "*信息系统服务*", "*信息系统增值服务*", "*云计算*", "*经营租赁*", "*电信服务*"]
_ITEMS = [
    "智能算力服务费", "软件服务费", "技术服务费", "GPU算力租赁A800", "模型调用Token包", "裸金属服务器租用",
    "面向大模型训练与推理场景的智能算力租赁及配套调度运维技术服务费（二〇二六年五月）",
    "GPU Cloud Bare Metal Server Rental", "卡时（H100 80G SXM5）", "算力费用小计", "云主机c7.4xlarge包年",
]  # fmt: skip
_SPECS = ["", "", "A800 8卡", "H100-SXM5", "无", "LSG10R042BHC", "NVIDIA A800-80G 8卡/台 RDMA", "62202", "3.2x75MM"]
_UNITS = ["", "项", "卡时", "月", "套", "小时", "P·天", "GB/月", "个"]
_RATES = ["6%", "6%", "6%", "13%", "9%", "3%", "1%", "免税", "***"]
_REMARKS = [
    "", "合同编号：SL-2026-0001", "订单号:65047079890", "收款人:王某; 复核人:李某;", "0070309510/PO.LTG2025070403/BR./A0B8682;",
    "开户银行:示例银行无锡分行; 银行账号:3200001234567890; 服务期自二〇二六年四月一日起至二〇二六年四月三十日止；合同编号：SL-2026-0099",
]  # fmt: skip
_MIXED = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def invented(seed: int, kind: str, count: int | None = None, *, rare: bool = True) -> Facts:
    """The facts of one invoice; `count` lines, discounts among them. `rare` allows characters outside GB 2312."""
    chance = random.Random(f"{seed} {kind}")
    day = datetime.date(2025, 1, 1) + datetime.timedelta(days=chance.randrange(500))
    old = kind.startswith("电子")
    if old:
        day = day.replace(year=chance.choice([2019, 2020, 2021, 2023]), day=min(day.day, 28))
    count = count or chance.choice([1, 1, 1, 2, 3, 4, 6, 8, 11, 15])
    margin = chance.random() < 0.05
    lines: list[Line] = []
    while len(lines) < count:
        line = _line(chance, margin)
        lines.append(line)
        if len(lines) < count and chance.random() < 0.2:
            lines.append(_discount(chance, line))
    digits = "".join(chance.choice("0123456789") for _ in range(20))
    facts = Facts(
        number=digits[:8] if old else f"{day.year % 100}32{digits[:16]}",
        code=("0" + digits[8:19] if chance.random() < 0.7 else "3" + digits[8:17]) if old else "",
        check_code=digits if old else "",
        day=day,
        kind=kind,
        buyer_name=_name(chance, rare),
        buyer_id=_id(chance),
        seller_name=_name(chance, rare) + "甲",
        seller_id=_id(chance),
        lines=lines,
        remark=("差额征税：12345.67。" if margin else "") + chance.choice(_REMARKS),
    )
    if not margin and chance.random() < 0.15:
        red = red_letter(facts)
        facts.lines = red.lines
        facts.reverses = ("0" + digits[8:19] + digits[:8]) if old else f"2532{digits[4:20]}"
        facts.remark = (
            f"对应正数发票代码:{facts.reverses[:12]}号码:{facts.reverses[12:]}"
            if old
            else f"被红冲蓝字数电票号码：{facts.reverses} 红字发票信息确认单编号：32021426051000000001"
        )
    return facts


def _line(chance: random.Random, margin: bool) -> Line:
    amount_fen = chance.choice(
        [chance.randrange(1, 1_000), chance.randrange(1_000, 10**7), chance.randrange(10**7, 10**11)]
    )
    rate = "***" if margin else chance.choice(_RATES[:-1])
    percent = 0 if rate in ("免税", "***") else int(rate[:-1])
    tax_fen = 1_234 if rate == "***" else (amount_fen * percent + 50) // 100
    quantity, price = "", ""
    if chance.random() < 0.8:
        units = chance.choice([1, 1, 2, 3, 12, 720, 12000, chance.randrange(1, 99_999)])
        quantity = str(units) if chance.random() < 0.8 else f"{units}.00"
        exact = (Decimal(amount_fen) / 100 / units).quantize(Decimal("1.0000000000000"))
        price = f"{exact.normalize():f}"
    return Line(
        name=chance.choice(_CATEGORIES) + chance.choice(_ITEMS),
        spec=chance.choice(_SPECS),
        unit=chance.choice(_UNITS),
        quantity=quantity,
        unit_price=price,
        amount_fen=amount_fen,
        tax_rate=rate,
        tax_fen=tax_fen,
    )


def _discount(chance: random.Random, line: Line) -> Line:
    cut = chance.randrange(0, line.amount_fen) // 2 + 1
    tax = 0 if line.tax_rate in ("免税", "***") else (cut * int(line.tax_rate[:-1]) + 50) // 100
    return Line(line.name, "", "", "", "", -cut, line.tax_rate, -tax)


def _name(chance: random.Random, rare: bool) -> str:
    text = chance.choice(_PLACES) + chance.choice(_CORES) + chance.choice(_TAILS)
    return text if rare else text.translate(str.maketrans("䶮𬭚㐂", "龙城喜"))


def _id(chance: random.Random) -> str:
    length = chance.choice([18, 18, 18, 18, 15, 20])
    return "91320214" + "".join(chance.choice(_MIXED) for _ in range(length - 8))
