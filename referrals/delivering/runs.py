"""Due deliveries of one destination that travel together: claimed, carried and settled as one.

The run's id is the lease of its deliveries: one UPDATE claims them, one settles them. Until its
effect is begun, a run that fails gives all back. From then on it may be there, so it is carried
again, with the same versions under the same id, until that is known: no version is ever in two
finished runs, and none is in no run and yet done.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, islice
from typing import cast
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest

from core.database import clock
from core.database.rows import update_one
from integrations.models import Destination, TriggerConfig
from integrations.transport import (
    Batch,
    BatchReceipt,
    DeliveryError,
    Down,
    Misconfigured,
    Parcel,
    Receipt,
    Rejected,
    Transport,
    TryAgain,
)
from mapping.source.document import Document
from referrals import sentences
from referrals.delivering.building import (
    Built,
    KnownRules,
    build,
    build_removal,
    map_record,
)
from referrals.delivering.claiming import Lease, LeaseLost
from referrals.delivering.ledger import DeliveryLedger
from referrals.delivering.preparing import (
    choose_reference,
    fill_row,
    keep_rows,
    mapped_before,
)
from referrals.delivering.restore import looking, marks
from referrals.delivering.running import check_may_go, prepare
from referrals.delivering.settling import settle
from referrals.gates import open_destinations
from referrals.models import Delivery, Referral, Run, Version
from referrals.record import files, versions
from referrals.record.beside import listings_of
from referrals.record.documents import document_of
from referrals.record.removal import corrections
from referrals.record.versions import is_removal

logger = logging.getLogger(__name__)

State = Delivery.State
READ_AGAIN = 50  # rows, after which the lease is extended and the destination read again
EXTEND_SECONDS = 15  # while a row is made, or what was made is sent
FILE_TRIES = 3  # in which a row waits for a file that could not be fetched; then it goes without
AT_A_TIME = 500  # deliveries


def due_destinations() -> QuerySet[Destination]:
    """Return the destinations that have a run to carry: one that was cut, or deliveries due."""
    now = clock.Now()
    due = Delivery.objects.filter(_claimable(now), destination=OuterRef("pk"))
    running = Run.objects.filter(destination=OuterRef("pk"), state=Run.State.RUNNING)
    cut = Exists(running.filter(lease_until__lt=now))
    is_time = Q(Exists(due), runs_at=None) | Q(runs_at__lte=now)
    may_begin = is_time & Q(~Exists(running), batches=True)
    return open_destinations(now).filter(cut | may_begin)


def due_by_schedule(now: datetime) -> QuerySet[Destination]:
    """Return the destinations whose next run is due by their schedule."""
    return open_destinations(now).filter(batches=True, runs_at__lte=now)


def make_due(destination: Destination) -> None:
    """Let what waits there go now, whatever its schedule says."""
    now = clock.now()
    waiting = Delivery.objects.filter(state=State.QUEUED, destination=destination)
    waiting.filter(due_at__gt=now).update(due_at=now)
    Destination.objects.filter(pk=destination.pk, runs_at__gt=now).update(runs_at=now)


def carry_due(destination_id: int) -> bool:
    """Carry the destination's run that was cut, or begin one; False when there is nothing to do."""
    if not looking.may_deliver():
        return False
    run = _take_over(destination_id) or _begin(destination_id)
    if run is None:
        return False
    try:
        _Carrying(run).go()
    except LeaseLost:
        logger.warning("lease of a run lost", extra={"run": str(run.pk)})
    return True


def _claimable(now: clock.Time) -> Q:
    return Q(state=State.QUEUED, due_at__lte=now)


# -- claiming ------------------------------------------------------------------------------------


