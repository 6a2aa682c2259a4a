"""Marks: which entries have to be built again after a change.

A writer works in `writing()`, and calls `changed` as the last thing in it. From its commit on, no
reader is answered from what was stored before.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import F, QuerySet

from directory.models import (
    Attribute,
    Entry,
    Holding,
    Language,
    Location,
    Phone,
    Service,
    ServiceAtLocation,
)
from directory.tables import TABLES

MANY = 5_000  # keys in one statement
_WRITERS = 0x446F7666  # a lock of PostgreSQL
Key = TypeVar("Key", int, str)


@contextmanager
def writing() -> Iterator[None]:
    """Run a transaction that changes entries. On PostgreSQL writers take turns, as SQLite's do.

    They lock their own entries first and then mark others, whichever those are: two at once could
    wait for each other.
    """
    with transaction.atomic():
        take_turns()
        yield


def take_turns() -> None:
    """Wait until no writer is at work; none is until this transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS])


def changed(entries: Iterable[int]) -> None:
    """Mark every entry whose answers hold one of these, or will: one UPDATE for 5,000 entries.

    `entries` are the keys of entries whose own columns or rows were changed, created, withdrawn or
    given to another parent: with it, both parents.
    """
    for keys in in_parts(entries):
        own = Entry.objects.filter(pk__in=keys).values("pk")
        held = Holding.objects.filter(held__in=keys).values("holder")
        # What will hold them, and does not know it yet.
        services = ServiceAtLocation.objects.filter(pk__in=keys).values("service")
        agencies = Service.objects.filter(pk__in=keys, organization__isnull=False)
        owners = Location.objects.filter(pk__in=keys, organization__isnull=False)
        marked = own.union(
            held, services, agencies.values("organization"), owners.values("organization")
        )
        # Counted, not set: who builds an entry meanwhile notes the mark that it read, and the
        # entry stays stale (`taking_in`).
        Entry.objects.filter(pk__in=marked).update(marks=F("marks") + 1)


def everything_changed() -> None:
    """Mark every entry: what the directory's languages, time zone or rules say has changed."""
    Entry.objects.update(marks=F("marks") + 1)


def delete_rows(table: str, keys: Collection[int]) -> None:
    """Delete rows of a table that holds no entries, with their attributes.

    What also belongs to another parent stays there: a phone of a deleted contact *and* a service.
    """
    for some in in_parts(keys):
        if table == "contact":
            phones = Phone.objects.filter(contact__in=some)
            delete_rows("phone", _left_alone(phones, "phone", "contact"))
        elif table == "phone":
            languages = Language.objects.filter(phone__in=some)
            delete_rows("language", _left_alone(languages, "language", "phone"))
        Attribute.objects.filter(link_entity=table, link__in=some).delete()
        TABLES[table].model._default_manager.filter(pk__in=some).delete()


def _left_alone(rows: "QuerySet[Any]", table: str, parent: str) -> list[int]:
    """Take the parent from rows that have another one; return the keys of those that have none."""
    others = [column.field for column in TABLES[table].parents if column.field != parent]
    alone = rows.filter(**{f"{other}__isnull": True for other in others})
    keys = list(alone.values_list("pk", flat=True))
    rows.exclude(pk__in=keys).update(**{parent: None})
    return keys


def in_parts(keys: Iterable[Key], size: int = MANY) -> Iterator[list[Key]]:
    """Yield the keys in lists that one statement can take."""
    rest = iter(keys)
    while part := list(islice(rest, size)):
        yield part
