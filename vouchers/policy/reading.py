"""Reads one law file and refuses whatever is not whole: unknown, missing or repeated keys, floats, values without
a citation, words that are not in the official text, and values that leave a gap or overlap in time.

Where a text does not say something that the rules must know, the file says so: `silent`, with why it is this value,
instead of citation and clause. `call` holds what a text, or published practice, fixes of the calls under it.

A value holds from its `from` until the next one of the same name. The first begins with the law itself and later
ones on a 1 January, because the rules decide whole fiscal years: so each year has exactly one value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from vouchers import money
from vouchers.policy.law import SERVICES, TAX_BASES, AgreementLaw, Law, RateClass, Value, Window

_SILENT = "文本未规定"


class LawFileError(Exception):
    """A law file that cannot be relied on. Says which file, where in it, and what to mend."""


@dataclass(frozen=True)
class SchemeText:
    """One scheme as its file tells it: every value with its whole history."""

    law_id: str
    title: str
    status: str
    scheme: str
    scheme_title: str
    kind: type[Law] | type[AgreementLaw]
    in_force: Value[Window]
    histories: dict[str, tuple[Value[Any], ...]]
    call: MappingProxyType[str, Value[Any]]

    def years(self) -> range:
        """The fiscal years that the law touches."""
        window = self.in_force.value
        return range(window.first.year, window.last.year + 1)

    def for_year(self, fiscal_year: int) -> Law | AgreementLaw:
        """The law as it stands in `fiscal_year`, which must be one of years()."""
        last_day = dt.date(fiscal_year, 12, 31)
        return self.kind(
            id=self.law_id,
            title=self.title,
            status=self.status,
            scheme=self.scheme,
            scheme_title=self.scheme_title,
            fiscal_year=fiscal_year,
            in_force=self.in_force,
            call=self.call,
            **{name: [v for v in history if v.start <= last_day][-1] for name, history in self.histories.items()},
        )


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a repeated key, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise LawFileError(f"第 {node.start_mark.line + 1} 行起：键“{'、'.join(repeated)}”重复，请只保留一个。")
        return super().construct_mapping(node, deep=deep)


def read_law_file(path: Path) -> list[SchemeText]:
    """Every scheme of the law file at `path`. Raises LawFileError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
        return _read_document(document, path.parent)
    except (LawFileError, yaml.YAMLError, OSError) as problem:
        raise LawFileError(f"政策文件 {path.name}：{problem}") from problem


def _read_document(document: object, folder: Path) -> list[SchemeText]:
    top = _keys(document, "文件", "id", "title", "status", "text", "in_force", "schemes")
    official = _squeezed((folder / _text(top["text"])).read_text(encoding="utf-8"))
    in_force = _keys(top["in_force"], "in_force", "from", "until", *_grounds(top["in_force"]))
    window = Window(_day(in_force["from"], "in_force"), _day(in_force["until"], "in_force"))
    if window.first > window.last:
        raise LawFileError("in_force：from 晚于 until，请核对有效期。")
    force = _cited(window, window.first, in_force, "in_force", official)
    if not isinstance(top["schemes"], dict) or not top["schemes"]:
        raise LawFileError("schemes：至少写一个扶持项目。")
    return [_read_scheme(name, raw, top, force, official) for name, raw in top["schemes"].items()]


def _read_scheme(name: object, raw: object, top: dict[Any, Any], force: Value[Window], official: str) -> SchemeText:
    where = f"schemes.{name}"
    body = _keys(raw, where, "kind", "title", "values", may=("call",))
    if body["kind"] not in _KINDS:
        raise LawFileError(f"{where}.kind：只能是 {'、'.join(_KINDS)} 之一。")
    kind, readers, further = _KINDS[body["kind"]]
    values = _keys(body["values"], f"{where}.values", *readers, may=tuple(further))
    readers = readers | {name: read for name, read in further.items() if name in values}
    return SchemeText(
        law_id=_text(top["id"]),
        title=_text(top["title"]),
        status=_text(top["status"]),
        scheme=_text(name),
        scheme_title=_text(body["title"]),
        kind=kind,
        in_force=force,
        histories={
            key: _history(values[key], f"{where}.{key}", read, force, official) for key, read in readers.items()
        },
        call=_call(body.get("call", {}), f"{where}.call", force, official),
    )


def _call(raw: object, where: str, force: Value[Window], official: str) -> MappingProxyType[str, Value[Any]]:
    """What the file fixes of every call, by the name of the term."""
    body = _keys(raw, where, may=tuple(_TERMS))
    found = {}
    for name, item in body.items():
        entry = _keys(item, f"{where}.{name}", "value", *_grounds(item))
        term, read = _TERMS[name]
        value = _read(read, entry["value"], f"{where}.{name}")
        found[term] = _cited(value, force.start, entry, f"{where}.{name}", official)
    return MappingProxyType(found)


