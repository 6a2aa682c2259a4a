"""What an answer of CRMS means: who must act, and in which words.

`MEANINGS` is the answer table of `docs/connecting-crms.md`, row by row. The words say what happened
and quote CRMS; what to do is the same for every kind of destination and is said beside them.
"""

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from core.markup import plain_text
from core.outbound import Answer
from integrations.transport import (
    DeliveryError,
    Exchange,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)

KEPT_BODY_BYTES = 4096
READ_PAGE_BYTES = 65_536
KEPT_HEADERS = ("Content-Type", "Date", "Location", "Retry-After", "Server", "X-Request-ID")
LONGEST_WAIT = timedelta(days=1)
LONGEST_ID = 200
LONGEST_REASON = 500
LONGEST_PAGE = 200


class Call(StrEnum):
    PING = "ping"
    LOOK_UP = "look-up"
    CREATE = "create"
    FILE = "file"


class FileRefused(DeliveryError):
    """CRMS has the referral and will not take this file; the rest goes on."""


class ReferralGone(DeliveryError):
    """CRMS no longer has the referral that a file belongs to."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the answer table; `{reason}` in the words is what CRMS said."""

    statuses: Container[int]
    calls: Container[Call]
    error: type[DeliveryError]
    words: str


READS = (Call.PING, Call.LOOK_UP)
WRITES = (Call.CREATE, Call.FILE)
ANY = tuple(Call)

# The first row that fits is the meaning.
MEANINGS = (
    Meaning(
        (401, 403, 407),
        ANY,
        Misconfigured,
        "CRMS does not accept the credentials: {reason}",
    ),
    Meaning(
        range(300, 400),
        ANY,
        Misconfigured,
        "CRMS answers at another address than the one set here{place}: {reason}",
    ),
    Meaning((429,), ANY, TryAgain, "CRMS asks to wait: {reason}"),
    Meaning(
        (408, 425, *range(500, 600)),
        ANY,
        TryAgain,
        "CRMS has a problem of its own: {reason}",
    ),
    Meaning(
        range(400, 500),
        READS,
        Misconfigured,
        "CRMS does not understand what it was asked: {reason}",
    ),
    Meaning(
        (402, 404, 405, 410, 411, 421, 426),
        (Call.CREATE,),
        Misconfigured,
        "CRMS takes no referrals at this address: {reason}",
    ),
    Meaning(
        (404, 410),
        (Call.FILE,),
        ReferralGone,
        "CRMS no longer has referral {referral}: {reason}",
    ),
    Meaning(
        (409,),
        WRITES,
        Unconfirmed,
        "CRMS says that it has this already, but not where: {reason}",
    ),
    Meaning(
        range(400, 500),
        (Call.CREATE,),
        Rejected,
        "CRMS did not accept the referral: {reason}",
    ),
    Meaning(range(400, 500), (Call.FILE,), FileRefused, "CRMS refused this file: {reason}"),
    Meaning(
        range(200, 300),
        WRITES,
        Unconfirmed,
        "CRMS said yes (HTTP {status}), but gave no id that can be read.",
    ),
    Meaning(
        range(200, 300),
        (Call.LOOK_UP,),
        TryAgain,
        "CRMS was asked for this referral, and its answer cannot be read: {reason}",
    ),
    Meaning(
        range(1000),
        ANY,
        TryAgain,
        "CRMS gave an answer that has no meaning (HTTP {status}): {reason}",
    ),
)


def error_for(call: Call, answer: Answer, *, referral: str = "") -> DeliveryError:
    """Return the error that an answer stands for: the first meaning that fits."""
    meaning = next(m for m in MEANINGS if answer.status in m.statuses and call in m.calls)
    message = meaning.words.format(
        status=answer.status,
        reason=reason(answer),
        place=_place(answer),
        referral=referral,
    )
    kept = exchange(answer)
    if meaning.error is TryAgain:
        maybe_done = call in WRITES and answer.status != 429
        return TryAgain(message, kept, after=retry_after(answer), maybe_done=maybe_done)
    return meaning.error(message, kept)


