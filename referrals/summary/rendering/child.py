"""The program of a renderer: reads pages from standard input, writes PDFs to standard output.

A request is one frame, JSON with `html` and `families`. The answer is two: the name of an
exception, or nothing, and the PDF. Run as `python -m referrals.summary.rendering.child MEGABYTES
SECONDS`, with TMPDIR set to a folder of its own; ends when standard input does. Imports no Django
and logs nothing.
"""

import gc
import json
import os
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from typing import IO

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from referrals.summary.rendering import fonts, frames, sandbox

ROOT = Path(__file__).resolve().parents[3]
STYLESHEET = ROOT / "templates" / "summary" / "summary.css"
FONT_FILES = {file.as_uri(): file for font in fonts.FONTS for file in font.files}
WARM_UP = "<html lang=en><title>-</title><h1>-</h1><ul><li>-</ul>"


class OnlyFonts(URLFetcher):  # type: ignore[misc]  # WeasyPrint is not typed
    """Fetches the font files and nothing else, whatever a page asks for."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if url not in FONT_FILES:
            raise FatalURLFetchingError
        return URLFetcherResponse(url, FONT_FILES[url].read_bytes())


class Typesetter:
    """Sets pages with stylesheets and fonts that are read once."""

    def __init__(self) -> None:
        self.fetcher = OnlyFonts()
        self.configuration = FontConfiguration()
        self.stylesheet = self._css(STYLESHEET.read_text())
        self.families: set[str] = set()
        self.set_in = lru_cache(maxsize=64)(self._set_in)

    def pdf(self, html: str, families: tuple[str, ...]) -> bytes:
        """Return the page as tagged PDF/UA."""
        content = HTML(string=html, url_fetcher=self.fetcher).write_pdf(
            stylesheets=[self.stylesheet, self.set_in(families)],
            font_config=self.configuration,
            pdf_variant="pdf/ua-1",
        )
        return bytes(content)

    def warm_up(self) -> None:
        """Read what every page needs, and keep it out of the garbage collector's rounds."""
        self.pdf(WARM_UP, (fonts.SANS.family,))
        gc.collect()
        gc.freeze()

    def _set_in(self, families: tuple[str, ...]) -> CSS:
        new = [family for family in families if family not in self.families]
        self._css("".join(map(fonts.font_faces, new)))
        self.families.update(new)
        return self._css(fonts.font_families(families))

    def _css(self, rules: str) -> CSS:
        return CSS(string=rules, url_fetcher=self.fetcher, font_config=self.configuration)


def answer(typesetter: Typesetter, request: bytes, out: IO[bytes]) -> None:
    """Answer one request; a page that cannot be set is told by the name of its exception."""
    content, error = b"", ""
    try:
        page = json.loads(request)
        content = typesetter.pdf(page["html"], tuple(page["families"]))
    except BaseException as failure:  # FatalURLFetchingError is not an Exception
        error = type(failure).__name__
    frames.send(out, error.encode())
    frames.send(out, content)


def main(megabytes: int, cpu_seconds: int, folder: Path) -> None:
    """Serve until the supervisor closes our standard input."""
    source, out, sys.stdout = sys.stdin.buffer, sys.stdout.buffer, sys.stderr
    typesetter = Typesetter()
    typesetter.warm_up()
    sandbox.limit_memory(megabytes)
    sandbox.confine(folder, [STYLESHEET, *FONT_FILES.values()])
    try:
        while True:
            request = frames.receive(source)
            sandbox.limit_cpu(cpu_seconds)
            answer(typesetter, request, out)
    except (EOFError, BrokenPipeError):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(os.environ["TMPDIR"]))
