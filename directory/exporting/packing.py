"""A tabular data package: a zip with a CSV file for each table, and `datapackage.json`."""

import csv
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, Self

from directory.exporting.content.carried import Tally
from directory.files.tables import cell

_CHUNK = 1 << 16


class Package:
    """The CSV files of all tables, written row by row, and packed at the end.

    `columns` has the columns of each table in order, `paths` the names of their files.
    """

    def __init__(
        self, columns: Mapping[str, Sequence[str]], paths: Mapping[str, str], tally: Tally
    ) -> None:
        self._columns = columns
        self._paths = paths
        self._tally = tally
        self._stack = ExitStack()
        self._files: dict[str, IO[str]] = {}
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for name, columns in self._columns.items():
            file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")
            self._files[name] = self._stack.enter_context(file)
            self._writers[name] = csv.writer(file, lineterminator="\r\n")
            self._writers[name].writerow(columns)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, table: str, row: Mapping[str, object]) -> None:
        """Add a row; what is absent is empty."""
        self._tally.rows[table] += 1
        self._writers[table].writerow([cell(row.get(name)) for name in self._columns[table]])

    def pack(self, file: IO[bytes], description: str) -> None:
        """Write the zip, with the JSON that describes it."""
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("datapackage.json", description)
            for name, table in self._files.items():
                table.seek(0)
                with packed.open(self._paths[name], "w", force_zip64=True) as member:
                    while chunk := table.read(_CHUNK):
                        member.write(chunk.encode())
