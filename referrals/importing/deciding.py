"""What people do to a job. Each is one conditional update, and says whether it was the one."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from core import audit, clock
from referrals.advice import MAX_RESENDS
from referrals.models import ClearedError, ImportJob, ImportStep

State, Reason = ImportJob.State, ImportJob.Reason


class RetryRefused(Exception):
    """The job must not be sent again now; `why` is a sentence for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


COMMAND_LINE = "command line"
NOT_FAILED = {
    State.WAITING: "It waits for details from Caredove, and goes by itself when they come.",
    State.QUEUED: "It is queued already, and goes by itself.",
    State.RUNNING: "It is running at this moment.",
    State.IMPORTED: "It is in the destination already; CRMS takes no updates.",
    State.DISMISSED: "A person dismissed it.",
}
EDIT_FIRST = (
    "The destination refused the referral's data. Edit the referral in Caredove and save it: "
    "it goes again by itself. Sending the same data again would be refused again."
)
LOOK_FIRST = (
    "Nobody knows whether it arrived. Look in the destination, then say whether it is there."
)
MEND_FIRST = "The connection is held. Mend it, then press “Test connection”."
DOWN = "The destination cannot be reached at the moment. It goes by itself when it can."
ACTED = "Somebody else has just acted on it."
COOLING_OFF = timedelta(minutes=30)  # after the last of them, and after each further one


def why_not_retry(job: ImportJob) -> str:
    """Return why the job must not be sent again now, or an empty string when it may."""
    if job.state != State.NEEDS_ATTENTION:
        return NOT_FAILED[State(job.state)]
    if job.reason == Reason.UNCONFIRMED:
        return LOOK_FIRST
    if job.reason == Reason.REJECTED and not _mapping_changed(job):
        return EDIT_FIRST
    if job.destination.held_at:
        return DOWN if job.destination.is_down else MEND_FIRST
    return _cooling_off(job)


def _cooling_off(job: ImportJob) -> str:
    """Return that a job which was sent again in vain should rest, or an empty string."""
    if job.resends < MAX_RESENDS or job.resent_at is None:
        return ""
    until = job.resent_at + COOLING_OFF
    if clock.now() >= until:
        return ""
    return (
        f"It was sent again by hand {job.resends} times, without success. Call the support of "
        f"{job.destination}. You can send it again from {timezone.localtime(until):%H:%M}."
    )


def retry(job: ImportJob, by: AbstractBaseUser | None = None) -> None:
    """Send a failed job again, with all its automatic tries; raises RetryRefused."""
    if why := why_not_retry(job):
        raise RetryRefused(why)
    with transaction.atomic():
        now = clock.now()
        # The number of resends is a part of what was seen: two people send it again once.
        queued = ImportJob.objects.filter(
            pk=job.pk, state=State.NEEDS_ATTENTION, reason=job.reason, resends=job.resends
        ).update(
            state=State.QUEUED,
            reason="",
            due_at=now,
            tries=0,
            deaths=0,
            resends=job.resends + 1,
            resent_at=now,
        )
        if not queued:
            raise RetryRefused(ACTED)
        audit.record(by or COMMAND_LINE, "retry", job)


def dismiss(job: ImportJob, why: str, by: AbstractBaseUser | None = None) -> bool:
    """Give the import up, with the reason; False when it has ended or is running."""
    open_states = [State.WAITING, State.QUEUED, State.NEEDS_ATTENTION]
    with transaction.atomic():
        now = clock.now()
        dismissed = ImportJob.objects.filter(
            pk=job.pk, state__in=open_states, external_id=None
        ).update(
            state=State.DISMISSED,
            reason="",
            due_at=None,
            closed_why=why,
            closed_by=by,
            error_cleared_at=now,
            error_cleared_by=by,
        )
        if dismissed:
            if job.has_uncleared_error:
                _keep_cleared(job, now, by, note=why)
            audit.record(by or COMMAND_LINE, "dismiss", job)
    return bool(dismissed)


def clear_error(
    job: ImportJob,
    by: AbstractBaseUser | None = None,
    *,
    note: str = "",
    seen_at: datetime | None = None,
) -> bool:
    """Lower the flag of an error that was seen, and keep who did it, when, and the note.

    False when the flag was down, and when the job's error is newer than what the person saw: the
    job as given, or as it was at `seen_at`.
    """
    if job.error_at is None or (seen_at is not None and job.error_at > seen_at):
        return False
    with transaction.atomic():
        now = clock.now()
        cleared = ImportJob.objects.filter(
            pk=job.pk, error_at=job.error_at, error_cleared_at__isnull=True
        ).update(error_cleared_at=now, error_cleared_by=by, corrections=[], needs_correction=False)
        if cleared:
            _keep_cleared(job, now, by, note=note)
            audit.record(by or COMMAND_LINE, "clear error", job)
    return bool(cleared)


def _keep_cleared(job: ImportJob, now: datetime, by: Any, *, note: str) -> None:
    error_at: Any = job.error_at  # known to be there
    ClearedError.objects.get_or_create(
        job=job,
        error_at=error_at,
        defaults={
            "reason": job.reason,
            "message": " ".join([*filter(None, [job.message]), *job.corrections]),
            "cleared_at": now,
            "cleared_by": by,
            "note": note,
        },
    )


def confirm_present(job: ImportJob, external_id: str, by: AbstractBaseUser | None = None) -> bool:
    """A person has looked: it is there, under this id. The import goes on after that step."""
    with transaction.atomic():
        step = _open_step(job)
        if step is None or not _unconfirmed(job):
            return False
        ImportStep.objects.filter(pk=step.pk, done_at=None).update(
            done_at=clock.now(), external_id=external_id
        )
        audit.record(
            by or COMMAND_LINE, "it is there", job, step=step.name, external_id=external_id
        )
    return True


def confirm_absent(job: ImportJob, by: AbstractBaseUser | None = None) -> bool:
    """A person has looked: it is not there. That step, and what followed it, is done again."""
    with transaction.atomic():
        step = _open_step(job)
        if step is None or not _unconfirmed(job):
            return False
        ImportStep.objects.filter(job=job, pk__gte=step.pk).delete()
        audit.record(by or COMMAND_LINE, "it is not there", job, step=step.name)
    return True


def open_step_name(job: ImportJob) -> str:
    """Return the name of the step that a person has to look for, or an empty string."""
    step = _open_step(job)
    return step.name if step else ""


def _open_step(job: ImportJob) -> ImportStep | None:
    return ImportStep.objects.filter(job=job, done_at=None).order_by("pk").first()


def _unconfirmed(job: ImportJob) -> bool:
    """Queue the job if it still waits for a person's word."""
    return bool(
        ImportJob.objects.filter(
            pk=job.pk, state=State.NEEDS_ATTENTION, reason=Reason.UNCONFIRMED
        ).update(state=State.QUEUED, reason="", due_at=clock.now(), tries=0)
    )


def _mapping_changed(job: ImportJob) -> bool:
    """Whether the liaison has changed the mapping since the last try."""
    if job.trigger_config is None:
        return True
    last = job.attempts.order_by("-number").values_list("started_at", flat=True).first()
    return last is None or job.trigger_config.mapping.changed_since(last)
