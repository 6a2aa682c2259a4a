"""What an answer of CRMS means: who must act, and in which words.

`MEANINGS` is the answer table of `docs/connecting-crms.md`, row by row. The words say what happened
and quote CRMS; what to do is the same for every kind of destination and is said beside them.
"""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from core.outbound import Answer
from core.text.sentences import Cause, join
from integrations.destinations.crms import sentences
from integrations.http.bodies import header, is_page, pluck, read_json
from integrations.http.exchanges import exchange, retry_after
from integrations.http.reasons import reason, shortened
from integrations.transport import (
    DeliveryError,
    Doubt,
    ErrorKind,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)

LONGEST_ID = 255  # characters
LONGEST_PLACE = 200
WHO = "CRMS"


class Call(StrEnum):
    PING = "ping"
    LOOK_UP = "look-up"
    CREATE = "create"
    FILE = "file"


class FileRefused(DeliveryError):
    """CRMS has the referral and will not take this file; the rest goes on."""

    kind = ErrorKind.REFUSED


class FileThere(DeliveryError):
    """CRMS says that it has this file already."""

    kind = ErrorKind.CONFLICT


class ReferralGone(DeliveryError):
    """CRMS no longer has the referral that a file belongs to."""

    kind = ErrorKind.GONE


class SearchRefused(DeliveryError):
    """CRMS will not be searched for this referral, or not at all."""

    kind = ErrorKind.CONFLICT


