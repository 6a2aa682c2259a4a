"""Tables that people open in a spreadsheet, harmless there."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

# A spreadsheet takes a text that begins so for more; the last four are what Excel reads alike.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
WIDE = ("＝", "＋", "－", "＠")
_NOT_TEXT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def defused(text: str) -> str:
    """Return the text as no spreadsheet calculates it, without what no workbook can hold."""
    text = _NOT_TEXT.sub("\ufffd", text)
    begins = text.startswith(FORMULA) or text.lstrip().startswith((*FORMULA, *WIDE))
    return f"'{text}" if begins else text


def as_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Return the rows as CSV that Excel opens: UTF-8 with a byte order mark."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([defused(cell) for cell in row] for row in rows)
    return written.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[Sequence[str]], title: str) -> bytes:
    """Return the rows as a workbook of one sheet, all of them texts; the first is its heading."""
    import openpyxl  # slow to load, for every program, and rarely needed

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([defused(cell)[:32_767] for cell in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
