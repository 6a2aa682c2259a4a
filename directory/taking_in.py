"""Takes in what has changed: numbers, answers, search rows, memberships.

Before each read, and by the dispatcher. It goes on until nothing is stale, in short transactions,
so that what a reader then sees holds everything that was committed before it asked. Several may
take in at once: on PostgreSQL a lock lets one transaction in at a time, as SQLite does anyway.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, Max, Q, QuerySet

from core.database import clock
from directory import changes, columns, secrecy
from directory.answers.building import build
from directory.answers.loading import Loaded
from directory.models import (
    NUMBERED,
    DataPartner,
    DataPartnerNotice,
    Directory,
    Entry,
    Holding,
    Kind,
    Membership,
    Numbering,
    Service,
    ServiceAtLocation,
    View,
)
from directory.search.indexing import index
from directory.views import members, rules

BATCH = 200  # entries in one transaction
ASK_SECONDS = 60.0  # between questions of the dispatcher, where there is no directory
_LOCK = 0x446F7665  # of PostgreSQL, for whoever takes in


@dataclass(frozen=True)
class Standing:
    """The directory's settings, the time, and whether all that is committed is taken in."""

    directory: Directory
    now: datetime
    is_taken_in: bool


def standing() -> Standing | None:
    """Return how the directory stands, by one statement; None where there is none."""
    now = clock.sql()
    sql = _STANDING.format(now=now, yesterday=_YESTERDAY[connection.vendor].format(now=now))
    for directory in Directory.objects.raw(sql):
        found: Any = directory
        midnight = directory.midnight_at
        moment = clock.read(found.now)
        is_same_day = midnight is not None and moment < midnight
        return Standing(directory, moment, is_same_day and not found.is_behind)
    return None


# What is behind is counted, by its index: PostgreSQL expects a third of all entries to be stale,
# and without statistics as much of the others; it would look for the first one among all. An
# agreement that has ended is not checked. It has ended wherever the directory is when it ended
# before yesterday in UTC; whether another one has is looked at when there is something to check.
_STANDING = """
    SELECT directory_directory.*, {now} AS now,
        (SELECT COUNT(*) FROM directory_entry WHERE marks > built) > 0
        OR (
            SELECT COUNT(*) FROM directory_entry
            WHERE last_modified IS NULL AND content_hash <> ''
        ) > 0
        OR (SELECT COUNT(*) FROM directory_membership WHERE number IS NULL) > 0
        OR EXISTS (
            SELECT 1 FROM directory_datapartner partner
            JOIN directory_view view ON view.id = partner.view_id
            WHERE partner.checked_version < view.version
            AND (partner.valid_until IS NULL OR partner.valid_until >= {yesterday})
        ) AS is_behind
    FROM directory_directory
"""
_YESTERDAY = {
    "postgresql": "({now} AT TIME ZONE 'UTC')::date - 1",
    "sqlite": "date({now}, '-1 day')",
}


def take_in(found: Standing | None = None) -> bool:
    """Bring everything that is stored of entries up to date with what is committed.

    Return whether there is a directory: without one, nothing is done. A caller that has just asked
    for its standing gives it.
    """
    found = found or standing()
    if found is None:
        return False
    if found.is_taken_in:
        return True
    directory, now = found.directory, found.now
    if directory.midnight_at is None or now >= directory.midnight_at:
        _pass_midnight(now)
    while _stale().exists():
        try:
            _take_in_some(now)
        except secrecy.NotInTurn:
            _take_in_some(now, in_turn=True)
    while _unchecked(_day(directory, now)).exists():
        _check_some(now)
    unsettled = Directory.objects.filter(Exists(_unnumbered()) | Exists(_without_time()))
    while unsettled.exists():
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


def _unchecked(today: date) -> "QuerySet[DataPartner]":
    """Return the data partners whose memberships do not follow their agreement yet."""
    valid = Q(valid_until=None) | Q(valid_until__gte=today)
    return DataPartner.objects.filter(valid, checked_version__lt=F("view__version"))


def _day(directory: Directory, now: datetime) -> date:
    return now.astimezone(directory.zone).date()


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
        expired = _no_longer_verified(since, today)
        found = Service.objects.filter(begun | ended | expired)
        changes.changed(found.values_list("pk", flat=True))
    _forget(now)
    directory.midnight_at = datetime.combine(today + _DAY, time(), zone)
    directory.save(update_fields=["midnight_at"])


_DAY = timedelta(days=1)
REMEMBERED = timedelta(days=90)  # what has left a view, and cursors of its feed


def _no_longer_verified(since: date, today: date) -> Q:
    """Return the condition on services that an agreement let in before as verified lately."""
    found = Q(pk__in=[])
    for include in DataPartner.objects.values_list("include", flat=True):
        if days := include.get("verified_within_days"):
            window = timedelta(days=days)
            found |= Q(assured_date__gte=since - window, assured_date__lt=today - window)
    return found


def _forget(now: datetime) -> None:
    """Delete what the feeds need no longer."""
    gone = Membership.objects.filter(present=False, number__isnull=False)
    gone.filter(at__lt=now - REMEMBERED).delete()
    DataPartnerNotice.objects.filter(due_at=None, made_at__lt=now - REMEMBERED).delete()
    numberings = Numbering.objects.exclude(last=F("view__last_number"))
    numberings.filter(at__lt=now - REMEMBERED - _DAY).delete()