class Duplicate(DeliveryError):
    """CRMS says that it has this referral, or another of this client, already."""

    kind = ErrorKind.CONFLICT


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the answer table; what it says quotes CRMS.

    Without a kind, the error is of the kind that it usually is.
    """

    statuses: Container[int]
    calls: Container[Call]
    error: type[DeliveryError]
    sentence: Cause
    kind: ErrorKind | None = None


WRITES = (Call.CREATE, Call.FILE)
ANY = tuple(Call)

# The first row that fits is the meaning. A row that names a call stands before one that names none.
MEANINGS = (
    Meaning(
        (404, 405, 410, 411),
        (Call.CREATE,),
        Misconfigured,
        sentences.TAKES_NOTHING_HERE,
    ),
    Meaning((409,), (Call.CREATE,), Duplicate, sentences.HAS_IT),
    Meaning(
        (404, 410),
        (Call.FILE,),
        ReferralGone,
        sentences.REFERRAL_GONE,
    ),
    Meaning((409,), (Call.FILE,), FileThere, sentences.HAS_FILE),
    Meaning(
        (401, 402),
        ANY,
        Misconfigured,
        sentences.NO_CREDENTIALS,
        ErrorKind.CREDENTIALS,
    ),
    Meaning((407,), ANY, Misconfigured, sentences.NO_CREDENTIALS),
    Meaning(
        (403,),
        (Call.LOOK_UP,),
        SearchRefused,
        sentences.SEARCH_FORBIDDEN,
        ErrorKind.CREDENTIALS,
    ),
    Meaning(
        (403,),
        ANY,
        Misconfigured,
        sentences.NO_CREDENTIALS,
        ErrorKind.CREDENTIALS,
    ),
    Meaning(
        (421, 426),
        ANY,
        Misconfigured,
        sentences.UNSUITABLE,
    ),
    Meaning(
        range(300, 400),
        ANY,
        Misconfigured,
        sentences.ELSEWHERE,
    ),
    Meaning((429,), ANY, TryAgain, sentences.ASKS_TO_WAIT, ErrorKind.THROTTLED),
    Meaning(
        (501,),
        (Call.LOOK_UP,),
        SearchRefused,
        sentences.CANNOT_BE_SEARCHED,
    ),
    Meaning(
        (408, 423, 425, *range(500, 600)),
        ANY,
        TryAgain,
        sentences.OWN_PROBLEM,
    ),
    Meaning(
        range(400, 500),
        (Call.LOOK_UP,),
        SearchRefused,
        sentences.CANNOT_BE_SEARCHED,
    ),
    Meaning(
        range(400, 500),
        (Call.PING,),
        Misconfigured,
        sentences.NOT_UNDERSTOOD,
    ),
    Meaning(
        range(400, 500),
        (Call.CREATE,),
        Rejected,
        sentences.REFUSED,
    ),
    Meaning(range(400, 500), (Call.FILE,), FileRefused, sentences.FILE_REFUSED),
    Meaning(
        range(100_000),
        ANY,
        TryAgain,
        sentences.NO_MEANING,
    ),
)


def error_for(call: Call, answer: Answer, *, referral: str = "") -> DeliveryError:
    """Return the error that an answer which is no success stands for: the first that fits."""
    meaning = next(m for m in MEANINGS if answer.status in m.statuses and call in m.calls)
    values = {"reason": reason(answer, WHO), "status": answer.status, "referral": referral}
    message = meaning.sentence(**values)
    if meaning.sentence is sentences.ELSEWHERE and (place := _place(answer)):
        message = sentences.ELSEWHERE_AT(**values, place=place)
    kept = exchange(answer)
    writes = call in WRITES
    if meaning.error is TryAgain:
        maybe_done = writes and meaning.kind is not ErrorKind.THROTTLED
        return TryAgain(
            message,
            kept,
            kind=meaning.kind,
            after=retry_after(answer),
            maybe_done=maybe_done,
        )
    if meaning.error is Misconfigured:
        # A redirect may follow something that was done.
        maybe_done = writes and 300 <= answer.status < 400
        return Misconfigured(message, kept, kind=meaning.kind, maybe_done=maybe_done)
    return meaning.error(message, kept, kind=meaning.kind)


def is_success(answer: Answer) -> bool:
    return answer.ok


def page_instead(call: Call, answer: Answer) -> Misconfigured:
    """Return the error for a page where the API was expected: often a sign-in page."""
    message = sentences.PAGE_INSTEAD(reason=reason(answer, WHO))
    return Misconfigured(message, exchange(answer), maybe_done=call in WRITES)


def ping_error(answer: Answer) -> DeliveryError | None:
    """Return what is wrong with the answer to a ping; None when it is accepted."""
    if not is_success(answer):
        return error_for(Call.PING, answer)
    return page_instead(Call.PING, answer) if is_page(answer) else None


def no_id(answer: Answer, seen: str) -> Unconfirmed:
    """Return the error for a success at create that names no id that can be read.

    `seen` says what came of searching for it.
    """
    text = sentences.NO_ID(status=answer.status)
    if reports_failure(read_json(answer)):
        text = sentences.SUCCESS_THAT_FAILED(status=answer.status, reason=reason(answer, WHO))
    return Unconfirmed(join([text, seen]), exchange(answer), doubt=Doubt.NO_ID)


def reports_failure(body: Any) -> bool:
    """Return whether the JSON of a success reports a failure."""
    if not isinstance(body, dict):
        return False
    values = {key.lower(): value for key, value in body.items()}
    for name in ("success", "ok"):
        if values.get(name) is False or str(values.get(name)).lower() == "false":
            return True
    if str(values.get("status")).lower() in ("error", "failed", "failure"):
        return True
    return bool(values.get("error") or values.get("errors"))


def file_refused(answer: Answer) -> FileRefused:
    return FileRefused(sentences.FILE_REFUSED(reason=reason(answer, WHO)), exchange(answer))


def _place(answer: Answer) -> str:
    """Return where a redirect leads, without what may be secret in it."""
    place = header(answer, "Location").partition("?")[0].partition("#")[0]
    return shortened(place, LONGEST_PLACE)


def readable_id(body: Any, id_field: str) -> str:
    """Return the id in a JSON body as text; empty when there is none that can be used."""
    value = pluck(body, id_field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**LONGEST_ID else ""
    return usable_id(value) if isinstance(value, str) else ""


def usable_id(value: str) -> str:
    """Return an id without white space around it; empty when it is none or cannot be used."""
    value = value.strip()
    if not value.isprintable() or len(value) > LONGEST_ID or value.strip(" .") == "":
        return ""
    return value


def id_in_location(answer: Answer, referrals_url: str) -> str:
    """Return the last segment of `Location` when it lies directly under the referrals' path.

    Another host's `Location` is none of ours, however its path looks.
    """
    location = header(answer, "Location").strip()
    try:
        there, here = urlsplit(urljoin(referrals_url, location)), urlsplit(referrals_url)
        same_host = there.hostname == here.hostname
    except ValueError:
        return ""
    start = here.path.rstrip("/") + "/"
    segment = there.path.removeprefix(start).removesuffix("/")
    if not same_host or not there.path.startswith(start) or "/" in segment:
        return ""
    try:
        # Headers arrive as Latin-1, whatever they are.
        return usable_id(unquote(segment.encode("latin-1").decode(), errors="strict"))
    except UnicodeError:
        return ""
