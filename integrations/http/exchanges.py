"""What is kept of an answer, and how long it asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.outbound import Answer
from integrations.http.bodies import header, text
from integrations.http.reasons import shortened
from integrations.transport import Exchange

KEPT_BODY_BYTES = 4096
KEPT_HEADER = 300  # characters of one
KEPT_HEADERS = (
    "Content-Type",
    "Date",
    "Location",
    "Retry-After",
    "Server",
    "Via",
    "WWW-Authenticate",
    "X-Request-ID",
)
LONGEST_WAIT = timedelta(days=1)


def exchange(answer: Answer) -> Exchange:
    """Return what is kept of an answer: its code, useful headers, the start of the body."""
    found = ((name, shortened(header(answer, name), KEPT_HEADER)) for name in KEPT_HEADERS)
    headers = {name: value for name, value in found if value}
    return Exchange(
        f"HTTP {answer.status}", headers, text(answer, KEPT_BODY_BYTES).replace("\0", "")
    )


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
