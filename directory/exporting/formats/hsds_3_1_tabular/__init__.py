"""HSDS 3.1 as CSV: a zip with a file for each table of the standard, and its data package."""

from typing import IO, Any

from directory.exporting.content import flattening
from directory.exporting.content.carried import Tally
from directory.exporting.formats.hsds_3_1_tabular import datapackage
from directory.exporting.kind import Format
from directory.exporting.packing import Package
from directory.models import Directory, View
from directory.reading.coordinates import as_text


def write(file: IO[bytes], view: View, language: str, tally: Tally) -> None:
    """Write the zip, and count its rows."""
    with Package(datapackage.columns(), datapackage.paths(), tally) as package:

        def add(table: str, row: dict[str, Any]) -> None:
            package.add(table, {name: _cell(table, name, value) for name, value in row.items()})

        flattening.rows(view, language, add)
        package.pack(file, datapackage.describe(Directory.objects.get().license))


def _cell(table: str, column: str, value: Any) -> Any:
    if table == "schedule" and column in ("opens_at", "closes_at") and value:
        return f"{value[:5]}:00{value[5:]}"
    if column in ("latitude", "longitude") and value is not None:
        return as_text(value)
    return value


FORMAT = Format("hsds-3.1-tabular", "HSDS 3.1 (CSV)", "zip", write)
