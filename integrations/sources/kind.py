"""THE contract of a source: what each kind of sender promises to the rest of the portal.

A kind says where its senders post, how their bodies are read and in which words they are answered.
What follows (credentials, storing once, merging, matching, importing) is the same for all and knows
no kind. `docs/adding-a-source.md` shows how one is added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from integrations.listings.offers import Offer
from integrations.sources import auth
from integrations.sources.account import Entry
from integrations.sources.parsed import Envelope, ParsedEvent
from integrations.sources.responses import Responses

MAX_KIND = 20  # characters of a kind's name: columns have room for no more
MAX_ENDPOINT = 10  # of an endpoint's


class Reader(Protocol):
    """Reads the bodies of an endpoint; a module with these functions is one.

    The ids of organization and listing in what it returns are those by which they are set up here.
    """

    def read_envelope(self, body: bytes) -> Envelope:
        """Return what is needed to store the body; raises Unusable.

        Its `event_id` makes the event unique within its source; without one, the whole body does.
        """

    def parse(self, body: bytes) -> ParsedEvent:
        """Return the event; raises Unusable."""

    def account(self, body: bytes) -> tuple[ParsedEvent, list[Entry]]:
        """Return the event, and what became of each value of its body; raises Unusable."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the senders of a kind post events of one form.

    `name` is stored with each event. `addresses` are paths without a slash at either end; people
    are shown the first. What stores its events by itself has none. `appointments_by_code`: what an
    event does to an appointment is known by its code; otherwise it is found in the appointment
    itself.
    """

    name: str
    label: str
    summary: str  # for the OpenAPI document; of one that has addresses
    addresses: tuple[str, ...]
    content_types: tuple[str, ...]
    reader: Reader
    responses: Responses = field(default_factory=Responses)
    appointments_by_code: bool = False
    operation_id: str = ""  # for the OpenAPI document; otherwise it is made from the address


class SampleEvents(Protocol):
    """Makes events about an invented person; a module with these names is one."""

    ENDPOINT: str  # the name of the endpoint that takes them

    def bodies(
        self, trigger: str, listing: dict[str, str], reference: str, event_id: str
    ) -> list[bytes]:
        """Return events, in their order, of which the last one fires the trigger.

        `listing` has the `id` and the `name` by which it is set up here; `event_id` begins the id
        of each event.
        """


@dataclass(frozen=True, slots=True)
class ListingApi:
    """Where a source can be asked for the listings of an organization, and as whom."""

    url: str
    username: str
    password: str = field(repr=False)


class Listings(Protocol):
    """Asks a listing API; a module with this function is one."""

    def ask(self, api: ListingApi, organization_id: str) -> Offer:
        """Return the organization's active listings; raises Unreadable, also without an answer."""


class Answers(Protocol):
    """Reads what a partner says of a referral that it was sent; a module with these names is one.

    What it says is a JSON merge patch (RFC 7396) of what it said before.
    """

    ENDPOINT: str  # the name of the endpoint that reads what `as_event` returns

    def read(self, body: bytes) -> dict[str, Any]:
        """Return the patch, checked; raises Unusable with an error for each mistake."""

    def as_event(self, reference: str, patch: Mapping[str, Any]) -> bytes:
        """Return the body of the event that is stored for a patch."""


class SourceKind:
    """One kind of sender. It holds no state: what differs between sources stands on the source."""

    label: ClassVar[str]
    endpoints: ClassVar[tuple[Endpoint, ...]]
    is_default: ClassVar[bool] = False  # of a source for which nobody says the kind
    asks_questions: ClassVar[bool] = False  # at /api/v1/events/ID and /api/v1/referrals/REFERENCE
    sample: ClassVar[SampleEvents | None] = None
    listings: ClassVar[Listings | None] = None
    # Its sources read what one destination was sent, and answer it, at /api/v1/partner.
    answers: ClassVar[Answers | None] = None

    def read_authorization(self, header: str) -> tuple[str, str] | None:
        """Return key id and secret of an Authorization header; None when they are not in it."""
        return auth.read_basic(header)

    def is_reference_number(self, text: str) -> bool:
        """Return whether an id of a referral has the form by which people know one.

        It is shown rather than another id. Each referral has one: staff are warned of a second.
        """
        return False

    def without_sign_in_links(self, text: str) -> str:
        """Return a text of a body without the links that sign in whoever opens them."""
        return text
