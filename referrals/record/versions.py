"""What a delivery has to bring, one version after another.

By what its kind takes (`integrations.transport`): one version and no more; or each in its order,
where one that is refused, paused or out of tries holds back the later ones of its referral; or the
latest, which supersedes the older ones. A removal takes the place of all that was not accepted.

Versions are made in a transaction that holds the referral, so their numbers have no rival.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.expressions import RawSQL

from core.database.rows import update_one
from core.storage import EncryptedFileStorage
from integrations.transport import Transport, Updates
from referrals.models import Delivery, PartnerRequest, Referral, Run, Step, Version

State = Version.State
storage = EncryptedFileStorage()
EDITED = "edited"  # the trigger of what repairs a refused version
# An edit of the referral, or a newer version, may put these right.
REVIVABLE = (
    Delivery.Reason.REJECTED,
    Delivery.Reason.RETRIES_EXHAUSTED,
    Delivery.Reason.SINGLED_OUT,
    Delivery.Reason.BUG,
    Delivery.Reason.WITHDRAWN,
)

FIRST_PENDING = (
    "SELECT MIN(number) FROM referrals_version AS its"
    " WHERE its.delivery_id = referrals_version.delivery_id AND its.state IN ('open', 'refused')"
)
RESTING = Q(state__in=[Delivery.State.IMPORTED, Delivery.State.DISMISSED])
FAILED = Q(state=Delivery.State.NEEDS_ATTENTION, reason__in=REVIVABLE)


# -- making them ---------------------------------------------------------------------------------


def begin(delivery: Delivery, **asked: Any) -> Version:
    """Make the first version of a new delivery; it has the delivery's id."""
    return Version.objects.create(
        pk=delivery.pk, delivery=delivery, asked_at=delivery.opened_at, **asked
    )


def add_in_order(delivery: Delivery, now: datetime, **asked: Any) -> Version:
    """Make the next version; it goes when those before it were accepted or dismissed."""
    version = _make(delivery, now, **asked)
    _queue(Delivery.objects.filter(RESTING, pk=delivery.pk), now)
    return version


def supersede(delivery: Delivery, now: datetime, **asked: Any) -> Version:
    """Make the version that takes the place of all that are still to be brought."""
    return _instead(delivery, now, State.SUPERSEDED, **asked)


def repair(delivery: Delivery, now: datetime, **asked: Any) -> Version:
    """Make the version that takes the place of the refused one and of all that wait behind it."""
    return _instead(delivery, now, State.SKIPPED, **asked)


def _instead(delivery: Delivery, now: datetime, becomes: State, **asked: Any) -> Version:
    version = _make(delivery, now, **asked)
    take_place(version, becomes)
    _queue(Delivery.objects.filter(RESTING | FAILED, pk=delivery.pk), now)
    return version


def ask(delivery: Delivery, now: datetime, **asked: Any) -> Version:
    """Make the version that a person asks for, whatever became of the one before."""
    version = _make(delivery, now, why=Version.Why.PERSON, **asked)
    take_place(version, State.SUPERSEDED)
    _queue(Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.RUNNING), now)
    return version


def bring_again(version: Version, now: datetime) -> bool:
    """Let the version go once more under the same ids; False while its delivery runs."""
    free = Delivery.objects.filter(pk=version.delivery_id).exclude(state=Delivery.State.RUNNING)
    if not free.update(state=Delivery.State.QUEUED, reason="", due_at=now, tries=0):
        return False
    Step.objects.filter(version=version).delete()
    Version.objects.filter(pk=version.pk).update(state=State.OPEN)
    return True


def list_again(deliveries: QuerySet[Delivery], now: datetime) -> None:
    """Make, for each that is current, a version that brings once more what it shows by now.

    The referrals must be locked.
    """
    resting = list(deliveries.filter(state=Delivery.State.IMPORTED, done__gt=0))
    Version.objects.bulk_create(
        Version(
            delivery=delivery,
            number=delivery.wanted + 1,
            why=Version.Why.SCHEDULE,
            asked_at=now,
        )
        for delivery in resting
    )
    changed = Delivery.objects.filter(pk__in=[one.pk for one in resting])
    changed.update(wanted=F("wanted") + 1)
    _queue(changed, now)


