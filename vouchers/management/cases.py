"""Cases of `manage.py assess`: JSON text in, decisions as JSON text out. No database, no Django.

Strict, because amounts of money follow: every key must be known, present, given once and well formed. A bad case
becomes an item with its error, and never hides the others.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from applicants import uscc
from vouchers import policy, rules
from vouchers.money import MoneyError, parse_yuan, rate_text, yuan

# Limits on what a case may hold; a real one has a handful of lines.
MAX_LINES = 10_000
MAX_TEXT = 200
_MAX_INT_DIGITS = 18

_CASE_KEYS = ("case", "scheme", "fiscal_year", "applicant", "cap_used", "pool_available", "lines")
# What only some calls ask for; each may be left out.
_CASE_MAY = ("law", "call", "filed_on", "years_used", "contracts")
_APPLICANT_KEYS = ("uscc", "category", "city")
_APPLICANT_MAY = ("classes",)
_LINE_MAY = ("contract", "contract_amount", "signed_on", "service_from", "service_until", "classes", "other_schemes")
_CONTRACT_KEYS = ("contract", "base", "granted")
_LINE_KEYS = (
    "ref",
    "service",
    "location",
    "invoice_date",
    "amount",
    "tax",
    "paid",
    "paid_on",
    "seller_related",
    "subsidised_elsewhere",
)
_REVERSAL_KEYS = ("ref", "reverses", "amount", "tax", "paid")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class InputError(ValueError):
    """Input that is no JSON array of cases at all. Its text is Chinese."""


class CaseError(ValueError):
    """One case that cannot be assessed: a `code` for programs and a Chinese message."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class _NotPlain:
    """A JSON number that no key of a case may hold: a fraction, NaN, or an integer of absurd length."""


class _Repeating(dict):
    """A JSON object in which a key stood twice; ordinary readers would silently keep the last."""


def assess_text(text: str) -> str:
    """The decisions on the JSON array `text`, as a JSON array of the same length and order, one case a line.

    Raises InputError when `text` is no JSON array.
    """
    answers = [json.dumps(assess(case), ensure_ascii=False) for case in read_cases(text)]
    return "[\n" + ",\n".join(answers) + "\n]" if answers else "[]"


def read_cases(text: str) -> list:
    """The raw cases of the JSON array `text`. Raises InputError."""
    try:
        cases = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=lambda _: _NotPlain(),
            parse_constant=lambda _: _NotPlain(),
            parse_int=lambda digits: int(digits) if len(digits) <= _MAX_INT_DIGITS else _NotPlain(),
        )
    except json.JSONDecodeError as problem:
        raise InputError(f"不是有效的 JSON（第 {problem.lineno} 行第 {problem.colno} 列），请检查文件。") from problem
    except RecursionError as problem:
        raise InputError("JSON 嵌套过深，请检查文件。") from problem
    if not isinstance(cases, list):
        raise InputError("文件的最外层应是数组：[ {…}, {…} ]。")
    return cases


def assess(case: Any) -> dict[str, Any]:
    """The answer to one raw case: its decision in yuan, or its error."""
    try:
        facts = facts_from(case)
        law, terms = _basis(case.get("law"), facts.scheme, facts.fiscal_year)
        if "call" in case:
            terms = rules.changed_terms(terms, _plain(case["call"], "call"))
        decision = rules.decide(facts, law, terms)
    except (CaseError, rules.FactsError) as problem:
        return _error(case, problem.code, str(problem))
    except policy.NoLawInForce as problem:
        return _error(case, "no_law_in_force", str(problem))
    except rules.CallExceedsLaw as problem:
        return _error(case, "call_exceeds_law", str(problem))
    except rules.TermsError as problem:
        return _error(case, "malformed_call", str(problem))
    return _answer(case, decision)


def facts_from(case: object) -> rules.Facts:
    """The facts that a raw case states. Raises CaseError or rules.FactsError."""
    body = _keys(case, "本案", _CASE_KEYS, _CASE_MAY)
    _text(body["case"], "case")
    law_id = _one_of(body["law"], "law", policy.law_ids()) if "law" in body else None
    scheme = _one_of(body["scheme"], "scheme", policy.voucher_schemes())
    lines, reversals = _rows(body["lines"])
    facts = rules.Facts(
        scheme=scheme,
        fiscal_year=_year(body["fiscal_year"]),
        applicant=_applicant(body["applicant"], law_id, scheme),
        cap_used_fen=_amount(body["cap_used"], "cap_used"),
        pool_available_fen=_amount(body["pool_available"], "pool_available"),
        lines=lines,
        reversals=reversals,
        **_may(body, _CASE_READERS),
    )
    if not uscc.is_valid(facts.applicant.uscc):
        raise CaseError(
            "invalid_uscc",
            f"统一社会信用代码“{facts.applicant.uscc}”无效（应为 18 位且校验位相符），请对照营业执照核对。",
        )
    return facts


