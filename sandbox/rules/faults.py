"""Every way in which the sandbox can fail, and the plan that says when it does.

A fault is written `step:mode`, `step:mode:times` or `step:mode:rate`:
`create:timeout-after`, `attachment:415:always`, `any:503:5%`. A referral can carry its own: an
e-mail address `fail-[step-]mode[-once|-twice|-always]@…` in the body of its create.

Where no mode fits, the mode `answer` gives an answer as it is given:
`{"step": "create", "mode": "answer", "answer": {"status": 400, "json": ["No"]}}`, with `json`,
`text` or `base64`, `headers`, and `applied` where the call is to take effect first.
"""

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from random import Random
from threading import Lock
from typing import Any

from sandbox.answers import JSON, Answer, Line, html_answer, json_answer, message
from sandbox.rules.options import MEBIBYTE, Options

PING, LOOK_UP, CREATE, SUMMARY, ATTACHMENT = "ping", "look-up", "create", "summary", "attachment"
STEPS = {
    "any": (PING, LOOK_UP, CREATE, SUMMARY, ATTACHMENT),
    "upload": (SUMMARY, ATTACHMENT),
    **{step: (step,) for step in (PING, LOOK_UP, CREATE, SUMMARY, ATTACHMENT)},
}
TIMES = {"once": 1, "twice": 2, "always": None}
HUGE_BYTES = 64 * MEBIBYTE


class Effect(Enum):
    """Whether the sandbox does what it was asked when it fails."""

    NONE = "not applied"
    FIRST = "applied"
    LATE = "applied late"  # once the sender has given up


Spoil = Callable[[Answer, Options], Answer]
Deliver = Callable[[Line, Answer, Options], None]


def _whole(line: Line, answer: Answer, options: Options) -> None:
    line.whole(answer)


def _hang(line: Line, answer: Answer, options: Options) -> None:
    line.hang(options.hang_seconds)


def _reset(line: Line, answer: Answer, options: Options) -> None:
    line.reset()


def _close(line: Line, answer: Answer, options: Options) -> None:
    line.close()


def _truncated(line: Line, answer: Answer, options: Options) -> None:
    line.truncated(answer)


def _drip(line: Line, answer: Answer, options: Options) -> None:
    line.drip(answer, options.drip_seconds)


def _drip_body(line: Line, answer: Answer, options: Options) -> None:
    line.drip(answer, options.drip_seconds, head_too=False)


def _as_it_is(answer: Answer, options: Options) -> Answer:
    return answer


def _message(status: int, text: str) -> Spoil:
    return lambda answer, options: message(status, text)


def _waits(status: int, text: str) -> Spoil:
    return lambda answer, options: message(status, text, Retry_After=str(options.retry_after))


def _waits_until(answer: Answer, options: Options) -> Answer:
    until = datetime.now(UTC) + timedelta(seconds=options.retry_after)
    return message(429, "Too many requests", Retry_After=format_datetime(until, usegmt=True))


def _html(status: int, title: str) -> Spoil:
    page = f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>"
    return lambda answer, options: html_answer(status, page + "<hr>proxy</body></html>")


def _empty(status: int) -> Spoil:
    return lambda answer, options: Answer(status)


def _already_there(answer: Answer, options: Options) -> Answer:
    known = json.loads(answer.body).get("id")
    return json_answer(409, {"message": "Referral already exists", "id": known})


def _without_id(answer: Answer, options: Options) -> Answer:
    return json_answer(answer.status, {"status": "inbox"})


def _unreadable(answer: Answer, options: Options) -> Answer:
    return replace(answer, body=b'{"id": "RF-')


def _huge(answer: Answer, options: Options) -> Answer:
    return replace(answer, body=answer.body[:-1] + b', "padding": "' + b"x" * HUGE_BYTES + b'"}')


def _redirect(answer: Answer, options: Options) -> Answer:
    return Answer(307, headers={"Location": "/sandbox/elsewhere"})


