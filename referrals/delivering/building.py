"""A delivery becomes a parcel: the record by the mapping, the summary, the files.

Nothing here leaves anything behind: what has to be fetched or stored first is `preparing`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import PurePath
from typing import Any, overload
from urllib.parse import quote

from django.conf import settings

from core.text.spoken import spoken
from integrations.models import Destination, TriggerConfig
from integrations.transport import (
    ATTACHMENT,
    HASH_IN_NAME,
    SUMMARY,
    Action,
    Document,
    ErrorKind,
    Ledger,
    Misconfigured,
    Parcel,
    Targets,
)
from mapping.engine import engine
from mapping.known import parts_of
from mapping.source import document as source
from referrals import sentences
from referrals.models import Delivery, Referral, ReferralFile, StoredSummary, Version
from referrals.record import files, versions
from referrals.record.beside import beside

Record = Mapping[str, object]


class Disconnected(Misconfigured):
    """Nothing joins the listing and the destination any more."""

    kind = ErrorKind.BAD_MAPPING


class _Documents(Sequence[Document]):
    """The documents of a parcel: its summary, which may still be being rendered, and its files.

    Whoever reads one of them waits for the summary; how many they are is known before.
    """

    def __init__(self, summary: Callable[[], Document], attached: Sequence[Document]) -> None:
        self._summary, self._attached = summary, attached

    @cached_property
    def _all(self) -> tuple[Document, ...]:
        return (self._summary(), *self._attached)

    @overload
    def __getitem__(self, index: int) -> Document: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Document]: ...

    def __getitem__(self, index: int | slice) -> Document | Sequence[Document]:
        return self._all[index]

    def __len__(self) -> int:
        return 1 + len(self._attached)


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


@dataclass(frozen=True, slots=True)
class Rules:
    """What a mapping makes records by, as it was read."""

    mapping: str
    rules: Sequence[engine.Rule] = field(repr=False)
    context: engine.Context = field(repr=False)
    language: str

    def record_of(self, document: source.Document) -> Record:
        """Return the record of a document; raises Misconfigured."""
        try:
            with spoken(self.language):
                return engine.apply(self.rules, document, self.context).record
        except engine.MappingError as error:
            message = sentences.MAPPING_FAILED(mapping=self.mapping, why=error.sentence)
            raise Misconfigured(message, kind=ErrorKind.BAD_MAPPING) from None


# By trigger config and listing; None where nothing is mapped.
KnownRules = dict[tuple[int | None, int | None], Rules | None]


def map_record(
    delivery: Delivery, document: source.Document, known: KnownRules | None = None
) -> Record:
    """Return the record by the mapping of the delivery's trigger config; raises Misconfigured.

    Rules read only what may leave to the destination. Where nothing is mapped it is empty. `known`
    are rules of this destination that were read before; what is read now is added.
    """
    known = {} if known is None else known
    key = (delivery.trigger_config_id, delivery.referral.listing_id)
    if key not in known:
        known[key] = _rules_of(delivery)
    rules = known[key]
    return rules.record_of(document) if rules else {}


def _rules_of(delivery: Delivery) -> Rules | None:
    transport = delivery.destination.transport()
    if transport.targets is Targets.NONE:
        return None
    config = delivery.trigger_config
    if config is None:  # what joins the listing and the destination now, instead of what did then
        connected = TriggerConfig.objects.select_related("mapping").filter(
            enabled=True, listing=delivery.referral.listing, destination=delivery.destination
        )
        config = connected.first()
    if config is None:
        raise Disconnected(sentences.DISCONNECTED())
    parts = parts_of(config.mapping)
    context = engine.Context(
        time_zone=delivery.destination.organization.zone,
        value_tables=parts.tables,
        targets=transport.fields(),
        is_open=transport.targets.own,
        allowed=delivery.destination.allow_list(),
    )
    language = delivery.destination.organization.language
    return Rules(str(config.mapping), parts.rules, context, language)


def build(
    delivery: Delivery,
    version: Version,
    ledger: Ledger,
    record: Record,
    *,
    document: source.Document,
    shown: source.Document,
    summary: Callable[[], StoredSummary] | None = None,
    more_later: bool = False,
    frozen: bool = True,
) -> Built:
    """Put into a parcel what may leave: a record, the summary, and the files that are here.

    `shown` is what may leave of the document. `summary` is asked for when the first document is
    read. `more_later`, `frozen`: as Built says. A run knows of its versions whether something was
    withdrawn, or skipped; of others it is looked up.
    """
    referral, reference = delivery.referral, delivery.reference
    attachments: list[Document] = []
    missing: dict[str, str] = {}
    names: dict[str, str] = {}
    attached = ATTACHMENT in delivery.destination.files_allowed()
    numbered = files.numbered(referral, document) if attached else []
    for number, file in _each_once(delivery, numbered):
        taken = {*missing, *names.values()}
        own_name = f"{file.filename} ({number})" if file.filename in taken else file.filename
        if file.state == ReferralFile.State.STORED:
            attachments.append(_attachment(reference, number, file, frozen=frozen))
            names[attachments[-1].name] = own_name
        else:
            missing[own_name] = file.problem or sentences.NOT_FETCHED()
    # An earlier version may have left them where it went; nothing was left before the first.
    may_have_left = frozen and version.number > 1 and getattr(version, "has_withdrawn", True)
    gone = files.withdrawn_hashes(referral) if may_have_left else ()
    about = (
        _of_version(version)
        | _of_referral(delivery)
        | {
            "withdrawn": gone,
            "files_at": _files_at(delivery),
            "place": place_of(referral, delivery.destination),
        }
    )
    documents: Sequence[Document] = tuple(attachments)
    if summary:
        coming = partial(_summary, reference, summary, frozen=frozen)
        documents = _Documents(coming, documents)
    parcel = Parcel(reference, record, documents, ledger, **about, shown=shown)
    known = frozenset(file.pk for _, file in numbered)
    return Built(parcel, referral.version, missing, names, more_later, known, frozen)


def build_row(
    delivery: Delivery, version: Version, ledger: Ledger, record: Record, shown: source.Document
) -> Built:
    """Put the record of a version into a parcel of a run, which carries no files."""
    about = _of_version(version) | _of_referral(delivery)
    parcel = Parcel(delivery.reference, record, (), ledger, **about, shown=shown)
    return Built(parcel, delivery.referral.version, {}, {}, frozen=True)


def build_removal(delivery: Delivery, version: Version, ledger: Ledger) -> Built:
    """Return a parcel that removes the referral under the reference that it was sent with."""
    about = _of_version(version) | {"lists": versions.lists_with(delivery)}
    parcel = Parcel(delivery.reference, {}, (), ledger, **about)
    return Built(parcel, delivery.referral.version, {}, {})


def place_of(referral: Referral, destination: Destination) -> dict[str, str]:
    """Return where a referral belongs, as it is set up here and not as messages name it."""
    listing = referral.listing
    return {
        "organization": destination.organization.name,
        "listing": listing.name if listing else "",
        "program": listing.category if listing else "",
        "time_zone": destination.organization.time_zone,
    }


def _files_at(delivery: Delivery) -> str:
    """Return where the destination's partner fetches files; empty when it has none."""
    if not delivery.destination.is_answered or not hasattr(delivery.destination, "partner"):
        return ""
    portal: str = settings.PORTAL_URL
    reference = quote(delivery.reference, safe="")
    return f"{portal.rstrip('/')}/api/v1/partner/referrals/{reference}/files/"