def _answer(case: dict, decision: rules.Decision) -> dict[str, Any]:
    results = {line.ref: line for line in decision.lines}
    return {
        "case": case["case"],
        "law": decision.law_id,
        "eligible": decision.eligible,
        "computed": yuan(decision.computed_fen),
        "granted": yuan(decision.granted_fen),
        "binding": decision.binding,
        "lines": [_line_answer(results[row["ref"]]) for row in case["lines"]],
        "findings": list(decision.findings),
        "citations": list(decision.citations),
        "trace": [
            {
                "rule": step.rule,
                "ref": step.ref,
                "citation": step.citation,
                "text": step.text,
                "amount": None if step.amount_fen is None else yuan(step.amount_fen),
            }
            for step in decision.trace
        ],
    }


def _line_answer(line: rules.LineResult) -> dict[str, str]:
    found = {
        "ref": line.ref,
        "base": yuan(line.base_fen),
        "rate": rate_text(line.rate),
        "subsidy": yuan(line.subsidy_fen),
        "reason": line.reason,
    }
    return found if line.granted_fen is None else found | {"granted": yuan(line.granted_fen)}


def _error(case: object, code: str, message: str) -> dict[str, Any]:
    """The item of a bad case; its name is given back where it has one that can be printed."""
    name = case.get("case") if isinstance(case, dict) else None
    if isinstance(name, str):
        name = _printable(name)
    elif not isinstance(name, int) or isinstance(name, bool):
        name = None
    return {"case": name, "error": {"code": code, "message": _printable(message)}}


@lru_cache
def _basis(law_id: str | None, scheme: str, fiscal_year: int) -> tuple[policy.Law, rules.CallTerms]:
    law = policy.law_by_id(law_id, scheme, fiscal_year) if law_id else policy.law_for(scheme, fiscal_year)
    return law, rules.default_terms(law)


@lru_cache
def _categories(law_id: str | None, scheme: str) -> tuple[str, ...]:
    """Every category that some law of the scheme names, and the one for all others."""
    laws = [law for law in policy.laws_of(law_id) if isinstance(law, policy.Law) and law.scheme == scheme]
    return (*dict.fromkeys(code for law in laws for code in law.scope_categories.value), "other")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeating(found)


def _keys(raw: object, where: str, names: tuple[str, ...], may: tuple[str, ...] = ()) -> dict[str, Any]:
    """`raw`, which must be an object with exactly the keys `names`, each once, and perhaps some of `may`."""
    if not isinstance(raw, dict):
        raise CaseError("malformed_value", f"{where}应是一个 JSON 对象：{{…}}。")
    if isinstance(raw, _Repeating):
        raise CaseError("repeated_key", f"{where}有重复的键，请每个键只写一次。")
    if raw.keys() != set(names):
        for name in raw:
            if name not in names and name not in may:
                raise CaseError("unknown_key", f"{where}有不认识的键“{name[:MAX_TEXT]}”，请删去或改正。")
        missing = [name for name in names if name not in raw]
        if missing:
            raise CaseError("missing_key", f"{where}缺少键“{'、'.join(missing)}”，请补上。")
    return raw


def _applicant(raw: object, law_id: str | None, scheme: str) -> rules.Applicant:
    body = _keys(raw, "applicant", _APPLICANT_KEYS, _APPLICANT_MAY)
    return rules.Applicant(
        uscc=_text(body["uscc"], "applicant.uscc"),
        category=_one_of(body["category"], "applicant.category", _categories(law_id, scheme)),
        city=_text(body["city"], "applicant.city"),
        classes=_texts(body.get("classes", []), "applicant.classes"),
    )


def _rows(raw: object) -> tuple[tuple[rules.Line, ...], tuple[rules.Reversal, ...]]:
    """Ordinary lines and red letters, each in the order given."""
    if not isinstance(raw, list):
        raise CaseError("malformed_value", "lines 应是数组：[ {…} ]。")
    if len(raw) > MAX_LINES:
        raise CaseError("malformed_value", f"lines 最多 {MAX_LINES} 行，请拆成几个案例。")
    lines: list[rules.Line] = []
    reversals: list[rules.Reversal] = []
    for i, row in enumerate(raw):
        where = f"lines[{i}]"
        if isinstance(row, dict) and "reverses" in row:
            reversals.append(_reversal(row, where))
        else:
            lines.append(_line(row, where))
    return tuple(lines), tuple(reversals)