def _begin(destination_id: int) -> Run | None:
    """Claim all that is due; None when nothing is, or somebody else's run is under way.

    Of one with a schedule, what was missed is caught up once: the next run is the next from now on.
    """
    now = clock.now()
    destination = Destination.objects.select_related("organization").get(pk=destination_id)
    by_schedule = destination.runs_at is not None
    lists_all = by_schedule and destination.transport().lists_all
    if lists_all and due_by_schedule(now).filter(pk=destination_id).exists():
        _list_all_again(destination, now)
    before = Run.objects.filter(destination=destination_id, state=Run.State.DONE)
    last = before.order_by("-until").values_list("until", flat=True).first()
    run = Run(
        destination_id=destination_id,
        since=last,
        until=now,
        token=uuid4(),
        lease_until=now + settings.LEASE_TIME,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)  # one at a time, by a constraint
            if by_schedule:
                turn = due_by_schedule(now).filter(pk=destination_id, runs_at=destination.runs_at)
                if not turn.order_by().update(runs_at=destination.next_run_after(now)):
                    raise LeaseLost
            # Every condition stands on the row itself, or two winners would be possible.
            claimed = Delivery.objects.filter(
                _claimable(now),
                destination=destination_id,
                destination__in=open_destinations(now).filter(batches=True),
            ).update(
                state=State.RUNNING,
                due_at=None,
                woken_at=None,
                lease_token=run.pk,
                lease_until=run.lease_until,
            )
            if not claimed and by_schedule and not lists_all:
                run.delete()  # there is nothing to say until the next time
                return None
            if not claimed and not lists_all:
                raise LeaseLost
            pending = Version.objects.filter(
                delivery__lease_token=run.pk, state__in=Version.PENDING
            )
            pending.update(run=run)
    except (IntegrityError, LeaseLost):
        return None
    return run


def _list_all_again(destination: Destination, now: datetime) -> None:
    """Ask for a version of every referral that was brought there, so many at a time."""
    ours = Delivery.objects.filter(
        destination=destination, state=State.IMPORTED, done__gt=0, referral__purged_at=None
    )
    keys = list(ours.order_by("referral").values_list("pk", "referral"))
    for start in range(0, len(keys), AT_A_TIME):
        some = keys[start : start + AT_A_TIME]
        with transaction.atomic():
            whose = Referral.objects.filter(pk__in=[referral for _, referral in some])
            list(whose.select_for_update().order_by("pk").values_list("pk"))
            versions.list_again(Delivery.objects.filter(pk__in=[pk for pk, _ in some]), now)


def _take_over(destination_id: int) -> Run | None:
    """Win a run whose worker is gone; None when there is none."""
    now = clock.now()
    cut = Run.objects.filter(destination=destination_id, state=Run.State.RUNNING)
    token = uuid4()
    won = cut.filter(lease_until__lt=now).update(token=token, lease_until=now + settings.LEASE_TIME)
    return cut.get(token=token) if won else None


# -- carrying ------------------------------------------------------------------------------------


