"""Delivering alerts, at least once each: by e-mail, or to a webhook that checks our signature.

Whoever dies on the way leaves a delivery to be sent later (`core.database.due`). Its id stays the
same over all tries: `Message-ID` and `webhook-id` tell a repeat.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from alerts import sentences, words
from alerts.models import Alert, AlertDelivery, AlertRecipient
from alerts.words import Message
from core.database import clock
from core.database.due import Due, pause
from integrations.channels import mail, webhook
from integrations.transport import DeliveryError, Misconfigured

log = structlog.get_logger(__name__)

DUE = Due(AlertDelivery, tries="tries")
BATCH = 5  # at one look: the dispatcher may be told to stop meanwhile
CLAIMED = timedelta(minutes=5)  # longer than any try takes
MAIL_SECONDS = 10  # of a mail server that says nothing
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720)]


def send_due() -> int:
    """Send what is due, the oldest first; returns how many got through."""
    return sum(_deliver(key, clock.now()) for key in DUE.keys(clock.Now(), BATCH))


def send_test(recipient: AlertRecipient) -> None:
    """Send a test at once; raises DeliveryError."""
    alert = Alert(organization=recipient.organization, kind=words.TEST, made_at=clock.now())
    send(recipient, words.message(alert, recipient, str(uuid4())))


def send(recipient: AlertRecipient, message: Message) -> None:
    """Hand a message over; raises DeliveryError."""
    if recipient.channel == AlertRecipient.Channel.WEBHOOK:
        if not recipient.secret:
            raise Misconfigured(sentences.UNSIGNED())
        webhook.send(recipient.address, [recipient.secret], message.id, message.payload)
    elif not settings.EMAIL_READY:
        raise Misconfigured(sentences.NO_MAIL())
    else:
        mail.send(
            EmailMessage(
                message.subject,
                message.text,
                to=[recipient.address],
                headers={
                    "Message-ID": mail.message_id(message.id),
                    "Auto-Submitted": "auto-generated",
                },
                connection=get_connection(timeout=MAIL_SECONDS),
            )
        )


def _deliver(delivery_id: UUID, now: datetime) -> bool:
    until = DUE.claim(delivery_id, now, CLAIMED)
    if until is None:
        return False
    delivery = AlertDelivery.objects.select_related(
        "alert__organization", "alert__destination", "recipient"
    ).get(pk=delivery_id)
    problem = _problem(delivery)
    if not problem:
        DUE.settle(delivery, until, sent_at=clock.now(), due_at=None, problem="")
    elif sentences.SWITCHED_OFF.made(problem):
        DUE.settle(delivery, until, due_at=None, problem=problem)
    else:
        log.warning("alert_not_sent", delivery=str(delivery.pk), tries=delivery.tries)
        later = pause(PAUSES, delivery.tries)
        due_at = clock.now() + later if later else None
        DUE.settle(delivery, until, due_at=due_at, problem=problem)
    return not problem


def _problem(delivery: AlertDelivery) -> str:
    """Send it; return why it did not get through, or an empty string."""
    if not delivery.recipient.active:
        return sentences.SWITCHED_OFF()
    try:
        send(
            delivery.recipient, words.message(delivery.alert, delivery.recipient, str(delivery.pk))
        )
    except DeliveryError as error:
        return error.message
    except Exception:
        log.exception("alert_failed", delivery=str(delivery.pk))
        return sentences.BUG()
    return ""
