"""Sheets as a real batch would give them: names long and short, accounts of every length, some rows cut by the cap."""

import datetime as dt
import random

from vouchers.documents.printing import LetterLine, LetterSheet, LetterStep, RosterRow, RosterSheet, Signature

DISTRICTS = ("江阴市", "宜兴市", "梁溪区", "锡山区", "惠山区", "滨湖区", "新吴区", "无锡经开区")
BANKS = (
    "太湖银行蠡园支行",
    "澄江银行营业部",
    "国信银行无锡分行",
    "江南农村商业银行股份有限公司无锡分行营业部",
    "大运河发展银行股份有限公司无锡太湖新城科技支行",
)
PLACES = "青芦鼋渚砺锋听涛映湖漆塘知禾陶云锡东惠山智铸蓉湖清名桥胶山璜土南泉伯渎甘露"
TRADES = ("自动驾驶技术", "数控装备", "生物信息", "机器人", "微电子设计", "软件开发与信息系统集成服务")
LONG_NAME = "无锡太湖人工智能与高性能计算产业创新中心（江苏）技术研究院股份有限公司惠山分公司"
LONG_BANK = "大运河发展银行股份有限公司无锡太湖新城科技支行蠡湖大道第二营业部（普惠）"
CAP_FEN = 200_000_000
DAY = dt.date(2026, 3, 19)


def roster(count, **changes):
    """A sheet of `count` rows, the same at every call; `changes` replace its fields."""
    dice = random.Random(7)
    fields = {
        "title": "算力券补助资金拨付汇总表",
        "bureau": "无锡市工业和信息化局",
        "batch_number": "PC2026-000003",
        "approval": "锡工信发〔2026〕31号",
        "basis": "《无锡市关于加快推进算力发展和应用的实施意见》二（三）7",
        "scheme": "算力券",
        "fiscal_year": 2025,
        "funding": "市级财政专项资金",
        "made_on": DAY,
        "short_code": "8KQ2M7XVTN4C",
        "verify_at": "算力券管理平台“文书查验”",
        "signatures": (Signature("制表", "陆文清", DAY), Signature("复核", "方知远", DAY), Signature("批准")),
        "rows": tuple(row(number, dice) for number in range(1, count + 1)),
        "digest": "91b4" * 16,
    }
    return RosterSheet(**{**fields, **changes})


def row(number=1, dice=None, **changes):
    """One row; every seventeenth has a name of 40 characters, every fifty-first is cut by the cap."""
    dice = dice or random.Random(number)
    local, external = dice.choice((0, dice.randrange(1, 3 * 10**7))), dice.choice((0, dice.randrange(1, 10**7)))
    if number % 51 == 5:
        local = 7 * 10**8
    obtained = dice.choice((0, 0, dice.randrange(1, 10**7)))
    computed = local * 30 // 100 + external * 15 // 100 or 1
    amount = min(computed, CAP_FEN - obtained)
    start = dice.randrange(len(PLACES) - 2)
    name = LONG_NAME if number % 17 == 4 else f"无锡{PLACES[start : start + 2]}{dice.choice(TRADES)}有限公司"
    fields = {
        "number": number,
        "district": dice.choice(DISTRICTS),
        "payee": name,
        "uscc": "91320214MA1XPQ3F0P",
        "claim_number": f"SL2025-{number + 100:06d}",
        "local_cost_fen": local,
        "external_cost_fen": external,
        "computed_fen": computed,
        "obtained_fen": obtained,
        "amount_fen": amount,
        "bank": dice.choice(BANKS),
        "account": "".join(dice.choice("0123456789") for _ in range(dice.choice((12, 16, 17, 19, 21)))),
        "remark": "受年度限额核减" if amount < computed else "",
    }
    return RosterRow(**{**fields, **changes})


def letter(count=2, **changes):
    """A letter with `count` lines that count and one that does not."""
    lines = [
        LetterLine(
            f"*信息技术服务*算力服务费（{24112000000048542163 + number}）",
            "无锡太湖智算中心有限公司",
            "本市",
            "二（三）7",
            10_600_000 + number,
            "30%",
            (10_600_000 + number) * 30 // 100,
        )
        for number in range(count)
    ]
    total = sum(line.amount_fen for line in lines)
    lines.append(
        LetterLine(
            "*信息技术服务*存储服务费", "上海浦江云有限公司", "外地", "二（三）7", 0, "0%", 0, "不是智能算力服务"
        )
    )
    steps = [LetterStep("二（三）7", "申报主体类别为“465”现代产业集群企业，所在城市为无锡市：属于支持范围。")]
    steps += [
        LetterStep("二（三）7", f"{line.item}：以实付净额为基数，按{line.rate}补助。", line.amount_fen)
        for line in lines
    ]
    steps.append(LetterStep("二（三）7", "计入的发票行相加：测算额。", total))
    fields = {
        "title": "算力券补助资金拨款通知书",
        "bureau": "无锡市工业和信息化局",
        "number": "锡工信算拨〔2026〕12号",
        "payee": "无锡鼋渚自动驾驶技术有限公司",
        "uscc": "91320214MA1XPQ3F0P",
        "scheme": "算力券",
        "fiscal_year": 2025,
        "claim_number": "SL2025-000101",
        "batch_number": "PC2026-000003",
        "approval": "锡工信发〔2026〕31号",
        "amount_fen": total,
        "bank": "太湖银行蠡园支行",
        "account": "**** **** **** 3318",
        "basis": (
            "《无锡市关于加快推进算力发展和应用的实施意见》二（三）7",
            "《2025年度算力券申报通知》（锡工信发〔2026〕2号）",
        ),
        "lines": tuple(lines),
        "steps": tuple(steps),
        "objection": "对本通知有异议的，请于2026-04-16前通过算力券管理平台提出，并附相关证明材料。",
        "contact": "无锡市工业和信息化局算力券工作专班",
        "made_on": DAY,
        "short_code": "7MTR3WQX9K2P",
        "verify_at": "算力券管理平台“文书查验”",
    }
    return LetterSheet(**{**fields, **changes})
