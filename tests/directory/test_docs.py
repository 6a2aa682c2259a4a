"""The docs say what the table of each format says."""

from pathlib import Path

import pytest

from directory.formats import airs, hsds_1_1, icarol
from directory.importing.formats import FORMATS as IMPORTED
from directory.tables import TABLES

DOC = Path("docs/directory/files.md")
LEVELS = {table: level for level, table in icarol.LEVELS.items()}


def table():
    """Return the lines of the table, as the docs have them."""
    found = {}
    for cell in (*icarol.CELLS, *icarol.DAYS, *icarol.REFERENCES):
        for name in cell.tables:
            found[cell.heading, LEVELS[name]] = f"{name}.{cell.column}"
    for heading, (row, column, tables) in {**icarol.ROWS, **icarol.ITEMS}.items():
        for name in tables:
            found[heading, LEVELS[name]] = f"{row}.{column}"
    lines = {}
    for (heading, level), column in found.items():
        lines.setdefault((heading, column), []).append(level)
    ordered = sorted(lines.items(), key=lambda line: icarol.HEADINGS.index(line[0][0]))
    return [
        f"| `{heading}` | {', '.join(levels)} | `{column}` |"
        for (heading, column), levels in ordered
    ]


def section(name):
    """Return the lines of the table in a section of the docs, without its heading."""
    text = DOC.read_text().split(f"## {name}\n")[1].split("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_docs_have_the_table_of_headings():
    assert section("iCarol's headings") == table()


def test_the_docs_have_the_tables_of_hsds_1_1():
    lines = []
    for one in hsds_1_1.TABLES.values():
        others = [f"`{name}` is `{of}`" for name, of in one.columns.items() if name != of]
        lines.append(f"| `{one.name}` | `{one.of}` | {', '.join(others)} |")
        assert set(one.columns.values()) <= set(TABLES[one.of].column_names)
    assert section("The tables of HSDS 1.1") == lines


def test_the_docs_have_the_elements_of_airs():
    lines = [f"| {one.of} | `{one.name}` | `{one.table}.{one.column}` |" for one in airs.FIELDS]
    assert section("The elements of AIRS") == lines
    assert all(one.column in TABLES[one.table].column_names for one in airs.FIELDS)


def test_the_docs_name_every_format():
    text = DOC.read_text()
    assert all(f"| `{name}` |" in text for name in IMPORTED)


@pytest.mark.parametrize("cell", icarol.CELLS, ids=lambda cell: cell.heading)
def test_every_cell_is_a_column_of_hsds(cell):
    for name in cell.tables:
        assert cell.column in TABLES[name].columns


def test_every_heading_of_the_table_is_one_of_icarol_s():
    phones = [[one.number, *one.description, one.private] for one in icarol.PHONES]
    types = [one.type for one in icarol.PHONES if one.type]
    people = [heading for person in icarol.PEOPLE for heading in person.columns]
    named = [cell.heading for cell in (*icarol.CELLS, *icarol.DAYS, *icarol.REFERENCES)]
    named += [*icarol.ROWS, *icarol.ITEMS, *icarol.PHYSICAL, *icarol.MAILING, *people, *types]
    named += [heading for some in phones for heading in some]
    named += icarol.DERIVED
    assert set(named) <= set(icarol.HEADINGS)
    assert len(icarol.HEADINGS) == len(set(icarol.HEADINGS)) == 169
