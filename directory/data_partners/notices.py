"""Notices to data partners that something has changed: Standard Webhooks, never an entry's content.

A notice is a due row, sent by the dispatcher, at least once: `webhook-id` tells a repeat. At most
one a minute is made for a data partner, and none while one is on its way.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet

from core.database import clock
from core.database.due import Due, pause
from directory.answers.rendering import moment
from directory.data_partners import feed
from directory.models import DataPartner, DataPartnerNotice, Directory
from directory.taking_in import ASK_SECONDS
from integrations.channels import webhook
from integrations.transport import DeliveryError, ErrorKind, TryAgain

log = structlog.get_logger(__name__)

DUE = Due(DataPartnerNotice, tries="tries")
EVERY = timedelta(minutes=1)
BATCH = 3  # at one look: the dispatcher has other work
CLAIMED = timedelta(minutes=1)  # longer than any try takes
TYPE = "directory.changed"


def beside(now: Callable[[], float] = monotonic) -> Callable[[], None]:
    """Return what the dispatcher does at each of its turns: make notices, and send what is due.

    Where no data partner wants any, a turn runs no statement; that is asked once in ASK_SECONDS.
    """
    ask_at = 0.0

    def turn() -> None:
        nonlocal ask_at
        if now() < ask_at:
            return
        if not _wanting().exists():
            ask_at = now() + ASK_SECONDS
            return
        make_and_send()

    return turn


def make_and_send() -> None:
    """Make the notices that are to be made, and send what is due, the oldest first."""
    directory = Directory.objects.first()
    if directory is None:
        return
    now = clock.now()
    today = now.astimezone(directory.zone).date()
    for partner in _wanting().select_related("view"):
        if partner.is_valid(today):
            _make(partner, now)
    for key in DUE.keys(now, BATCH):
        _send(key, now)


def _wanting() -> "QuerySet[DataPartner]":
    return DataPartner.objects.filter(notify_ended_at=None).exclude(notify_url="")


def _make(partner: DataPartner, now: datetime) -> None:
    """Make a notice of what has changed since the last one; the first begins with now."""
    last, until = partner.notified_number, partner.view.last_number
    if last is None or last > until:  # new, or the database was restored
        DataPartner.objects.filter(pk=partner.pk).update(notified_number=until)
        return
    notices = partner.notices.filter(Q(due_at__isnull=False) | Q(made_at__gt=now - EVERY))
    if last == until or notices.exists():
        return
    # Whoever comes second finds that the number has moved on.
    mine = DataPartner.objects.filter(pk=partner.pk, notified_number=last)
    if not mine.update(notified_number=until):
        return
    DataPartnerNotice.objects.create(
        data_partner=partner,
        after=last,
        until=until,
        cursor=str(feed.cursor_at(partner.view, last)),
        counts=feed.counts(partner.view, last, until),
        made_at=now,
        due_at=now,
    )


def _send(key: UUID, now: datetime) -> None:
    until = DUE.claim(key, now, CLAIMED)
    if until is None:
        return
    notice = DataPartnerNotice.objects.select_related("data_partner").get(pk=key)
    partner = notice.data_partner
    if not partner.notify_url or partner.notify_ended_at:
        DUE.settle(notice, until, due_at=None, problem="Notices were switched off.")
        return
    try:
        webhook.send(
            partner.notify_url,
            (partner.notify_secrets or "").split(),
            str(notice.pk),
            payload(notice),
        )
    except DeliveryError as error:
        _put_off(notice, until, error)
    except Exception:
        log.exception("directory_notice_failed", notice=str(notice.pk))
        _put_off(notice, until, TryAgain("Dovetail could not send this notice."))
    else:
        DUE.settle(notice, until, sent_at=clock.now(), due_at=None, problem="")


def payload(notice: DataPartnerNotice) -> dict[str, object]:
    """Return the body: reading the feed after `cursor` gives what `counts` counts, and more."""
    return {
        "type": TYPE,
        "timestamp": moment(notice.made_at),
        "data": {"cursor": notice.cursor, "counts": notice.counts},
    }


def _put_off(notice: DataPartnerNotice, until: datetime, error: DeliveryError) -> None:
    """Try again by the schedule; 410 ends all notices until the agreement is saved again."""
    log.warning("directory_notice_not_sent", notice=str(notice.pk), tries=notice.tries)
    if error.kind is ErrorKind.GONE:
        DataPartner.objects.filter(pk=notice.data_partner_id).update(notify_ended_at=clock.now())
        DUE.settle(notice, until, due_at=None, problem=error.message)
        return
    later = pause(settings.RETRY_SCHEDULE, notice.tries)
    due_at = clock.now() + later if later else None
    if later is None:
        # The next notice tells of these changes, too.
        partner = DataPartner.objects.filter(pk=notice.data_partner_id)
        partner.update(notified_number=notice.after)
    DUE.settle(notice, until, due_at=due_at, problem=error.message)
