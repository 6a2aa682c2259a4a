"""A delivery becomes a parcel: the record by the mapping, the summary, the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, cast

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from core import clock, outbound
from core.rows import update_one
from integrations.models import TriggerConfig
from integrations.transport import (
    ATTACHMENT,
    SUMMARY,
    Action,
    Document,
    ErrorKind,
    Ledger,
    Misconfigured,
    Parcel,
)
from mapping import document as source
from mapping import engine
from referrals import files, summary, versions
from referrals.documents import document_of
from referrals.models import Delivery, Referral, ReferralFile, StoredSummary, Version

FETCH_SHARE = 0.5  # of a lease, for all files together: slow ones must not hold the referral back


class Disconnected(Misconfigured):
    """Nothing joins the listing and the destination any more."""

    kind = ErrorKind.BAD_MAPPING


@dataclass(frozen=True, slots=True)
class Built:
    """A parcel, and what could not be put into it.

    `missing` maps a file's name to why it is missing, `names` the name under which a file is sent
    to its own; `more_later` says that a missing one is worth another try. `version` is that of the
    snapshot that was used, `files` are those of the referral at that time; what is `frozen` shows
    the same on every try, whatever has come since.
    """

    parcel: Parcel
    version: int
    missing: dict[str, str] = field(repr=False)
    names: dict[str, str] = field(repr=False)
    more_later: bool = False
    files: frozenset[int] = frozenset()
    frozen: bool = False

    def all_missing(self, refused: Mapping[str, str]) -> dict[str, str]:
        """Return why each file is missing, those included that the destination refused."""
        theirs = {self.names.get(sent, sent): why for sent, why in refused.items()}
        return self.missing | theirs


def build(delivery: Delivery, version: Version, ledger: Ledger, *, frozen: bool = False) -> Built:
    """Map, render, collect files. Raises Misconfigured when the mapping does not work.

    `frozen`: the version shows the same on every try.
    """
    referral = delivery.referral
    document = _frozen(referral, version) if frozen else document_of(referral)
    with outbound.time_limit((settings.LEASE_TIME * FETCH_SHARE).total_seconds()):
        more_later = files.fetch(referral)
    record = map_record(delivery, document)
    reference = _reference(delivery)
    documents = [_summary(referral, reference, document)]
    missing: dict[str, str] = {}
    names: dict[str, str] = {}
    numbered = files.numbered(referral, document)
    for number, file in _each_once(delivery, numbered):
        taken = {*missing, *names.values()}
        own_name = f"{file.filename} ({number})" if file.filename in taken else file.filename
        if file.state == ReferralFile.State.STORED:
            documents.append(_attachment(reference, number, file))
            names[documents[-1].name] = own_name
        else:
            missing[own_name] = file.problem or "it has not been fetched yet"
    parcel = Parcel(reference, record, tuple(documents), ledger, **_of_version(version))
    known = frozenset(file.pk for _, file in numbered)
    return Built(parcel, referral.version, missing, names, more_later, known, frozen)


def build_row(delivery: Delivery, version: Version, ledger: Ledger) -> Built:
    """Map one version of a run. Raises Misconfigured when the mapping does not work."""
    record = map_record(delivery, _frozen(delivery.referral, version))
    parcel = Parcel(_reference(delivery), record, (), ledger, **_of_version(version))
    return Built(parcel, delivery.referral.version, {}, {}, frozen=True)


def build_removal(delivery: Delivery, version: Version, ledger: Ledger) -> Built:
    """Return a parcel that removes the referral under the reference that it was sent with."""
    parcel = Parcel(delivery.reference, {}, (), ledger, **_of_version(version))
    return Built(parcel, delivery.referral.version, {}, {})


def _of_version(version: Version) -> dict[str, Any]:
    return {
        "action": Action(version.action),
        "version": str(version.pk),
        "number": version.number,
        "skipped": versions.skipped_before(version) if version.number > 1 else (),
        "options": version.options or {},
    }


def _frozen(referral: Referral, version: Version) -> source.Document:
    """Return what the version shows; what the referral shows now, where it has shown nothing."""
    if version.document is None:
        version.document = document_of(referral)
        update_one(Version.objects.all(), version, document=version.document)
    return cast(source.Document, version.document)


def _each_once(
    delivery: Delivery, numbered: Sequence[tuple[int, ReferralFile]]
) -> list[tuple[int, ReferralFile]]:
    """Leave out files whose bytes another one has: of those, the one that was begun is sent."""
    copies: dict[str, list[ReferralFile]] = {}
    for _, file in numbered:
        copies.setdefault(file.sha256 or f"file {file.pk}", []).append(file)
    if len(copies) == len(numbered):
        return list(numbered)
    begun = set(delivery.steps.values_list("name", flat=True))
    chosen = {
        next((file.pk for file in same if files.step_of(file) in begun), same[0].pk)
        for same in copies.values()
    }
    return [(number, file) for number, file in numbered if file.pk in chosen]


def _reference(delivery: Delivery) -> str:
    """Return the reference to send, which may have got better since the delivery was opened.

    What may have arrived is looked for under the reference that it was sent with.
    """
    if delivery.reference != delivery.referral.reference and not (
        delivery.reference and delivery.steps.exists()
    ):
        delivery.reference = delivery.referral.reference
        delivery.save(update_fields=["reference"])
    return delivery.reference


def map_record(delivery: Delivery, document: source.Document) -> Mapping[str, object]:
    """Return the record by the mapping of the delivery's trigger config; raises Misconfigured."""
    config = delivery.trigger_config or _connected_again(delivery)
    if config is None:
        raise Disconnected("The trigger config that started this import was deleted.")
    context = engine.Context(
        time_zone=delivery.destination.organization.zone,
        value_tables=config.mapping.engine_tables(),
        targets=delivery.destination.transport().fields(),
    )
    try:
        return engine.apply(config.mapping.engine_rules(), document, context).record
    except engine.MappingError as error:
        message = f"Mapping “{config.mapping}” does not work: {error}"
        raise Misconfigured(message, kind=ErrorKind.BAD_MAPPING) from None


