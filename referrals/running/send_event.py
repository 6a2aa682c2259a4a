"""Posts an event to a portal, as a sender does: for trials and the demonstration."""

import json
from base64 import b64encode
from dataclasses import dataclass, field

from core import outbound
from integrations import sources
from integrations.sources import Endpoint
from integrations.sources.parsed import Unusable

SECONDS = 60  # for one event with its attachments, which may be 30 MiB


@dataclass(frozen=True, slots=True)
class Sent:
    """What the portal answered. `event_id` is empty when nothing was stored."""

    status: int
    event_id: str
    words: tuple[str, ...] = field(repr=False)

    @property
    def stored(self) -> bool:
        return bool(self.event_id)


def endpoint_for(body: bytes, kind: str) -> Endpoint:
    """Return the endpoint of a kind of source that finds least wrong with a body."""
    return min(sources.source_kind(kind).endpoints, key=lambda one: _errors(one, body))


def _errors(endpoint: Endpoint, body: bytes) -> int:
    try:
        endpoint.reader.read_envelope(body)
    except Unusable as unusable:
        return len(unusable.errors)
    return 0


def send(body: bytes, url: str, key: str, secret: str, kind: str = "") -> Sent:
    """Post a body to the portal at `url`, as a sender of this kind, or of the default one, does.

    Raises an OutboundError when there is no answer; the portal may be on this machine.
    """
    endpoint = endpoint_for(body, kind or sources.default_kind())
    answer = outbound.send(
        "POST",
        f"{url.rstrip('/')}/{endpoint.addresses[0]}",
        headers={"Content-Type": endpoint.content_types[0], **basic(key, secret)},
        data=body,
        total_seconds=SECONDS,
        allow_loopback=True,
    )
    try:
        event_id, words = endpoint.responses.read(json.loads(answer.body))
    except (ValueError, LookupError, TypeError, AttributeError):
        return Sent(answer.status, "", ("This is not an answer of a portal.",))
    return Sent(answer.status, event_id, tuple(words))


def basic(key: str, secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{key}:{secret}".encode()).decode()}
