"""Delivering alerts, at least once each: by e-mail, or to a webhook that checks our signature.

A delivery is claimed by moving its due time on, so whoever dies on the way leaves it to be sent
later. Its id stays the same over all tries: `Message-ID` and `webhook-id` tell a repeat.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F

from alerts import words
from alerts.models import Alert, AlertDelivery, AlertRecipient
from alerts.words import Message
from core import clock
from integrations.channels import mail, webhook
from integrations.transport import DeliveryError, Misconfigured

log = structlog.get_logger(__name__)

BATCH = 5  # at one look: the dispatcher may be told to stop meanwhile
CLAIMED = timedelta(minutes=5)  # longer than any try takes
MAIL_SECONDS = 10  # of a mail server that says nothing
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720)]
NO_MAIL = "E-mail is not set up here: an administrator has to set EMAIL_URL."
SWITCHED_OFF = "This recipient was switched off before it was sent."
BROKEN = "Dovetail made a mistake. The developers have to look."
UNSIGNED = "This webhook has no secret yet: press “New secret”."


def send_due() -> int:
    """Send what is due, the oldest first; returns how many got through."""
    now = clock.now()
    due = AlertDelivery.objects.filter(due_at__lte=now).order_by("due_at")
    return sum(_deliver(pk, now) for pk in list(due.values_list("pk", flat=True)[:BATCH]))


def send_test(recipient: AlertRecipient) -> None:
    """Send a test at once; raises DeliveryError."""
    alert = Alert(organization=recipient.organization, kind=words.TEST, made_at=clock.now())
    send(recipient, words.message(alert, recipient, str(uuid4())))


def send(recipient: AlertRecipient, message: Message) -> None:
    """Hand a message over; raises DeliveryError."""
    if recipient.channel == AlertRecipient.Channel.WEBHOOK:
        if not recipient.secret:
            raise Misconfigured(UNSIGNED)
        webhook.send(recipient.address, [recipient.secret], message.id, message.payload)
    elif not settings.EMAIL_READY:
        raise Misconfigured(NO_MAIL)
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
    except DeliveryError as error:
        _put_off(delivery, error.message)
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
