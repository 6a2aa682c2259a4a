"""The Referral Summary: the PDF that goes with a referral and holds everything it says."""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.metadata import version
from inspect import getfile
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string

from core.text.spoken import ENGLISH, FRENCH, spoken
from mapping.source import fields, labels, languages, parts, provinces, times, unreadable
from mapping.source.document import Document
from referrals.summary import layout
from referrals.summary.rendering import fonts
from referrals.summary.rendering.pool import Pool, RenderingFailed
from referrals.summary.rendering.text import (
    breakable,
    clean,
    mapped,
    spelled_out,
    steadied,
    strings,
)

logger = logging.getLogger(__name__)

MAX_HTML = 400_000  # characters, about 130 pages; a longer summary is set plainly at once


@dataclass(frozen=True, slots=True)
class SummaryContext:
    """What the summary says beside the document: our own names, and where its clock hangs."""

    organization_name: str
    listing_name: str
    time_zone: str  # IANA name
    language: str = ENGLISH  # of our own words: that of the organization, or both


@dataclass(frozen=True, slots=True)
class Summary:
    """A rendered summary. `plain` tells that the fallback was used."""

    content: bytes
    plain: bool
    missing_glyphs: tuple[str, ...]  # `U+1F600 grinning face`, by code point


@dataclass(frozen=True, slots=True)
class _Text:
    """Document and names ready to be set, with the fonts they need."""

    document: Document
    agency: str
    listing: str
    zone: ZoneInfo
    fonts: fonts.Choice
    language: str

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(fonts.describe(char) for char in sorted(self.fonts.missing))


def html(document: Document, context: SummaryContext) -> str:
    """Return the page that becomes the PDF. All text of the document is escaped."""
    return _html(_text(document, context))


def pdf(document: Document, context: SummaryContext) -> Summary:
    """Render the summary; where that fails, plainly: a referral never waits for its summary.

    The same document, context and template version give the same bytes.
    """
    text = _text(document, context)
    return _summary(text, partial(_rendered, _html(text), text.fonts.families))


def begin(document: Document, context: SummaryContext) -> Callable[[], Summary]:
    """Begin to render the summary, beside whatever follows; return what waits for it."""
    text = _text(document, context)
    rendering = _beside(partial(_rendered, _html(text), text.fonts.families))
    return partial(_summary, text, rendering.result)


def _summary(text: _Text, rendered: Callable[[], bytes]) -> Summary:
    try:
        content = rendered()
    except RenderingFailed as failure:
        logger.warning("A summary was set plainly: %s", failure.reason)
        return Summary(_plain(text), True, text.missing)
    return Summary(content, False, text.missing)


def fingerprint(document: Document, context: SummaryContext) -> str:
    """Return the name, in hexadecimal, under which a rendered summary may be kept for reuse."""
    words = json.dumps([document, asdict(context)], sort_keys=True)
    return hashlib.sha256(f"{_template_version()}\n{words}".encode()).hexdigest()


def _text(document: Document, context: SummaryContext) -> _Text:
    document = mapped(clean, document)
    names = [clean(context.organization_name), clean(context.listing_name)]
    choice = fonts.choose("".join(strings([document, names])))

    def show(text: str) -> str:
        return steadied(spelled_out(text, choice.missing))

    agency, listing = map(show, names)
    zone = ZoneInfo(context.time_zone)
    return _Text(mapped(show, document), agency, listing, zone, choice, context.language)


def _html(text: _Text) -> str:
    with spoken(text.language):
        return render_to_string(
            "summary/summary.html",
            {
                "agency": breakable(text.agency),
                "listing": breakable(text.listing),
                "zone": str(layout.WORDS["zone"]).format(text.zone.key),
                "words": layout.WORDS,
                "language": "fr-CA" if text.language == FRENCH else "en-CA",
                "sheet": layout.sheet(mapped(breakable, text.document), text.zone),
                "missing": text.missing,
            },
        )


def _rendered(page: str, families: tuple[str, ...]) -> bytes:
    if len(page) > MAX_HTML:
        raise RenderingFailed("too long")
    return _pool().render(page, families)


def _beside(does: Callable[[], bytes]) -> Future[bytes]:
    """Do it in a thread of its own, which does little more than to wait for a renderer."""
    done: Future[bytes] = Future()

    def work() -> None:
        try:
            done.set_result(does())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=work, daemon=True, name="summary").start()
    return done


@cache
def _pool() -> Pool:
    return Pool(settings.SUMMARY_RENDERERS)


os.register_at_fork(after_in_child=_pool.cache_clear)


def _plain(text: _Text) -> bytes:
    from referrals.summary.rendering import (
        plain,  # a fifth of every program's start, and rarely needed
    )

    with spoken(text.language):
        sheet = layout.sheet(text.document, text.zone)
        title = f"{layout.WORDS['title']} {sheet.reference}".strip()
        return plain.pdf(title, list(_lines(text, sheet)), text.fonts.families)


def _lines(text: _Text, sheet: layout.Sheet) -> Iterator[str]:
    """Yield the summary as plain lines."""
    yield from filter(None, (text.agency, text.listing, sheet.name, sheet.born))
    yield str(layout.WORDS["zone"]).format(text.zone.key)
    titled = ((section.title, section.entries) for section in sheet.sections)
    for title, entries in ((layout.GLANCE, sheet.facts), *titled):
        yield from ("", str(title).upper(), "")
        for entry in entries:
            yield from _entry_lines(entry)
    if text.missing:
        yield from ("", str(layout.WORDS["no_font_plain"]), *text.missing)


def _entry_lines(entry: layout.Entry) -> Iterator[str]:
    label = str(entry.label).replace("\n", ", ")
    notes = filter(None, (entry.value, entry.caution, entry.remark))
    value = " / ".join(notes) if "\n" not in entry.value else "\n".join(notes)
    if "\n" not in value and len(label) < 24 and len(value) <= 60:
        yield f"{label:24}{value}"
    else:
        yield from (f"{label}:", *(f"    {line}" for line in value.split("\n")))


@cache
def _template_version() -> str:
    """Return a hash of all that shapes the PDF: our own files, and the renderer's version."""
    ours = (layout, fields, labels, languages, parts, provinces, times, unreadable)
    files = [
        *(Path(getfile(module)) for module in ours),
        *sorted((Path(__file__).parent / "rendering").glob("*.py")),
        *sorted((settings.BASE_DIR / "templates" / "summary").iterdir()),
    ]
    digest = hashlib.sha256(version("weasyprint").encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
