"""Referrals whose snapshot an earlier version of reading made: made again from the stored bodies.

What was merged under an earlier key is then known under the one of today: the messages are read
and merged again in their order, with their times. What no stored body says any more stays as it
was. A file that was kept under an earlier key keeps that key, which names its step and its
idempotency key; the row goes to the file whose bytes that step has sent.

Reading happens outside of the transaction that merges: `NotReadYet` says what must be read first.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction

from integrations.models import Source
from integrations.sources.parsed import EventKind, Unusable
from mapping.source.document import Document
from referrals.intake import identity
from referrals.models import Attempt, InboundEvent, Referral, ReferralFile, Step
from referrals.record import files, names, snapshot
from referrals.record.documents import document_of_message
from referrals.record.files import Arrived
from referrals.record.removal import withdrawal

logger = logging.getLogger(__name__)

NOT_MERGED = (
    EventKind.IGNORED,
    EventKind.UNKNOWN,
    EventKind.REVOKED,
    EventKind.PARTNER_UPDATE,  # it stands beside the referral's own document
)


class NotReadYet(Exception):
    """These events must be read first; nothing was changed."""

    def __init__(self, event_ids: Sequence[UUID]) -> None:
        super().__init__(f"{len(event_ids)} event(s)")
        self.event_ids = event_ids


@dataclass(frozen=True, slots=True)
class Reread:
    """One event, read again; its files without their bytes."""

    source: Source
    at: datetime
    received_at: datetime
    references: tuple[str, ...]
    document: Document = field(repr=False)
    files: tuple[Arrived, ...] = field(repr=False)


Rereads = dict[UUID, Reread | None]  # None: nothing of it is merged


def is_earlier(referral: Referral) -> bool:
    """Return whether an earlier version of reading made the referral's snapshot."""
    return referral.reading < snapshot.READING


def refresh(referral: Referral) -> None:
    """Make the referral's snapshot again if it is an earlier one. Must not run in a transaction."""
    rereads: Rereads = {}
    while is_earlier(referral):
        try:
            with transaction.atomic():
                locked = Referral.objects.select_for_update(of=("self",)).get(pk=referral.pk)
                apply(locked, rereads)
        except NotReadYet as needed:
            rereads |= read(needed.event_ids)
        else:
            referral.refresh_from_db(fields=["snapshot", "reading"])


def read(event_ids: Iterable[UUID]) -> Rereads:
    """Read events again, one by one: their bodies may be large."""
    kept = _Kept(_hashes(event_ids))
    return {pk: _read(pk, kept) for pk in event_ids}


def apply(referral: Referral, rereads: Mapping[UUID, Reread | None]) -> None:
    """Make the snapshot again, and give the files their identities; raises NotReadYet.

    Must run in a transaction that holds the referral.
    """
    if not is_earlier(referral):
        return
    has_former_keys = referral.reading < snapshot.KEYS
    merged = [one for pk in _require(referral, rereads) if (one := rereads[pk])]
    times = {snapshot.stamp(one.at) for one in merged}
    known: snapshot.Snapshot = referral.snapshot
    anew = {path: entry for path, entry in known.items() if entry[0] not in times}
    for one in merged:
        anew = snapshot.merge(anew, one.document, one.at, str(one.source.pk))
    referral.snapshot, referral.reading = anew, snapshot.READING
    referral.save(update_fields=["snapshot", "reading"])
    names.index(referral)
    stored = {row.sha256: row for row in referral.files.exclude(stored_as="")}
    if has_former_keys:
        _claim(referral, merged)
    for one in merged:
        came = (replace(f, stored=f.stored or stored.get(f.sha256)) for f in one.files)
        files.keep(referral, one.source, came)
        for file in one.files:
            if file.stored:  # for this moment alone: a row that needed the bytes has its own
                transaction.on_commit(partial(files.storage.delete, file.stored.stored_as))
    withdrawal.of_files(referral)
    if status := withdrawal.request_withdrawn(snapshot.view(anew)):
        withdrawal.of_request(referral, status)
        withdrawal.stop(referral, status)


def opened(referral: Referral) -> list[UUID]:
    """Return the events of which the referral's snapshot was made, as far as they are here."""
    events = referral.events.filter(state=InboundEvent.State.OPENED, body__isnull=False)
    return list(events.order_by("received_at", "pk").values_list("pk", flat=True))


def _require(referral: Referral, rereads: Mapping[UUID, Reread | None]) -> list[UUID]:
    ids = opened(referral)
    if missing := [pk for pk in ids if pk not in rereads]:
        raise NotReadYet(missing)
    return ids