def _read(read: Callable[[object], Any], raw: object, where: str) -> Any:
    try:
        return read(raw)
    except (LawFileError, money.MoneyError) as problem:
        raise LawFileError(f"{where}：{problem}") from problem


def _grounds(raw: object) -> tuple[str, ...]:
    """The keys that an entry gives its grounds by."""
    return ("silent",) if isinstance(raw, dict) and "silent" in raw else ("citation", "clause")


def _history(
    raw: object, where: str, read: Callable[[object], Any], force: Value[Window], official: str
) -> tuple[Value[Any], ...]:
    """The dated values of one name, oldest first, leaving no day of the law uncovered and none twice."""
    if not isinstance(raw, list) or not raw:
        raise LawFileError(f"{where}：写成列表，每一项有 from、value、citation、clause。")
    history: list[Value[Any]] = []
    for item in raw:
        entry = _keys(item, where, "from", "value", *_grounds(item))
        start = _day(entry["from"], where)
        if not history and start != force.value.first:
            raise LawFileError(f"{where}：第一个值须从施行之日 {force.value.first} 起，否则其间没有规定。")
        if history and (start <= history[-1].start or (start.month, start.day) != (1, 1)):
            raise LawFileError(f"{where}：自 {start} 起的值须晚于前一个值，且从某年 1 月 1 日起。")
        if start not in force.value:
            raise LawFileError(f"{where}：{start} 已在有效期之外。")
        history.append(_cited(_read(read, entry["value"], where), start, entry, where, official))
    return tuple(history)


def _cited(value: Any, start: dt.date, entry: dict[Any, Any], where: str, official: str) -> Value[Any]:
    if "silent" in entry:
        if not isinstance(entry["silent"], str) or not entry["silent"].strip():
            raise LawFileError(f"{where}：文本没有规定的，用 silent 写明没有规定什么、为何取此值。")
        return Value(value, start, _SILENT, entry["silent"].strip(), silent=True)
    clause, citation = entry["clause"], entry["citation"]
    if not isinstance(clause, str) or not isinstance(citation, str) or not clause.strip() or not citation.strip():
        raise LawFileError(f"{where}：每个值都要写明出处（citation）和原文（clause）。")
    if _squeezed(clause) not in official:
        raise LawFileError(f"{where}：“{clause}”与官方文本不一致，请逐字照录。")
    for item in value.values() if isinstance(value, MappingProxyType) else ():
        words = item.words if isinstance(item, RateClass) else item
        if _squeezed(words) not in _squeezed(clause):
            raise LawFileError(f"{where}：“{words}”不在所引原文中。")
    return Value(value, start, citation.strip(), clause.strip())


def _squeezed(text: str) -> str:
    """`text` without blanks and line breaks: the official text is broken into pages in mid-sentence."""
    return re.sub(r"\s+", "", text)


def _keys(raw: object, where: str, *names: str, may: tuple[str, ...] = ()) -> dict[Any, Any]:
    """`raw`, which must be a mapping with exactly the keys `names`, and perhaps some of `may`."""
    if not isinstance(raw, dict):
        raise LawFileError(f"{where}：应有 {'、'.join(names)}。")
    unknown = [str(key) for key in raw if key not in names and key not in may]
    missing = [name for name in names if name not in raw]
    if unknown or missing:
        raise LawFileError(f"{where}：不认识的键 {unknown}，缺少的键 {missing}。")
    return raw


def _day(raw: object, where: str) -> dt.date:
    if not isinstance(raw, dt.date) or isinstance(raw, dt.datetime):
        raise LawFileError(f"{where}：日期“{raw}”写成 2024-01-01 的样子。")
    return raw


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise LawFileError(f"“{raw}”应为文字。")
    return raw.strip()


def _amount(raw: object) -> int:
    """Fen from text in yuan. A YAML float, or a bare number, is no text and refused."""
    fen = money.parse_yuan(_text(raw))
    if fen <= 0:
        raise LawFileError(f"金额“{raw}”须大于零。")
    return fen


def _stated(raw: object) -> int | None:
    """An amount, or None for a ceiling that the text does not state (written 未定)."""
    return None if raw == "未定" else _amount(raw)


def _from_zero(raw: object) -> int:
    """An amount that may be zero."""
    fen = money.parse_yuan(_text(raw))
    if fen < 0:
        raise LawFileError(f"金额“{raw}”不能小于零。")
    return fen


def _or_none(raw: object) -> int | None:
    """An amount, or null for no cap."""
    return None if raw is None else _from_zero(raw)


def _rate(raw: object) -> Fraction:
    return money.parse_rate(_text(raw))


def _rates(raw: object) -> dict[str, Fraction]:
    """Codes of rate classes with their rates."""
    if not isinstance(raw, dict):
        raise LawFileError("应写成“代码: 比例”。")
    return {_text(code): _rate(rate) for code, rate in raw.items()}


def _flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise LawFileError(f"“{raw}”应为 true 或 false。")
    return raw


