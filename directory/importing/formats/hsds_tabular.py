"""HSDS 3.x as CSV: a file for each table, in a zip or a folder, or one file alone."""

import re
from collections.abc import Mapping
from typing import Any

from directory.files.archives import Archive
from directory.files.tables import Row, Table
from directory.files.tables import read as read_table
from directory.importing.reports import Problem, Severity
from directory.importing.rows import Batch, Sent
from directory.importing.values import as_text
from directory.tables import TABLES

_BY_FILE = {table.file: name for name, table in TABLES.items()}
_NOT_KEPT = {"metadata.csv": "metadata", "meta_table_descriptions.csv": "meta_table_descriptions"}
# Rows that other rows hang on come first.
_ORDER = sorted(_BY_FILE, key=lambda file: _BY_FILE[file] not in ("unit", "contact"))


def tables_in(archive: Archive) -> dict[str, str]:
    """Return the tables of HSDS that an archive has files of: the table, by the file's name."""
    names = {name.casefold(): name for name in archive}
    return {names[file]: table for file, table in _BY_FILE.items() if file in names}


def read(archive: Archive, batch: Batch) -> None:
    """Read all CSV files into the batch; raises Unreadable."""
    found = tables_in(archive)
    for name in sorted(found, key=lambda file: _ORDER.index(file.casefold())):
        with archive.open(name) as file:
            _read_file(batch, name, TABLES[found[name]].name, read_table(file))
    for name in archive:
        if table := _NOT_KEPT.get(name.casefold()):
            with archive.open(name) as file:
                batch.also_sent[table] += sum(1 for _ in read_table(file).rows)
        elif name not in found and name.casefold().endswith(".csv"):
            batch.also_sent[name] += 1
    link(batch)


def _read_file(batch: Batch, name: str, table: str, content: Table) -> None:
    for heading in content.twice:
        message = f"The heading “{heading}” comes twice: the first column counts."
        batch.report(Problem(message, Severity.WARNING, name, 1))
    known = {_plain(column): column for column in TABLES[table].column_names}
    columns = {heading: known.get(_plain(heading), heading) for heading in content.headings}
    for row in content.rows:
        _read_row(batch, name, table, row, columns)


def _plain(heading: str) -> str:
    return re.sub(r"[\s_-]", "", heading).casefold()


def _read_row(
    batch: Batch, name: str, table: str, row: Row, columns: Mapping[str, str]
) -> Sent | None:
    cells: dict[str, Any] = {columns[heading]: cell for heading, cell in row.cells.items()}
    added = batch.add(table, cells, file=name, line=row.line)
    if row.surplus and added is not None:
        added.rejected = "The row has more cells than there are headings."
        batch.report(added.problem(added.rejected, "", Severity.ERROR))
    return added


def link(batch: Batch) -> None:
    """Make references to contacts and phones rows of the file, where it has them."""
    for row in batch.all():
        for column, reference in list(row.references.items()):
            table = row.table.columns[column].reference if column in row.table.columns else ""
            if table in batch.rows and not isinstance(reference, Sent) and table != "program":
                same = batch.rows[table].get(reference)
                if same:
                    row.references[column] = same[0]
        if row.table.name == "attribute":
            _link_attribute(batch, row)


def _link_attribute(batch: Batch, row: Sent) -> None:
    """Find the row that an attribute describes: by the table that it names, else by its id."""
    sent = as_text(row.values.pop("link_id", "") or "")
    entity = _plain(as_text(row.values.pop("link_entity", "") or ""))
    named = [
        name
        for name, table in TABLES.items()
        if entity and entity in (_plain(name), _plain(table.file.removesuffix(".csv")))
    ]
    for table in named or TABLES:
        id = batch.id_of(table, sent)
        if id in batch.entries.get(table, {}):
            row.references["link_id"] = batch.entries[table][id]
            return
        if id in batch.rows.get(table, {}):
            row.references["link_id"] = batch.rows[table][id][0]
            return
