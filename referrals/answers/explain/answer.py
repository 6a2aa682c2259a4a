"""What an explanation is made of: causes, checks, the sentence, and where somebody acts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext

from core.database import clock
from referrals import sentences
from referrals.advice import Actor, Advice, advice
from referrals.gates import QUESTIONS, Shut
from referrals.models import Attempt, Delivery, Referral
from referrals.record.warned import Warned


class Cause(StrEnum):
    """Why a referral stands where it stands; each has a test of its own."""

    IMPORTED = "imported"
    # Caredove to here
    UNKNOWN_REFERENCE = "unknown_reference"
    NOT_OPENED = "not_opened"
    NOT_OPENABLE = "not_openable"
    UNREADABLE = "unreadable"
    CONFLICT = "conflict"
    FORBIDDEN_SOURCE = "forbidden_source"
    UNKNOWN_CODE = "unknown_code"
    IGNORED_CODE = "ignored_code"
    REVOKED = "revoked"
    REVOKED_BUT_THERE = "revoked_but_there"
    EXPIRED = "expired"
    # Here
    PLACE_UNKNOWN = "place_unknown"
    UNKNOWN_ORGANIZATION = "unknown_organization"
    SUSPENDED = "suspended"
    PLAN_TOO_LOW = "plan_too_low"
    UNKNOWN_LISTING = "unknown_listing"
    NOT_CONNECTED = "not_connected"
    SWITCHED_OFF = "switched_off"
    NO_TRIGGER = "no_trigger"
    ROUTED = "routed"
    # The import
    DISMISSED = "dismissed"
    MERGED = "united"
    MOVED = "moved"
    WAITING = "waiting"
    NOBODY_NAMED = "nobody_named"
    PAUSED = "held"
    UNREACHABLE = "unreachable"
    MAPPING_ERROR = "mapping_error"
    CONNECTION_REMOVED = "connection_removed"
    # The destination
    QUEUED = "queued"
    OVERDUE = "overdue"
    RECOVERING = "recovering"
    LIMITED = "limited"
    NEW_HOST = "new_host"
    RUNNING = "running"
    ASKED_TO_WAIT = "asked_to_wait"
    SERVER_ERROR = "server_error"
    NO_ANSWER = "no_answer"
    BEING_LOOKED_FOR = "being_looked_for"
    REJECTED = "rejected"
    CREDENTIALS_REFUSED = "credentials_refused"
    UNCONFIRMED = "unconfirmed"
    NO_READABLE_ID = "no_readable_id"
    GONE_THERE = "gone_there"
    DUPLICATE_THERE = "duplicate_there"
    NOT_SEARCHABLE = "not_searchable"
    UNCLEAR_SEARCH = "unclear_search"
    UNPROVEN = "unproven"
    SINGLED_OUT = "singled_out"
    RETRIES_EXHAUSTED = "gave_up"
    QUARANTINED = "quarantined"
    BUG = "bug"
    WITHDRAWN = "withdrawn"
    # Its files
    FILES_TO_FOLLOW = "files_to_follow"
    FILE_REFUSED = "file_refused"
    FILE_MISSING = "file_missing"
    TO_CORRECT = "to_correct"
    ERROR_NOT_CLEARED = "error_not_cleared"


class Light(StrEnum):
    GREEN = "green"
    AMBER = "amber"  # not there yet, and nobody has to act
    RED = "red"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Check:
    """One link of the chain; `sentence` may quote the destination."""

    question: str
    light: Light
    sentence: str = field(default="", repr=False)


NOTHING = Advice(Actor.NOBODY, "")
# On a delivery, where they came along: its attempts, the last one first; and the database's time.
NEWEST, READ_AT = "newest_attempts", "read_at"


class Stop(Exception):
    """The chain ends at this check, for this cause; `place` is the row where somebody acts.

    `beyond` are checks that would end it next: whoever fixes the first one sees what else there is.
    """

    def __init__(
        self,
        check: Check,
        cause: Cause,
        advice: Advice,
        place: Model | None = None,
        beyond: Sequence[Check] = (),
    ) -> None:
        super().__init__(check.question)
        self.check, self.cause, self.advice, self.place = check, cause, advice, place
        self.beyond = beyond


def red(
    question: str, cause: Cause, sentence: str, advice: Advice, place: Model | None = None
) -> Stop:
    """Somebody has to act before it goes on."""
    return Stop(Check(question, Light.RED, sentence), cause, advice, place)


def shut(by: Shut, *others: Shut, light: Light | None = None) -> Stop:
    """The chain ends at a gate that is shut, before others. One that opens by itself is amber."""
    check = replace(_check_of(by), light=light) if light else _check_of(by)
    beyond = [_check_of(other) for other in others]
    return Stop(check, Cause(by.gate.cause or by.gate.key), by.gate.advice, by.place, beyond)


def _check_of(by: Shut) -> Check:
    light = Light.AMBER if by.actor is Actor.NOBODY else Light.RED
    return Check(by.gate.question, light, by.sentence)


def amber(
    question: str,
    cause: Cause,
    sentence: str,
    advice: Advice = NOTHING,
    place: Model | None = None,
) -> Stop:
    """It goes on by itself, or has ended: nobody acts."""
    check = Check(question, Light.AMBER, sentence)
    return Stop(check, cause, replace(advice, actor=Actor.NOBODY), place)


class Import:
    """One import of a referral. What is asked about it is asked once, whoever shows it."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery

    @cached_property
    def last(self) -> Attempt | None:
        """Its last attempt: of those that came with the delivery, where they did."""
        newest: list[Attempt] | None = getattr(self.delivery, NEWEST, None)
        if newest is None:
            return self.delivery.attempts.order_by("-number").first()
        return newest[0] if newest else None

    @cached_property
    def now(self) -> datetime:
        """The database's time, at which the delivery was read."""
        return getattr(self.delivery, READ_AT, None) or clock.now()

    @cached_property
    def advice(self) -> Advice:
        """Who acts on it, and what to do."""
        return advice(self.delivery, self.last)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer. `imported`: the referral is in every destination that it should be in.

    `sentence` says what is and what to do, `actor` whose turn it is, `place` is the row where they
    act. `warnings` are those of reading that are still to be seen to. `withheld`:
    what the destination said, and all that is personal, was left out.
    """

    reference: str
    imported: bool
    cause: Cause
    sentence: str = field(repr=False)
    actor: Actor
    checks: tuple[Check, ...]
    imports: tuple[Import, ...] = ()
    referral: Referral | None = None
    place: Model | None = None
    withheld: bool = False
    warnings: tuple[Warned, ...] = ()

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        return tuple(one.delivery for one in self.imports)

    @property
    def remarks(self) -> list[str]:
        """The warnings in sentences; they quote what came only to those who read the person."""
        texts = (one.sentence if self.withheld else one.quoting for one in self.warnings)
        return list(dict.fromkeys(texts))

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as the API gives it."""
        return {
            "reference": self.reference,
            "imported": self.imported,
            "cause": str(self.cause),
            "sentence": self.sentence,
            "whose_turn": str(self.actor),
            "checks": [
                {
                    "question": gettext(check.question),
                    "light": str(check.light),
                    "sentence": check.sentence,
                }
                for check in self.checks
            ],
            "warnings": [warning.as_dict() for warning in self.warnings],
            "imports": [
                _delivery_as_dict(delivery, withheld=self.withheld) for delivery in self.deliveries
            ],
        }


def _delivery_as_dict(delivery: Delivery, *, withheld: bool) -> dict[str, Any]:
    files = {} if withheld else delivery.missing_files
    return {
        "destination": delivery.destination.name,
        "state": delivery.state,
        "reason": delivery.reason_for_others or None,
        "reason_code": delivery.reason or None,
        "message": None if withheld else delivery.message or " ".join(delivery.corrections) or None,
        "external_id": delivery.external_id,
        "imported_at": delivery.imported_at,
        "due_at": delivery.due_at,
        "missing_files": [{"filename": name, "problem": why} for name, why in files.items()],
    }


def there(delivery: Delivery) -> str:
    """Return where it is and under which id, as a clause."""
    return sentences.THERE_AS(destination=delivery.destination, id=delivery.external_id)


def ended(passed: Iterable[Check], stop: Stop) -> tuple[tuple[Check, ...], str]:
    """Return the whole chain of one that was stopped, and its sentence."""
    reached, beyond = list(passed), [stop.check, *stop.beyond]
    for question in QUESTIONS[len(reached) :]:
        found = (check for check in beyond if check.question == question)
        reached.append(next(found, Check(question, Light.NOT_REACHED)))
    return tuple(reached), f"{stop.check.sentence} {stop.advice.what}".strip()
