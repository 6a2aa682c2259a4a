"""Pages of lists, and all of a list at once."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from django.db import connection, transaction

from directory.answers.building import written
from directory.answers.rendering import moment
from directory.listing import totals
from directory.listing.filters import NARROWING, Asked, Found, Nearness, find, is_narrowed
from directory.listing.items import (
    Member,
    Shape,
    all_of,
    etag_of,
    members,
    page_of_all,
    texts,
)

PER_PAGE = 50
_CHUNK = 500
_SPOOLED = 1024 * 1024  # bytes in memory, before a file


class PastTheEnd(Exception):
    """The page that is asked for does not exist."""


@dataclass(frozen=True)
class Page:
    """A page whose body is not written yet."""

    asked: Asked
    shape: Shape
    total: int
    number: int
    per_page: int
    members: dict[int, Member]
    distances: dict[int, float] | None

    def etag(self) -> str:
        """Return what changes with the answer, and with nothing that the view does not see."""
        view = self.asked.view
        values = sorted((name, str(value)) for name, value in self.asked.values.items())
        marks = (
            [one.mark for one in self.members.values()] if self.shape.is_stored else [self.body()]
        )
        return etag_of(
            view.name, view.version, self.asked.kind, self.shape, values, self.total, *marks
        )

    def body(self) -> str:
        pages = -(-self.total // self.per_page)
        head = {
            "total_items": self.total,
            "total_pages": pages,
            "page_number": self.number,
            "size": len(self.members),
            "first_page": self.number == 1,
            "last_page": self.number >= pages,
            "empty": not self.members,
        }
        contents = texts(self.asked.view, self.members, self.shape, self.distances)
        return f'{written(head)[:-1]},"contents":[{",".join(contents)}]}}'


def shape_of(asked: Asked, language: str) -> Shape:
    """Return how the entries of a list are written."""
    values = asked.values
    full_service = bool(values.get("full_service"))
    is_full = values.get("full") or full_service or values.get("format") == "ndjson"
    return Shape(language, not is_full, bool(values.get("extras")), full_service)


def page(asked: Asked, language: str, *, with_texts: bool = True) -> Page:
    """Return the page that is asked for; raises Refused, or PastTheEnd.

    Without texts it has an ETag, and no body where stored answers are its body.
    """
    number, per_page = asked.values.get("page", 1), asked.values.get("per_page", PER_PAGE)
    first, shape = (number - 1) * per_page, shape_of(asked, language)
    read = shape if with_texts or not shape.is_stored else None
    distances = None
    if is_narrowed(asked):
        found = find(asked)
        distances = _distances(found)
        total, keys = part_of(found, first, per_page)
        inside = members(asked.view, keys, read, asked.kind)
    else:
        total = totals.total(asked.view, asked.kind)
        inside = page_of_all(asked.view, asked.kind, first, per_page, read)
    if number > 1 and not inside:
        raise PastTheEnd
    return Page(asked, shape, total, number, per_page, inside, distances)


def part_of(found: Found, first: int, size: int) -> tuple[int, list[int]]:
    """Return how many match, and the keys of some of them in order."""
    if found.by_words_alone is not None:
        return found.by_words_alone.page(first, size)
    if found.near is None:
        keys = found.ordered.values_list("pk", flat=True)[first : first + size]
        return found.entries.count(), list(keys)
    by_distance = _by_distance(found.near, found)
    return len(by_distance), by_distance[first : first + size]


def _by_distance(near: Mapping[int, Nearness], found: Found) -> list[int]:
    """Return the keys of what matches and is near, the nearest first, then by id."""
    matching: Iterable[int] = near
    if not found.is_alone:
        matching = near.keys() & set(found.entries.values_list("pk", flat=True))
    return sorted(matching, key=near.__getitem__)


def _distances(found: Found) -> dict[int, float] | None:
    if found.near is None:
        return None
    return {key: metres for key, (metres, _) in found.near.items()}


def _keys(found: Found) -> Iterator[int]:
    """Yield the keys of all that match, in order."""
    if found.near is None:
        yield from found.ordered.values_list("pk", flat=True).iterator()
    else:
        yield from _by_distance(found.near, found)


# -- all at once ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Minimal:
    """The ids, and the times as answers write them, of everything that matches, on one page."""

    asked: Asked
    rows: list[tuple[str, str]]

    def etag(self) -> str:
        values = (value for row in self.rows for value in row)
        return etag_of("minimal", self.asked.view.version, *values)

    def body(self) -> str:
        items = [
            f'{{"id":"{hsds_id}","last_modified":"{changed}"}}'
            if changed
            else f'{{"id":"{hsds_id}"}}'
            for hsds_id, changed in self.rows
        ]
        head = {
            "total_items": len(items),
            "total_pages": 1 if items else 0,
            "page_number": 1,
            "size": len(items),
            "first_page": True,
            "last_page": True,
            "empty": not items,
        }
        return f'{written(head)[:-1]},"contents":[{",".join(items)}]}}'


def etag_of_minimal(asked: Asked) -> str:
    """Return the ETag of a minimal page before it is read; empty where only its rows have one.

    What a view shows of all its services, and since when, changes with its numbering alone.
    """
    if asked.values.keys() & (NARROWING - {"modified_after"}):
        return ""
    view = asked.view
    mark = view.mark or totals.mark(view)
    since = asked.values.get("modified_after")
    return etag_of("minimal", view.name, view.version, asked.kind, since, mark) if mark else ""


def minimal(asked: Asked) -> Minimal:
    """Return one page with the id and the time of everything that matches."""
    found = find(asked)
    rows: Iterable[Any] = found.ordered.values_list("pk", "hsds_id", "last_modified")
    if (near := found.near) is not None:
        rows = sorted((row for row in rows if row[0] in near), key=lambda row: near[row[0]])
    is_dated = asked.view.shows("service.last_modified")
    return Minimal(
        asked,
        [
            (str(hsds_id), moment(changed) if is_dated and changed else "")
            for _, hsds_id, changed in rows
        ],
    )


def spool(asked: Asked, language: str) -> IO[bytes]:
    """Return a file with everything that matches, whole, one a line, as of one moment.

    It is written in one short read, so that a slow reader holds no snapshot of the database open.
    """
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - sent when we are gone
    shape = shape_of(asked, language)
    with one_snapshot():
        for inside, distances in _some_of_all(asked, shape):
            lines = "\n".join([*texts(asked.view, inside, shape, distances), ""])
            file.write(lines.encode())
    file.seek(0)
    return file


def _some_of_all(
    asked: Asked, shape: Shape
) -> Iterator[tuple[dict[int, Member], dict[int, float] | None]]:
    """Yield everything that matches, in order, some at a time; with the distances of all."""
    if is_narrowed(asked):
        found = find(asked)
        for keys in _chunks(_keys(found)):
            yield members(asked.view, keys, shape, asked.kind), _distances(found)
    else:
        for inside in all_of(asked.view, asked.kind, shape):
            yield inside, None


def _chunks(keys: Iterator[int]) -> Iterator[Sequence[int]]:
    while chunk := list(islice(keys, _CHUNK)):
        yield chunk


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let all queries within see the database as of one moment.

    On SQLite not by `atomic()`, which would take the write lock here.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
