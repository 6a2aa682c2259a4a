"""The webhook destination."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from core import outbound
from core.outbound import Answer
from core.outbound.addresses import is_this_machine
from core.text.sentences import Term
from integrations.channels import webhook
from integrations.destinations.webhook import sentences
from integrations.destinations.webhook.body import message
from integrations.destinations.webhook.options import WebhookOptions, headers_of
from integrations.http.bodies import is_page, pluck, read_json
from integrations.http.exchanges import exchange
from integrations.http.network import delivery_error
from integrations.http.reasons import reason
from integrations.payload import shown
from integrations.transport import (
    DeliveryError,
    ErrorKind,
    Misconfigured,
    Parcel,
    Receipt,
    Rejected,
    Targets,
    Transport,
    Updates,
)
from integrations.usual_fields import USUAL_FIELDS

WHO = "the partner"
SECONDS = 30  # for one push, its files included
KEPT_BYTES = 65_536  # of an answer
LONGEST_ID = 255  # characters
SHORTEST_SECRET = 6  # characters of a header; what is shorter is no secret
TOLERANCE = timedelta(minutes=5)  # of a timestamp, by Standard Webhooks


class WebhookTransport(Transport):
    """Posts each version as signed JSON (Standard Webhooks), in order; a removal, too."""

    label = Term("Webhook")
    OptionsForm = WebhookOptions
    target_fields = USUAL_FIELDS
    updates = Updates.EACH
    removes = True
    repeatable = True  # a partner drops what it has by its id
    targets = Targets.OPEN
    noun = Term("push")
    answered = True
    usual_files = ()

    @property
    def is_stand_in(self) -> bool:
        return is_this_machine(urlsplit(self.options["url"] or "").hostname or "")

    def check(self) -> str:
        """Ask for nothing but an answer: whether a push is accepted, only a push can show."""
        answer = self._ask()
        host = urlsplit(self.options["url"]).hostname
        if answer.status == webhook.GONE:
            raise self._error(answer)
        if 300 <= answer.status < 400:
            raise self._error(answer)
        return sentences.ANSWERS(host=host)

    def probe(self) -> None:
        """Any answer will do: then the oldest push that is due shows the rest."""
        self._ask()

    def body(self, reference: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return shown(reference, record, {})

    def deliver(self, parcel: Parcel) -> Receipt:
        return Receipt(parcel.ledger.once("push", lambda: self._push(parcel)))

    def remove(self, parcel: Parcel) -> Receipt:
        return Receipt(parcel.ledger.once("remove", lambda: self._push(parcel)))

    def _push(self, parcel: Parcel) -> str:
        """Post a version; return the partner's id for it, or our own. Raises a DeliveryError."""
        answer = self._without_secrets(
            webhook.post(
                self.options["url"],
                self.options["secrets"].split(),
                parcel.version,
                message(parcel, inline_files=bool(self.options["inline_files"])),
                headers=headers_of(self.options),
                seconds=SECONDS,
                max_bytes=KEPT_BYTES,
                at=datetime.now(UTC),
            )
        )
        if not answer.ok:
            raise self._error(answer)
        if is_page(answer):
            words = sentences.PAGE_INSTEAD(reason=reason(answer, WHO))
            raise Misconfigured(words, exchange(answer), maybe_done=True)
        given = pluck(read_json(answer), "id")
        is_id = isinstance(given, str | int) and not isinstance(given, bool)
        return (str(given).strip()[:LONGEST_ID] if is_id else "") or parcel.version

    def _ask(self) -> Answer:
        """Send a request without content; raises a DeliveryError where nothing answers."""
        try:
            answer = outbound.send("HEAD", self.options["url"], total_seconds=SECONDS, max_bytes=0)
        except outbound.OutboundError as error:
            raise delivery_error(error) from None
        return self._without_secrets(answer)

    def _error(self, answer: Answer) -> DeliveryError:
        """Return what an answer means (`integrations.channels.webhook`), in our words."""
        error = webhook.error_of(answer)
        cause = {
            ErrorKind.GONE: sentences.GONE,
            ErrorKind.CREDENTIALS: sentences.NO_CREDENTIALS,
            ErrorKind.THROTTLED: sentences.ASKS_TO_WAIT,
            ErrorKind.MISADDRESSED: sentences.MISADDRESSED,
        }.get(error.kind, sentences.OWN_PROBLEM)
        if isinstance(error, Rejected):
            cause = sentences.REFUSED
        elif 300 <= answer.status < 400:
            cause = sentences.ELSEWHERE
        about = {"reason": reason(answer, WHO), "status": answer.status}
        if error.kind is ErrorKind.CREDENTIALS and (minutes := _minutes_apart(answer)):
            cause, about = sentences.OTHER_TIME, about | {"minutes": minutes}
        error.message = cause(**about)
        return error

    def _without_secrets(self, answer: Answer) -> Answer:
        """Blot our headers out of an answer that echoes them: answers are shown to staff."""
        body = answer.body
        for text in (*headers_of(self.options).values(), *self.options["secrets"].split()):
            if len(text) >= SHORTEST_SECRET:
                body = body.replace(text.encode(), b"[secret]")
        return replace(answer, body=body)


def _minutes_apart(answer: Answer) -> int:
    """Return how far a partner's clock is from ours; 0 where signatures still hold."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return 0
    apart = abs(datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)))
    return 0 if apart < TOLERANCE else round(apart / timedelta(minutes=1))
