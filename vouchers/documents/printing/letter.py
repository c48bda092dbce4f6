"""拨款通知书: the letter to one enterprise, A4 upright after GB/T 9704, with the account of its amount as 附件."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template

from vouchers.documents.printing.grid import clean
from vouchers.documents.printing.press import Paper, PrintingError, press
from vouchers.documents.printing.sheets import LetterLine, LetterSheet, LetterStep
from vouchers.money import grouped, in_words, yuan

FONT = "Noto Sans CJK SC"
_CSS = Path(__file__).with_name("letter.css").read_text(encoding="utf-8")
# The issuing bureau's name in red: 29 points, smaller where the 156 mm of the type area would not hold it.
_BUREAU_SIZE, _TYPE_WIDTH = 29.0, 442.0

_FRONT = Template("""<body><div class="foot">$foot</div>
<p class="bureau" style="font-size:${size}pt;line-height:${leading}pt">$bureau</p>$number<div class="red"></div>
<h1>$title</h1>
<p class="to">$payee：</p>
<p class="text">$opening</p>
<table class="account">$account</table>
<p class="text">金额的由来见附件。</p>
<h2>一、应当做到的事项</h2>$duties
<h2>二、对金额有异议的</h2><p class="text">$objection</p>
<p class="text">联系方式：$contact</p>
<p class="text">附件：核定金额说明</p>
<div class="close"><p class="by">$bureau</p><p class="seal">（加盖公章）</p><p class="day">$day</p>
<p class="verify">$verify</p></div>""")

_APPENDIX = Template("""<div class="appendix"><p class="mark">附件</p><h1>核定金额说明</h1>
<p class="of">$subject</p>
<h3>一、费用明细（元）</h3>
<table class="lines"><thead><tr><th>序号</th><th>费用</th><th>算力所在</th><th class="num">计算基数</th>
<th class="num">比例</th><th class="num">补助</th></tr></thead><tbody>$lines</tbody></table>
<h3>二、为什么是这个金额（元）</h3>
<table class="steps"><tbody>$steps</tbody></table></div></body></html>""")


def letter_pdf(sheet: LetterSheet) -> bytes:
    """The letter as PDF/A-3u with its data embedded as letter.json; the same bytes for the same sheet.

    Raises PrintingError when no line explains the amount, GlyphMissing when a character has no glyph.
    """
    if not sheet.lines or not sheet.steps:
        raise PrintingError(f"申请 {sheet.claim_number} 没有费用明细或核定过程，不能生成通知书。")
    return press(
        Paper(
            title=f"{sheet.title}（{sheet.claim_number}）",
            author=sheet.bureau,
            description=f"{sheet.payee}，{sheet.fiscal_year}年度{sheet.scheme}，{grouped(sheet.amount_fen)}元",
            made_on=sheet.made_on,
            css=_CSS,
            body=_front(sheet) + _appendix(sheet),
            data_name="letter.json",
            data=_data(sheet),
            fonts=(FONT,),
        )
    )


def _front(sheet: LetterSheet) -> str:
    size = min(_BUREAU_SIZE, _TYPE_WIDTH / max(1, len(sheet.bureau)))
    account = (
        ("收款单位", sheet.payee),
        ("统一社会信用代码", sheet.uscc),
        ("开户银行", sheet.bank),
        ("账号", sheet.account),
    )
    opening = (
        f"根据{'、'.join(sheet.basis)}，你单位{sheet.fiscal_year}年度{sheet.scheme}兑付申请（编号{sheet.claim_number}）"
        f"已获批准，核定补助资金人民币"
    )
    amount = f"<b>{in_words(sheet.amount_fen)}（¥{grouped(sheet.amount_fen)}）</b>"
    batch = f"，列入{sheet.batch_number}号拨付批次（批复文号：{sheet.approval}），拨入下列账户。"
    return _FRONT.substitute(
        foot=_safe(f"批次号 {sheet.batch_number}　查验码 {sheet.short_code}"),
        size=f"{size:.2f}",
        leading=f"{size * 1.3:.2f}",
        bureau=_safe(sheet.bureau),
        number=f'<p class="number">{_safe(sheet.number)}</p>' if sheet.number else "",
        title=_safe(sheet.title),
        payee=_safe(sheet.payee),
        opening=_safe(opening) + amount + _safe(batch),
        account="".join(f"<tr><th>{name}</th><td>{_safe(value)}</td></tr>" for name, value in account),
        verify=_safe(f"查验码 {sheet.short_code}，在{sheet.verify_at}核对本通知书。"),
        duties="".join(f'<p class="text">{_safe(duty)}</p>' for duty in sheet.duties),
        objection=_safe(sheet.objection),
        contact=_safe(sheet.contact),
        day=f"{sheet.made_on.year}年{sheet.made_on.month}月{sheet.made_on.day}日",
    )


def _appendix(sheet: LetterSheet) -> str:
    total = sum(line.amount_fen for line in sheet.lines)
    lines = "".join(_line(number, line) for number, line in enumerate(sheet.lines, start=1))
    lines += f'<tr class="sum"><td colspan="5">各项补助相加</td><td class="num">{grouped(total)}</td></tr>'
    steps = "".join(_step(number, step) for number, step in enumerate(sheet.steps, start=1))
    steps += f'<tr class="total"><td colspan="2">核定补助</td><td class="num">{grouped(sheet.amount_fen)}</td></tr>'
    subject = f"{sheet.payee}，{sheet.fiscal_year}年度{sheet.scheme}，兑付申请{sheet.claim_number}"
    return _APPENDIX.substitute(subject=_safe(subject), lines=lines, steps=steps)


def _line(number: int, line: LetterLine) -> str:
    below = "".join(f"<small>{_safe(text)}</small>" for text in (line.provider, line.note) if text)
    clause = f"<small>{_safe(line.citation)}</small>" if line.citation else ""
    return (
        f"<tr><td>{number}</td><td>{_safe(line.item)}{below}</td><td>{_safe(line.place)}{clause}</td>"
        f'<td class="num">{grouped(line.base_fen)}</td><td class="num">{_safe(line.rate)}</td>'
        f'<td class="num">{grouped(line.amount_fen)}</td></tr>'
    )


def _step(number: int, step: LetterStep) -> str:
    amount = "" if step.amount_fen is None else grouped(step.amount_fen)
    citation = f"<small>{_safe(step.citation)}</small>" if step.citation else ""
    return f'<tr><td>{number}</td><td>{_safe(step.text)}{citation}</td><td class="num">{amount}</td></tr>'


def _safe(text: str) -> str:
    return html.escape(clean(text))


def _data(sheet: LetterSheet) -> dict[str, object]:
    """The letter for machines: amounts in yuan as text, days as ISO."""
    return {
        "title": sheet.title,
        "bureau": sheet.bureau,
        "number": sheet.number,
        "payee": sheet.payee,
        "uscc": sheet.uscc,
        "scheme": sheet.scheme,
        "fiscal_year": sheet.fiscal_year,
        "claim_number": sheet.claim_number,
        "batch_number": sheet.batch_number,
        "approval": sheet.approval,
        "amount": yuan(sheet.amount_fen),
        "bank": sheet.bank,
        "account": sheet.account,
        "basis": list(sheet.basis),
        "made_on": sheet.made_on.isoformat(),
        "short_code": sheet.short_code,
        "lines": [
            {
                "item": line.item,
                "provider": line.provider,
                "place": line.place,
                "citation": line.citation,
                "base": yuan(line.base_fen),
                "rate": line.rate,
                "amount": yuan(line.amount_fen),
                "note": line.note,
            }
            for line in sheet.lines
        ],
        "steps": [
            {
                "citation": step.citation,
                "text": step.text,
                "amount": None if step.amount_fen is None else yuan(step.amount_fen),
            }
            for step in sheet.steps
        ],
    }
