"""Delivering alerts, at least once each: by e-mail, or to a webhook that checks our signature.

A delivery is claimed by moving its due time on, so whoever dies on the way leaves it to be sent
later. Its id stays the same over all tries: `Message-ID` and `webhook-id` tell a repeat.
"""

import json
import smtplib
from datetime import datetime, timedelta
from email.utils import parseaddr
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F
from standardwebhooks import Webhook

from alerts import words
from alerts.models import Alert, AlertDelivery, AlertRecipient
from alerts.words import Message
from core import clock, outbound

log = structlog.get_logger(__name__)

BATCH = 5  # at one look: the dispatcher may be told to stop meanwhile
CLAIMED = timedelta(minutes=5)  # longer than any try takes
SECONDS = 10  # for one e-mail or one call
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720)]
NO_MAIL = "E-mail is not set up here: an administrator has to set EMAIL_URL."
SWITCHED_OFF = "This recipient was switched off before it was sent."
BROKEN = "Dovetail made a mistake. The developers have to look."
UNSIGNED = "This webhook has no secret yet: press “New secret”."


class NotSent(Exception):
    """An alert that did not get through; `why` is a sentence for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def send_due() -> int:
    """Send what is due, the oldest first; returns how many got through."""
    now = clock.now()
    due = AlertDelivery.objects.filter(due_at__lte=now).order_by("due_at")
    return sum(_deliver(pk, now) for pk in list(due.values_list("pk", flat=True)[:BATCH]))


def send_test(recipient: AlertRecipient) -> None:
    """Send a test at once; raises NotSent."""
    alert = Alert(organization=recipient.organization, kind=words.TEST, made_at=clock.now())
    send(recipient, words.message(alert, recipient, str(uuid4())))


def send(recipient: AlertRecipient, message: Message) -> None:
    """Hand a message over; raises NotSent."""
    if recipient.channel == AlertRecipient.Channel.WEBHOOK:
        _call(recipient, message)
    else:
        _mail(recipient, message)


def _deliver(delivery_id: UUID, now: datetime) -> bool:
    mine = AlertDelivery.objects.filter(pk=delivery_id, due_at__lte=now)
    if not mine.update(due_at=now + CLAIMED, tries=F("tries") + 1):
        return False
    delivery = AlertDelivery.objects.select_related(
        "alert__organization", "alert__destination", "recipient"
    ).get(pk=delivery_id)
    if not delivery.recipient.active:
        _settle(delivery, due_at=None, problem=SWITCHED_OFF)
        return False
    try:
        message = words.message(delivery.alert, delivery.recipient, str(delivery.pk))
        send(delivery.recipient, message)
    except NotSent as error:
        _put_off(delivery, error.why)
        return False
    except Exception:
        log.exception("alert_failed", delivery=str(delivery.pk))
        _put_off(delivery, BROKEN)
        return False
    _settle(delivery, sent_at=clock.now(), due_at=None, problem="")
    return True


def _put_off(delivery: AlertDelivery, why: str) -> None:
    """Try again later, until all pauses are used up."""
    later = clock.now() + PAUSES[delivery.tries - 1] if delivery.tries <= len(PAUSES) else None
    log.warning("alert_not_sent", delivery=str(delivery.pk), tries=delivery.tries)
    _settle(delivery, due_at=later, problem=why)


def _settle(delivery: AlertDelivery, **fields: object) -> None:
    AlertDelivery.objects.filter(pk=delivery.pk, tries=delivery.tries).update(**fields)


# -- E-mail ------------------------------------------------------------------------------------


def _mail(recipient: AlertRecipient, message: Message) -> None:
    if not settings.EMAIL_READY:
        raise NotSent(NO_MAIL)
    mail = EmailMessage(
        message.subject,
        message.text,
        to=[recipient.address],
        headers={"Message-ID": _message_id(message), "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=SECONDS),
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(str(code) for code, _ in error.recipients.values())
        raise NotSent(f"The mail server refused the recipient ({codes}).") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"The mail server refused it ({error.smtp_code}).") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"The mail server did not take it ({type(error).__name__}).") from None


def _message_id(message: Message) -> str:
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "dovetail"
    return f"<{message.id}@{host}>"


# -- Webhook -----------------------------------------------------------------------------------


def _call(recipient: AlertRecipient, message: Message) -> None:
    if not recipient.secret:
        raise NotSent(UNSIGNED)
    body = json.dumps(message.payload, ensure_ascii=False)
    try:
        answer = outbound.send(
            "POST",
            recipient.address,
            headers=_signed(recipient.secret, message.id, body),
            data=body.encode(),
            connect_seconds=SECONDS,
            total_seconds=SECONDS,
            max_bytes=1024,
        )
    except outbound.OutboundError as error:
        raise NotSent(error.message) from None
    if not answer.ok:
        raise NotSent(f"The webhook answered HTTP {answer.status}.")


def _signed(secret: str, message_id: str, body: str) -> dict[str, str]:
    now = clock.now()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
