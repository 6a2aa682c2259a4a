"""What changes in a view, as a feed: the memberships in the order of their numbers.

A reader begins with the view as of the start of its walk, and goes on with what has a higher
number. A membership has one number, that of its last change, so a page may bring together several
changes of an entry. What a reader knows for sure is the view as of the number at which it was last
told that there is no more: the `base` of its cursor. An entry that is gone and was in the view at
the base is a `remove`; one that came after the base and is gone again is a `put` and a `remove`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db.models import Q

from core.database import clock
from directory.listing.pages import one_snapshot
from directory.models import Membership, Numbering, View

GOOD_FOR = timedelta(days=90)
PUT, REMOVE = "put", "remove"
_SALT = "directory.changes"


class BadCursor(Exception):
    """A cursor that was made up, or belongs to another reader."""


class OldCursor(Exception):
    """A cursor of more than 90 days ago, or from before the database was restored."""


@dataclass(frozen=True)
class Cursor:
    """How far a reader is. While it walks, `walked` is the key of the last entry that it got.

    `put`: of the change with this number it got the first part. `seen` and `mark` name the
    numbering that was the last when the cursor was given.
    """

    view: int
    base: int
    position: int
    walked: int | None = None
    put: int = 0
    seen: int = 0
    mark: int = 0
    at: float = 0.0

    def __str__(self) -> str:
        return signing.Signer(salt=_SALT).sign_object(list(asdict(self).values()))


@dataclass(frozen=True)
class Change:
    """One change of one entry."""

    kind: str
    hsds_id: str
    action: str
    at: datetime


@dataclass(frozen=True)
class Page:
    """Some changes, the cursor behind them, and whether there are more now."""

    changes: list[Change]
    next: Cursor
    more: bool


def read(view: View, after: str, limit: int) -> Page:
    """Return the next changes of a view; `after` is the cursor of the last answer, or empty.

    Raises BadCursor or OldCursor.
    """
    now = clock.now()
    with one_snapshot():
        last = View.objects.values_list("last_number", flat=True).get(pk=view.pk)
        mark = _mark(view, last)
        cursor = _cursor(view, after, now) if after else Cursor(view.pk, last, last, walked=0)
        step = _follow if cursor.walked is None else _walk
        page = step(cursor, limit, last, now)
    cursor = replace(page.next, seen=last, mark=mark, at=now.timestamp())
    return Page(page.changes, cursor, page.more)


def cursor_at(view: View, number: int) -> Cursor:
    """Return the cursor of a reader that has got everything until a number."""
    last = View.objects.values_list("last_number", flat=True).get(pk=view.pk)
    at = clock.now().timestamp()
    return Cursor(view.pk, number, number, seen=last, mark=_mark(view, last), at=at)


def counts(view: View, after: int, until: int) -> dict[str, dict[str, int]]:
    """Return how many entries of each kind came or changed, and left, between two numbers."""
    found: dict[str, dict[str, int]] = {}
    rows = Membership.objects.filter(view=view, number__gt=after, number__lte=until)
    for kind, present in rows.values_list("kind", "present").iterator():
        of_kind = found.setdefault(kind, {PUT: 0, REMOVE: 0})
        of_kind[PUT if present else REMOVE] += 1
    return {kind: {name: n for name, n in one.items() if n} for kind, one in found.items()}


# -- cursors --------------------------------------------------------------------------------------


def _cursor(view: View, text: str, now: datetime) -> Cursor:
    try:
        cursor = Cursor(*signing.Signer(salt=_SALT).unsign_object(text))
    except (signing.BadSignature, ValueError, TypeError):
        raise BadCursor from None
    if cursor.view != view.pk:
        if view.is_public and View.objects.filter(pk=cursor.view, name__in=View.Name).exists():
            raise OldCursor  # the public API has another view since
        raise BadCursor
    if now - datetime.fromtimestamp(cursor.at, now.tzinfo) > GOOD_FOR:
        raise OldCursor
    if cursor.mark != _mark(view, cursor.seen):
        raise OldCursor
    return cursor


def _mark(view: View, number: int) -> int:
    """Return the mark of the numbering that ended with a number; 0 where there is none."""
    found = Numbering.objects.filter(view=view, last=number)
    return found.values_list("mark", flat=True).first() or 0


# -- steps ----------------------------------------------------------------------------------------


def _walk(cursor: Cursor, limit: int, last: int, now: datetime) -> Page:
    """Return the next entries that were in the view at the base, also those that have left since.

    One that has left and come back has a higher number: it comes behind the walk.
    """
    was_in = Q(present=True) | Q(number__gt=cursor.base) | Q(number=None)
    found = Membership.objects.filter(
        was_in, view=cursor.view, entered__lte=cursor.base, entry__gt=cursor.walked
    )
    rows = list(found.order_by("entry_id")[: limit + 1])
    shown, more = rows[:limit], len(rows) > limit
    changes = [_change(row, PUT, now) for row in shown]
    if more:
        return Page(changes, replace(cursor, walked=shown[-1].entry_id), True)
    return Page(changes, replace(cursor, walked=None), last > cursor.base)


def _follow(cursor: Cursor, limit: int, last: int, now: datetime) -> Page:
    """Return what has a number above the cursor's position, in the order of numbers."""
    found = Membership.objects.filter(view=cursor.view, number__gt=cursor.position)
    rows: Iterable[Any] = found.order_by("number")[: limit + 1]
    changes: list[Change] = []
    for row in rows:
        actions = list(_actions(row, cursor))
        room = limit - len(changes)
        if len(actions) > room:
            put = row.number if room else cursor.put
            changes += [_change(row, action, now) for action in actions[:room]]
            return Page(changes, replace(cursor, put=put), True)
        changes += [_change(row, action, now) for action in actions]
        cursor = replace(cursor, position=row.number, put=0)
    return Page(changes, replace(cursor, base=last, position=last, put=0), False)


def _actions(row: Membership, cursor: Cursor) -> Iterator[str]:
    """Yield what a membership means to a reader: see the top of this module."""
    if row.present:
        yield PUT
        return
    was_in_at_base = row.entered is not None and row.entered <= cursor.base
    if not was_in_at_base and row.number != cursor.put:
        yield PUT
    yield REMOVE


def _change(row: Membership, action: str, now: datetime) -> Change:
    return Change(row.kind, str(row.hsds_id), action, row.at or now)
