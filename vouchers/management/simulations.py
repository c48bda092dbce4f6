"""Questions of `manage.py simulate`: JSON text in, what a change would mean as JSON text out (docs/simulate.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from vouchers import policy, rules
from vouchers.management.cases import CaseError, InputError, facts_from, read_cases
from vouchers.money import MoneyError, parse_yuan, yuan
from vouchers.rules.supposing import Changes, Supposed, suppose
from vouchers.rules.year import Year

_KEYS = ("scheme", "fiscal_year", "law_id", "call", "law", "shortage", "cases", "top_ups")


def question_of(text: str) -> dict[str, Any]:
    """The question in `text`, its keys checked. Raises InputError."""
    (question,) = read_cases(f"[{text}]") or ({},)
    if not isinstance(question, dict) or not isinstance(question.get("scheme"), str):
        raise InputError("应是一个 JSON 对象，至少写明 scheme（项目）和 fiscal_year（年度）。")
    unknown = [key for key in question if key not in _KEYS]
    if unknown or not isinstance(question.get("fiscal_year"), int):
        raise InputError(f"不认识的键 {unknown}；可以写 {'、'.join(_KEYS)}，fiscal_year 是整数年份。")
    if "top_ups" in question and "cases" not in question:
        raise InputError("top_ups 只和 cases 一起写：年度的真实申请按账上的追加和调整测算。")
    if any(not isinstance(question.get(key, {}), dict) for key in ("call", "law")):
        raise InputError("call 和 law 各是一个 JSON 对象：要改的项目和新值。")
    return question


def changes_of(question: Mapping[str, Any]) -> Changes:
    """What the question supposes."""
    return Changes(question.get("call", {}), question.get("law", {}), str(question.get("shortage", "")))


def of_cases(question: Mapping[str, Any]) -> Supposed:
    """The answer on the question's own `cases`, under the law's default call. Raises InputError, and as `suppose`."""
    scheme, year = question["scheme"], question["fiscal_year"]
    law_id = question.get("law_id")
    law = policy.law_by_id(law_id, scheme, year) if law_id else policy.law_for(scheme, year)
    found, names = [], []
    for at, case in enumerate(question["cases"]):
        try:
            found.append(facts_from(case))
        except (CaseError, rules.FactsError) as problem:
            raise InputError(f"第 {at + 1} 个案例：{problem}") from problem
        names.append(case["case"])
    terms = rules.default_terms(law)
    return suppose(found, names, law, terms, "waitlist", changes_of(question), top_ups_of(question))


def top_ups_of(question: Mapping[str, Any]) -> list[tuple[dt.date, int]]:
    """What the question says came to the pool during the year, by day. Raises InputError."""
    try:
        return [(dt.date.fromisoformat(each["on"]), parse_yuan(each["amount"])) for each in question.get("top_ups", [])]
    except (KeyError, TypeError, ValueError, MoneyError) as problem:
        raise InputError('top_ups 是追加资金的列表，例如 [{"on": "2025-09-01", "amount": "1000000.00"}]。') from problem


def answer_of(question: Mapping[str, Any], supposed: Supposed, names: Mapping[str, str] | None = None) -> str:
    """The answer as JSON text."""
    difference = supposed.difference
    rows = sorted(difference.applicants, key=lambda row: (row[2] - row[1], row[0]))
    answer = {
        "scheme": question["scheme"],
        "fiscal_year": question["fiscal_year"],
        "call": question.get("call", {}),
        "law": question.get("law", {}),
        "claims": len(supposed.table),
        "lines": supposed.lines,
        "before": _year(difference.before, supposed.before, supposed, difference.dry_before),
        "after": _year(difference.after, supposed.after, supposed, difference.dry_after),
        "winners": difference.winners,
        "losers": difference.losers,
        "applicants": [
            {"uscc": uscc, "name": (names or {}).get(uscc, ""), "before": yuan(was), "after": yuan(now), "change": yuan(now - was)}
            for uscc, was, now in rows
        ],
        "cases": [
            {"case": ref, "before": yuan(was), "after": yuan(now)}
            for ref, was, now in zip(
                supposed.table.refs, difference.before.given.tolist(), difference.after.given.tolist(), strict=True
            )
        ],
    }  # fmt: skip
    return json.dumps(answer, ensure_ascii=False, indent=1)


def _year(year: Year, terms: rules.CallTerms, supposed: Supposed, dry: Any) -> dict[str, Any]:
    return {
        "pool": yuan(terms.appropriation_fen),
        "top_ups": yuan(supposed.grows_fen),
        "shortage": supposed.shortage_before if terms is supposed.before else supposed.shortage_after,
        "computed": yuan(int(year.computed.sum())),
        "granted": yuan(year.granted_fen),
        "given": yuan(year.given_fen),
        "unmet": yuan(year.granted_fen - year.given_fen),
        "exhausted": year.dry_at is not None,
        "exhausted_on": dry.isoformat() if dry else None,
    }
