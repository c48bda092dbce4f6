"""Plain data to PDF/A-3u: the roster that finance signs (拨付汇总表), the letter an enterprise gets (拨款通知书)."""

from vouchers.documents.printing.letter import letter_pdf
from vouchers.documents.printing.press import FontMissing, GlyphMissing, PrintingError
from vouchers.documents.printing.roster import roster_pdf
from vouchers.documents.printing.sheets import LetterLine, LetterSheet, LetterStep, RosterRow, RosterSheet, Signature

__all__ = [
    "FontMissing",
    "GlyphMissing",
    "LetterLine",
    "LetterSheet",
    "LetterStep",
    "PrintingError",
    "RosterRow",
    "RosterSheet",
    "Signature",
    "letter_pdf",
    "roster_pdf",
]
