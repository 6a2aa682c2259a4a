"""Lists of referrals as CSV, JSON lines and XML: one row in memory at a time. Pure."""

import csv
import io
import json
import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from core.spool import Spool
from core.text.spreadsheets import defused
from integrations.exports.columns import FIXED, Columns
from integrations.exports.rows import Row
from integrations.payload import instant
from mapping.engine.transforms import as_text

BOM = "\ufeff"
REPLACEMENT = "\ufffd"
_SURROGATES = re.compile("[\ud800-\udfff]")
# Production 2 of XML 1.0: what a document can hold, however it is written.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FRAME = struct.Struct(">II")  # of a line that waits: its number of columns, and its length


@dataclass(frozen=True, slots=True)
class About:
    """What a list says of itself: the run that made it, and its window."""

    run: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Format(ABC):
    """A format of one file. `count` says how many rows it has so far."""

    extension: ClassVar[str]
    count = 0

    @abstractmethod
    def pieces(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """Yield a whole file. Some pieces may be empty: nothing can be said yet."""

    def write(self, rows: Iterable[Row], into: Spool) -> int:
        """Write a whole file; return how many rows it has. Raises TooLarge."""
        for piece in self.pieces(rows):
            into.write(piece)
        return self.count


def format_named(name: str, columns: Columns, about: About, *, safe: bool = False) -> Format:
    """Return the format of this name: csv, jsonl or xml."""
    match name:
        case Csv.extension:
            return Csv(columns, safe=safe)
        case JsonLines.extension:
            return JsonLines()
        case Xml.extension:
            return Xml(about)
    raise ValueError(name)


class Csv(Format):
    """RFC 4180, UTF-8. A spreadsheet takes no value for a formula where it is `safe`."""

    extension = "csv"

    def __init__(self, columns: Columns, *, safe: bool = False) -> None:
        self._columns = columns
        self._safe = safe

    def pieces(self, rows: Iterable[Row]) -> Iterator[bytes]:
        # Which columns there are shows only when all rows have been read, so the lines wait.
        with Spool() as waiting:
            for row in rows:
                line = self._line(self._cells(row)).encode()
                waiting.write(_FRAME.pack(len(self._columns), len(line)) + line)
                self.count += 1
                yield b""
            yield ((BOM if self._safe else "") + self._header() + "\r\n").encode()
            for columns, line in _frames(waiting):
                yield line + b"," * (len(self._columns) - columns) + b"\r\n"

    def _header(self) -> str:
        return self._line(self._columns.headings)

    def _cells(self, row: Row) -> list[str]:
        fixed = (
            row.reference,
            "" if row.version is None else str(row.version),
            row.action,
            row.changed_at,
            row.trigger,
            row.listing.get("id", ""),
            row.listing.get("name", ""),
            row.status.get("top", ""),
            row.status.get("classification", ""),
        )
        filled: dict[int, str] = dict(zip(self._fixed_places(), fixed, strict=True))
        for name, value in row.record.items():
            filled[self._columns.of_field(name)] = _text(value)
        for answer in row.answers:
            place = self._columns.of_answer(answer)
            # A question that was answered more than once has all of that in its cell.
            filled[place] = f"{filled[place]}; {answer.value}" if place in filled else answer.value
        return [filled.get(place, "") for place in range(len(self._columns))]

    def _fixed_places(self) -> range:
        return range(len(FIXED))  # they are the first of every file

    def _line(self, cells: Sequence[str]) -> str:
        if self._safe:
            cells = [defused(one) for one in cells]
        line = io.StringIO()
        csv.writer(line).writerow(cells)  # with its CRLF, or a line end in a cell is not quoted
        return _SURROGATES.sub(REPLACEMENT, line.getvalue().removesuffix("\r\n"))


class JsonLines(Format):
    """A JSON object a line: what a webhook sends, and the action."""

    extension = "jsonl"

    def pieces(self, rows: Iterable[Row]) -> Iterator[bytes]:
        for row in rows:
            self.count += 1
            # In ASCII: no character of it is taken for the end of a line by anything.
            yield json.dumps(row.data, separators=(",", ":")).encode() + b"\n"


class Xml(Format):
    """As `docs/referrals-1.0.xsd` describes it."""

    extension = "xml"

    def __init__(self, about: About) -> None:
        self._about = about

    def pieces(self, rows: Iterable[Row]) -> Iterator[bytes]:
        about = {
            "run": self._about.run,
            "from": instant(self._about.since) if self._about.since else None,
            "to": instant(self._about.until) if self._about.until else None,
        }
        yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
        yield f"<referrals{_attributes(about)}>\n".encode()
        for row in rows:
            self.count += 1
            yield _referral(row).encode()
        yield b"</referrals>\n"


def _referral(row: Row) -> str:
    head = {
        "reference": row.reference,
        "version": "" if row.version is None else row.version,
        "action": row.action,
        "changed_at": row.changed_at,
        "trigger": row.trigger,
    }
    lines = [f"  <referral{_attributes(head)}>"]
    if row.listing:
        lines.append(f"    <listing{_attributes(row.listing)}/>")
    if row.status:
        lines.append(f"    <status{_attributes(row.status)}/>")
    for name, value in row.record.items():
        lines.append(f"    <field name={_quoted(name)}>{_content(_text(value))}</field>")
    for answer in row.answers:
        about = {"form": answer.title, "question": answer.question}
        lines.append(f"    <answer{_attributes(about)}>{_content(answer.value)}</answer>")
    lines += [f"    <file{_attributes(file)}/>" for file in row.files]
    return "\n".join([*lines, "  </referral>", ""])


def _attributes(values: Mapping[str, Any]) -> str:
    present = (f" {name}={_quoted(str(one))}" for name, one in values.items() if one is not None)
    return "".join(present)


def _quoted(text: str) -> str:
    return quoteattr(_NOT_IN_XML.sub(REPLACEMENT, text))


def _content(text: str) -> str:
    """Return text as the content of an element. A reader would take a bare CR for an LF."""
    return escape(_NOT_IN_XML.sub(REPLACEMENT, text), {"\r": "&#13;"})


def _text(value: Any) -> str:
    return as_text(value) if isinstance(value, str | int | bool) else json.dumps(value)


def _frames(waiting: Spool) -> Iterable[tuple[int, bytes]]:
    """Yield what was written as frames: a number, and bytes."""
    left = bytearray()
    for block in waiting.blocks():
        left += block
        start = 0
        while len(left) - start >= _FRAME.size:
            number, length = _FRAME.unpack_from(left, start)
            end = start + _FRAME.size + length
            if len(left) < end:
                break
            yield number, bytes(left[start + _FRAME.size : end])
            start = end
        del left[:start]