def _one_of(known: tuple[str, ...]) -> Callable[[object], str]:
    """A reader that takes only a code the rules know: a misspelt one would quietly pay nobody."""

    def read(raw: object) -> str:
        if raw not in known:
            raise LawFileError(f"“{raw}”应为 {'、'.join(known)} 之一。")
        return str(raw)

    return read


def _categories(raw: object) -> MappingProxyType[str, str]:
    """Codes of applicants' categories with the law's own words for them."""
    if not isinstance(raw, dict) or not raw:
        raise LawFileError("应写成“代码: 原文用语”。")
    return MappingProxyType({_text(code): _text(words) for code, words in raw.items()})


def _rate_classes(raw: object) -> MappingProxyType[str, RateClass]:
    """Codes of rate classes with their rate and the law's own words for them."""
    if not isinstance(raw, dict) or not raw:
        raise LawFileError("应写成“代码: {rate: 比例, words: 原文用语}”。")
    bodies = {_text(code): _keys(body, f"档次 {code}", "rate", "words") for code, body in raw.items()}
    return MappingProxyType({c: RateClass(_rate(body["rate"]), _text(body["words"])) for c, body in bodies.items()})


def _list_of_text(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise LawFileError("应写成列表。")
    return tuple(_text(item) for item in raw)


def _date(raw: object) -> dt.date:
    return _day(raw, "日期")


_Readers = dict[str, Callable[[object], Any]]
# Of each kind of scheme: the values that must be there, and those that may.
_KINDS: dict[str, tuple[type[Law] | type[AgreementLaw], _Readers, _Readers]] = {
    "voucher": (
        Law,
        {
            "pool": _stated,
            "scope_categories": _categories,
            "scope_city": _text,
            "service": _one_of(SERVICES),
            "tax_basis": _one_of(TAX_BASES),
            "local_rate": _rate,
            "external_rate": _rate,
            "annual_cap": _stated,
        },
        {"rate_classes": _rate_classes, "contract_cap": _amount, "claim_cap": _amount, "years_cap": _amount},
    ),
    "agreement": (AgreementLaw, {"rate_ceiling": _rate, "grant_ceiling": _amount, "in_principle": _flag}, {}),
}
# What a file may fix of calls: its name here → the term of vouchers.rules.terms, and how it is read.
_TERMS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "spend_from": ("spend_from", _date),
    "spend_until": ("spend_until", _date),
    "filing_from": ("filing_from", _date),
    "filing_until": ("filing_until", _date),
    "cap_year": ("cap_year", _text),
    "minimum_spend": ("minimum_spend_fen", _from_zero),
    "minimum_grant": ("minimum_grant_fen", _from_zero),
    "rounding_unit": ("rounding_unit_fen", _amount),
    "rounding_mode": ("rounding_mode", _text),
    "rounding_at": ("rounding_at", _text),
    "allocation": ("allocation", _text),
    "proration": ("proration", _text),
    "within_contract": ("within_contract", _flag),
    "excludes_related_party": ("excludes_related_party", _flag),
    "excludes_subsidised_elsewhere": ("excludes_subsidised_elsewhere", _flag),
    "excludes_schemes": ("excludes_schemes", _list_of_text),
}
# What besides may be changed to see what would follow (vouchers.rules.changes); in a file, the values say these.
_CHANGES = _TERMS | {
    "local_rate": ("local_rate", _rate),
    "external_rate": ("external_rate", _rate),
    "annual_cap": ("annual_cap_fen", _from_zero),
    "appropriation": ("appropriation_fen", _from_zero),
    "tax_basis": ("tax_basis", _text),
    "class_rates": ("class_rates", _rates),
    "contract_cap": ("contract_cap_fen", _or_none),
    "claim_cap": ("claim_cap_fen", _or_none),
    "years_cap": ("years_cap_fen", _or_none),
}


def read_term(name: str, raw: object) -> tuple[str, Any]:
    """A changed term of a call as somebody wrote it: its name in vouchers.rules.terms, and its value.

    `class_rates` is read as a mapping of codes to rates. Raises LawFileError.
    """
    if name not in _CHANGES:
        raise LawFileError(f"申报通知没有“{name}”这一项；可以改的是 {'、'.join(_CHANGES)}。")
    if name in ("spend_from", "spend_until", "filing_from", "filing_until") and isinstance(raw, str):
        raw = _iso(raw)
    term, read = _CHANGES[name]
    return term, _read(read, raw, name)


def read_value(kind: type[Law] | type[AgreementLaw], name: str, raw: object) -> Any:
    """A changed value of a law as somebody wrote it. Raises LawFileError."""
    readers = next(required | further for of, required, further in _KINDS.values() if of is kind)
    if name not in readers:
        raise LawFileError(f"政策没有“{name}”这一项；可以改的是 {'、'.join(readers)}。")
    return _read(readers[name], raw, name)


def _iso(raw: str) -> dt.date:
    try:
        return dt.date.fromisoformat(raw)
    except ValueError as problem:
        raise LawFileError(f"日期“{raw}”写成 2025-01-01 的样子。") from problem
