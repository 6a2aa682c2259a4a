"""Corrections: what people suggest, and what staff decide, field by field."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from directory.editing.recording import edit, name_of_user
from directory.models import Correction, Entry, Service, VerificationRequest
from directory.verifying.answers import verified

REASON = "correction accepted"
# The texts of a service that anybody may correct. What else is wrong is said in a note.
FIELDS = (
    "name",
    "description",
    "eligibility_description",
    "fees_description",
    "application_process",
    "wait_time",
)
LONGEST = 4000  # characters of one text
MOST_OPEN = 30  # of one entry: more would be a flood


class TooMany(Exception):
    """The entry has as many open corrections as staff can look through."""


class NotOpen(Exception):
    """Somebody has decided on the correction already."""


@transaction.atomic
def suggest(
    entry: Entry,
    language: str,
    texts: Mapping[str, str],
    published: Mapping[str, str],
    note: str,
    request: VerificationRequest | None = None,
) -> int:
    """Store what differs from what is published, and the note; return how many there are.

    Raises TooMany, and then stores nothing. The entry stays as it is until staff accept. `request`
    is what an agency answers with it.
    """
    found = [
        Correction(
            entry=entry,
            field=name,
            language=language,
            text=text,
            was=published.get(name, ""),
            at=timezone.now(),
            request=request,
        )
        for name in FIELDS
        if (text := _clean(texts.get(name, ""))) and text != _clean(published.get(name, ""))
    ]
    if text := _clean(note):
        found.append(
            Correction(
                entry=entry, language=language, text=text, at=timezone.now(), request=request
            )
        )
    is_open = entry.corrections.filter(state=Correction.State.OPEN)
    if found and is_open.count() + len(found) > MOST_OPEN:
        raise TooMany
    Correction.objects.bulk_create(found)
    return len(found)


@transaction.atomic
def accept(correction: Correction, user: Any) -> None:
    """Put the text into the entry, as a change of the person who accepts it; raises NotOpen."""
    with edit([correction.entry_id], user, REASON):
        _decide(correction, Correction.State.ACCEPTED, user)
        if correction.field:
            service = Service.objects.get(pk=correction.entry_id)
            texts = {**getattr(service, correction.field), correction.language: correction.text}
            Service.objects.filter(pk=service.pk).update(**{correction.field: texts})
    _verify(correction)


@transaction.atomic
def refuse(correction: Correction, user: Any) -> None:
    """Leave the entry as it is; raises NotOpen."""
    _decide(correction, Correction.State.REFUSED, user)
    _verify(correction)


def _verify(correction: Correction) -> None:
    """Take the agency's answer as its verification, once all that it sent is decided on.

    Where staff refuse all of it, the agency has not said that what is published is right.
    """
    request = correction.request
    if request is None:
        return
    states = set(request.corrections.values_list("state", flat=True))
    if Correction.State.OPEN not in states and Correction.State.ACCEPTED in states:
        verified(request)


def _decide(correction: Correction, state: Correction.State, user: Any) -> None:
    still_open = Correction.objects.filter(pk=correction.pk, state=Correction.State.OPEN)
    fields = {"decided_by": name_of_user(user), "decided_at": timezone.now()}
    if not still_open.update(state=state, **fields):
        raise NotOpen


def _clean(text: str) -> str:
    """Return the text with line feeds alone, without what no text has."""
    lines = text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(one for one in lines if one == "\n" or one.isprintable() or one == "\xa0")
    return kept.strip()
