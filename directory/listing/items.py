"""Entries as they are sent: stored answers, cut where a view sees less, with our properties."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from core.database import clock
from directory.answers.building import NESTED, dated, digest, written
from directory.answers.rendering import moment
from directory.models import Entry, Kind, View
from directory.views.members import outside_of, seen_by

Json = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How entries are written: in which language, how much of them."""

    language: str
    is_flat: bool = False
    extras: bool = False
    full_service: bool = False

    @property
    def is_stored(self) -> bool:
        """Return whether answers are sent as they are stored: then their hashes stand for them."""
        return not (self.extras or self.full_service)


class Member(NamedTuple):
    """An entry in a view: what its answer is known by, and when its service was last changed.

    `text` and `extras` are its stored answer, where that was read.
    """

    kind: str
    hash: str
    is_cut: bool
    last_modified: str  # as answers write it
    text: str
    extras: str

    @property
    def mark(self) -> str:
        return f"{self.hash} {self.last_modified}"


def members(
    view: View, keys: Collection[int], shape: Shape | None, kind: str = ""
) -> dict[int, Member]:
    """Return the entries that the view has among the keys, in the order of the keys.

    Without a shape, their stored answers are not read. `kind` is that of all of them, where they
    have the same.
    """
    keys = list(keys)
    if not keys:
        return {}
    which = f"member.entry_id IN ({', '.join(['%s'] * len(keys))})"
    found = _read(view, which, keys, shape, kind)
    return {key: found[key] for key in keys if key in found}


def page_of_all(
    view: View, kind: str, first: int, size: int, shape: Shape | None
) -> dict[int, Member]:
    """Return some of the entries of a kind that the view has, by id, from the `first` on."""
    if first:
        return _read(view, _LATER, [view.pk, kind, size, first], shape, kind)
    which = "member.kind = %s ORDER BY member.hsds_id LIMIT %s"
    return _read(view, which, [kind, size], shape, kind)


# What lies before the page is skipped in the index alone.
_LATER = """member.entry_id IN (
    SELECT of_page.entry_id FROM directory_membership of_page
    WHERE of_page.view_id = %s AND of_page.kind = %s AND of_page.present
    ORDER BY of_page.hsds_id LIMIT %s OFFSET %s
)"""


def all_of(view: View, kind: str, shape: Shape) -> Iterator[dict[int, Member]]:
    """Yield all entries of a kind that the view has, by id, some at a time."""
    which = "member.kind = %s{after} ORDER BY member.hsds_id LIMIT %s"
    found = _read(view, which.format(after=""), [kind, _SOME], shape, kind)
    while found:
        yield found
        last = Entry.objects.values_list("hsds_id", flat=True).get(pk=next(reversed(found)))
        values = [kind, _stored(last), _SOME]
        after = which.format(after=" AND member.hsds_id > %s")
        found = _read(view, after, values, shape, kind) if len(found) == _SOME else {}


_SOME = 2000  # of fewer, PostgreSQL reads the table of all entries for each


def _stored(hsds_id: UUID) -> Any:
    return Entry._meta.get_field("hsds_id").get_db_prep_value(hsds_id, connection)


def by_id(view: View, kind: str, hsds_id: UUID, shape: Shape) -> dict[int, Member]:
    """Return the entry with the id, where the view has it."""
    which = "member.kind = %s AND member.hsds_id = %s"
    return _read(view, which, [kind, _stored(hsds_id)], shape, kind)


_MEMBERS = """
    SELECT found.entry_id, found.kind, found.hash, found.cut, {last_modified}, {columns}
    FROM (
        SELECT member.entry_id, member.kind, member.hsds_id, member.hash, member.cut
        FROM directory_membership member
        WHERE member.view_id = %s AND member.present AND {which}
    ) found
    JOIN directory_entry entry ON entry.id = found.entry_id
    {answers}
    ORDER BY found.hsds_id
"""
_OWN = "CAST(entry.last_modified AS text)"
# Not asked for where no service at a location is read: to plan it costs as much as to read a page.
_OF_ITS_SERVICE = """CASE WHEN found.kind = 'service_at_location' THEN (
    SELECT CAST(of_service.last_modified AS text) FROM directory_serviceatlocation place
    JOIN directory_entry of_service ON of_service.id = place.service_id
    WHERE place.entry_id = found.entry_id
) ELSE CAST(entry.last_modified AS text) END"""
_ANSWERS = """
    JOIN directory_answer answer ON answer.entry_id = found.entry_id AND answer.language = %s
"""
_FULL = 'answer."full"'
_FLAT = f"COALESCE(NULLIF(answer.flat, ''), {_FULL})"


