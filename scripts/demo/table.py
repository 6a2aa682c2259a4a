"""The live table: redrawn in place on a terminal, elsewhere a line for each change."""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from scripts.demo.sending import Row

HEADINGS = ("", "Event", "Endpoint", "HTTP", "Expected", "What became of it", "In CRMS", "Sec.")
WIDTHS = [1, 41, 5, 4, 23, 23, 9, 5]
GAP = "  "
EVENT, ENDPOINT, HTTP, EXPECTED, BECAME = range(1, 6)
WHOLE = sum(WIDTHS) + len(GAP) * (len(WIDTHS) - 1) + 1
WIDEST = 50  # what became of it, on a wide screen
_UP, _CLEAR_DOWN = "\x1b[{}F", "\x1b[J"
_COLOURS = {"✓": "\x1b[32m✓\x1b[0m", "✗": "\x1b[31m✗\x1b[0m"}


class Table:
    """Shows rows again and again; `end` shows them all for the last time."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self.out = out
        self._started = time.monotonic()
        self._shown: dict[str, tuple[str, ...]] = {}
        self._lines = 0  # of the table that can be drawn over

    def show(self, rows: Sequence[Row]) -> None:
        """Show what has changed."""
        if self._fits(rows):
            self._redraw(rows)
        else:
            self._log(rows)
        self.out.flush()

    def end(self, rows: Sequence[Row]) -> None:
        """Show the whole table, to stay."""
        if self._fits(rows):
            self._redraw(rows)
        else:
            self.out.write("\n" + "\n".join(self._drawn(rows)) + "\n")
        self.out.flush()

    def _fits(self, rows: Sequence[Row]) -> bool:
        """Whether it can be drawn over: what has left the screen cannot."""
        return self.out.isatty() and shutil.get_terminal_size().lines > len(rows) + 2

    def _redraw(self, rows: Sequence[Row]) -> None:
        lines = self._drawn(rows)
        above = _UP.format(self._lines) + _CLEAR_DOWN if self._lines else ""
        self.out.write(above + "\n".join(lines) + "\n")
        self._lines = len(lines)

    def _log(self, rows: Sequence[Row]) -> None:
        for row in rows:
            cells = _cells(row)
            # The number of seconds changes without anything having happened.
            if row.now and self._shown.get(row.event.key) != cells[:-1]:
                self._shown[row.event.key] = cells[:-1]
                mark, title, _, http, _, became, crms_id, _ = cells
                at = f"{time.monotonic() - self._started:5.1f} s"
                words = f"{at}  {mark or ' '} {title.strip()}: {_cut(became, 90)}"
                self.out.write(f"{words} {crms_id}".rstrip() + (f" ({http})\n" if http else "\n"))

    def _drawn(self, rows: Sequence[Row]) -> list[str]:
        widths = _widths(shutil.get_terminal_size((WHOLE, 0)).columns)
        lines = [_line(HEADINGS, widths), *(_line(_cells(row), widths) for row in rows)]
        return [self._coloured(line) for line in lines]

    def _coloured(self, line: str) -> str:
        colourful = self.out.isatty() and "NO_COLOR" not in os.environ
        return _COLOURS.get(line[0], line[0]) + line[1:] if colourful else line


def _cells(row: Row) -> tuple[str, ...]:
    mark = "" if not row.end else "✓" if row.is_expected else "✗"
    seconds = row.seconds or (time.monotonic() - row.sent_at if row.sent_at else 0)
    return (
        mark,
        row.event.title,
        row.event.endpoint,
        str(row.answer.status) if row.answer else "",
        row.event.expected,
        row.now,
        row.crms_id,
        f"{seconds:5.1f}" if row.sent_at else "",
    )


def _widths(screen: int) -> list[int]:
    """Return the widths of the columns: a narrow screen goes without some of them."""
    widths = WIDTHS.copy()
    room = screen - WHOLE
    for column in (EXPECTED, ENDPOINT, HTTP):
        if room < -5:  # so much may be cut from the event
            room += widths[column] + len(GAP)
            widths[column] = 0
    grown = EVENT if room < 0 else BECAME
    widths[grown] = max(10, min(widths[grown] + room, WIDEST))
    return widths


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    columns = zip(cells, widths, strict=True)
    return GAP.join(_cut(cell, width).ljust(width) for cell, width in columns if width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
