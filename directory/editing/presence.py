"""Entries that staff make, withdraw, and bring back."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.utils import timezone

from directory import changes
from directory.editing.recording import edit, name_of_user
from directory.models import (
    Entry,
    EntryRow,
    Location,
    Revision,
    Service,
    ServiceAtLocation,
)

CREATED, WITHDRAWN, BROUGHT_BACK = "created", "withdrawn", "brought back"
_Row = TypeVar("_Row", bound=EntryRow)


def create(model: type[_Row], fields: Mapping[str, Any], user: Any) -> _Row:
    """Make an entry of a kind with these columns; no supplier has it, so that no file changes it.

    Its number and its answers follow when it is taken in.
    """
    with changes.writing():
        entry = Entry.objects.create(kind=model.KIND)
        row: _Row = model._default_manager.create(entry=entry, **fields)
        Revision.objects.create(
            entry=entry,
            at=timezone.now(),
            user=user,
            by=name_of_user(user),
            reason=CREATED,
            before=None,
        )
        changes.changed([entry.pk])
    return row


def join(service: Service, location: Location, user: Any) -> ServiceAtLocation:
    """Say that a service is at a location; what was withdrawn of it comes back as it was."""
    found = ServiceAtLocation.objects.filter(service=service, location=location)
    known = found.select_related("entry").order_by("entry__withdrawn_by", "pk").first()
    if known is None:
        return create(ServiceAtLocation, {"service": service, "location": location}, user)
    if known.entry.withdrawn_by:
        bring_back(known.entry, user)
    return known


def withdraw(entry: Entry, user: Any) -> None:
    """Take an entry out of every view. It stays so when its supplier sends it again."""
    with edit([entry.pk], user, WITHDRAWN):
        Entry.objects.filter(pk=entry.pk, withdrawn_by="").update(
            withdrawn_by=Entry.WithdrawnBy.STAFF, withdrawn_at=timezone.now()
        )


def bring_back(entry: Entry, user: Any) -> None:
    """Put an entry that was withdrawn, by whomever, back where it was; not one that was merged."""
    with edit([entry.pk], user, BROUGHT_BACK):
        Entry.objects.filter(pk=entry.pk, merged_into=None).update(
            withdrawn_by=Entry.WithdrawnBy.NOBODY, withdrawn_at=None
        )
