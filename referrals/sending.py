"""Posts an event to a portal, as a sender does: for trials and the demonstration."""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from core import outbound

PLAIN = ("/api/v1/events", "application/json")
FHIR = ("/fhir/$process-message", "application/fhir+json")
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


def door(body: bytes) -> tuple[str, str]:
    """Return path and content type for a body: FHIR for a FHIR resource, else plain JSON."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return PLAIN  # it is the portal's to say what is wrong
    return FHIR if isinstance(content, dict) and "resourceType" in content else PLAIN


def send(body: bytes, url: str, key: str, secret: str) -> Sent:
    """Post a body to the portal at `url` through the door that fits it.

    Raises an OutboundError when there is no answer; the portal may be on this machine.
    """
    path, content_type = door(body)
    answer = outbound.send(
        "POST",
        url.rstrip("/") + path,
        headers={"Content-Type": content_type, **basic(key, secret)},
        data=body,
        total_seconds=SECONDS,
        allow_loopback=True,
    )
    return _read(answer)


def basic(key: str, secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": "Basic " + b64encode(f"{key}:{secret}".encode()).decode()}


def _read(answer: outbound.Answer) -> Sent:
    try:
        content = json.loads(answer.body)
        return _outcome(answer.status, content) if "issue" in content else _plain(answer, content)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Sent(answer.status, "", ("This is not an answer of a portal.",))


def _plain(answer: outbound.Answer, content: dict[str, Any]) -> Sent:
    if answer.status in (200, 202):
        words = "Stored before." if content["duplicate"] else "Stored."
        return Sent(answer.status, content["id"], (words,))
    errors = [_located(error["field"], error["message"]) for error in content.get("errors", [])]
    return Sent(answer.status, "", tuple(errors or [content["detail"]]))


def _outcome(status: int, outcome: dict[str, Any]) -> Sent:
    issues = outcome["issue"]
    words = tuple(
        _located(issue.get("expression", [""])[0], issue["details"]["text"]) for issue in issues
    )
    return Sent(status, issues[0]["diagnostics"] if status == 200 else "", words)


def _located(where: str, what: str) -> str:
    return f"{where}: {what}" if where else what