class _Carrying:
    """One attempt to carry a run. What of it cannot go is settled by itself, and left out."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.may_be_there = run.intended_at is not None
        self.left_out: list[tuple[Lease, Delivery, Exception]] = []
        self.alone: list[tuple[Lease, Delivery, Built]] = []  # went, and are settled one by one
        self.transport: Transport | None = None
        self._kept = time.monotonic()

    def go(self) -> None:
        outcome: BatchReceipt | Exception
        try:
            self.transport = self.run.destination.transport()
            batch = batch_of(self.run, self._parcels(), keep=self._keep)
            self._record_intent()
            outcome = self.transport.deliver_batch(batch)
        except LeaseLost:
            raise
        except looking.Restored:
            # Under this program. Nothing was sent by this attempt.
            looking.look()
            outcome = TryAgain(sentences.RESTORED(), after=timedelta())
        except DeliveryError as error:
            outcome = error
        except Exception as error:
            # Type and place only: the message of an exception may hold personal data.
            logger.exception("a run failed unexpectedly", extra={"run": str(self.run.pk)})
            outcome = error
        with transaction.atomic():
            self._settle(outcome)

    def _extend(self, **changed: object) -> datetime:
        now = clock.now()
        mine = self._mine().filter(lease_until__gt=now)
        if not mine.update(lease_until=now + settings.LEASE_TIME, **changed):
            raise LeaseLost
        return now

    def _keep(self) -> None:
        """Extend the lease, if that was not done of late."""
        if time.monotonic() - self._kept > EXTEND_SECONDS:
            self._kept = time.monotonic()
            self._extend()

    def _mine(self) -> QuerySet[Run]:
        return Run.objects.filter(pk=self.run.pk, state=Run.State.RUNNING, token=self.run.token)

    def _record_intent(self) -> None:
        """Commit that it may be there from now on."""
        mark = marks.read()
        with transaction.atomic():
            now = self._extend(intended_at=Coalesce(F("intended_at"), Value(clock.now())))
            number, total, _ = looking.next_number(mark)
        marks.raise_to(now, number=number, total=total)

    def _parcels(self) -> Iterator[Parcel]:
        """Make parcels, one by one or a few at once; the lease lasts as long as that takes."""
        rows, size = carried(self.run), 1 if self._takes_long else READ_AGAIN
        for number in count(0, size):
            some = list(islice(rows, size))
            if not some:
                return
            if number and number % READ_AGAIN == 0:
                self._extend()
            self._keep()
            made = [(version, self._built(version, rules)) for version, rules in some]
            puts = [version for version, built in made if built and not is_removal(version)]
            keep_rows(puts)
            yield from (built.parcel for _, built in made if built)

    @property
    def _takes_long(self) -> bool:
        """Whether a row may take seconds, so that no other waits for it: files are made for it."""
        takes_files = self.transport is not None and self.transport.takes_files
        return takes_files and bool(self.run.destination.files_allowed())

    def _built(self, version: Version, rules: KnownRules) -> Built | None:
        """Return the row of a version, or None where it may not go, or its mapping fails."""
        delivery = version.delivery
        lease = Lease(delivery.pk, self.run.pk, version)
        ledger = DeliveryLedger(lease, repeatable=True, frozen=True)
        try:
            if is_removal(version):
                built = build_removal(delivery, version, ledger)
                self.alone.append((lease, delivery, built))
                return built
            return self._put(lease, delivery, ledger, rules)
        except DeliveryError as error:
            self.left_out.append((lease, delivery, error))
        except Exception as error:
            logger.exception("a row of a run failed", extra={"delivery": str(delivery.pk)})
            self.left_out.append((lease, delivery, error))
        return None

    def _put(
        self, lease: Lease, delivery: Delivery, ledger: DeliveryLedger, rules: KnownRules
    ) -> Built:
        built = build_put(self.transport, lease.version, ledger, rules)
        if built.more_later and delivery.tries < FILE_TRIES:
            raise TryAgain(sentences.FILES_TO_COME())
        if built.missing:
            built = replace(built, more_later=False)
            self.alone.append((lease, delivery, built))
        return built

    # -- settling ------------------------------------------------------------------------------

    def _settle(self, outcome: BatchReceipt | Exception) -> None:
        now = clock.now()
        if isinstance(outcome, BatchReceipt):
            self._end(
                state=Run.State.DONE,
                ended_at=now,
                name=outcome.name,
                rows=outcome.rows,
                size=outcome.size,
                sha256=outcome.sha256,
                columns=len(outcome.columns) or None,
                message=None,
            )
            if outcome.columns:
                update_one(
                    Destination.objects.all(),
                    self.run.destination,
                    columns=[list(one) for one in outcome.columns],
                )
            self._settle_one_by_one(outcome)
            self._settle_the_rest(outcome, now)
            self._flag_what_lies_there(outcome)
            return
        message = outcome.message if isinstance(outcome, DeliveryError) else sentences.BUG_IN_RUN()
        self._stop_destination(outcome, now)
        after = _after(self.run, outcome)
        if self.may_be_there or not isinstance(outcome, DeliveryError) or outcome.maybe_done:
            # Nobody knows whether it is there: nothing is given back, it is carried again.
            self._end(message=message, lease_until=now + after)
            return
        self._end(state=Run.State.FAILED, ended_at=now, message=message)
        Version.objects.filter(run=self.run).update(run=None, data=None)
        Delivery.objects.filter(lease_token=self.run.pk, state=State.RUNNING).update(
            state=State.QUEUED, due_at=now + after, lease_token=None, lease_until=None
        )
        # What failed is not left until the next time of a schedule.
        later = Destination.objects.filter(pk=self.run.destination_id, runs_at__gt=now + after)
        later.update(runs_at=now + after)

    def _end(self, **changed: object) -> None:
        """Write what became of the run, if the lease still holds; raises LeaseLost if not."""
        if not update_one(self._mine(), self.run, **changed):
            raise LeaseLost

    def _stop_destination(self, outcome: Exception, now: datetime) -> None:
        match outcome:
            case Down():
                self.run.destination.go_down(outcome.reason, now)
            case Misconfigured() | Rejected():  # no row of it alone
                self.run.destination.pause(outcome.message, now)

    def _settle_one_by_one(self, receipt: BatchReceipt) -> None:
        """Settle what was left out or refused, removals, and what was purged meanwhile."""
        self.left_out += self._refused(receipt)
        for lease, delivery, error in self.left_out:
            settle(lease, delivery, error, None, transport=self.transport)
            Version.objects.filter(pk=lease.version.pk).update(run=None, data=None)
        for lease, delivery, built in self.alone:
            if str(lease.version.pk) in receipt.refused:
                continue
            settle(lease, delivery, Receipt(receipt.name), built, transport=self.transport)
        purged = Delivery.objects.filter(
            lease_token=self.run.pk, state=State.RUNNING, referral__purged_at__isnull=False
        ).select_related("referral", "destination__organization")
        for delivery in purged:
            version = Version.objects.get(run=self.run, delivery=delivery)
            lease = Lease(delivery.pk, self.run.pk, version)
            built = build_removal(delivery, version, DeliveryLedger(lease))
            settle(lease, delivery, Receipt(receipt.name), built, transport=self.transport)

    def _flag_what_lies_there(self, receipt: BatchReceipt) -> None:
        """Tell staff what could not be removed there, so that a person deletes it."""
        brought = Version.objects.filter(pk__in=[*receipt.left]).select_related("delivery")
        for version in brought.exclude(pk__in=[*receipt.refused]):
            removed = is_removal(version)
            sentence = sentences.LIES_THERE if removed else sentences.WITHDRAWN_LIES_THERE
            if what := ", ".join(receipt.left[str(version.pk)]):
                corrections.add([version.delivery], sentence(what=what))

    def _refused(self, receipt: BatchReceipt) -> list[tuple[Lease, Delivery, Exception]]:
        """Return what the destination has refused of the run."""
        refused = versions_in_order(self.run).filter(pk__in=list(receipt.refused))
        return [
            (
                Lease(version.delivery_id, self.run.pk, version),
                version.delivery,
                Rejected(receipt.refused[str(version.pk)]),
            )
            for version in refused
        ]

    def _settle_the_rest(self, receipt: BatchReceipt, now: datetime) -> None:
        carried = Version.objects.filter(run=self.run)
        carried.update(state=Version.State.ACCEPTED)
        brought = carried.filter(delivery=OuterRef("pk")).values("number")[:1]
        number = Greatest(F("done"), Coalesce(Subquery(brought), F("done")))
        waiting = Version.objects.filter(delivery=OuterRef("pk"), state__in=Version.PENDING)
        newer = Q(Exists(waiting))
        Delivery.objects.filter(lease_token=self.run.pk, state=State.RUNNING).update(
            state=Case(When(newer, then=Value(State.QUEUED)), default=Value(State.IMPORTED)),
            due_at=Case(When(newer, then=Value(now)), default=None),
            done=number,
            external_id=receipt.name,
            imported_at=now,
            lease_token=None,
            lease_until=None,
            lost_workers=0,
            tries=0,
        )


def versions_in_order(run: Run) -> QuerySet[Version]:
    """Return the versions of a run in the order of its rows, with what most of them lack."""
    ours_of_it = Version.objects.filter(delivery=OuterRef("delivery"))
    before = ours_of_it.filter(number=OuterRef("number") - 1, state=Version.State.ACCEPTED)
    ours = (
        Version.objects.defer(None)
        .filter(run=run)
        .select_related(
            "delivery__referral__organization",
            "delivery__referral__listing",
        )
    )
    lacks = {
        "skips_some": ~Exists(before),
        "has_withdrawn": Exists(files.withdrawn().filter(referral=OuterRef("delivery__referral"))),
    }
    return ours.annotate(**lacks).order_by("asked_at", "pk")


def carried(run: Run) -> Iterator[tuple[Version, KnownRules]]:
    """Yield the versions of a run in the order of its rows, with the rules that are known.

    All have one destination; it and its rules are read again after a few rows, so that what may not
    leave any more does not leave for long.
    """
    destinations = Destination.objects.select_related("organization", "partner")
    destination, rules = run.destination, KnownRules()
    for number, version in enumerate(versions_in_order(run).iterator(READ_AGAIN)):
        if number % READ_AGAIN == 0:
            destination, rules = destinations.get(pk=run.destination_id), KnownRules()
        version.delivery.destination = destination
        yield version, rules


def build_put(
    transport: Transport | None, version: Version, ledger: DeliveryLedger, rules: KnownRules
) -> Built:
    """Return the row of a version, with its files where the kind takes files in a run."""
    delivery = version.delivery
    kept = mapped_before(version, delivery.destination)
    allowed = delivery.destination.allow_list()
    if transport and transport.takes_files and delivery.destination.files_allowed():
        built = prepare(delivery, version, ledger, frozen=True, record=kept, rules=rules)
        parcel, document = built.parcel, cast(Document, version.document)
        categories = [one.category for one in parcel.documents]
        fill_row(version, document, allowed, parcel.record, categories)
        return built
    check_may_go(delivery)
    frozen = version.document is not None
    document = cast(Document, version.document) if frozen else document_of(delivery.referral)
    record = map_record(delivery, document, rules) if kept is None else kept
    choose_reference(delivery)
    fill_row(version, document, allowed, record)
    shown = allowed.part(document)
    return build(delivery, version, ledger, record, document=document, shown=shown)


def batch_of(
    run: Run,
    parcels: Iterator[Parcel],
    *,
    keep: Callable[[], object] = lambda: None,
    sha256: str = "",
) -> Batch:
    """Return what a transport is given of a run; with a hash, of one that is repeated."""
    destination = run.destination
    known: list[list[str]] = destination.columns
    return Batch(
        str(run.pk),
        run.since,
        run.until,
        parcels,
        listings=listings_of(destination.organization_id),
        organization=destination.organization.caredove_id,
        columns=known[: run.columns] if sha256 else known,
        fields=() if sha256 else _mapped(destination),
        keep=keep,
        sha256=sha256,
    )


def _mapped(destination: Destination) -> list[str]:
    """Return what the mappings of a destination fill, in the order of their rules."""
    configs = TriggerConfig.objects.filter(destination=destination).select_related("mapping")
    mappings = {config.mapping.pk: config.mapping for config in configs.order_by("pk")}
    rules = [rule for mapping in mappings.values() for rule in mapping.engine_rules()]
    rest = [field.key for field in destination.transport().fields() if field.takes_rest]
    return list(dict.fromkeys([*(rule.target for rule in rules), *rest]))


def _after(run: Run, outcome: Exception) -> timedelta:
    """Return how long to wait: what the destination says, or longer with each failure in a row."""
    if isinstance(outcome, TryAgain) and outcome.after is not None:
        return outcome.after
    if isinstance(outcome, Down):
        return timedelta(0)  # it is probed
    failed = Run.objects.filter(
        destination=run.destination_id, state=Run.State.FAILED, until__gt=run.since or run.until
    )
    schedule = settings.RETRY_SCHEDULE
    found: timedelta = schedule[min(failed.count(), len(schedule) - 1)]
    return found
