"""CSV and XLSX files of listings, from people nobody has vetted.

A workbook is measured before it is opened: a small file may unpack to gigabytes.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext

from core.text.spreadsheets import FORMULA
from integrations.listings.offers import COLUMNS, MAX_ROWS, NEEDED, Offer, Unreadable

MAX_BYTES = 5 * 1024 * 1024
MAX_UNPACKED = 32 * 1024 * 1024
MAX_COLUMNS = 50
MAX_CELL = 5000  # characters; a description may stand in a column that is not used

_NAMES = {
    "id": ("id", "caredove id", "caredove_id", "listing id", "service id"),
    "name": ("name", "nom", "listing", "service", "service listing"),
    "category": ("category", "catégorie", "categorie"),
    "active": ("active", "listed", "listed in caredove", "actif"),
    "organization": ("organization", "organisation", "organization id", "organization_id"),
}
_COLUMN_OF = {name: column for column, names in _NAMES.items() for name in names}
_NOT_TEXT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
Line = tuple[str, list[str]]  # "row 3" and its cells


def read(raw: bytes) -> Offer:
    """Return the listings of a CSV or XLSX file; raises Unreadable."""
    if len(raw) > MAX_BYTES:
        raise Unreadable(
            gettext("The file is larger than {value} MB.").format(value=MAX_BYTES // 1024**2)
        )
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            gettext(
                "This is an old Excel file (.xls), or one with a password. Save it as .xlsx or CSV."
            )
        )
    lines, notes = (_workbook(raw), ()) if raw.startswith(b"PK\x03\x04") else _csv(raw)
    return _offer(list(lines), notes)


def _offer(lines: Sequence[Line], notes: tuple[str, ...]) -> Offer:
    if not lines:
        raise Unreadable(gettext("The file is empty."))
    (_, heading), *rows = lines
    if len(rows) > MAX_ROWS:
        raise Unreadable(
            gettext("The file has more than {max_rows} rows. Split it.").format(max_rows=MAX_ROWS)
        )
    columns = _columns(heading)
    unused = [cell for cell in heading if cell and _known(cell) is None]
    if unused:
        notes = (
            *notes,
            gettext("Not used: ") + ", ".join(f"“{cell[:40]}”" for cell in unused[:10]) + ".",
        )
    taken = [tuple(_cell(cells, columns[name]) for name in columns) for _, cells in rows]
    return Offer(tuple(columns), taken, [place for place, _ in rows], notes=notes)


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """Return where each known column stands, in the order of COLUMNS."""
    found: dict[str, int] = {}
    for index, cell in enumerate(heading):
        name = _known(cell)
        if name in found:
            raise Unreadable(
                gettext("Two columns are called “{cell}”. Keep one.").format(cell=cell)
            )
        if name:
            found[name] = index
    if missing := [name for name in NEEDED if name not in found]:
        seen = ", ".join(f"“{cell[:40]}”" for cell in heading[:10] if cell) or "nothing"
        raise Unreadable(
            gettext(
                "The first row has to name the columns “id” and “name”. There is no "
                "“{value}” among {seen}."
            ).format(value=missing[0], seen=seen)
        )
    return {name: found[name] for name in COLUMNS if name in found}


def _known(cell: str) -> str | None:
    return _COLUMN_OF.get(" ".join(cell.split()).casefold())


def _cell(cells: Sequence[str], index: int) -> str:
    text = " ".join(cells[index].split()) if index < len(cells) else ""
    # What our own export escaped is as it was.
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


# -- CSV -----------------------------------------------------------------------------------------


def _csv(raw: bytes) -> tuple[Iterator[Line], tuple[str, ...]]:
    text, notes = _decoded(raw)
    if _NOT_TEXT.search(text):
        raise Unreadable(gettext("This is neither a CSV file nor an Excel workbook (.xlsx)."))
    return _csv_lines(text, _delimiter(text)), notes


def _decoded(raw: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16"), ()
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252"), (
            gettext("Read as Windows-1252, as Excel writes it: look at accents."),
        )
    except UnicodeDecodeError:
        raise Unreadable(
            gettext("The text is neither UTF-8 nor Windows-1252. In Excel choose “CSV UTF-8”.")
        ) from None


def _delimiter(text: str) -> str:
    """Return what separates the cells: Excel writes semicolons where the comma is decimal."""
    first = text.lstrip("\r\n").splitlines()[:1] or [""]
    return max(",;\t", key=lambda one: sum(map(bool, map(_known, _split(first[0], one)))))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _csv_lines(text: str, delimiter: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    width: int | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            width = width or len(cells)
            yield f"row {reader.line_num}", _checked(cells, width, reader.line_num)
    except csv.Error as error:
        raise Unreadable(
            gettext("Row {line_num} cannot be read: {error}.").format(
                line_num=reader.line_num, error=error
            )
        ) from None


def _checked(cells: list[str], width: int, number: int) -> list[str]:
    if len(cells) > min(width, MAX_COLUMNS) and any(cells[width:]):
        raise Unreadable(
            gettext(
                "Row {number} has more cells than the first row. A text with a comma in it "
                "needs quotes around it."
            ).format(number=number)
        )
    _check_length(cells, number)
    return cells


def _check_length(cells: Iterable[str], number: int) -> None:
    if any(len(cell) > MAX_CELL for cell in cells):
        raise Unreadable(
            gettext("A cell in row {number} has more than {max_cell} characters.").format(
                number=number, max_cell=MAX_CELL
            )
        )


# -- XLSX ----------------------------------------------------------------------------------------


def _workbook(raw: bytes) -> list[Line]:
    try:
        _measure(raw)
        return list(_workbook_lines(raw))
    except Unreadable:
        raise
    except Exception:  # a broken workbook makes the library raise nearly anything
        raise Unreadable(
            gettext("This Excel workbook is damaged. Save it again, or as CSV.")
        ) from None


def _measure(raw: bytes) -> None:
    """Refuse a workbook that would fill the memory: too much in it, or XML that unfolds."""
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        parts = packed.infolist()
        if len(parts) > 1000 or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise Unreadable(
                gettext("The workbook is too large inside. Save the one sheet as CSV.")
            )
        for part in parts:
            if b"<!DOCTYPE" in packed.read(part):  # no spreadsheet program writes one
                raise Unreadable(
                    gettext("This Excel workbook is damaged. Save it again, or as CSV.")
                )


def _workbook_lines(raw: bytes) -> Iterator[Line]:
    import openpyxl  # slow to load, for every program, and rarely needed

    book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, keep_links=False)
    sheet = book.worksheets[0]
    rows = sheet.iter_rows(max_row=MAX_ROWS + 10, max_col=MAX_COLUMNS)
    for number, row in enumerate(rows, start=1):
        cells = [_cell_text(cell, number) for cell in row]
        _check_length(cells, number)
        if any(cells):
            yield f"row {number}", cells


def _cell_text(cell: Any, number: int) -> str:
    if cell.data_type == "f":
        raise Unreadable(
            gettext(
                "A cell in row {number} holds a formula. Copy the column and paste it as values."
            ).format(number=number)
        )
    if cell.data_type == "e":
        raise Unreadable(
            gettext("A cell in row {number} holds the error {value}. Fix it first.").format(
                number=number, value=cell.value
            )
        )
    value = cell.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
