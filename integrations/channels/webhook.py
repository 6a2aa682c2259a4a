"""One signed POST: Standard Webhooks, with an old and a new secret while they are rotated."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook

from core import outbound
from core.database import clock
from core.outbound import Answer
from integrations import sentences
from integrations.http.exchanges import exchange, retry_after
from integrations.http.network import delivery_error
from integrations.transport import DeliveryError, ErrorKind, Misconfigured, Rejected, TryAgain

SECONDS = 10  # for one call, from the name's resolution to the end of the answer
CREDENTIALS = (401, 402, 403)
MISADDRESSED = (404, 405, 407, 411, 421, 426)
GONE = 410
THROTTLED = 429
LATER = (408, 423, 425, THROTTLED)
REFUSED = (400, 409, 413, 415, 422)


def send(
    url: str,
    secrets: Sequence[str],
    message_id: str,
    payload: Any,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    max_bytes: int = 1024,
) -> Answer:
    """Post the payload as JSON, signed by every secret; return the answer that accepts it.

    `secrets` are `whsec_…`, one or more: a receiver knows at least one of them. `message_id` is the
    same on every try, so that a receiver can drop a repeat. `headers` are fixed extra ones, which
    never take the place of ours. Of an answer `max_bytes` are read; whether a page in it means that
    something else has answered is for the caller to say. Raises a DeliveryError: see `error_of`,
    and for no answer at all `integrations.http.network`.
    """
    answer = post(
        url, secrets, message_id, payload, headers=headers, seconds=seconds, max_bytes=max_bytes
    )
    if not answer.ok:
        raise error_of(answer)
    return answer


def post(
    url: str,
    secrets: Sequence[str],
    message_id: str,
    payload: Any,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    max_bytes: int = 1024,
    at: datetime | None = None,
) -> Answer:
    """Post as `send` does, and return the answer whatever it says.

    It is signed for the moment `at`; without one, for the time of the database. Raises a
    DeliveryError for no answer at all.
    """
    body = json.dumps(payload, ensure_ascii=False)
    ours = signed(secrets, message_id, body, at)
    taken = {name.lower() for name in ours}
    extra = {name: text for name, text in (headers or {}).items() if name.lower() not in taken}
    try:
        return outbound.send(
            "POST",
            url,
            headers={**extra, **ours},
            data=body.encode(),
            connect_seconds=seconds,
            total_seconds=seconds,
            max_bytes=max_bytes,
        )
    except outbound.OutboundError as error:
        raise delivery_error(error) from None


def signed(
    secrets: Sequence[str], message_id: str, body: str, at: datetime | None = None
) -> dict[str, str]:
    """Return the headers of a body: its id, the time, and a signature by each secret."""
    if not secrets:
        raise ValueError("a webhook is never sent without a signature")
    now = at or clock.now()
    signatures = [Webhook(secret).sign(message_id, now, body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def error_of(answer: Answer) -> DeliveryError:
    """Return what an answer other than 2xx means.

    Misconfigured for credentials, another address, and an endpoint that is gone (kind GONE).
    Redirects are among them: what is signed goes to the address that was set, and to no other.
    Rejected for this message alone. TryAgain for what passes, after `Retry-After` where one is
    given. A 4xx that has no meaning of its own is a refusal, unless it says when to come again.
    """
    status, kept = answer.status, exchange(answer)
    words = sentences.WEBHOOK_ANSWERED(status=status)
    if status == GONE:
        return Misconfigured(words, kept, kind=ErrorKind.GONE)
    if status in CREDENTIALS:
        return Misconfigured(words, kept, kind=ErrorKind.CREDENTIALS)
    is_redirect = 300 <= status < 400
    if is_redirect or status in MISADDRESSED:
        # A redirect may follow something that was done.
        return Misconfigured(words, kept, maybe_done=is_redirect)
    after = retry_after(answer)
    is_ours = 400 <= status < 500 and status not in LATER
    if status in REFUSED or (is_ours and after is None):
        return Rejected(words, kept)
    kind = ErrorKind.THROTTLED if status == THROTTLED else ErrorKind.FAILING
    return TryAgain(words, kept, kind=kind, after=after, maybe_done=status != THROTTLED)