# -- reading -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    """Where the bytes of the files are: in a row under the key of then, or stored for one anew."""

    in_rows: set[tuple[str, str]]  # key or identity, hash
    stored: dict[str, ReferralFile] = field(default_factory=dict)  # by hash; never saved

    def arrived(self, file: Arrived) -> Arrived:
        """Return the file without its bytes, which are kept elsewhere."""
        parsed, row = file.parsed, None
        keys = {parsed.key, _key(file)}
        if parsed.content is not None and self.in_rows.isdisjoint((k, file.sha256) for k in keys):
            row = self.stored.get(file.sha256)
            if row is None:
                row = self.stored[file.sha256] = ReferralFile()
                files.store(row, ContentFile(parsed.content), file.sha256)
        return replace(file, parsed=replace(parsed, content=None), stored=row)


def _hashes(event_ids: Iterable[UUID]) -> set[tuple[str, str]]:
    rows = ReferralFile.objects.filter(referral__events__in=list(event_ids))
    stored = rows.filter(state=ReferralFile.State.STORED)
    return {*stored.values_list("key", "sha256"), *stored.values_list("identity", "sha256")}


def _read(event_id: UUID, kept: _Kept) -> Reread | None:
    event = InboundEvent.objects.defer(None).select_related("source").get(pk=event_id)
    try:
        parsed = event.endpoint.reader.parse(event.body or b"")
    except Unusable:
        return None
    except Exception:
        # Type and place only: the message of an exception may hold personal data.
        logger.exception("an event could not be read again", extra={"event": str(event_id)})
        return None
    if parsed.kind in NOT_MERGED:
        return None
    came = files.arrived(parsed)
    return Reread(
        event.source,
        event.occurred_at or event.received_at,
        event.received_at,
        parsed.references,
        document_of_message(parsed, came),
        tuple(map(kept.arrived, came)),
    )


# -- files ---------------------------------------------------------------------------------------


def _key(file: Arrived) -> str:
    """Return the key under which an earlier version has kept the file."""
    return file.parsed.former_key or file.parsed.key


def _claim(referral: Referral, merged: Sequence[Reread]) -> None:
    """Give each row that was kept under an earlier key to the file for which its step stands."""
    came = [(one.received_at, file) for one in merged for file in one.files]
    sent = _sent_at(referral)
    for row in referral.files.all():
        under_its_key = [(at, file) for at, file in came if _key(file) == row.key]
        if not under_its_key:
            continue
        file = _stood_for(under_its_key, sent.get(files.step_of(row)))
        row.identity = file.identity
        if row.sha256 and row.sha256 != file.sha256:
            _give_back(row, file, {other.sha256 for _, other in under_its_key})
        row.save()


def _stood_for(came: Sequence[tuple[datetime, Arrived]], sent_at: datetime | None) -> Arrived:
    """Return which of the files of one earlier key was the row's when it was sent, or is now.

    Each message wrote its own bytes over those of the one before.
    """
    until = [file for at, file in came if sent_at is None or at <= sent_at] or [came[0][1]]
    return next((file for file in reversed(until) if file.sha256), until[-1])


def _give_back(row: ReferralFile, file: Arrived, written: set[str]) -> None:
    """Give the row its own file's bytes back, if another's (`written`) were put over them."""
    if file.sha256:
        files.hold(row, file)
    elif row.sha256 in written:
        row.state, row.url = ReferralFile.State.WANTED, file.parsed.url or row.url
        row.sha256 = row.stored_as = ""
    else:
        return  # fetched from its address
    row.filename = file.parsed.filename
    row.content_type = file.parsed.content_type or row.content_type


def _sent_at(referral: Referral) -> Mapping[str, datetime]:
    """Return when the try began that took, or may have taken, a step; a done one counts first."""
    steps = Step.objects.filter(delivery__referral=referral).order_by("-done_at")
    found: dict[str, datetime] = {}
    for step in sorted(steps, key=lambda step: step.done_at is None):
        found.setdefault(step.name, _began(step))
    return found


def _began(step: Step) -> datetime:
    tries = Attempt.objects.filter(delivery=step.delivery_id, started_at__lte=step.intended_at)
    last = tries.order_by("-started_at").values_list("started_at", flat=True).first()
    return last or step.intended_at


# -- referrals under a wrong number --------------------------------------------------------------


def filed_wrongly(
    source_kind: str, references: Sequence[str], document: Document, rereads: Rereads
) -> Iterator[str]:
    """Yield the numbers in a message under which an earlier version filed this very referral.

    It took the first 10-digit number for the Reference #, whosever it was. Raises NotReadYet.
    """
    values = [one.get("value", "") for one in document.get("identifiers", [])]
    numbers = [v for v in values if identity.is_number(source_kind, v) and v not in references]
    if not numbers:
        return
    filed = Referral.objects.filter(
        reference__in=numbers,
        aliases__source_kind=source_kind,
        reading__lt=snapshot.KEYS,
        merged_into=None,
    )
    for referral in filed.distinct():
        read_again = (rereads[pk] for pk in _require(referral, rereads))
        if any(one and set(one.references) & set(references) for one in read_again):
            yield referral.reference
