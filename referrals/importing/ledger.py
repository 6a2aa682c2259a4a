"""Each remote effect of a delivery, once: the intent is committed before it, the id after it."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from core import clock, outbound
from integrations.transport import DeliveryError, Doubt, Rejected, Unconfirmed
from referrals import versions
from referrals.identity import UNITED
from referrals.importing.claiming import Lease
from referrals.models import Referral, Step

SEARCHES = 2  # a destination may show late what it took; one look is not enough
LEASE_SHARE = 0.8  # of a lease, for one call; the rest is for writing down what came of it
NOT_SEARCHABLE = "An earlier try may have arrived, and this destination cannot be searched for it."
SEARCH_LATER = "An earlier try may have arrived: it is looked for before it is sent again."


class DeliveryLedger:
    """The ledger of one version during one attempt; every entry is committed at once."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._version = lease.version

    @property
    def request_id(self) -> str:
        return str(self._lease.token)

    def key(self, step: str) -> str:
        return hashlib.sha256(f"{self._version.pk}/{step}".encode()).hexdigest()[:32]

    def once(
        self,
        step: str,
        do: Callable[[], str],
        find: Callable[[], str | None] | None = None,
    ) -> str:
        entry = self._steps(step).first()
        if entry and entry.done_at:
            return entry.external_id
        if entry:
            found = self._search(entry, find)
            if found is not None:
                self._done(step, found)
                return found
        with _time_limit():
            self._mean(step)
            external_id = self._do(step, do)
        self._done(step, external_id)
        return external_id

    def forget(self, step: str) -> None:
        self._steps(step).update(done_at=None, searches=0, searched_at=None)

    def _steps(self, step: str) -> QuerySet[Step]:
        return Step.objects.filter(version=self._version, name=step)

    def _search(self, entry: Step, find: Callable[[], str | None] | None) -> str | None:
        """Look for what an earlier try may have done; None once it is surely not there."""
        if find is None:
            raise Unconfirmed(NOT_SEARCHABLE, doubt=Doubt.NOT_SEARCHABLE)
        if wait := _settling(entry, clock.now()):
            raise Unconfirmed(SEARCH_LATER, after=wait)
        with _time_limit():
            self._lease.extend()
            found = find()
        if found is not None:
            return found
        entry.searches += 1
        Step.objects.filter(pk=entry.pk, done_at=None).update(
            searches=entry.searches, searched_at=clock.now()
        )
        if entry.searches < SEARCHES:
            raise Unconfirmed(SEARCH_LATER, after=settings.SETTLE_TIME)
        return None

    def _mean(self, step: str) -> None:
        """Commit the intent, and with it a lease long enough for what follows."""
        with transaction.atomic():
            now = self._lease.extend()
            self._check_not_united()
            meant = Step(
                delivery_id=self._lease.delivery_id, version=self._version, name=step, meant_at=now
            )
            Step.objects.bulk_create(
                [meant],
                update_conflicts=True,
                unique_fields=["version", "name"],
                update_fields=["meant_at", "searches", "searched_at"],
            )

    def _check_not_united(self) -> None:
        """Raise Rejected when the referral became part of another one, which is sent instead."""
        own = Referral.objects.filter(deliveries=self._lease.delivery_id, united_with__isnull=False)
        if own.exists():
            raise Rejected(UNITED)

    def _do(self, step: str, do: Callable[[], str]) -> str:
        try:
            return do()
        except DeliveryError as error:
            if not error.maybe_done:
                with transaction.atomic():
                    self._steps(step).filter(done_at=None).delete()
                    versions.forget_unsent(self._version)
            raise

    def _done(self, step: str, external_id: str) -> None:
        # Also when the lease was lost meanwhile: it is the truth, and the next worker needs it.
        self._steps(step).filter(done_at=None).update(done_at=clock.now(), external_id=external_id)


def _settling(entry: Step, now: datetime) -> timedelta | None:
    """How long to wait until the destination can be trusted to show what it took, or None."""
    ready = (entry.searched_at or entry.meant_at) + settings.SETTLE_TIME
    return ready - now if ready > now else None


def _time_limit() -> AbstractContextManager[None]:
    """No call may outlive the lease, or another worker could look while it is under way.

    It counts from before the lease is extended: this process may be frozen at any moment.
    """
    return outbound.time_limit((settings.LEASE_TIME * LEASE_SHARE).total_seconds())
