"""Undoing what one has just done: assign, snooze, clear, dismiss.

A deed remembers how each import stood before. It is undone only where the import still stands as
the deed has left it: nobody's later work is lost, and nothing that has gone out is forgotten.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet

from core import audit
from core.database import clock
from core.database.rows import update_one
from referrals.delivering.running import why_not_now
from referrals.models import Attempt, ClearedError, Deed, Delivery, Version
from referrals.record import snapshot, versions
from referrals.record.documents import document_of
from referrals.record.removal import withdrawal

State, What = Delivery.State, Deed.What
UNDOABLE = timedelta(hours=1)
Before = dict[str, Any]


def before(delivery: Delivery) -> Before:
    """Return how an import stood when it was seen, for the undoing of all but a dismissal."""
    return {
        "assigned_to": delivery.assigned_to_id,
        "snoozed_until": _text(delivery.snoozed_until),
        "snoozed_at": _text(delivery.snoozed_at),
        "error_at": _text(delivery.error_at),
    }


def before_dismissal(delivery: Delivery) -> Before:
    """Return how an import stands that is about to be dismissed."""
    pending = versions.pending_of(delivery.pk).order_by("number").values_list("pk", "state")
    version, state = pending.first() or (None, "")
    return {
        "error_at": _text(delivery.error_at) if delivery.has_uncleared_error else None,
        "state": delivery.state,
        "reason": delivery.reason,
        "wanted": delivery.wanted,
        "messages": delivery.referral.version,
        "version": str(version) if version else None,
        "version_state": state,
    }


def remember(
    what: Deed.What,
    by: AbstractBaseUser,
    done: Iterable[tuple[Delivery, Before]],
    after: Before | None = None,
) -> Deed:
    """Keep what a person has just done to these imports, for as long as it can be undone.

    `after` says how it has left the columns that it has set.
    """
    now = clock.now()
    Deed.objects.filter(at__lt=now - UNDOABLE).delete()
    stood = {str(delivery.pk): stood for delivery, stood in done}
    return Deed.objects.create(what=what, by_id=by.pk, at=now, before=stood, after=after or {})


def undo(deed: Deed, deliveries: QuerySet[Delivery], by: AbstractBaseUser) -> list[Delivery]:
    """Undo a deed, of those `deliveries` that still stand as it has left them; return these.

    Only who has done it undoes it, within UNDOABLE, and once.
    """
    with transaction.atomic():
        mine = Deed.objects.filter(
            pk=deed.pk, by=by.pk, undone_at__isnull=True, at__gt=clock.now() - UNDOABLE
        )
        if not mine.update(undone_at=clock.now()):
            return []
        rows = deliveries.filter(pk__in=[UUID(key) for key in deed.before])
        locked = rows.select_for_update(of=("self",)).select_related(
            "referral", "destination__organization"
        )
        undone = [one for one in locked.order_by("pk") if _UNDO[What(deed.what)](deed, one)]
        for delivery in undone:
            audit.record(by, f"undo {deed.what}", delivery)
    return undone


# -- One of each ---------------------------------------------------------------------------------


def _unassign(deed: Deed, delivery: Delivery) -> bool:
    stood = _of(deed, delivery)
    still = _row(delivery).filter(assigned_to=deed.after["assigned_to"])
    return bool(still.update(assigned_to=stood["assigned_to"]))


def _wake(deed: Deed, delivery: Delivery) -> bool:
    stood = _of(deed, delivery)
    still = _row(delivery).filter(snoozed_until=_moment(deed.after["snoozed_until"]))
    earlier = {name: _moment(stood[name]) for name in ("snoozed_until", "snoozed_at")}
    return bool(still.update(**earlier))


def _unclear(deed: Deed, delivery: Delivery) -> bool:
    stood = _of(deed, delivery)
    kept = _cleared(deed, delivery).first()
    cleared = _row(delivery).filter(
        error_at=_moment(stood["error_at"]),
        error_cleared_at__isnull=False,
        error_cleared_by=deed.by_id,
        corrections__isnull=True,  # none was added since
    )
    if kept is None or delivery.referral.purged_at:
        return False
    raised = update_one(
        cleared,
        delivery,
        error_cleared_at=None,
        error_cleared_by=None,
        corrections=kept.corrections,
        needs_correction=bool(kept.corrections),
    )
    if raised:
        kept.delete()
    return raised


def _take_up_again(deed: Deed, delivery: Delivery) -> bool:
    """Undo a dismissal, until something has gone out because of it."""
    stood = _of(deed, delivery)
    if not _may_be_taken_up(deed, delivery, stood):
        return False
    error = {"error_cleared_at": None, "error_cleared_by": None} if stood["error_at"] else {}
    moved = update_one(
        _row(delivery).filter(state=delivery.state, closed_by=deed.by_id),
        delivery,
        **_standing_again(delivery, stood),
        **error,
        closed_why="",
        closed_by=None,
    )
    if moved:
        dismissed = Version.objects.filter(pk=stood["version"], state=Version.State.DISMISSED)
        dismissed.update(state=stood["version_state"])
        _cleared(deed, delivery).delete()
    return moved


def _may_be_taken_up(deed: Deed, delivery: Delivery, stood: Before) -> bool:
    gone_out = Attempt.objects.filter(delivery=delivery, started_at__gte=deed.at).exists()
    is_left = delivery.state in (State.DISMISSED, State.QUEUED, State.IMPORTED)
    withdrawn = withdrawal.request_withdrawn(document_of(delivery.referral))
    return (
        is_left
        and not gone_out
        and delivery.wanted == stood["wanted"]
        and not withdrawn
        and not why_not_now(delivery)
    )


def _standing_again(delivery: Delivery, stood: Before) -> dict[str, Any]:
    """Return how an import goes on that was dismissed: as it stood, or at once.

    What came meanwhile found it dismissed, so it is heeded here: an edit, or the details that it
    waited for.
    """
    at_once = {"state": State.QUEUED, "reason": "", "due_at": clock.now(), "tries": 0}
    if stood["state"] == State.NEEDS_ATTENTION:
        news = delivery.referral.version > stood["messages"]
        if news and stood["reason"] in versions.REVIVABLE:
            return at_once
        return {"state": State.NEEDS_ATTENTION, "reason": stood["reason"], "due_at": None}
    if stood["state"] == State.WAITING and not snapshot.has_details(document_of(delivery.referral)):
        return {"state": State.WAITING, "reason": "", "due_at": None}
    return at_once


_UNDO: dict[Deed.What, Callable[[Deed, Delivery], bool]] = {
    What.ASSIGN: _unassign,
    What.SNOOZE: _wake,
    What.CLEAR: _unclear,
    What.DISMISS: _take_up_again,
}


def _row(delivery: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=delivery.pk)


def _of(deed: Deed, delivery: Delivery) -> Before:
    stood: Before = deed.before[str(delivery.pk)]
    return stood


def _cleared(deed: Deed, delivery: Delivery) -> QuerySet[ClearedError]:
    """Return what the person has written down when the error was cleared."""
    error_at: Any = _moment(_of(deed, delivery)["error_at"])
    return ClearedError.objects.filter(delivery=delivery, error_at=error_at, cleared_by=deed.by_id)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