def remove(delivery: Delivery, now: datetime, why: Version.Why) -> Version:
    """Make the version that removes the referral there. It waits for nothing."""
    version = _make(delivery, now, action=Version.Action.REMOVE, why=why)
    take_place(version, State.SKIPPED)
    Version.objects.filter(delivery=delivery.pk).update(data=None)
    PartnerRequest.objects.filter(delivery=delivery.pk).delete()
    _queue(Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.RUNNING), now)
    return version


def _make(delivery: Delivery, now: datetime, **asked: Any) -> Version:
    number = delivery.wanted + 1
    triggers = list(dict.fromkeys([*delivery.triggers, *asked.get("triggers", [])]))
    Delivery.objects.filter(pk=delivery.pk).update(wanted=number, triggers=triggers)
    delivery.wanted, delivery.triggers = number, triggers
    return Version.objects.create(delivery=delivery, number=number, asked_at=now, **asked)


def _queue(deliveries: QuerySet[Delivery], now: datetime) -> None:
    deliveries.update(state=Delivery.State.QUEUED, reason="", due_at=now, tries=0)


def take_place(version: Version, becomes: State) -> None:
    """End all pending versions before this one; what they would have shown goes."""
    earlier = pending_of(version.delivery_id).filter(number__lt=version.number)
    _give_up(earlier, becomes, document=None)


def shown_in_copies(referral: Any) -> QuerySet[Delivery]:
    """Return the deliveries of a referral that may show how its others stand: those in runs.

    Also one whose first run is under way: its row may have been made before.
    """
    may_show = Q(done__gt=0) | Q(state=Delivery.State.RUNNING)
    return Delivery.objects.filter(may_show, referral=referral, destination__batches=True)


def renew_copies(referral: Any, name: str, now: datetime) -> None:
    """Let the copies show anew what stands beside a referral: events, or deliveries."""
    for copy in shown_in_copies(referral).select_related("destination"):
        if name in copy.destination.allowed_fields:
            supersede(copy, now)


# -- bringing them -------------------------------------------------------------------------------


def pending_of(delivery_id: UUID) -> QuerySet[Version]:
    return Version.objects.filter(delivery=delivery_id, state__in=Version.PENDING)


def next_of(delivery_id: UUID, rows: QuerySet[Version]) -> Version:
    """Return, of these rows, the version that is to be brought: the first pending one.

    Where none is pending, it is the one that was accepted last, whose files are still to follow.
    """
    ours = rows.filter(delivery=delivery_id)
    # Not ordered: to order rows with many columns, Django compares all of them.
    pending = ours.filter(number=RawSQL(FIRST_PENDING, [])).order_by()  # noqa: S611 - a constant
    if first := next(iter(pending), None):
        return first
    accepted_last = Case(When(number=F("delivery__done"), then=0), default=1)
    return ours.order_by(accepted_last, "number")[:1].get()


def skipped_before(version: Version) -> tuple[int, ...]:
    """Return the numbers between the version accepted last and this one that will not come."""
    rows = Version.objects.filter(delivery=version.delivery_id, number__lt=version.number)
    states = rows.order_by("-number").values_list("number", "state")
    numbers: list[int] = []
    for number, state in states:
        if state == State.ACCEPTED:
            break
        numbers.append(number)
    return tuple(reversed(numbers))


def current(delivery: Delivery) -> QuerySet[Version]:
    """Return the versions whose steps count still: the pending ones, and the one accepted last."""
    is_current = Q(state__in=Version.PENDING) | Q(number=delivery.done)
    return Version.objects.filter(is_current, delivery=delivery)


def lists_with(delivery: Delivery) -> tuple[str, ...]:
    """Return the names of the runs that brought a version of it, the first one first."""
    runs = Run.objects.filter(versions__delivery=delivery, state=Run.State.DONE).exclude(name="")
    return tuple(runs.order_by("until").values_list("name", flat=True).distinct())


