"""The unified social credit code (统一社会信用代码), GB 32100-2015. Plain Python.

Eighteen characters: registering authority (1), kind of body (1), administrative division (6 digits,
GB/T 2260), the body's own code (9), check character (1). `applicants/migrations/0001` holds the same
rule as an SQL function for the database's CHECK; tests keep the two equal.
"""

import re
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I O Z S V: clause 5
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_FIRST_17 = re.compile(f"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{9}}")


def normalise(text: str) -> str:
    """What a person typed as it would be stored: half-width capitals, spaces and hyphens gone."""
    narrow = unicodedata.normalize("NFKC", text).upper()
    return re.sub(r"[\s\u200b-\u200d\ufeff\-‐-―−]", "", narrow)


def check_character(first17: str) -> str:
    """The eighteenth character that belongs to the first seventeen (GB 32100-2015, appendix A).

    Raises ValueError when `first17` is not seventeen characters of the code's alphabet.
    """
    if not _FIRST_17.fullmatch(first17):
        raise ValueError("A unified social credit code begins with 17 characters of its own alphabet.")
    total = sum(_VALUES[character] * weight for character, weight in zip(first17, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def is_valid(code: str) -> bool:
    """Whether `code`, exactly as it stands, is a well-formed code with the right check character."""
    return len(code) == 18 and bool(_FIRST_17.fullmatch(code[:17])) and check_character(code[:17]) == code[17]
