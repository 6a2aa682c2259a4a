"""What staff are warned of when messages are read: of one event, and of a referral as it is now."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from integrations.sources import warnings
from mapping.source.document import Document
from mapping.source.parts import is_withdrawn
from mapping.source.unreadable import name_of
from referrals.models import InboundEvent, Referral, ReferralFile
from referrals.record import files, snapshot

SHOWN = 20
WITHDRAWN_UNKNOWN = "withdrawn_unknown"
EVENTS_READ = 50  # the newest: what earlier ones warned of has been settled, or is long known


@dataclasses.dataclass(frozen=True, slots=True)
class Warned:
    """One warning. `text` is what came, for those who may read the person."""

    field: str
    cause: str
    text: str = dataclasses.field(default="", repr=False)
    earlier: str = ""  # a sentence that an earlier version stored
    name: str = ""  # what people call the value, where its place in the document is known

    @property
    def sentence(self) -> str:
        """The warning without what came."""
        return self.earlier or warnings.sentence(self.field, self.cause, name=self.name)

    @property
    def quoting(self) -> str:
        """The warning with what came."""
        return self.earlier or warnings.sentence(self.field, self.cause, self.text, name=self.name)

    def as_dict(self) -> dict[str, str]:
        """Return the warning as the API gives it: without what came."""
        return {"field": self.field, "cause": self.cause, "message": self.sentence}


def columns(found: Iterable[warnings.Warning]) -> dict[str, Any]:
    """Return the columns of an event that keep the warnings of its message.

    The texts stand apart from field and cause, encrypted: they may be personal.
    """
    found = tuple(found)
    texts = {str(number): one.text for number, one in enumerate(found) if one.text}
    return {
        "warnings": [{"field": one.field, "cause": one.cause} for one in found],
        "warning_texts": texts or None,
    }


def has_cause(event: InboundEvent, cause: str) -> bool:
    """Return whether the event's message was read with a warning of this cause."""
    return any(warned.cause == cause for warned in of_event(event))


def of_event(event: InboundEvent) -> list[Warned]:
    """Return the warnings of one message."""
    texts: dict[str, str] = event.warning_texts or {}
    return [_warned(stored, texts.get(str(i), "")) for i, stored in enumerate(event.warnings)]


def of_referral(referral: Referral) -> list[Warned]:
    """Return what is still to be seen to: what a later message has settled is gone."""
    if referral.purged_at:
        return []
    document = snapshot.view(referral.snapshot)
    found = {
        (part["field"], part["cause"]): Warned(
            part["field"], part["cause"], part.get("text", ""), name=name_of(part)
        )
        for part in document.get("unreadable", [])
    }
    found |= {("file", warned.cause): warned for warned in _of_files(referral, document)}
    is_read_anew = referral.reading >= snapshot.READING
    for warned in _of_snapshot(referral) if is_read_anew else _of_events(referral):
        if _stands(warned, document):
            found.setdefault((warned.field, warned.cause or warned.earlier), warned)
    return list(found.values())[:SHOWN]


def _of_snapshot(referral: Referral) -> Iterator[Warned]:
    """Yield what quotes nothing, and no later message has put in order."""
    yield from (Warned(*one) for one in snapshot.warned(referral.snapshot))
    if snapshot.withdrawn_unknown(referral.snapshot):
        yield Warned("", WITHDRAWN_UNKNOWN)


def _of_events(referral: Referral) -> Iterator[Warned]:
    """Yield what quotes nothing in the messages of a referral that is not read again yet."""
    events = referral.events.exclude(warnings=[]).order_by("-received_at")[:EVENTS_READ]
    for event in events:
        yield from (warned for warned in of_event(event) if not warned.text)


def _stands(warned: Warned, document: Document) -> bool:
    """Return whether a warning that quotes nothing is still true."""
    if warned.cause == "subject_missing":
        return not snapshot.has_details(document)
    if warned.cause == "request_withdrawn":
        return is_withdrawn(document)
    return not warned.cause.startswith("file_")  # the files themselves say what is true now


def _of_files(referral: Referral, document: Document) -> Iterator[Warned]:
    if len(document.get("attachments", [])) > files.MAX_FILES:
        yield Warned("file", "too_many_files")
    for file in referral.files.all():
        is_missing = file.state == ReferralFile.State.UNAVAILABLE
        if cause := "file_missing" if is_missing else file.warning:
            yield Warned("file", cause)


def _warned(stored: Any, text: str) -> Warned:
    if isinstance(stored, str):
        return Warned("", "", earlier=stored)
    return Warned(stored.get("field", ""), stored.get("cause", ""), text)