# -- agreements -----------------------------------------------------------------------------------


@transaction.atomic
def _check_some(now: datetime) -> None:
    """Check the next memberships of a data partner whose agreement has changed."""
    directory = _lock()
    today = _day(directory, now)
    # The version is read before the agreement: one that is saved in between is checked again.
    partner = _unchecked(today).select_related("view").order_by("pk").first()
    if partner is None:
        return
    version = partner.view.version
    if partner.check_version != version:
        partner.check_version, partner.check_kind, partner.check_after = version, 0, 0
    kind = rules.ORDER[partner.check_kind]
    entries = Entry.objects.filter(kind=kind, pk__gt=partner.check_after).order_by("pk")
    keys = list(entries.values_list("pk", flat=True)[:BATCH])
    members.refresh(rules.rules_of(partner, directory, today), keys)
    if keys:
        partner.check_after = keys[-1]
    elif partner.check_kind + 1 < len(rules.ORDER):
        partner.check_kind, partner.check_after = partner.check_kind + 1, 0
    else:
        partner.checked_version = version
    DataPartner.objects.filter(pk=partner.pk).update(
        checked_version=partner.checked_version,
        check_version=partner.check_version,
        check_kind=partner.check_kind,
        check_after=partner.check_after,
    )


# -- entries --------------------------------------------------------------------------------------


@transaction.atomic
def _take_in_some(now: datetime, *, in_turn: bool = False) -> None:
    """Take in the next stale entries.

    Only what hides something elsewhere waits for writers first (`in_turn`): readers need not.
    """
    directory = _lock()
    if in_turn:
        changes.take_turns()
    # The marks are read before the content: a change that is committed later stays marked.
    marks = {entry.pk: entry.marks for entry in _next()}
    if marks:
        keys = list(marks)
        secrecy.hold_back(keys, in_turn=in_turn)
        _take_in_entries(keys, directory, _day(directory, now))
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
    contained_before = Holding.objects.filter(holder__in=keys).values_list("held", flat=True)
    touched = {*keys, *contained_before}
    loaded = Loaded(keys)
    before = {key: loaded.entries[key].content_hash for key in keys}
    build(loaded, directory, today)
    index(loaded)
    _note_changes([loaded.entries[key] for key in keys], before)
    for one in rules.all_rules(directory, today):
        members.refresh(one, touched)


def _note_changes(entries: Collection[Entry], before: dict[int, str]) -> None:
    """Take the time of change from what has changed: it gets one when this is committed."""
    changed = [entry for entry in entries if entry.content_hash != before[entry.pk]]
    hashes = {entry.pk: (entry.content_hash, None) for entry in changed}
    columns.write(Entry, ["content_hash", "last_modified"], hashes)
    services = [entry.pk for entry in changed if entry.kind == Kind.SERVICE]
    # They show when the service was changed, whatever else of it the view shows. Keys come first: a
    # condition that joins them would read the memberships of all entries in all views.
    at = ServiceAtLocation.objects.filter(service__in=services).values_list("pk", flat=True)
    undated = [one.view_id for one in _partners() if not one.view.shows("service.last_modified")]
    for some in changes.in_parts([*services, *at]):
        found = Membership.objects.filter(entry__in=some, present=True)
        found.exclude(view__in=undated).update(number=None)


def _partners() -> "QuerySet[DataPartner]":
    return DataPartner.objects.select_related("view")


def _give_entry_numbers(keys: Collection[int]) -> None:
    """Number the new ones, above the highest number that there ever was: none is deleted."""
    new = Entry.objects.filter(pk__in=keys, number=None, kind__in=NUMBERED).order_by("pk")
    if found := list(new.values_list("pk", flat=True)):
        highest = Entry.objects.aggregate(highest=Max("number"))["highest"] or 0
        numbers = {key: (number,) for number, key in enumerate(found, start=highest + 1)}
        columns.write(Entry, ["number"], numbers)


# -- after the commit -----------------------------------------------------------------------------

_NUMBER = """
    UPDATE directory_membership
    SET number = %s + found.place, at = %s,
        entered = CASE WHEN present THEN COALESCE(entered, %s + found.place) ELSE entered END
    FROM (
        SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place
        FROM directory_membership WHERE view_id = %s AND number IS NULL
    ) AS found
    WHERE directory_membership.id = found.id
"""
_MARKS = 2**62


@transaction.atomic
def _give_numbers_and_times() -> None:
    """Give what was taken in its place in the order of changes, and changed entries their time.

    Both are given here, after what they belong to is committed: a reader that has seen a number or
    a time has seen, or could have seen, all that came before it.
    """
    _lock()
    changes.take_turns()  # a writer may have locked some of these entries, and want the others
    now = clock.now()
    _without_time().update(last_modified=now)
    for view in View.objects.filter(pk__in=_unnumbered().values("view")):
        last = view.last_number
        with connection.cursor() as cursor:
            cursor.execute(_NUMBER, [last, _stored(now), last, view.pk])
            view.last_number += cursor.rowcount
        if view.last_number > last:
            view.save(update_fields=["last_number"])
            mark = secrets.randbelow(_MARKS)
            Numbering.objects.create(view=view, last=view.last_number, mark=mark, at=now)


def _stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
