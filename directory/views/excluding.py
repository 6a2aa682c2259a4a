"""What an agreement excludes, as one table of paths, and how it is taken out of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext

from directory.tables import LISTS, TABLES, Sort, nested_in

# Columns that `search` and `proximity` read, beside those that HSDS requires.
_READ = frozenset(
    f"{table}.{column}"
    for table, columns in (
        ("organization", ("name", "alternate_name", "description")),
        ("program", ("name", "alternate_name", "description")),
        (
            "service",
            ("name", "alternate_name", "description", "organization_id", "program_id"),
        ),
        ("service_at_location", ("service_id", "location_id")),
        ("location", ("latitude", "longitude")),
        ("address", ("city", "location_id")),
        ("taxonomy", ("name", "description")),
        ("taxonomy_term", ("name", "code", "description")),
        ("attribute", ("link_id", "link_entity", "taxonomy_term_id")),
    )
    for column in columns
)
_KEPT_TABLES = {column.partition(".")[0] for column in _READ} | {"unit"}  # capacities require it
_NEVER_SHOWN = ("metadata", "meta_table_description")


def why_not(name: str) -> str:
    """Return why a table or column (`contact`, `contact.email`) cannot be excluded, else ""."""
    table, _, column = name.partition(".")
    if table in _NEVER_SHOWN:
        return ""
    if table not in TABLES or (column and column not in TABLES[table].columns):
        return gettext("“{name}” is not a table or column of HSDS 3.1").format(name=name)
    if not column:
        kept = gettext("“{name}” is required, or a search reads it")
        return kept.format(name=name) if table in _KEPT_TABLES else ""
    if {column, column.removesuffix("_id")} & TABLES[table].required:
        return gettext("HSDS requires “{name}”").format(name=name)
    read = gettext("search and proximity read “{name}”")
    return read.format(name=name) if name in _READ else ""


@dataclass(frozen=True)
class Path:
    """What goes of a row of a table, by key, and which keys lead on to rows that lose something."""

    gone: frozenset[str]
    onward: Mapping[str, str]


@cache
def paths(excluded: frozenset[str]) -> Mapping[str, Path]:
    """Return the paths of what is excluded, by table; a table of which nothing goes has none."""
    gone = {table: _gone(table, excluded) for table in TABLES}
    reached = {table for table, keys in gone.items() if keys}
    while more := {table for table in TABLES if _onward(table, gone, reached)} - reached:
        reached |= more
    return {table: Path(gone[table], _onward(table, gone, reached)) for table in reached}


def _gone(table: str, excluded: frozenset[str]) -> frozenset[str]:
    """Return the keys that a row of a table loses: columns, and lists of excluded rows."""
    found = {column for column in TABLES[table].columns if f"{table}.{column}" in excluded}
    if "taxonomy_id" in found:
        found.add("taxonomy_detail")
    found |= {key for key, nested in nested_in(table).items() if nested in excluded}
    for key, nested in LISTS.get(table, {}).items():
        # Without the column that names its parent, a row is in none of the parent's lists.
        names = [
            column.name
            for column in TABLES[nested].columns.values()
            if column.sort is Sort.REFERENCE and column.reference == table
        ]
        found |= {key for name in names if f"{nested}.{name}" in excluded}
    return frozenset(found)


def _onward(table: str, gone: Mapping[str, frozenset[str]], reached: set[str]) -> Mapping[str, str]:
    nested = nested_in(table)
    return {key: to for key, to in nested.items() if to in reached and key not in gone[table]}


def without_excluded(made: dict[str, Any], table: str, to: Mapping[str, Path]) -> dict[str, Any]:
    """Return a row of a table without what the paths take out of it."""
    path = to.get(table)
    if path is None:
        return made
    kept = {}
    for name, value in made.items():
        if name in path.gone:
            continue
        if nested := path.onward.get(name):
            value = _nested(value, nested, to)
        kept[name] = value
    return kept


def _nested(value: Any, table: str, to: Mapping[str, Path]) -> Any:
    if isinstance(value, list):
        return [without_excluded(one, table, to) for one in value]
    return without_excluded(value, table, to)
