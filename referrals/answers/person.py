"""All that is stored of one person within an organization, and where it has gone, as one zip.

A folder for each referral: what it says now, the messages and files as they came, the summaries,
what was sent and answered, what colleagues wrote, and `sent.csv`. Nothing of it is encrypted.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.core.serializers.json import DjangoJSONEncoder

from core.text.spreadsheets import as_csv
from referrals.answers import whereabouts
from referrals.models import (
    Attempt,
    Delivery,
    InboundEvent,
    Note,
    PartnerUpdate,
    Referral,
    ReferralFile,
    StoredSummary,
    Version,
)
from referrals.record import files
from referrals.record.documents import document_of

Entry = tuple[str, bytes]  # its name below the folder of the referral, and its content


def export(referrals: Iterable[Referral], path: Path) -> None:
    """Write the zip to a new file, which only its owner can read. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as out, ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for number, referral in enumerate(referrals, start=1):
            for name, content in entries(referral):
                archive.writestr(f"{number}-{_safe(referral.reference)}/{name}", content)


def entries(referral: Referral) -> Iterator[Entry]:
    """Yield all that is stored of a referral and of what became part of it."""
    whole = [referral, *Referral.objects.filter(merged_into=referral)]
    for number, one in enumerate(whole):
        yield f"referral{number or ''}.json", _json(_says(one))
    yield from _messages(whole)
    yield from _files(whole)
    deliveries = Delivery.objects.filter(referral__in=whole).select_related("destination")
    yield "deliveries.json", _json([_delivery(one) for one in deliveries])
    notes = Note.objects.filter(referral__in=whole).values("at", "by__username", "text")
    yield "notes.json", _json(list(notes))
    rows = [whereabouts.COLUMNS, *(left.cells() for left in whereabouts.of_referral(referral))]
    yield "sent.csv", as_csv([[str(cell) for cell in row] for row in rows])


def _says(referral: Referral) -> dict[str, Any]:
    aliases = [str(alias) for alias in referral.aliases.all()]
    known = {"created": referral.created_at, "changed": referral.changed_at, "ids": aliases}
    return {**known, "deleted": referral.purged_at, "says": document_of(referral)}


def _messages(whole: list[Referral]) -> Iterator[Entry]:
    events = InboundEvent.objects.defer(None).filter(referral__in=whole).order_by("received_at")
    for number, event in enumerate(events.iterator(chunk_size=10), start=1):
        if event.body is not None:
            yield f"messages/{number:03}.json", bytes(event.body)


def _files(whole: list[Referral]) -> Iterator[Entry]:
    for file in ReferralFile.objects.filter(referral__in=whole).exclude(stored_as=""):
        with files.open_stored(file) as stored:
            yield f"files/{file.pk}-{_safe(file.filename)}", stored.read()
    for summary in StoredSummary.objects.filter(referral__in=whole):
        with files.open_stored(summary) as stored:
            yield f"summaries/{summary.pk}.pdf", stored.read()


def _delivery(delivery: Delivery) -> dict[str, Any]:
    versions = Version.objects.defer(None).filter(delivery=delivery).order_by("number")
    attempts = Attempt.objects.filter(delivery=delivery).order_by("number")
    updates = PartnerUpdate.objects.filter(delivery=delivery).order_by("number")
    sent = ("number", "why", "action", "asked_at", "document", "data", "options")
    answered = ("number", "started_at", "ended_at", "outcome", "message", "body", "headers")
    return {
        "destination": str(delivery.destination),
        "state": delivery.state,
        "id_there": delivery.external_id,
        "message": delivery.message,
        "versions": [{name: getattr(one, name) for name in sent} for one in versions],
        "attempts": [{name: getattr(one, name) for name in answered} for one in attempts],
        "answers_of_the_partner": [{"at": one.at, "says": one.patch} for one in updates],
    }


def _json(value: Any) -> bytes:
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    return text.encode()


def _safe(name: str) -> str:
    """Return the name as one that stays in its folder wherever the zip is opened."""
    kept = "".join(c if c.isalnum() or c in "-_. " else "_" for c in PurePath(name).name)
    return kept.strip(". ")[-100:] or "file"
