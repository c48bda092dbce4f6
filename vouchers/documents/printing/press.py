"""From HTML to PDF/A-3u bytes by WeasyPrint: no outside resource, the same bytes for the same sheet, no lost glyph."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gc
import hashlib
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher

_CHINA = dt.timezone(dt.timedelta(hours=8))


class PrintingError(Exception):
    """A sheet that cannot be printed as it should be. Its text is Chinese, for whoever asked for it."""


class GlyphMissing(PrintingError):
    """No installed font has a character of the sheet: the paper would show an empty box in its place."""


class FontMissing(PrintingError):
    """A font that the layout needs is not installed."""


class _NoFetching(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """A sheet is complete in itself: whatever wants to be fetched is a fault, and stops the printing."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        raise PermissionError(url)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document ready for the press.

    `body` is HTML whose every text is escaped, `data` what a machine reads (embedded as `data_name`, JSON), `fonts`
    the families that the layout cannot do without, `pages` how many pages were planned (None: as many as it takes).
    """

    title: str
    author: str
    description: str
    made_on: dt.date
    css: str
    body: str
    data_name: str
    data: Mapping[str, object]
    fonts: tuple[str, ...]
    pages: int | None = None


def press(paper: Paper) -> bytes:
    """`paper` as PDF/A-3u. Raises `GlyphMissing`, `FontMissing` or `PrintingError`."""
    try:
        with _uncollected():
            return _pressed(paper)
    except FatalURLFetchingError as error:
        raise PrintingError("文书内容引用了外部文件，已停止生成。请联系系统管理员。") from error


def _pressed(paper: Paper) -> bytes:
    fetcher = _NoFetching()
    data = json.dumps(paper.data, ensure_ascii=False, indent=1).encode()
    made_at = dt.datetime.combine(paper.made_on, dt.time(), _CHINA)
    attachment = Attachment(
        string=data,
        name=paper.data_name,
        description="本文书的机器可读数据",
        created=made_at.astimezone(dt.UTC),
        modified=made_at.astimezone(dt.UTC),
        relationship="Data",
        url_fetcher=fetcher,
    )
    source = _head(paper, made_at.isoformat()) + paper.body
    document = HTML(string=source, url_fetcher=fetcher).render(
        font_config=_fonts(), stylesheets=[_style(paper.css)], pdf_variant="pdf/a-3u"
    )
    if paper.pages is not None and len(document.pages) != paper.pages:
        raise PrintingError(f"版面计算有误：应为 {paper.pages} 页，实为 {len(document.pages)} 页。请联系系统管理员。")

    def finish(_: object, pdf: Any) -> None:
        _refuse_lost_glyphs(document.fonts.values(), paper.fonts)
        # WeasyPrint 70 lists an attachment twice among the associated files.
        pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])

    identifier = hashlib.sha256(source.encode() + data).hexdigest()[:32].encode()
    written = document.write_pdf(
        finisher=finish, pdf_variant="pdf/a-3u", pdf_identifier=identifier, attachments=[attachment]
    )
    assert isinstance(written, bytes)
    return written


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No collection of garbage meanwhile: it walks the growing tree of boxes again and again, and there is none.

    Measured: a quarter of the time of 3,000 rows, and what made the time grow faster than the rows.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@functools.cache
def _fonts() -> FontConfiguration:
    """Looking through all installed fonts takes longer than a letter: done once a process."""
    return FontConfiguration()


@functools.lru_cache(maxsize=8)
def _style(css: str) -> CSS:
    return CSS(string=css, url_fetcher=_NoFetching(), font_config=_fonts())


def _head(paper: Paper, made_at: str) -> str:
    metas = {"author": paper.author, "description": paper.description, "dcterms.created": made_at}
    metas["dcterms.modified"] = made_at
    tags = "".join(f'<meta name="{name}" content="{html.escape(value)}">' for name, value in metas.items())
    return f'<!doctype html><html lang="zh-CN"><head><title>{html.escape(paper.title)}</title>{tags}</head>'


def _refuse_lost_glyphs(fonts: Iterable[Any], needed: tuple[str, ...]) -> None:
    """`fonts` are WeasyPrint's, after drawing: each knows its family and the characters it had no glyph for."""
    fonts = list(fonts)
    missing = sorted({code for font in fonts for code in font.missing})
    if missing:
        named = "、".join(f"“{chr(code)}”（U+{code:04X}）" for code in missing[:20])
        raise GlyphMissing(f"已安装的字体缺少 {len(missing)} 个字：{named}。请安装含有这些字的字体后重新生成。")
    absent = [family for family in needed if family not in {font.family for font in fonts}]
    if absent:
        raise FontMissing(f"缺少字体：{'、'.join(absent)}。请安装 fonts-noto-cjk 后重新生成。")