def _located(answer: Answer, options: Options) -> Answer:
    found = json.loads(answer.body).get("id", "")
    return Answer(answer.status, headers={"Location": f"/api/v1/referrals/{found}"})


def _text(status: int, text: str) -> Spoil:
    return lambda answer, options: Answer(status, text.encode(), "text/plain; charset=utf-8")


def _json(status: int, content: Any) -> Spoil:
    return lambda answer, options: json_answer(status, content)


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to fail: what takes effect, how the answer is spoiled, how it is sent."""

    name: str
    says: str
    effect: Effect = Effect.NONE
    spoil: Spoil = field(default=_as_it_is, repr=False)
    deliver: Deliver = field(default=_whole, repr=False)

    @property
    def is_answered(self) -> bool:
        return self.deliver not in (_hang, _reset, _close)


_BROKEN = "Something went wrong on our side"
_BY_FIELD = {"errors": {"client.date_of_birth": ["is required by intake"]}}
_FAILED = {"success": False, "error": "Virus found"}
_BUSY = "The service is down for maintenance"

MODES = {
    mode.name: mode
    for mode in (
        Mode("timeout", "no answer", deliver=_hang),
        Mode("timeout-after", "no answer", Effect.FIRST, deliver=_hang),
        Mode("late", "no answer; it counts once the sender has given up", Effect.LATE),
        Mode("reset", "TCP reset", deliver=_reset),
        Mode("reset-after", "TCP reset", Effect.FIRST, deliver=_reset),
        Mode("close", "connection closed without an answer", deliver=_close),
        Mode("close-after", "connection closed without an answer", Effect.FIRST, deliver=_close),
        Mode("500", "500 as JSON", spoil=_message(500, _BROKEN)),
        Mode("500-after", "500 as JSON", Effect.FIRST, _message(500, _BROKEN)),
        Mode("502", "502 without a body", spoil=_empty(502)),
        Mode("503", "503 as JSON", spoil=_message(503, _BUSY)),
        Mode("503-after", "503 as JSON", Effect.FIRST, _message(503, _BUSY)),
        Mode("503-retry-after", "503 with Retry-After", spoil=_waits(503, _BUSY)),
        Mode("504", "504 without a body", spoil=_empty(504)),
        Mode("504-after", "504 without a body", Effect.FIRST, _empty(504)),
        Mode("html", "502 as a proxy's HTML page", spoil=_html(502, "502 Bad Gateway")),
        Mode("html-after", "504 as HTML", Effect.FIRST, _html(504, "504 Gateway Time-out")),
        Mode("429", "429 with Retry-After in seconds", spoil=_waits(429, "Too many requests")),
        Mode("429-date", "429 with Retry-After as a date", spoil=_waits_until),
        Mode("400", "400 with a message", spoil=_message(400, "Date of birth is required")),
        Mode("400-fields", "400 with reasons by field", spoil=_json(400, _BY_FIELD)),
        Mode("422", "422 with a message", spoil=_message(422, "Postal code is not valid")),
        Mode("401", "401", spoil=_message(401, "The token is not valid")),
        Mode("403", "403", spoil=_message(403, "This account may not import referrals")),
        Mode("404", "404", spoil=_message(404, "Referral not found")),
        Mode("409", "409 with the id", Effect.FIRST, _already_there),
        Mode("409-no-id", "409 without id", Effect.FIRST, _message(409, "Referral already exists")),
        Mode("413", "413 as JSON", spoil=_message(413, "The file is too large")),
        Mode("413-html", "413 as HTML", spoil=_html(413, "413 Request Entity Too Large")),
        Mode("415", "415 as JSON", spoil=_message(415, "Files of this type are not accepted")),
        Mode("login-page", "200 with a sign-in page", spoil=_html(200, "Please sign in")),
        Mode("login-page-after", "a sign-in page", Effect.FIRST, _html(200, "Please sign in")),
        Mode("location", "success, the id in Location only", Effect.FIRST, _located),
        Mode("text", "200 with a word of text", Effect.FIRST, _text(200, "OK")),
        Mode("says-failed", "200 that says it failed", spoil=_json(200, _FAILED)),
        Mode("423", "423 with a message", spoil=_message(423, "Locked")),
        Mode("501", "501 with a message", spoil=_message(501, "Not implemented")),
        Mode(
            "999",
            "a status that HTTP does not know",
            spoil=_message(999, "Nobody knows this status"),
        ),
        Mode("no-id", "success, but without an id", Effect.FIRST, _without_id),
        Mode("empty", "204 without a body", Effect.FIRST, _empty(204)),
        Mode("unreadable", "success, but half a JSON", Effect.FIRST, _unreadable),
        Mode("truncated", "less body than announced", Effect.FIRST, deliver=_truncated),
        Mode("drip", "success, byte by byte", Effect.FIRST, deliver=_drip),
        Mode("drip-body", "head at once, body byte by byte", Effect.FIRST, deliver=_drip_body),
        Mode("huge", "success, in a body of 64 MiB", Effect.FIRST, _huge),
        Mode("redirect", "307 to another path", spoil=_redirect),
    )
}
# What `--fail-rate` draws from: the sender cannot tell whether its request took effect.
AMBIGUOUS = (
    "timeout",
    "timeout-after",
    "late",
    "reset",
    "reset-after",
    "close-after",
    "500",
    "500-after",
    "504-after",
)


ANSWER = "answer"  # the mode of an answer as it is given


def _mode_of(text: str) -> Mode:
    """Return the mode of an answer that is given in JSON; raises BadFault."""
    try:
        words = json.loads(text)
        body = _body_given(words)
        status, named = int(words["status"]), dict(words.get("headers") or {})
        headers = {str(name): str(value) for name, value in named.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadFault(
            "an answer is an object with status, and json, text or base64, headers, applied"
        ) from error
    content_type = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    headers = {k: v for k, v in headers.items() if k.lower() != "content-type"}
    answer = Answer(status, body, content_type or JSON, headers)
    effect = Effect.FIRST if words.get("applied") else Effect.NONE
    return Mode(ANSWER, "as it is given", effect, lambda *_: answer)


def _body_given(given: dict[str, Any]) -> bytes:
    if "json" in given:
        return json.dumps(given["json"], ensure_ascii=False).encode()
    if "base64" in given:
        return b64decode(given["base64"], validate=True)
    return str(given.get("text", "")).encode()


class BadFault(ValueError):
    """A fault that cannot be understood; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Fail `times` calls of a step (None: always), each with probability `rate`.

    The first `skip` calls that match pass; with a `reference`, only that referral's calls match.
    """

    step: str
    mode: str
    times: int | None = 1
    rate: float = 1.0
    reference: str = ""
    skip: int = 0
    answer: str = ""  # JSON, of the mode `answer`

    def __post_init__(self) -> None:
        if self.step not in STEPS:
            raise BadFault(f"step must be one of {', '.join(STEPS)}")
        if self.mode == ANSWER:
            _mode_of(self.answer)
        elif self.mode not in MODES:
            raise BadFault(f"mode must be one of {', '.join(MODES)}")
        if not 0 <= self.rate <= 1:
            raise BadFault("rate must be between 0 and 1")
        if self.skip < 0 or (self.times is not None and self.times < 1):
            raise BadFault("times must be at least 1, skip at least 0")

    def matches(self, step: str, reference: str) -> bool:
        return step in STEPS[self.step] and self.reference in ("", reference)

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `step:mode[:times or rate]`; raises BadFault."""
        step, mode, amount = ([*text.split(":"), "once", ""])[:3]
        if text.count(":") not in (1, 2):
            raise BadFault("a fault is written step:mode, step:mode:times or step:mode:rate")
        try:
            return cls(step, mode, **_amount(amount))
        except ValueError as error:
            raise BadFault(f"{text}: {error}") from error

    @classmethod
    def from_json(cls, content: Any) -> "Fault":
        """Read an object with the fields of a fault; raises BadFault."""
        try:
            given = dict(content)
            if isinstance(given.get("answer"), dict):
                given["answer"] = json.dumps(given["answer"])
            return cls(**given)
        except (TypeError, ValueError) as error:
            if isinstance(error, BadFault):
                raise
            raise BadFault(
                "a fault is an object with step, mode, times, rate, reference, skip, answer"
            ) from error

    @classmethod
    def from_email(cls, address: str) -> "Fault | None":
        """Read the fault that a referral's e-mail address asks for, if it does."""
        match = _MAGIC.match(address.strip().lower())
        if match is None:
            return None
        step, mode, times = match.groups()
        return cls(step or CREATE, mode, TIMES[times or "once"])


