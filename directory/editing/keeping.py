"""Fields that staff keep: which they are, and giving them back to the supplier."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from directory.models import Entry, StaffChange


def kept(entry: Entry) -> "QuerySet[StaffChange]":
    """Return the fields of an entry that staff changed, and that no file changes."""
    return StaffChange.objects.filter(entry=entry).order_by("path", "language")


def release(entry: Entry, keys: Collection[int]) -> int:
    """Let the supplier change these fields again, with its next file; return how many they are.

    What is confidential stays so: no file lifts that.
    """
    with transaction.atomic():
        return kept(entry).filter(pk__in=keys).delete()[0]
