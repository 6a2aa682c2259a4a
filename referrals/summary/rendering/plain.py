"""The plain fallback: typewriter lines on letter pages, in time proportional to the text.

It shapes nothing, so Arabic letters stand unjoined; what counts is that every word is there.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from itertools import groupby, islice

from fpdf import FPDF
from fpdf.bidi import BidiParagraph

from referrals.summary.rendering import fonts
from referrals.summary.rendering.fonts import INVISIBLE, MONO, Font

MAX_PAGES = 500
LINES_ON_PAGE = 58
COLUMNS = 88
MARGIN, LEADING, SIZE = 54, 11.5, 9.5  # points
COLUMN = 0.6 * SIZE
WITHOUT_DATE = datetime(1970, 1, 1, tzinfo=UTC)  # the same text, the same bytes
CUT = "This copy ends here. The rest of the referral is in Caredove, under its reference."

_NARROW = re.compile(rf".{{0,{COLUMNS - 1}}}\S(?:\s+|$)|\S{{{COLUMNS}}}")
_WIDE = re.compile(rf".{{0,{COLUMNS // 2 - 1}}}\S(?:\s+|$)|\S{{{COLUMNS // 2}}}")


def pdf(title: str, lines: Iterable[str], families: Iterable[str]) -> bytes:
    """Return the lines as PDF, set in the families that `fonts.choose` named for them.

    At most `MAX_PAGES` pages; the last line says when there was more.
    """
    available = [MONO, *map(fonts.named, families)]
    pages = list(_pages(wrapped for line in lines for wrapped in _wrapped(line)))
    paper = _paper(title, available)
    font_of = cache(partial(_font_of, available))
    for number, page in enumerate(pages, start=1):
        paper.add_page()
        footer = f"Confidential · {title} · Page {number} of {len(pages)}"
        for row, line in enumerate([*page, *[""] * (LINES_ON_PAGE - len(page)), "", footer]):
            _write(paper, MARGIN + row * LEADING, line, font_of)
    return bytes(paper.output())


def _paper(title: str, available: Iterable[Font]) -> FPDF:
    paper = FPDF(format="letter", unit="pt")
    paper.set_auto_page_break(False)
    paper.set_title(title)
    paper.set_lang("en-CA")
    paper.set_creation_date(WITHOUT_DATE)
    for font in available:
        paper.add_font(font.family, fname=font.regular)
    return paper


def _pages(lines: Iterator[str]) -> Iterator[list[str]]:
    for _ in range(MAX_PAGES):
        if not (page := list(islice(lines, LINES_ON_PAGE))):
            return
        yield page
    if next(lines, None) is not None:
        yield [CUT]


def _wrapped(line: str) -> Iterator[str]:
    """Break a line at spaces, else anywhere; letters beyond Liberation Mono count as two."""
    indent = line[: len(line) - len(line.lstrip())]
    fits = _NARROW if all(char <= "~" or MONO.covers(char) for char in set(line)) else _WIDE
    pieces = fits.findall(line.strip()) or [""]
    yield from (f"{indent}{piece}".rstrip() for piece in pieces)


def _write(paper: FPDF, y: float, line: str, font_of: Callable[[str], str]) -> None:
    text = line.lstrip()
    x = MARGIN + (len(line) - len(text)) * COLUMN
    for family, run in groupby(_in_visual_order(text), key=font_of):
        piece = "".join(run)
        paper.set_font(family, size=SIZE)
        paper.text(x, y, piece)
        x += paper.get_string_width(piece)


def _in_visual_order(text: str) -> str:
    if any(unicodedata.bidirectional(char) in {"R", "AL"} for char in set(text)):
        text = BidiParagraph(text=text).get_reordered_string()
    return "".join(char for char in text if char not in INVISIBLE)


def _font_of(available: list[Font], char: str) -> str:
    return next((font.family for font in available if font.covers(char)), MONO.family)
