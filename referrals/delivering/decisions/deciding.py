"""What people do to a delivery. Each is one conditional update, and says whether it was the one."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format

from core import audit
from core.database import clock
from core.database.rows import update_one
from core.text.sentences import join
from referrals import gates, sentences
from referrals.advice import MAX_RESENDS
from referrals.delivering.restore import looking
from referrals.models import ClearedError, Delivery, Step, Version
from referrals.record import versions
from referrals.record.beside import DELIVERIES

State, Reason = Delivery.State, Delivery.Reason


class RetryRefused(Exception):
    """The delivery must not be sent again now; `why` is a sentence for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


COMMAND_LINE = "command line"
# Nothing has arrived yet; or an update needs attention.
PENDING = Version.objects.filter(delivery=OuterRef("pk"), state__in=Version.PENDING)
DISMISSIBLE = Q(
    state__in=[State.WAITING, State.QUEUED, State.NEEDS_ATTENTION], external_id=None
) | Q(Exists(PENDING), state=State.NEEDS_ATTENTION)
NOT_FAILED = {
    State.WAITING: sentences.WAITS_FOR_DETAILS,
    State.QUEUED: sentences.IS_QUEUED,
    State.RUNNING: sentences.IS_RUNNING,
    State.IMPORTED: sentences.IS_IMPORTED,
    State.DISMISSED: sentences.IS_DISMISSED,
}
COOLING_OFF = timedelta(minutes=30)  # after the last of them, and after each further one


def why_not_retry(delivery: Delivery) -> str:
    """Return why the delivery must not be sent again now, or an empty string when it may."""
    if delivery.state == State.IMPORTED and delivery.destination.transport().takes_more:
        return sentences.IS_CURRENT()
    if delivery.state != State.NEEDS_ATTENTION:
        return NOT_FAILED[State(delivery.state)]()
    if delivery.reason == Reason.UNCONFIRMED:
        return sentences.LOOK_FIRST()
    if delivery.reason == Reason.REJECTED and not _mapping_changed(delivery):
        return sentences.EDIT_FIRST()
    shut = gates.first_shut(
        gates.Facts(destination=delivery.destination), gates.UNREACHABLE, gates.PAUSED
    )
    if shut:
        is_down = shut.gate is gates.UNREACHABLE
        then = sentences.GOES_WHEN_REACHED() if is_down else sentences.FIX_FIRST()
        return join([shut.unquoted, then])
    return _cooling_off(delivery)


def _cooling_off(delivery: Delivery) -> str:
    """Return that a delivery which was sent again in vain should rest, or an empty string."""
    if delivery.resends < MAX_RESENDS or delivery.resent_at is None:
        return ""
    until = delivery.resent_at + COOLING_OFF
    if clock.now() >= until:
        return ""
    return sentences.COOLING_OFF(
        count=delivery.resends,
        destination=delivery.destination,
        time=date_format(timezone.localtime(until), "DATETIME_FORMAT"),
    )


def retry(delivery: Delivery, by: AbstractBaseUser | None = None) -> None:
    """Send a failed delivery again, with all its automatic tries; raises RetryRefused."""
    if why := why_not_retry(delivery):
        raise RetryRefused(why)
    with transaction.atomic():
        now = clock.now()
        # The number of resends is a part of what was seen: two people send it again once.
        queued = Delivery.objects.filter(
            pk=delivery.pk,
            state=State.NEEDS_ATTENTION,
            reason=delivery.reason,
            resends=delivery.resends,
        ).update(
            state=State.QUEUED,
            reason="",
            due_at=now,
            tries=0,
            lost_workers=0,
            resends=delivery.resends + 1,
            resent_at=now,
        )
        if not queued:
            raise RetryRefused(sentences.ACTED())
        audit.record(by or COMMAND_LINE, "retry", delivery)


def may_be_dismissed(delivery: Delivery) -> bool:
    """Return whether it can be given up, now or as soon as it no longer runs."""
    if delivery.external_id is None:
        return delivery.state not in (State.IMPORTED, State.DISMISSED)
    return delivery.state == State.NEEDS_ATTENTION and versions.pending_of(delivery.pk).exists()


