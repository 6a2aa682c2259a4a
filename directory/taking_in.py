"""Takes in what has changed: numbers, answers, search rows, memberships.

Before each read, and by the dispatcher. It goes on until nothing is stale, in short transactions,
so that what a reader then sees holds everything that was committed before it asked. Several may
take in at once: on PostgreSQL a lock lets one transaction in at a time, as SQLite does anyway.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet

from core.database import clock
from directory import changes, secrecy
from directory.answers.building import build
from directory.answers.loading import Loaded
from directory.models import (
    NUMBERED,
    Directory,
    Entry,
    Holding,
    Kind,
    Membership,
    Service,
    View,
)
from directory.search.indexing import index
from directory.views import members, rules

BATCH = 200  # entries in one transaction
KEPT = timedelta(days=90)  # what has left a view, so that readers hear of it
ASK_SECONDS = 60.0  # between questions of the dispatcher, where there is no directory
_LOCK = 0x446F7665  # of PostgreSQL, for whoever takes in


def take_in(directory: Directory | None = None) -> bool:
    """Bring everything that is stored of entries up to date with what is committed.

    Return whether there is a directory: without one, nothing is done. A caller that has just read
    it gives it.
    """
    directory = directory or Directory.objects.first()
    if directory is None:
        return False
    now = clock.now()
    if directory.midnight_at is None or now >= directory.midnight_at:
        _pass_midnight(now)
    while _stale().exists():
        _take_in_some(now)
    while _unnumbered().exists() or _without_time().exists():
        _give_numbers_and_times()
    return True


def beside(now: Callable[[], float] = monotonic) -> Callable[[], None]:
    """Return what the dispatcher does at each of its turns: take in, where there is a directory.

    Where there is none, a turn runs no statement: whether there is one by now is asked once in
    ASK_SECONDS. Readers need not wait for that, as they take in themselves.
    """
    ask_at = 0.0

    def turn() -> None:
        nonlocal ask_at
        if now() >= ask_at and not take_in():
            ask_at = now() + ASK_SECONDS

    return turn


def _stale() -> "QuerySet[Entry]":
    return Entry.objects.filter(marks__gt=F("built"))


def _unnumbered() -> "QuerySet[Membership]":
    return Membership.objects.filter(number=None)


def _without_time() -> "QuerySet[Entry]":
    return Entry.objects.filter(last_modified=None).exclude(content_hash="")


def _lock() -> Directory:
    """Let no other transaction take in until this one ends; return the directory as it is then."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    return Directory.objects.get()


# -- midnight -------------------------------------------------------------------------------------


@transaction.atomic
def _pass_midnight(now: datetime) -> None:
    """Mark the services whose alert begins or has ended since this was last looked at.

    What has left a view long ago is forgotten.
    """
    directory = _lock()
    zone = directory.zone
    today = now.astimezone(zone).date()
    if directory.midnight_at is not None:
        since = directory.midnight_at.astimezone(zone).date()
        begun = Q(alert_from__range=(since, today))
        ended = Q(alert_until__range=(since - _DAY, today - _DAY))
        changes.changed(Service.objects.filter(begun | ended).values_list("pk", flat=True))
    Membership.objects.filter(present=False, at__lt=now - KEPT).delete()
    directory.midnight_at = datetime.combine(today + _DAY, time(), zone)
    directory.save(update_fields=["midnight_at"])


_DAY = timedelta(days=1)


# -- entries --------------------------------------------------------------------------------------


@transaction.atomic
def _take_in_some(now: datetime) -> None:
    """Take in the next stale entries."""
    directory = _lock()
    # The marks are read before the content: a change that is committed later stays marked.
    marks = {entry.pk: entry.marks for entry in _next()}
    if marks:
        _take_in_entries(list(marks), directory, now.astimezone(directory.zone).date())
    for mark in set(marks.values()):
        built = [key for key, found in marks.items() if found == mark]
        Entry.objects.filter(pk__in=built).update(built=mark)


def _next() -> list[Entry]:
    """Return stale entries, locked. Who holds a lock and waits for none takes part in no deadlock:

    those that a writer has locked come later. When there are no others, wait for one of them.
    """
    stale = _stale().order_by("pk")
    free = list(stale.select_for_update(skip_locked=True, no_key=True)[:BATCH])
    return free or list(stale.select_for_update(no_key=True)[:1])


def _take_in_entries(keys: Collection[int], directory: Directory, today: date) -> None:
    _give_entry_numbers(keys)
    secrecy.hold_back(keys)
    held_before = Holding.objects.filter(holder__in=keys).values_list("held", flat=True)
    touched = {*keys, *held_before}
    loaded = Loaded(keys)
    before = {key: loaded.entries[key].content_hash for key in keys}
    build(loaded, directory, today)
    index(loaded)
    _note_changes([loaded.entries[key] for key in keys], before)
    for one in rules.all_rules(directory):
        members.refresh(one, touched)


def _note_changes(entries: Collection[Entry], before: dict[int, str]) -> None:
    """Take the time of change from what has changed: it gets one when this is committed."""
    changed = [entry for entry in entries if entry.content_hash != before[entry.pk]]
    for entry in changed:
        entry.last_modified = None
    Entry.objects.bulk_update(changed, ["content_hash", "last_modified"])
    services = [entry.pk for entry in changed if entry.kind == Kind.SERVICE]
    # They show when their service was changed.
    Membership.objects.filter(present=True, entry__serviceatlocation__service__in=services).update(
        number=None, at=None
    )


def _give_entry_numbers(keys: Collection[int]) -> None:
    """Number the new ones, above the highest number that there ever was: none is deleted."""
    new = Entry.objects.filter(pk__in=keys, number=None, kind__in=NUMBERED).order_by("pk")
    entries = list(new)
    if entries:
        highest = Entry.objects.aggregate(highest=Max("number"))["highest"] or 0
        for number, entry in enumerate(entries, start=highest + 1):
            entry.number = number
        Entry.objects.bulk_update(entries, ["number"])


# -- after the commit -----------------------------------------------------------------------------

_NUMBER = """
    UPDATE directory_membership SET number = %s + found.place, at = %s
    FROM (
        SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place
        FROM directory_membership WHERE view_id = %s AND number IS NULL
    ) AS found
    WHERE directory_membership.id = found.id
"""


@transaction.atomic
def _give_numbers_and_times() -> None:
    """Give what was taken in its place in the order of changes, and changed entries their time.

    Both are given here, after what they belong to is committed: a reader that has seen a number or
    a time has seen, or could have seen, all that came before it.
    """
    _lock()
    now = clock.now()
    _without_time().update(last_modified=now)
    for view in View.objects.filter(pk__in=_unnumbered().values("view")):
        with connection.cursor() as cursor:
            cursor.execute(_NUMBER, [view.last_number, _stored(now), view.pk])
            view.last_number += cursor.rowcount
        view.save(update_fields=["last_number"])


def _stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
