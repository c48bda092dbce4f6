"""Comparing the names of organisations as banks and registries write them. Plain Python."""

import re
import unicodedata

_OPENING = dict.fromkeys(map(ord, "[{〔【〈《「『"), "(")
_CLOSING = dict.fromkeys(map(ord, "]}〕】〉》」』"), ")")
_DOTS = dict.fromkeys(map(ord, "•‧∙・･"), "·")


def normalise(name: str) -> str:
    """`name` with half-width letters and digits, round brackets, one kind of dot, and no spaces."""
    narrow = unicodedata.normalize("NFKC", name).translate(_OPENING | _CLOSING | _DOTS)
    return re.sub(r"[\s\u200b-\u200d\ufeff]", "", narrow).casefold()


def names_match(a: str, b: str) -> bool:
    """Whether two names are the same but for width, brackets, dots, spaces and the case of letters."""
    return bool(normalise(a)) and normalise(a) == normalise(b)
