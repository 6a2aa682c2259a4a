"""Long work on a destination that a person has asked for: compare, resync, repeat a run.

The row is the queue: the dispatcher wins it for a while, and keeps it while the work goes on. What
is done by a worker that is gone is begun anew when its lease ends; doing any of it twice is the
same as doing it once.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from core import audit
from core.database import clock
from core.database.due import Due
from integrations.models import Destination
from integrations.transport import DeliveryError
from referrals import sentences
from referrals.delivering import resyncing
from referrals.delivering.claiming import LeaseLost
from referrals.delivering.decisions import repeating
from referrals.delivering.restore import looking
from referrals.models import DestinationJob, Run

logger = logging.getLogger(__name__)

What, State = DestinationJob.What, DestinationJob.State
JOBS = Due(DestinationJob, "due_at", Q(state__in=DestinationJob.OPEN))
LEASE = timedelta(minutes=15)  # longer than a database that counts is silent
KEEP_SECONDS = 2  # between two looks at how far it is
NAMED = 200  # referrals that cannot go again


def ask(
    what: DestinationJob.What, destination: Destination, by: User, run: Run | None = None
) -> DestinationJob:
    """Ask for work on a destination; return the job, or the one that is under way there already."""
    now = clock.now()
    job = DestinationJob(
        what=what, destination=destination, run=run, asked_by=by, asked_at=now, due_at=now
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)  # one at a time, by a constraint
            audit.record(by, f"ask for {what}", run or destination)
    except IntegrityError:
        open_ones = destination.jobs.filter(state__in=DestinationJob.OPEN)
        return open_ones.first() or ask(what, destination, by, run)
    return job


def work(job_id: UUID) -> bool:
    """Do a job that is due; False when it is not, or somebody else does it."""
    if not looking.may_deliver():
        return False
    until = JOBS.claim(job_id, clock.now(), LEASE)
    if until is None:
        return False
    related = DestinationJob.objects.select_related("destination__organization", "run", "asked_by")
    working = _Working(related.get(pk=job_id), until)
    try:
        working.go()
    except LeaseLost:
        logger.warning("lease of a job lost", extra={"job": str(job_id)})
    return True


class _Working:
    """One attempt to do a job."""

    def __init__(self, job: DestinationJob, until: Any) -> None:
        self.job, self.until, self.done = job, until, 0
        self._kept = time.monotonic()

    def go(self) -> None:
        self._write(state=State.RUNNING, done=0)
        try:
            result = DOES[What(self.job.what)](self)
        except LeaseLost:
            raise
        except repeating.NotRepeated as error:
            refused = [asdict(one) for one in error.refused[:NAMED]]
            self._end(State.FAILED, {"refused": refused}, message=error.why)
        except DeliveryError as error:
            self._end(State.FAILED, {}, message=error.message)
        except Exception:
            # Type and place only: the message of an exception may hold personal data.
            logger.exception("a job failed unexpectedly", extra={"job": str(self.job.pk)})
            self._end(State.FAILED, {}, message=sentences.BUG_IN_JOB())
        else:
            self._end(State.DONE, result)

    def keep(self) -> None:
        """Count a referral; say now and then how far it is. Raises LeaseLost."""
        self.done += 1
        if time.monotonic() - self._kept > KEEP_SECONDS:
            self._kept = time.monotonic()
            self._write(done=self.done)

    def _write(self, **columns: Any) -> None:
        until = clock.now() + LEASE
        if not JOBS.settle(self.job, self.until, due_at=until, **columns):
            raise LeaseLost
        self.until = until

    def _end(self, state: DestinationJob.State, result: Mapping[str, Any], **more: Any) -> None:
        ended = {"state": state, "result": dict(result), "ended_at": clock.now()}
        self._write(**ended, done=self.done, **more)


def _compare(working: _Working) -> Mapping[str, Any]:
    destination = working.job.destination
    found = resyncing.compare(destination, working.keep)
    tables = {table: asdict(one) | {"equal": one.equal} for table, one in found.items()}
    return {"tables": tables, "behind": resyncing.behind(destination)}


def _resync(working: _Working) -> Mapping[str, Any]:
    # The dispatcher carries what it makes, meanwhile.
    *_, done = resyncing.resync(working.job.destination, working.job.asked_by, working.keep)
    return asdict(done)


def _repeat(working: _Working) -> Mapping[str, Any]:
    run = cast(Run, working.job.run)
    receipt = repeating.repeat(run, working.job.asked_by, working.keep)
    return {"name": receipt.name, "rows": receipt.rows, "sha256": receipt.sha256}


DOES: Mapping[DestinationJob.What, Callable[[_Working], Mapping[str, Any]]] = {
    What.COMPARE: _compare,
    What.RESYNC: _resync,
    What.REPEAT: _repeat,
}