def _connected_again(delivery: Delivery) -> TriggerConfig | None:
    """Return what joins the listing and the destination now, instead of what did then."""
    configs = TriggerConfig.objects.select_related("mapping").filter(enabled=True)
    return configs.filter(
        listing=delivery.referral.listing, destination=delivery.destination
    ).first()


def summary_of(referral: Referral, document: source.Document) -> StoredSummary:
    """Return the referral's summary, rendered only when this very one was never rendered."""
    context = _context(referral, document)
    fingerprint = summary.fingerprint(document, context)
    stored = StoredSummary.objects.filter(referral=referral, fingerprint=fingerprint).first()
    return stored or _render(referral, document, context, fingerprint)


def _context(referral: Referral, document: source.Document) -> summary.SummaryContext:
    organization = referral.organization
    return summary.SummaryContext(
        organization_name=document.get("organization", {}).get("name", ""),
        listing_name=document.get("listing", {}).get("name", ""),
        time_zone=organization.time_zone if organization else settings.TIME_ZONE,
    )


def _render(
    referral: Referral,
    document: source.Document,
    context: summary.SummaryContext,
    fingerprint: str,
) -> StoredSummary:
    rendered = summary.pdf(document, context)
    stored = StoredSummary(
        referral=referral,
        fingerprint=fingerprint,
        sha256=sha256(rendered.content).hexdigest(),
        size=len(rendered.content),
        plain=rendered.plain,
        missing_glyphs=list(rendered.missing_glyphs),
        rendered_at=clock.now(),
    )
    stored.stored_as = files.storage.save_for(stored, "summaries", ContentFile(rendered.content))
    try:
        with transaction.atomic():
            stored.save()
    except IntegrityError:  # somebody previewed it at this moment
        files.storage.delete(stored.stored_as)
        return StoredSummary.objects.get(referral=referral, fingerprint=fingerprint)
    return stored


def _summary(referral: Referral, reference: str, document: source.Document) -> Document:
    stored = summary_of(referral, document)
    return Document(
        key="summary",
        name=f"referral-{reference}-summary.pdf",
        category=SUMMARY,
        content_type="application/pdf",
        size=stored.size,
        sha256=stored.sha256,
        open=partial(files.open_stored, stored),
    )


def _attachment(reference: str, number: int, file: ReferralFile) -> Document:
    return Document(
        key=file.key,
        name=files.sent_name(reference, number, file),
        category=ATTACHMENT,
        content_type=file.content_type or "application/octet-stream",
        size=file.size or 0,
        sha256=file.sha256,
        open=partial(files.open_stored, file),
    )