def _read(
    view: View, which: str, values: list[Any], shape: Shape | None, kind: str = ""
) -> dict[int, Member]:
    """Return members with their answers, which one statement reads: they belong together.

    `kind` is that of all of them, where they have the same.
    """
    columns, answers, language = "'', '{}'", "", []
    if shape is not None:
        columns = f"{_FLAT if shape.is_flat else _FULL}, "
        columns += "answer.extras" if shape.extras else "'{}'"
        answers, language = _ANSWERS, [shape.language]
    last_modified = _OF_ITS_SERVICE if kind in ("", Kind.SERVICE_AT_LOCATION) else _OWN
    sql = _MEMBERS.format(
        columns=columns, which=which, answers=answers, last_modified=last_modified
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [view.pk, *values, *language])
        rows = cursor.fetchall()
    is_dated = view.shows("service.last_modified")
    return {
        key: Member(
            kind,
            mark,
            bool(is_cut),
            _moment(changed) if is_dated and changed else "",
            text,
            extras,
        )
        for key, kind, mark, is_cut, changed, text, extras in rows
    }


# What was taken in together has one time, and to read it costs as much as the rest of an entry.
@lru_cache(maxsize=10_000)
def _moment(found: str) -> str:
    return moment(clock.read(found))


def texts(
    view: View,
    found: Mapping[int, Member],
    shape: Shape,
    distances: Mapping[int, float] | None = None,
) -> list[str]:
    """Return each member's answer as text, in order. The members were read in this shape."""
    outside = outside_of(view.pk, [key for key, member in found.items() if member.is_cut])
    services = _services(view, found, shape) if shape.full_service else {}
    written_texts = []
    for key, member in found.items():
        text = member.text
        if member.is_cut:
            text = _cut(text, member.kind, view.excluded, frozenset(outside.get(key, ())))
        text = dated(text, member.last_modified)
        if not shape.is_stored:
            made = json.loads(text)
            if shape.full_service and member.kind == Kind.ORGANIZATION:
                made["services"] = [services[one["id"]] for one in made["services"]]
            if shape.extras:
                add_extras(member.kind, made, _shown_extras(view, json.loads(member.extras)))
                if distances:
                    made["x_distance_m"] = round(distances[key], 1)
            text = written(made)
        written_texts.append(text)
    return written_texts


_LONG = 20_000  # characters of an answer


def _cut(
    text: str, kind: str, excluded: frozenset[str], outside: frozenset[tuple[str, str]]
) -> str:
    """Return a stored answer without what is outside or excluded."""
    cut = _cut_lately if len(text) <= _LONG else _cut_now
    return cut(text, kind, excluded, outside)


def _cut_now(
    text: str, kind: str, excluded: frozenset[str], outside: frozenset[tuple[str, str]]
) -> str:
    return written(seen_by(kind, json.loads(text), excluded, outside))


# Readers ask for the same page again. What is cut depends on nothing but what is given here.
_cut_lately = lru_cache(maxsize=1000)(_cut_now)


def _shown_extras(view: View, extras: Json) -> Json:
    """Return our own properties without the imported time of a change, where that is excluded."""
    if view.shows("service.last_modified"):
        return extras
    return {
        of: {name: value for name, value in found.items() if name != "x_source_modified"}
        for of, found in extras.items()
    }


def _services(view: View, agencies: Mapping[int, Member], shape: Shape) -> dict[str, Json]:
    """Return the view's services of agencies, whole, by their ids."""
    keys = Entry.objects.filter(service__organization__in=list(agencies)).values_list(
        "pk", flat=True
    )
    whole_shape = Shape(shape.language, extras=shape.extras)
    whole = texts(view, members(view, keys, whole_shape), whole_shape)
    made = [json.loads(text) for text in whole]
    return {one["id"]: {name: one[name] for name in one if name != "organization"} for one in made}


def add_extras(kind: str, made: Json, extras: Mapping[str, Json]) -> None:
    """Add our own properties to an object and to the entries that it nests."""
    made |= extras.get(f"{kind}/{made['id']}", {})
    _add_nested(made, extras)


def _add_nested(made: Json, extras: Mapping[str, Json]) -> None:
    for name, value in list(made.items()):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                if name in NESTED:
                    one |= extras.get(f"{NESTED[name]}/{one['id']}", {})
                _add_nested(one, extras)


def etag_of(*parts: object) -> str:
    """Return an ETag made of what decides an answer."""
    return f'"{digest(map(str, parts))}"'