def web_page_instead(answer: Answer) -> Misconfigured:
    """Return the error for a page where the API was expected: often a sign-in page."""
    message = f"A web page answered instead of the CRMS API: {reason(answer)}"
    return Misconfigured(message, exchange(answer))


def exchange(answer: Answer) -> Exchange:
    """Return what is kept of an answer: status, useful headers, the start of the body."""
    headers = {name: value[:200] for name in KEPT_HEADERS if (value := header(answer, name))}
    body = decoded(answer.body[:KEPT_BODY_BYTES]).replace("\0", "")
    return Exchange(answer.status, headers, body)


def decoded(body: bytes) -> str:
    """Return a body as text: UTF-8, else as old servers write it."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        cut_at_the_end = error.end == len(body) and error.reason == "unexpected end of data"
        return body.decode("utf-8" if cut_at_the_end else "cp1252", errors="replace")


def header(answer: Answer, name: str) -> str:
    """Return a header whatever its case; empty when it is not there."""
    wanted = name.lower()
    return next((value for key, value in answer.headers.items() if key.lower() == wanted), "")


def retry_after(answer: Answer) -> timedelta | None:
    """Return how long the destination asks to wait, by seconds or by date; at most a day."""
    value = header(answer, "Retry-After").strip()
    try:
        if value.isdecimal():
            wait = timedelta(seconds=int(value[:9]))
        else:
            wait = parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def reason(answer: Answer) -> str:
    """Return what CRMS said, quoted, or a sentence when it said nothing."""
    found = read_json(answer)
    words = next(_told(found), "") if found is not None else _page(answer)
    said = shortened(words, LONGEST_REASON)
    if not said:
        return f"the system gave no reason (HTTP {answer.status})."
    return f"“{said}”" if said[-1] in ".!?" else f"“{said}”."


def read_json(answer: Answer) -> Any:
    """Return the JSON of a body; None where there is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def pluck(body: Any, dotted: str) -> Any:
    """Return what stands at `data.id` in a JSON body; None where nothing does."""
    for name in dotted.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _told(body: Any) -> Iterator[str]:
    """Yield what a JSON body tells, in the order of the contract."""
    if not isinstance(body, dict):
        yield from [body] if isinstance(body, str) else []
        return
    issues = _items(body, "issue")
    candidates = (
        [body.get("message")],
        [error.get("message") for error in _items(body, "errors")],
        [pluck(issue, "details.text") for issue in issues],
        [issue.get("diagnostics") for issue in issues],
        [body.get("detail")],
        [body.get("title")],
    )
    for texts in candidates:
        said = [text.strip() for text in texts if isinstance(text, str) and text.strip()]
        if said:
            yield "; ".join(said)


def _items(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = body.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _page(answer: Answer) -> str:
    """Return the first 200 characters of an answer in plain text or HTML."""
    text = decoded(answer.body[:READ_PAGE_BYTES])
    return shortened(plain_text(text) if is_page(answer) else text, LONGEST_PAGE)


def is_page(answer: Answer) -> bool:
    """Say whether a body is HTML or XML."""
    return answer.body.lstrip().startswith(b"<")


def _place(answer: Answer) -> str:
    """Return where a redirect leads, in brackets, without what may be secret in it."""
    place = header(answer, "Location").partition("?")[0].partition("#")[0]
    return f" ({shortened(place, LONGEST_PAGE)})" if place else ""


def shortened(text: str, limit: int) -> str:
    """Return the text in one line; of a longer one the first `limit` characters and “…”."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[:limit] + "…"


def readable_id(body: Any, id_field: str) -> str:
    """Return the id in a JSON body as text; empty when there is none that can be used."""
    value = pluck(body, id_field)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_ID:
        return ""
    return "" if value.strip(" .") == "" else value.strip()
