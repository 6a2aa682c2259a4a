"""What every sender kind turns a body into."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from integrations.sources.warnings import Warning
from mapping.source.document import Alias, Document


class EventKind(StrEnum):
    """What happened, in one vocabulary for all endpoints."""

    RECEIVED = "received"
    EDITED = "edited"
    STATUS_CHANGED = "status_changed"
    CLOSED = "closed"
    ARCHIVED = "archived"
    REVOKED = "revoked"
    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    UNBOOKED = "unbooked"
    APPOINTMENT = "appointment"  # an appointment message whose code alone is not trusted
    MESSAGE_FROM_PROVIDER = "message_from_provider"
    MESSAGE_FROM_REQUESTER = "message_from_requester"
    MESSAGE = "message"  # the side is unknown
    PARTNER_UPDATE = "partner_update"  # what a partner says of what it was sent
    IGNORED = "ignored"  # known, and of no interest here
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a body: `field` in the sender's words, `message` for a person."""

    field: str
    message: str


class Unusable(Exception):
    """The body cannot be stored as an event; the sender must change it. Holds no personal data."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(f"{len(errors)} error(s)")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Envelope:
    """What `receive` needs before it stores a body."""

    event_id: str  # the sender's own id for this event; empty when there is none
    code: str  # the event type or code as sent, at most 100 characters
    references: tuple[str, ...]  # every id of the referral in the message; never empty
    organization_id: str = ""  # as it is set up here; empty when the message does not say


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """An attachment: its bytes, or the URL where they are. `key` is that of the document.

    Of a file that is still to be fetched, `content_type`, `size` and `hashes` are what was
    announced; of one that is here, what it is. `former_key` is the one that version 1.0 of the
    contract gave it: files kept under that one are found again.
    """

    key: str
    filename: str
    former_key: str = ""
    content_type: str = ""
    size: int | None = None
    content: bytes | None = field(default=None, repr=False)
    url: str = field(default="", repr=False)
    hashes: str = ""  # as integrations.sources.content.hashes_of writes them
    problem: str = ""  # a sentence: why its bytes cannot be used
    warning: str = ""  # a cause of integrations.sources.warnings


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """One event, whichever endpoint it came to.

    `references` are all ids of the referral, the one that people know first where it is there.
    `occurred_at` is aware; `local_time` (naive, in the organization's time zone) stands in for it
    where a sender gives only that, and is good for ordering alone. `warnings` are of values that
    could not be used as they came. `aliases` are ids, perhaps the message's own, of things that it
    holds; `parts` are the parts of the message, for what a later message may put in order.
    """

    code: str
    kind: EventKind
    references: tuple[str, ...]
    document: Document = field(repr=False)
    occurred_at: datetime | None = None
    local_time: datetime | None = None
    organization_id: str = ""
    organization_name: str = ""
    listing_id: str = ""
    listing_name: str = ""
    files: tuple[ParsedFile, ...] = ()
    warnings: tuple[Warning, ...] = ()
    aliases: tuple[Alias, ...] = field(default=(), repr=False)
    parts: tuple[str, ...] = field(default=(), repr=False)
