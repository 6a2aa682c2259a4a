"""Values that HSDS 3.1 has a column for, and whose lists or formats refuse them."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q

from directory.answers import formats
from directory.exporting.content.carried import Tally
from directory.fields import in_language
from directory.hours.rules import DAYS
from directory.models import HIDDEN, Directory, Membership, View
from directory.tables import TABLES, Column, Sort, Table

_FORMATS = {"uri": formats.uri, "email": formats.email}
_LISTS = {("schedule", "freq"): ("WEEKLY", "MONTHLY"), ("schedule", "wkst"): DAYS}


def count(view: View, language: str, tally: Tally) -> None:
    """Count the values of a view that are in no file, as HSDS 3.1 cannot hold them."""
    languages = Directory.objects.get().languages
    for table in TABLES.values():
        for column in table.columns.values():
            allowed = _LISTS.get((table.name, column.name))
            if column.format not in _FORMATS and not allowed:
                continue
            if not view.shows(f"{table.name}.{column.name}"):
                continue
            for value in _values(view, table, column):
                text = in_language(value, language, languages) if _is_text(column) else value
                form = _FORMATS.get(column.format, str)
                is_carried = text in allowed if allowed else bool(form(text))
                if not is_carried:
                    tally.leave_out(table.name, column.name)


def _is_text(column: Column) -> bool:
    return column.sort in (Sort.TEXT, Sort.LINK)


def _values(view: View, table: Table, column: Column) -> Iterator[Any]:
    found = _seen(view, table).exclude(**{column.field: {} if _is_text(column) else ""})
    names = {field.name for field in table.model._meta.get_fields()}
    if f"{column.field}_secrecy" in names:
        found = found.exclude(**{f"{column.field}_secrecy__in": HIDDEN})
    if "secrecy" in names:
        found = found.exclude(secrecy__in=HIDDEN)
    for _, value in found.order_by("pk").values_list("pk", column.field).distinct().iterator():
        yield value


def _seen(view: View, table: Table) -> Any:
    """Return the query for rows of entries that the view has, and whose content it shows."""
    rows: Any = table.model._default_manager.all()
    if table.name == "unit":
        return rows.filter(_inside(view, "capacities__service"))
    if table.is_entry:
        return rows.filter(_inside(view, "pk"))
    matches = Q(pk=None)
    for path in _paths(table.name, view):
        matches |= _inside(view, path)
    return rows.filter(matches)


def _inside(view: View, path: str) -> Q:
    """Return the condition that the view has the entry that a path leads to, and shows it.

    It is looked up for each row: joins would read the memberships of all views.
    """
    members = Membership.objects.filter(view=view, present=True, entry=OuterRef(path))
    return Q(Exists(members.exclude(entry__secrecy__in=HIDDEN)))


def _paths(name: str, view: View) -> Iterator[str]:
    """Yield what leads from a table to entries, as far as the view shows it."""
    for column in TABLES[name].parents:
        if not view.shows(f"{name}.{column.name}"):
            continue
        if TABLES[column.reference].is_entry:
            yield column.field
        else:
            yield from (f"{column.field}__{path}" for path in _paths(column.reference, view))
