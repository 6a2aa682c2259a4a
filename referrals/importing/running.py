"""One attempt: claim, build, deliver, settle."""

import logging
from uuid import UUID

from integrations.transport import DeliveryError, Misconfigured, Receipt, Rejected
from referrals import rereading, withdrawal
from referrals.documents import document_of
from referrals.identity import UNITED
from referrals.importing.building import Built, build
from referrals.importing.claiming import Lease, LeaseLost, claim, due_jobs
from referrals.importing.ledger import JobLedger
from referrals.importing.proving import prove_search
from referrals.importing.settling import settle
from referrals.models import ImportAttempt, ImportJob
from referrals.retention import why_ended

logger = logging.getLogger(__name__)

RIVALS = 16  # workers that may reach for the same jobs at the same moment

MOVED = "The referral has moved to another organization."


def run(job_id: UUID) -> bool:
    """Try the job once; False when it was not due or somebody else has it.

    Whatever goes wrong becomes the job's state; nothing is raised but what ends the worker.
    """
    lease = claim(job_id)
    if lease is None:
        return False
    try:
        _attempt(lease)
    except LeaseLost:
        logger.warning("lease lost", extra={"job": str(job_id)})
    return True


def run_next(job_id: UUID) -> bool:
    """Try the due job whose turn it is, or this one; False when nothing was due.

    Each due job has a message of its own, so all have their turn, in an order that is fair at the
    moment when a worker is free, whatever the order of the messages.
    """
    return any(run(due) for due in (*due_jobs(RIVALS), job_id))


def _attempt(lease: Lease) -> None:
    job = ImportJob.objects.select_related(
        "referral__organization",
        "referral__listing",
        "destination__organization",
        "trigger_config__mapping",
    ).get(pk=lease.job_id)
    built: Built | None = None
    outcome: Receipt | Exception
    alone = False
    try:
        if why := _why_not(job):
            raise Rejected(why)
        if rereading.is_earlier(job.referral):
            rereading.refresh(job.referral)
            _check_not_withdrawn(job)
        built = build(job, JobLedger(lease))
        outcome = job.destination.transport().deliver(built.parcel)
    except Misconfigured as error:
        outcome = error
        alone = built is not None and job.stopped_at is not None and _others_pass(job)
    except LeaseLost:
        raise
    except DeliveryError as error:
        outcome = error
    except Exception as error:
        # Type and place only: the message of an exception may hold personal data.
        logger.exception("import failed unexpectedly", extra={"job": str(job.pk)})
        outcome = error
    settle(lease, job, outcome, built, alone=alone)
    if isinstance(outcome, Receipt) and not job.referral.purged_at:
        prove_search(job.destination, job.reference, outcome.external_id)


def _others_pass(job: ImportJob) -> bool:
    """Whether the destination accepts the connection, or has since taken another referral.

    Asked only of a referral that has stopped its destination before: one must not stop all.
    """
    try:
        job.destination.transport().check()
    except Exception:  # whatever it is, the ping does not pass
        later = job.destination.jobs.exclude(pk=job.pk).filter(
            imported_at__gt=job.stopped_at,
            attempts__outcome=ImportAttempt.Outcome.IMPORTED,
            attempts__started_at__gt=job.stopped_at,
        )
        return later.exists()
    return True


def _check_not_withdrawn(job: ImportJob) -> None:
    """Raise RequestWithdrawn where an earlier version has overlooked that, and sent nothing."""
    status = withdrawal.request_withdrawn(document_of(job.referral))
    if status and not job.steps.exists():
        raise withdrawal.RequestWithdrawn(withdrawal.REQUEST_WITHDRAWN.format(status=status))


def _why_not(job: ImportJob) -> str:
    """Return why the referral must not go to this destination any more, or an empty string."""
    if job.referral.purged_at:
        return why_ended(job.referral)
    if job.referral.united_with_id:
        return UNITED
    if job.referral.organization_id != job.destination.organization_id:
        return MOVED
    return ""