def is_removal(version: Version) -> bool:
    return version.action == Version.Action.REMOVE


def after(version: Version, move: Mapping[str, Any], transport: Transport) -> bool:
    """Return whether a later version goes at once, now that the delivery of this one moves so.

    The version that an edit has made meanwhile takes the place of a refused one.
    """
    later = pending_of(version.delivery_id).filter(number__gt=version.number)
    waiting = list(later.only("number", "action", "triggers").order_by("number"))
    if not waiting:
        return False
    if move["state"] == Delivery.State.IMPORTED or is_removal(waiting[-1]):
        return True
    if move.get("reason") not in REVIVABLE:
        return False
    if transport.updates is not Updates.EACH:
        return True
    edits = [one for one in waiting if EDITED in one.triggers]
    if edits:
        take_place(edits[-1], State.SKIPPED)
    return bool(edits)


# -- what was made of them -----------------------------------------------------------------------


def keep_made(version: Version, content: bytes) -> None:
    """Keep what was made of a version to be sent, in the place of what was made before."""
    before = version.made_as
    version.made_as = storage.save_for(version, "made", ContentFile(content))
    update_one(Version.objects.all(), version, made_as=version.made_as)
    if before:
        storage.delete(before)


def made_of(version: Version) -> bytes | None:
    """Return what was made of a version; None where nothing was, or its file is gone."""
    if not version.made_as:
        return None
    try:
        with storage.open_of(version, "made_as") as file:
            content: bytes = file.read()
    except FileNotFoundError:  # after a restore
        return None
    return content


def forget_made(ended: QuerySet[Version]) -> None:
    """Delete what was made of versions, after the commit."""
    names = list(ended.exclude(made_as="").values_list("made_as", flat=True))
    if names:
        ended.exclude(made_as="").update(made_as="")
        for name in names:
            transaction.on_commit(partial(storage.delete, name))


# -- ending them ---------------------------------------------------------------------------------


def end(deliveries: Iterable[UUID]) -> None:
    """Dismiss what is pending of deliveries that have ended."""
    pending = Version.objects.filter(delivery__in=deliveries, state__in=Version.PENDING)
    _give_up(pending, State.DISMISSED)


def end_puts(delivery_id: UUID) -> None:
    """Dismiss what is pending of a delivery but its removal."""
    puts = pending_of(delivery_id).filter(action=Version.Action.PUT)
    _give_up(puts, State.DISMISSED)


def dismiss_next(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """Dismiss the version whose turn it is; return how its delivery goes on.

    Those that it has held back go; without any, the delivery is where it was before.
    """
    pending = list(pending_of(delivery.pk).order_by("number").values_list("pk", flat=True)[:2])
    _give_up(Version.objects.filter(pk__in=pending[:1]), State.DISMISSED)
    if pending[1:]:
        return {"state": Delivery.State.QUEUED, "due_at": now, "tries": 0}
    if delivery.done and not delivery.referral.purged_at:
        return {"state": Delivery.State.IMPORTED, "due_at": None}
    return {"state": Delivery.State.DISMISSED, "due_at": None}


def _give_up(given_up: QuerySet[Version], becomes: State, **changed: Any) -> None:
    """End versions that will not be brought any more; what they would have needed goes."""
    forget_made(given_up)
    given_up.update(state=becomes, options=None, **changed)


def forget_unsent(version: Version) -> None:
    """Forget what was sent with a version of which nothing has arrived after all."""
    begun = Step.objects.filter(version=OuterRef("pk"))
    Version.objects.filter(~Exists(begun), pk=version.pk, document__isnull=False).update(
        document=None
    )


def make_again(referral: Referral) -> None:
    """Let what is pending show the referral as it is now: something of it was withdrawn."""
    begun = Step.objects.filter(version=OuterRef("pk"))
    pending = Version.objects.filter(~Exists(begun), delivery__referral=referral)
    pending.filter(state__in=Version.PENDING).update(document=None, data=None)
