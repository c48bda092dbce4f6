"""Every character that the corpus prints, read from where its words stand."""

from __future__ import annotations

import string
from pathlib import Path

_HERE = Path(__file__).parent
_SOURCES = ("form.py", "forms.py", "invented.py", "slips.py", "../test_blanks.py")
_NUMERALS = "零壹贰叁肆伍陆柒捌玖拾佰仟万亿圆元角分整正负（）"
ALL = "".join(
    sorted(
        {
            *string.printable.strip(),
            " ",
            *_NUMERALS,
            *(c for name in _SOURCES for c in (_HERE / name).read_text("utf-8")),
        }
        - {"\n"}
    )
)
