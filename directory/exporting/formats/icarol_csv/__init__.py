"""iCarol's CSV: one row for each agency, program, site, and program at a site."""

import io
from typing import IO

from directory.exporting.content.carried import Tally
from directory.exporting.formats.icarol_csv.records import Records
from directory.exporting.kind import Format
from directory.files import tables
from directory.formats.icarol import HEADINGS
from directory.models import View


def write(file: IO[bytes], view: View, language: str, tally: Tally) -> None:
    """Write the rows, parents before children, and count what they cannot carry."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    for _row in tables.write(text, HEADINGS, Records(view, language, tally)):
        pass
    text.detach()


FORMAT = Format("icarol-csv", "iCarol (CSV)", "csv", write)