def _line(raw: object, where: str) -> rules.Line:
    body = _keys(raw, where, _LINE_KEYS, _LINE_MAY)
    return rules.Line(
        ref=_text(body["ref"], f"{where}.ref"),
        service=_one_of(body["service"], f"{where}.service", policy.SERVICES),
        location=_one_of(body["location"], f"{where}.location", rules.LOCATIONS),
        invoice_date=_day(body["invoice_date"], f"{where}.invoice_date"),
        amount_fen=_amount(body["amount"], f"{where}.amount"),
        tax_fen=_amount(body["tax"], f"{where}.tax"),
        paid_fen=_amount(body["paid"], f"{where}.paid"),
        paid_on=_day(body["paid_on"], f"{where}.paid_on"),
        seller_related=_flag(body["seller_related"], f"{where}.seller_related"),
        subsidised_elsewhere=_flag(body["subsidised_elsewhere"], f"{where}.subsidised_elsewhere"),
        **(_may(body, _LINE_READERS, f"{where}.") if len(body) > len(_LINE_KEYS) else {}),
    )


def _reversal(raw: object, where: str) -> rules.Reversal:
    body = _keys(raw, where, _REVERSAL_KEYS)
    return rules.Reversal(
        ref=_text(body["ref"], f"{where}.ref"),
        reverses=_text(body["reverses"], f"{where}.reverses"),
        amount_fen=_amount(body["amount"], f"{where}.amount"),
        tax_fen=_amount(body["tax"], f"{where}.tax"),
        paid_fen=_amount(body["paid"], f"{where}.paid"),
    )


def _text(raw: object, where: str) -> str:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > MAX_TEXT or raw != _printable(raw):
        raise CaseError("malformed_value", f"{where} 应是一段文字（1 至 {MAX_TEXT} 字）。")
    return raw


def _one_of(raw: object, where: str, known: tuple[str, ...] | Mapping[str, str]) -> str:
    if not isinstance(raw, str) or raw not in known:
        raise CaseError("malformed_value", f"{where} 只能是 {'、'.join(known)} 之一。")
    return raw


def _amount(raw: object, where: str) -> int:
    if not isinstance(raw, str):
        raise CaseError("malformed_value", f'{where} 应是带引号的金额，例如 "1234.50"。')
    try:
        return parse_yuan(raw)
    except MoneyError as problem:
        raise CaseError("malformed_value", f"{where}：{problem}") from problem


def _day(raw: object, where: str) -> dt.date:
    try:
        if isinstance(raw, str) and _ISO_DAY.fullmatch(raw):
            return dt.date.fromisoformat(raw)
    except ValueError:
        pass
    raise CaseError("malformed_value", f'{where} 应是实有的日期，写成 "2025-03-01" 的样子。')


def _year(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise CaseError("malformed_value", "fiscal_year 应是整数年份，例如 2025。")
    return raw


def _flag(raw: object, where: str) -> bool:
    if not isinstance(raw, bool):
        raise CaseError("malformed_value", f"{where} 只能是 true 或 false。")
    return raw


def _texts(raw: object, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or len(raw) > MAX_TEXT:
        raise CaseError("malformed_value", f'{where} 应是文字的数组：[ "…" ]。')
    return tuple(_text(item, where) for item in raw)


def _contracts(raw: object, where: str) -> tuple[rules.ContractUse, ...]:
    if not isinstance(raw, list) or len(raw) > MAX_LINES:
        raise CaseError("malformed_value", f"{where} 应是数组：[ {{…}} ]。")
    bodies = [_keys(item, where, _CONTRACT_KEYS) for item in raw]
    return tuple(
        rules.ContractUse(_text(b["contract"], where), _amount(b["base"], where), _amount(b["granted"], where))
        for b in bodies
    )


def _plain(raw: object, where: str) -> dict[str, Any]:
    """`raw`, which must be an object whose keys somebody else knows."""
    if isinstance(raw, _Repeating) or not isinstance(raw, dict):
        raise CaseError("malformed_value", f"{where} 应是一个 JSON 对象，每个键只写一次。")
    return raw


def _may(body: dict[str, Any], readers: _Readers, where: str = "") -> dict[str, Any]:
    """What `body` says of the facts that it may leave out."""
    return {field: read(body[key], where + key) for key, (field, read) in readers.items() if key in body}


_Readers = dict[str, tuple[str, Callable[[object, str], Any]]]
_CASE_READERS: _Readers = {
    "filed_on": ("filed_on", _day),
    "years_used": ("years_used_fen", _amount),
    "contracts": ("contracts", _contracts),
}
_LINE_READERS: _Readers = {
    "contract": ("contract", _text),
    "contract_amount": ("contract_fen", _amount),
    "signed_on": ("signed_on", _day),
    "service_from": ("service_from", _day),
    "service_until": ("service_until", _day),
    "classes": ("classes", _texts),
    "other_schemes": ("other_schemes", _texts),
}


def _printable(text: str) -> str:
    """`text` as UTF-8 can print it: JSON admits lone surrogates, UTF-8 does not."""
    return text.encode("utf-8", "replace").decode()
