"""Make each remote effect happen once: commit the intent before the call, the external id after it.

The id of a step is committed with the intent of the next one, in one transaction instead of two:
nothing happens between them. It is never held back while anything else does: `flush` writes it
before a search and before a step is taken back, and when the transport has returned or raised, it
is committed with what becomes of the attempt.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from core import outbound
from core.database import clock
from core.database.clock import Now
from core.text.sentences import join
from integrations.transport import DeliveryError, Doubt, Rejected, Unconfirmed
from referrals import sentences
from referrals.delivering.claiming import Lease, LeaseLost
from referrals.delivering.restore import looking, marks
from referrals.models import Delivery, Referral, Restore, Step
from referrals.record import sending, versions
from referrals.record.removal.retention import why_ended

# As SQL, because Django takes twice as long to write it: they are asked for each effect.
_UNLESS = (
    "NOT EXISTS (SELECT 1 FROM referrals_referral WHERE id = referrals_delivery.referral_id AND {})"
)
_MERGED, _DELETED = "merged_into_id IS NOT NULL", "purged_at IS NOT NULL"
# What became part of another referral is sent with that one.
NOT_MERGED = RawSQL(_UNLESS.format(_MERGED), [], BooleanField())  # noqa: S611 - a constant
# And once the person's data is deleted, nothing of it leaves, but for the removal.
MAY_GO = RawSQL(  # noqa: S611 - a constant
    _UNLESS.format(f"({_MERGED} OR {_DELETED})"), [], BooleanField()
)
SEARCHES = 2  # a destination may show late what it took; one look is not enough
LEASE_SHARE = 0.8  # of a lease, for one call; the rest is for writing down what came of it


class Unsaved(Protocol):
    """What a row of is to be committed with the next intent."""

    is_saved: bool

    def insert(self) -> None:
        """Insert it, in a transaction that is open."""


class DeliveryLedger:
    """The ledger of one version during one attempt; every entry is committed at once.

    `repeatable`: what may have arrived is sent again under the same key, without a look. `latest`:
    under any key, because a newer version takes the place of what is there. `frozen`: the version
    keeps what it shows, whatever became of it.
    """

    def __init__(
        self,
        lease: Lease,
        delivery: Delivery | None = None,
        *,
        repeatable: bool = False,
        latest: bool = False,
        frozen: bool = False,
    ) -> None:
        """Without its `delivery`, nothing counts as lost by a restore."""
        self._lease = lease
        self._version = lease.version
        self._delivery = delivery
        self._repeatable, self._latest, self._frozen = repeatable, latest, frozen
        # What a partner reads of it from the intent on: it may ask before it has answered the push.
        self.data: Mapping[str, Any] | None = None
        self._is_first_sending = False
        self._unsaved: Unsaved | None = None
        # The names of its steps, once looked up. The claim has seen whether there are any,
        # and nobody without the lease begins one meanwhile.
        was_begun = getattr(self._version, "was_begun", True)
        self._begun: set[str] | None = None if was_begun else set()
        self._answered: tuple[str, str, datetime] | None = None  # step, id, when: still to commit

    @property
    def request_id(self) -> str:
        return str(self._lease.token)

    def key(self, step: str) -> str:
        return hashlib.sha256(f"{self._version.pk}/{step}".encode()).hexdigest()[:32]

    @property
    def keys_hold(self) -> bool:
        return self._restore is None or self._restore.knows(self._version)

    @property
    def _may_repeat(self) -> bool:
        return self._repeatable and (self._latest or self.keys_hold)

    @property
    def _restore(self) -> Restore | None:
        """The restore since which the delivery may have arrived."""
        return self._delivery.restore if self._delivery else None

    def once(
        self,
        step: str,
        do: Callable[[], str],
        find: Callable[[], str | None] | None = None,
    ) -> str:
        entry = self._entry(step) or self._lost_intent(step)
        if entry and entry.done_at:
            return entry.external_id
        if entry and not self._may_repeat:
            found = self._search(entry, find)
            if found is not None:
                self._done(step, found, clock.now())
                return found
        with _time_limit():
            now = self._record_intent(step)
            began = time.monotonic()
            external_id = self._do(step, do)
        # The database's time, kept going by a stopwatch: asking again would cost a statement.
        at = now + timedelta(seconds=time.monotonic() - began)
        self._answered = (step, external_id, at)
        return external_id

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Commit what the block does, and with it the id of the step that was answered last.

        If the block fails, that id is committed alone.
        """
        try:
            with transaction.atomic():
                if self._answered is not None:
                    self._done(*self._answered)
                yield
        except BaseException:
            self.flush()  # it was rolled back with the block
            raise
        self._answered = None

    def flush(self) -> None:
        """Commit the id of the step that was answered last, if that is still to be done.

        Also when the lease was lost meanwhile: it is the truth, and the next worker needs it.
        """
        if self._answered is not None:
            self._done(*self._answered)
            self._answered = None

    def save_with_intent(self, row: Unsaved) -> None:
        """Commit the row with the next intent, unless it is saved by then."""
        self._unsaved = row

    def made_once(self, of: str, make: Callable[[], bytes]) -> bytes:
        mark = hashlib.sha256(of.encode()).digest()
        kept = versions.made_of(self._version)
        if kept is None or not kept.startswith(mark):
            kept = mark + make()
            versions.keep_made(self._version, kept)
        return kept[len(mark) :]

    def forget(self, step: str) -> None:
        self.flush()
        self._steps(step).update(done_at=None, searches=0, searched_at=None)

    def _entry(self, step: str) -> Step | None:
        """Return what is known of the step."""
        if self._answered and self._answered[0] == step:
            self.flush()
        if self._begun is None:
            names = Step.objects.filter(version=self._version).order_by().values_list("name")
            self._begun = {name for (name,) in names}
        return self._steps(step).first() if step in self._begun else None

    def _steps(self, step: str) -> QuerySet[Step]:
        return Step.objects.filter(version=self._version, name=step)

    def _lost_intent(self, step: str) -> Step | None:
        """Return an intent for what may have been sent between a backup and its restore, or None.

        What may be sent again under the same ids is: its kind says so.
        """
        delivery, restore = self._delivery, self._restore
        if delivery is None or restore is None or step in delivery.absent_steps:
            return None
        if self._may_repeat:
            return None
        self.flush()
        with transaction.atomic():
            self._lease.extend()
            made = Step.objects.create(
                delivery=delivery, version=self._version, name=step, intended_at=restore.at
            )
        if self._begun is not None:
            self._begun.add(step)
        return made

    def _search(self, entry: Step, find: Callable[[], str | None] | None) -> str | None:
        """Look for what an earlier try may have done; None once it is surely not there."""
        self.flush()
        if find is None:
            unsearchable = sentences.EARLIER_TRY_NOT_SEARCHABLE()
            if self._restore:
                unsearchable = sentences.RESTORED_NOT_SEARCHABLE()
            raise Unconfirmed(unsearchable, doubt=Doubt.NOT_SEARCHABLE)
        search_later = sentences.EARLIER_TRY_SEARCHED()
        if self._restore:
            search_later = sentences.RESTORED_SEARCHED()
        if wait := _settling(entry, clock.now()):
            raise Unconfirmed(search_later, after=wait)
        with _time_limit():
            self._lease.extend()
            found = self._find(find)
        if found is not None:
            return found
        entry.searches += 1
        # Counted after the search has ended, so that the settle time lies between two searches; and
        # for this intent alone: a worker that was frozen meanwhile has not looked for a later one.
        Step.objects.filter(pk=entry.pk, done_at=None, intended_at=entry.intended_at).update(
            searches=entry.searches, searched_at=Now()
        )
        if entry.searches < SEARCHES:
            raise Unconfirmed(search_later, after=settings.SETTLE_TIME)
        if self._delivery:
            looking.is_absent(self._delivery, entry)
        return None

    def _find(self, find: Callable[[], str | None]) -> str | None:
        try:
            return find()
        except Unconfirmed as error:
            if self._restore:
                error.message = join([sentences.RESTORED(), error.message])
            raise

    def _record_intent(self, step: str) -> datetime:
        """Commit the intent, and with it a lease long enough for what follows; raise the mark.

        The id of the step before is committed with it, also where the intent is refused. Returns
        the time that it is.
        """
        mark = marks.read()
        unsaved = self._unsaved
        with self.committing():
            if unsaved and not unsaved.is_saved:
                unsaved.insert()  # first: a referral is locked before its delivery, as by settling
            self._extend()
            self._insert_intent(step)
            if self.data is not None and self._delivery is not None:
                where = self._delivery.destination_id
                self._is_first_sending |= sending.begin(self._version, where, self.data)
            number, total, now = looking.next_number(mark)
        if unsaved:
            unsaved.is_saved, self._unsaved = True, None
        if self._begun is not None:
            self._begun.add(step)
        try:
            marks.raise_to(now, number=number, total=total)
        except OSError:
            self._take_back(step)  # nothing was sent
            raise
        return now

    def _extend(self) -> None:
        """Extend the lease for a new effect; raises LeaseLost.

        Raises Rejected when the referral became part of another one, which is sent instead, and
        when it was revoked since this attempt began. The condition stands in the statement that
        commits the intent: a revocation is either seen here, or finds the intent and tells staff.
        """
        why: str
        removes = versions.is_removal(self._version)
        try:
            self._lease.extend(NOT_MERGED if removes else MAY_GO)
        except LeaseLost:
            own = Referral.objects.get(deliveries=self._lease.delivery_id)
            if own.merged_into_id:
                why = sentences.MERGED()
            elif own.purged_at and not removes:
                why = why_ended(own)
            else:
                raise
            self._lease.extend()
            raise Rejected(why) from None

    def _insert_intent(self, step: str) -> None:
        """Insert the step, or intend anew one that was looked for and is not there."""
        intended = Step(
            delivery_id=self._lease.delivery_id,
            version=self._version,
            name=step,
            intended_at=Now(),
        )
        Step.objects.bulk_create(
            [intended],
            update_conflicts=True,
            unique_fields=["version", "name"],
            update_fields=["intended_at", "searches", "searched_at"],
        )

    def _do(self, step: str, do: Callable[[], str]) -> str:
        try:
            return do()
        except DeliveryError as error:
            if not error.maybe_done:
                self._take_back(step, unsent=not error.exchange.code)
            raise

    def _take_back(self, step: str, *, unsent: bool = True) -> None:
        """Forget the intent. `unsent`: nothing has answered, so nothing was sent either."""
        self.flush()
        with transaction.atomic():
            # Another worker's intent stays, where this one was frozen and the delivery taken over.
            mine = Delivery.objects.filter(
                pk=self._lease.delivery_id, lease_token=self._lease.token
            )
            self._steps(step).filter(done_at=None, delivery__in=mine).delete()
            if unsent and self._is_first_sending:
                sending.take_back(self._version)
            if not self._frozen:
                versions.forget_unsent(self._version)

    def _done(self, step: str, external_id: str, at: datetime) -> None:
        self._steps(step).filter(done_at=None).update(done_at=at, external_id=external_id)


def _settling(entry: Step, now: datetime) -> timedelta | None:
    """How long to wait until the destination can be trusted to show what it took, or None."""
    ready = (entry.searched_at or entry.intended_at) + settings.SETTLE_TIME
    return ready - now if ready > now else None


def _time_limit() -> AbstractContextManager[None]:
    """No call may outlive the lease, or another worker could look while it is under way.

    It counts from before the lease is extended: this process may be frozen at any moment.
    """
    return outbound.time_limit((settings.LEASE_TIME * LEASE_SHARE).total_seconds())