def _amount(text: str) -> dict[str, Any]:
    if text in TIMES:
        return {"times": TIMES[text]}
    if text.endswith("%"):
        return {"times": None, "rate": float(text[:-1]) / 100}
    if "." in text:
        return {"times": None, "rate": float(text)}
    return {"times": int(text)}


def _one_of(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_MAGIC = re.compile(
    rf"fail-(?:({_one_of(STEPS)})-)?({_one_of(MODES)})(?:-({_one_of(TIMES)}))?@", re.ASCII
)


class FaultPlan:
    """Decides for each call whether and how it fails. Safe to use from many threads.

    Planned faults come first, in their order; then the referral's own; then the rate. What is
    drawn depends on the seed, the step, the referral and the number of the try, and not on the
    order in which threads happen to run.
    """

    def __init__(self, faults: Iterable[Fault] = (), fail_rate: float = 0, seed: int = 0) -> None:
        self._fail_rate = fail_rate
        self._seed = seed
        self._lock = Lock()
        self._planned: list[Fault] = list(faults)
        self._tries: Counter[tuple[str, str]] = Counter()
        self._spent: Counter[tuple[str, Fault]] = Counter()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(fault)

    def clear(self) -> None:
        """Plan no fault any more; the rate and the referrals' own stay."""
        with self._lock:
            self._planned.clear()

    def planned(self) -> list[Fault]:
        """Return what is still to come, with the times and skips that are left."""
        with self._lock:
            return list(self._planned)

    def pick(self, step: str, reference: str = "", email: str = "") -> Mode | None:
        """Return how this call fails, or None."""
        with self._lock:
            self._tries[step, reference] += 1
            seed = f"{self._seed}:{step}:{reference!a}:{self._tries[step, reference]}"
            draw = Random(seed)  # noqa: S311
            planned = self._pick_planned(step, reference, draw)
            if planned is not None:
                return _mode_of(planned.answer) if planned.mode == ANSWER else MODES[planned.mode]
            name = self._pick_own(step, reference, email) or self._pick_by_rate(draw)
            return MODES[name] if name else None

    def _pick_planned(self, step: str, reference: str, draw: Random) -> Fault | None:
        for index, fault in enumerate(self._planned):
            if not fault.matches(step, reference) or draw.random() >= fault.rate:
                continue
            if fault.skip:
                self._planned[index] = replace(fault, skip=fault.skip - 1)
                continue
            if fault.times == 1:
                del self._planned[index]
            elif fault.times is not None:
                self._planned[index] = replace(fault, times=fault.times - 1)
            return fault
        return None

    def _pick_own(self, step: str, reference: str, email: str) -> str:
        fault = Fault.from_email(email)
        if fault is None or not fault.matches(step, reference):
            return ""
        self._spent[reference, fault] += 1
        is_spent = fault.times is not None and self._spent[reference, fault] > fault.times
        return "" if is_spent else fault.mode

    def _pick_by_rate(self, draw: Random) -> str:
        return draw.choice(AMBIGUOUS) if draw.random() < self._fail_rate else ""
