"""Sends the events of the story and follows each, through the public API alone, to its end."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core import outbound
from referrals.running import send_event
from referrals.running.send_event import Sent
from scripts.demo.story import End, Event, Run

SENT = "sent"
IMPORTING = ("import_opened", "import_revived", "import_open")
ENDS = {
    "waiting": End.WAITS,
    "already_imported": End.ALREADY,
    "no_trigger": End.NO_TRIGGER,
    "routed": End.ROUTED,
    "not_integrated": End.NOT_INTEGRATED,
    "plan_too_low": End.PLAN_TOO_LOW,
    "revoked": End.PURGED,
}
REFUSALS = {400: End.NO_EVENT, 409: End.CONFLICT}


@dataclass
class Row:
    """How far one event has come. `end` is empty until it has come to one."""

    event: Event
    reference: str
    body: bytes = field(repr=False)
    now: str = ""
    end: str = ""
    answer: Sent | None = None
    crms_id: str = ""
    explanation: str = ""
    whose_turn: str = ""
    sent_at: float = 0
    seconds: float = 0

    @property
    def is_expected(self) -> bool:
        return self.end == self.event.expected

    def stop(self, end: str, explanation: str = "") -> None:
        """It has come to an end."""
        self.now = self.end = end
        self.explanation = explanation or self.explanation
        self.seconds = time.monotonic() - self.sent_at if self.sent_at else 0


class Portal:
    """The portal as a sender sees it."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url, self.key, self.secret = url, key, secret

    def send(self, body: bytes) -> Sent:
        return send_event.send(body, self.url, self.key, self.secret)

    def get(self, path: str) -> dict[str, Any]:
        headers = send_event.basic(self.key, self.secret)
        answer = outbound.send("GET", self.url + path, headers=headers, allow_loopback=True)
        content: dict[str, Any] = json.loads(answer.body) if answer.status == 200 else {}
        return content


class Sending:
    """The events of one run, sent and followed step by step."""

    def __init__(self, events: Iterable[Event], run: Run, portal: Portal) -> None:
        self.portal = portal
        self.rows = [Row(event, run.reference(event), run.body(event)) for event in events]
        self._by_key = {row.event.key: row for row in self.rows}

    @property
    def is_over(self) -> bool:
        return all(row.end for row in self.rows)

    def step(self) -> Iterator[Row]:
        """Send what can be sent now, and look after what was sent; yields each row looked at.

        Raises an OutboundError when the portal does not answer.
        """
        for row in self.rows:
            if row.end:
                continue
            if row.answer is None:
                self._begin(row)
            else:
                self._follow(row)
            yield row

    def give_up(self) -> None:
        """The time is up for all that has come to no end."""
        for row in self.rows:
            if not row.end:
                row.stop(f"not in time: {row.now or 'not sent'}")

    def _begin(self, row: Row) -> None:
        if row.event.after:
            earlier = self._by_key[row.event.after]
            if not earlier.end:
                return
            if not earlier.is_expected:
                row.stop("not sent", f"It comes after “{earlier.event.title.strip()}”.")
                return
        row.sent_at = time.monotonic()
        row.answer = sent = self.portal.send(row.body)
        if not sent.stored:
            row.stop(REFUSALS.get(sent.status, f"HTTP {sent.status}"), " ".join(sent.words))
        elif any(sent.event_id == known for known in self._event_ids(row)):
            row.stop(End.STORED_BEFORE)
        else:
            row.now = SENT

    def _event_ids(self, apart_from: Row) -> list[str]:
        answered = (row.answer for row in self.rows if row is not apart_from and row.answer)
        return [answer.event_id for answer in answered if answer.event_id]

    def _follow(self, row: Row) -> None:
        assert row.answer is not None
        event = self.portal.get(f"/api/v1/events/{row.answer.event_id}")
        if event.get("status") == "received":
            return
        referral = self.portal.get(f"/api/v1/referrals/{row.reference}")
        delivery: dict[str, Any] = next(iter(referral.get("imports", [])), {})
        row.crms_id = delivery.get("external_id") or ""
        row.explanation = referral.get("sentence", "")
        row.whose_turn = referral.get("whose_turn", "")
        outcome = event.get("outcome", "")
        end, row.now = (
            _import(delivery) if outcome in IMPORTING else (ENDS.get(outcome, outcome), "")
        )
        if end:
            row.stop(end, event.get("reason", "") if outcome not in IMPORTING else "")


def _import(delivery: dict[str, Any]) -> tuple[str, str]:
    """Return the end that an import has come to, and in words how it stands."""
    match delivery.get("state"):
        case "imported" if delivery["due_at"]:
            return "", "in CRMS, a file to come"
        case "imported":
            return (End.FILE_MISSING if delivery["missing_files"] else End.IN_CRMS), ""
        case "needs_attention" if delivery["reason"] == "rejected":
            return End.REFUSED, ""
        case "needs_attention":
            return f"needs attention: {delivery['reason']}", ""
        case "running":
            return "", "being sent"
        case "queued" if delivery["message"]:
            return "", f"tries again: {delivery['message']}"
        case "queued":
            return "", "queued"
        case state:
            return f"{state}", ""
