"""CSV: read as suppliers write it, written as RFC 4180 says."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

from directory.files.problems import Unreadable
from directory.reading import texts

_DELIMITERS = ",;\t|"
_MAX_CELL = 256 << 20  # of the parser: longer texts are refused row by row, with their line
_MAX_COLUMNS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line that it begins on, and its cells by heading, those that are not empty.

    `surplus` says that it has more cells than there are headings, so it cannot be trusted.
    """

    line: int
    cells: dict[str, str]
    surplus: bool = False


@dataclass(slots=True)
class Table:
    """A CSV file: its headings as they stand, and its rows, which are read once."""

    headings: list[str]
    rows: Iterator[Row]
    twice: list[str] = field(default_factory=list)


def read(file: BinaryIO) -> Table:
    """Return the table in a file; raises Unreadable where it has no headings.

    Any encoding, line ends, and comma, semicolon or tab. A heading that comes twice counts where
    it comes first. Values are cleaned, not trimmed; a cell of white space is empty.
    """
    text = io.TextIOWrapper(file, texts.encoding_of(file), errors="replace", newline="")
    csv.field_size_limit(_MAX_CELL)
    delimiter = _delimiter(text)
    reader = csv.reader((line.replace("\0", "") for line in text), delimiter=delimiter)
    try:
        first = next((row for row in reader if any(cell.strip() for cell in row)), None)
    except csv.Error:
        raise Unreadable("The file is not CSV.") from None
    if first is None:
        raise Unreadable("The file is empty: it has no headings.")
    if len(first) > _MAX_COLUMNS:
        raise Unreadable(f"The file has more than {_MAX_COLUMNS} columns.")
    headings = [texts.clean(cell).strip() for cell in first]
    counted = Counter(filter(None, headings))
    twice = [heading for heading, times in counted.items() if times > 1]
    return Table(headings, _rows(reader, headings), twice)


def write(
    file: TextIO, headings: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> Iterator[Mapping[str, object]]:
    """Write headings and rows, and yield each row when it is written.

    Comma, CRLF, quotes where they are needed, nothing defused; what is absent is empty.
    """
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([cell(row.get(heading)) for heading in headings])
        yield row


def cell(value: object) -> str:
    """Return the value as it stands in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return texts.clean_for_csv(str(value))


def _rows(reader: Any, headings: Sequence[str]) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error:
            raise Unreadable(f"The file is not CSV from line {line} on.") from None
        if values is None:
            return
        cells: dict[str, str] = {}
        for heading, value in zip(headings, values, strict=False):
            if value and heading not in cells and value.strip():
                cells[heading] = texts.clean(value)
        surplus = any(value.strip() for value in values[len(headings) :])
        if cells or surplus:
            yield Row(line, cells, surplus)


def _delimiter(text: TextIO) -> str:
    """Return the delimiter that the line of headings has most of; a comma, where it has none."""
    start = text.read(1 << 16)
    text.seek(0)
    heading = next((line for line in start.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=heading.count)