def _of_referral(delivery: Delivery) -> dict[str, Any]:
    return {
        "received_at": delivery.referral.created_at,
        "beside": beside(delivery.referral, delivery.destination.allowed_fields),
    }


def _of_version(version: Version) -> dict[str, Any]:
    may_skip = version.number > 1 and getattr(version, "skips_some", True)
    return {
        "action": Action(version.action),
        "version": str(version.pk),
        "number": version.number,
        "skipped": versions.skipped_before(version) if may_skip else (),
        "options": version.options or {},
        "trigger": next(iter(version.triggers), version.why),
        "made_at": version.asked_at,
    }


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


def _summary(reference: str, stored: Callable[[], StoredSummary], *, frozen: bool) -> Document:
    summary = stored()
    return Document(
        key="summary",
        name=_name(f"referral-{reference}-summary.pdf", summary.sha256, frozen=frozen),
        category=SUMMARY,
        content_type="application/pdf",
        size=summary.size,
        sha256=summary.sha256,
        open=partial(files.open_stored, summary),
    )


def _name(name: str, sha256: str, *, frozen: bool) -> str:
    """Return the name of a file; where more versions follow, one name has one content for good."""
    if not frozen:
        return name
    path = PurePath(name)
    return f"{path.stem}-{sha256[:HASH_IN_NAME]}{path.suffix}"


def _attachment(reference: str, number: int, file: ReferralFile, *, frozen: bool) -> Document:
    return Document(
        key=file.key,
        name=_name(files.sent_name(reference, number, file), file.sha256, frozen=frozen),
        category=ATTACHMENT,
        content_type=file.content_type or "application/octet-stream",
        size=file.size or 0,
        sha256=file.sha256,
        open=partial(files.open_stored, file),
    )
