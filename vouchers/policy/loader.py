"""Finds the law of a scheme for a day or a fiscal year among the law files of this folder.

Between two laws there may be days without any: then NoLawInForce, never zero. Two laws of one scheme may not
touch the same fiscal year, because nothing would say which of them decides it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from vouchers.policy.law import AgreementLaw, Law
from vouchers.policy.reading import LawFileError, SchemeText, read_law_file

_FOLDER = Path(__file__).parent


class NoLawInForce(LookupError):
    """No law governs this scheme on that day or in that year. Its text is Chinese."""


def law_for(scheme: str, fiscal_year: int) -> Law:
    """The voucher law of `scheme` that is in force on some day of `fiscal_year`. Raises NoLawInForce."""
    law = _find(scheme, fiscal_year)
    if not isinstance(law, Law):
        raise NoLawInForce(
            f"{fiscal_year} 年度没有项目“{scheme}”的有效政策，无法测算。请核对年度，或等待政策文件发布。"
        )
    return law


def law_on(scheme: str, day: dt.date) -> Law:
    """The voucher law of `scheme` in force on `day`. Raises NoLawInForce."""
    law = _find(scheme, day.year)
    if not isinstance(law, Law) or day not in law.in_force.value:
        raise NoLawInForce(f"{day} 没有项目“{scheme}”的有效政策，无法测算。请核对日期，或等待政策文件发布。")
    return law


def agreement_for(scheme: str, fiscal_year: int) -> AgreementLaw:
    """The ceilings of the case-by-case `scheme` in `fiscal_year`. Raises NoLawInForce."""
    law = _find(scheme, fiscal_year)
    if not isinstance(law, AgreementLaw):
        raise NoLawInForce(f"{fiscal_year} 年度没有“一事一议”项目“{scheme}”的有效政策。请核对项目和年度。")
    return law


def governing(scheme: str, fiscal_year: int) -> Law | AgreementLaw:
    """The law of `scheme` in `fiscal_year`, of vouchers or of agreements. Raises NoLawInForce."""
    law = _find(scheme, fiscal_year)
    if law is None:
        raise NoLawInForce(
            f"{fiscal_year} 年度没有项目“{scheme}”的有效政策，无法测算。请核对年度，或等待政策文件发布。"
        )
    return law


def voucher_schemes() -> dict[str, str]:
    """Code → title of every voucher scheme that some law of the city has governed."""
    return {law.scheme: law.scheme_title for law in all_laws() if isinstance(law, Law)}


def agreement_schemes() -> dict[str, str]:
    """Code → title of every case-by-case scheme that some law of the city has governed."""
    return {law.scheme: law.scheme_title for law in all_laws() if isinstance(law, AgreementLaw)}


def all_laws() -> tuple[Law | AgreementLaw, ...]:
    """Every law of the city for every fiscal year it touches."""
    return tuple(_shelf().values())


def laws_of(law_id: str | None) -> tuple[Law | AgreementLaw, ...]:
    """Every law of that id, of any city, for every year it touches; of None, the city's own."""
    if law_id is None:
        return all_laws()
    shelves = (_shelf(), *_shelves_elsewhere().values())
    return tuple(law for shelf in shelves for law in shelf.values() if law.id == law_id)


def law_ids() -> tuple[str, ...]:
    """The id of every voucher law on file, the city's own first."""
    laws = (law for shelf in (_shelf(), *_shelves_elsewhere().values()) for law in shelf.values())
    return tuple(dict.fromkeys(law.id for law in laws if isinstance(law, Law)))


def law_by_id(law_id: str, scheme: str, fiscal_year: int) -> Law:
    """The voucher law of that id, of any city, for `scheme` in `fiscal_year`. Raises NoLawInForce."""
    for shelf in (_shelf(), *_shelves_elsewhere().values()):
        law = shelf.get((scheme, fiscal_year))
        if isinstance(law, Law) and law.id == law_id:
            return law
    raise NoLawInForce(
        f"政策“{law_id}”在 {fiscal_year} 年度没有项目“{scheme}”的规定，无法测算。请核对政策、项目和年度。"
    )


def _find(scheme: str, fiscal_year: int) -> Law | AgreementLaw | None:
    return _shelf().get((scheme, fiscal_year))


@lru_cache(maxsize=1)
def _shelf() -> dict[tuple[str, int], Law | AgreementLaw]:
    """Read once a process: law files change only with a release."""
    texts = [text for path in sorted(_FOLDER.glob("*.yaml")) for text in read_law_file(path)]
    return arrange(texts)


@lru_cache(maxsize=1)
def _shelves_elsewhere() -> dict[str, dict[tuple[str, int], Law | AgreementLaw]]:
    """The laws of other cities, a shelf a file: their schemes may bear the same codes."""
    return {path.stem: arrange(read_law_file(path)) for path in sorted((_FOLDER / "elsewhere").glob("*.yaml"))}


def arrange(texts: Iterable[SchemeText]) -> dict[tuple[str, int], Law | AgreementLaw]:
    """Every law of `texts` under its scheme and fiscal year. Raises LawFileError where two overlap."""
    laws: dict[tuple[str, int], Law | AgreementLaw] = {}
    for text in texts:
        for year in text.years():
            if (text.scheme, year) in laws:
                other = laws[text.scheme, year].id
                raise LawFileError(f"{text.scheme} 的 {year} 年度有两份政策（{other}、{text.law_id}），请只留一份。")
            laws[text.scheme, year] = text.for_year(year)
    return laws