def dismiss(delivery: Delivery, why: str, by: AbstractBaseUser | None = None) -> bool:
    """Give the import up, with the reason; False when it has ended or is running.

    Where versions go in order, the one whose turn it is is given up, and those behind it go.
    """
    with transaction.atomic():
        now = clock.now()
        dismissed = update_one(
            Delivery.objects.filter(DISMISSIBLE),
            delivery,
            state=State.DISMISSED,
            reason="",
            due_at=None,
            closed_why=why,
            closed_by=by,
            error_cleared_at=now,
            error_cleared_by=by,
        )
        if dismissed:
            goes_on = versions.dismiss_next(delivery, now)
            if goes_on["state"] != State.DISMISSED:
                Delivery.objects.filter(pk=delivery.pk).update(**goes_on)
            if delivery.has_uncleared_error:
                _keep_cleared(delivery, now, by, note=why)
            versions.renew_copies(delivery.referral, DELIVERIES, now)
            audit.record(by or COMMAND_LINE, "dismiss", delivery)
    return bool(dismissed)


def clear_error(
    delivery: Delivery,
    by: AbstractBaseUser | None = None,
    *,
    note: str = "",
    seen_at: datetime | None = None,
) -> bool:
    """Lower the flag of an error that was seen, and keep who did it, when, and the note.

    False when the flag was down, and when the delivery's error is newer than what the person saw:
    the delivery as given, or as it was at `seen_at`.
    """
    if delivery.error_at is None or (seen_at is not None and delivery.error_at > seen_at):
        return False
    with transaction.atomic():
        now = clock.now()
        cleared = Delivery.objects.filter(
            pk=delivery.pk, error_at=delivery.error_at, error_cleared_at__isnull=True
        ).update(error_cleared_at=now, error_cleared_by=by, corrections=[], needs_correction=False)
        if cleared:
            _keep_cleared(delivery, now, by, note=note)
            audit.record(by or COMMAND_LINE, "clear error", delivery)
    return bool(cleared)


def _keep_cleared(delivery: Delivery, now: datetime, by: Any, *, note: str) -> None:
    error_at: Any = delivery.error_at  # known to be there
    ClearedError.objects.get_or_create(
        delivery=delivery,
        error_at=error_at,
        defaults={
            "reason": delivery.reason,
            "message": join([delivery.message, *delivery.corrections]),
            "cleared_at": now,
            "cleared_by": by,
            "note": note,
            "corrections": delivery.corrections,
        },
    )


def confirm_present(
    delivery: Delivery, external_id: str, by: AbstractBaseUser | None = None
) -> bool:
    """A person has looked: it is there, under this id. The import goes on after that step."""
    with transaction.atomic():
        step = _open_step(delivery)
        if step is None or not _unconfirmed(delivery):
            return False
        Step.objects.filter(pk=step.pk, done_at=None).update(
            done_at=clock.now(), external_id=external_id
        )
        audit.record(
            by or COMMAND_LINE, "it is there", delivery, step=step.name, external_id=external_id
        )
    return True


def confirm_absent(delivery: Delivery, by: AbstractBaseUser | None = None) -> bool:
    """A person has looked: it is not there. That step, and what followed it, is done again."""
    with transaction.atomic():
        step = _open_step(delivery)
        if step is None or not _unconfirmed(delivery):
            return False
        Step.objects.filter(version=step.version, pk__gte=step.pk).delete()
        if not delivery.destination.transport().takes_more:
            versions.forget_unsent(step.version)
        looking.is_absent(delivery, step)
        audit.record(by or COMMAND_LINE, "it is not there", delivery, step=step.name)
    return True


def open_step_name(delivery: Delivery) -> str:
    """Return the name of the step that a person has to look for, or an empty string."""
    step = _open_step(delivery)
    return step.name if step else ""


def _open_step(delivery: Delivery) -> Step | None:
    current = Step.objects.filter(version__in=versions.current(delivery), done_at=None)
    return current.select_related("version").order_by("pk").first()


def _unconfirmed(delivery: Delivery) -> bool:
    """Queue the delivery if it still waits for a person's word."""
    return bool(
        Delivery.objects.filter(
            pk=delivery.pk, state=State.NEEDS_ATTENTION, reason=Reason.UNCONFIRMED
        ).update(state=State.QUEUED, reason="", due_at=clock.now(), tries=0)
    )


def _mapping_changed(delivery: Delivery) -> bool:
    """Whether the liaison has changed the mapping since the last try."""
    if delivery.trigger_config is None:
        return True
    last = delivery.attempts.order_by("-number").values_list("started_at", flat=True).first()
    return last is None or delivery.trigger_config.mapping.changed_since(last)
