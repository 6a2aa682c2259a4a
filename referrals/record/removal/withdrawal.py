"""What a sender takes back: it goes away here, and staff hear of it where it has been sent."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db.models import Q

from core.database import clock
from core.database.rows import update_one
from integrations.transport import Rejected
from mapping.source.document import Document
from mapping.source.parts import is_withdrawn
from referrals import sentences
from referrals.models import Delivery, Referral, Version
from referrals.record import files, snapshot, versions
from referrals.record.removal import corrections, file_corrections

# What tells people which one of the things that can be withdrawn it is.
CONTENT = {
    "form_answers": ("label", "value"),
    "messages": ("text",),
    "appointment": ("start", "location", "status"),
    "also_sent": ("label", "text"),
}
State = Delivery.State
SENT = Q(external_id__isnull=False) | Q(steps__isnull=False)
NAMED = 5  # in a sentence


def request_withdrawn(document: Document) -> str:
    """Return the status by which the request itself was withdrawn, or an empty string."""
    return document["request_status"] if is_withdrawn(document) else ""


class RequestWithdrawn(Rejected):
    """The request was withdrawn, and nothing of it was sent: a person decides."""


def stopped(status: str) -> dict[str, Any]:
    """Return the columns of an import whose request was withdrawn: a person decides."""
    return {
        "state": State.NEEDS_ATTENTION,
        "reason": Delivery.Reason.WITHDRAWN,
        "due_at": None,
        "message": sentences.MARKED_WITHDRAWN(status=status),
        "error_at": clock.now(),
        "error_cleared_at": None,
        "error_cleared_by": None,
    }


def stop(referral: Referral, status: str) -> int:
    """Stop the open imports of a withdrawn request that have sent nothing; return how many."""
    open_states = [State.WAITING, State.QUEUED, State.NEEDS_ATTENTION]
    deliveries = Delivery.objects.filter(referral=referral, state__in=open_states, external_id=None)
    columns = stopped(status)
    unsent = deliveries.filter(steps__isnull=True)
    return sum(update_one(deliveries, delivery, **columns) for delivery in unsent)


def restart(referral: Referral) -> int:
    """Let the stopped imports of a request go on that is no longer withdrawn; return how many go.

    Without details, they wait for them.
    """
    stopped = Delivery.objects.filter(
        referral=referral, state=State.NEEDS_ATTENTION, reason=Delivery.Reason.WITHDRAWN
    )
    if not snapshot.has_details(snapshot.view(referral.snapshot)):
        stopped.update(state=State.WAITING, reason="")
        return 0
    return stopped.update(state=State.QUEUED, reason="", due_at=clock.now(), tries=0)


def of_request(referral: Referral, status: str) -> None:
    """Flag the imports of a withdrawn request that have sent something already."""
    deliveries = (
        Delivery.objects.filter(SENT, referral=referral).exclude(state=State.DISMISSED).distinct()
    )
    corrections.add(deliveries, sentences.REQUEST_REMAINS(status=status))


def carry_out(referral: Referral, before: snapshot.Snapshot) -> None:
    """Delete the files that a message withdraws, and flag the imports that have sent something.

    The message is merged already; `before` is the snapshot until then. Must run in a transaction
    that holds the referral.
    """
    known: snapshot.Snapshot = referral.snapshot
    of_files(referral)
    if keys := snapshot.newly_withdrawn(before, known):
        versions.make_again(referral)
        _of_words(referral, _gone(snapshot.view(before), snapshot.view(known), keys))


def between(referral: Referral, parts: Sequence[snapshot.Snapshot]) -> None:
    """Carry out what was withdrawn under one id of what had come under another.

    `parts` are the snapshots of those that turned out to be this referral. Must run in a
    transaction that holds it.
    """
    for part in parts:
        carry_out(referral, part)
    status = request_withdrawn(snapshot.view(referral.snapshot))
    was_withdrawn = {bool(request_withdrawn(snapshot.view(part))) for part in parts}
    if status and False in was_withdrawn:
        of_request(referral, status)
        stop(referral, status)
    elif not status and True in was_withdrawn:
        restart(referral)


def of_files(referral: Referral) -> None:
    """Delete what was withdrawn of the files; flag the imports that have sent, or begun to."""
    file_corrections.withdrawn(referral, files.withdraw(referral))


def while_it_ran(delivery: Delivery, referral: Referral) -> None:
    """Flag an import for what was withdrawn while it was being sent; the delivery has settled."""
    if status := request_withdrawn(snapshot.view(referral.snapshot)):
        of_request(referral, status)
    file_corrections.withdrawn_while_it_ran(delivery, referral)


# -- What is not a file --------------------------------------------------------------------------


def _gone(
    before: Document, now: Document, keys: set[tuple[str, str]]
) -> dict[str, list[dict[str, Any]]]:
    """Return what of these keys was shown and is withdrawn, by part; without the files."""
    gone: dict[str, list[dict[str, Any]]] = {}
    for part in CONTENT:
        left = _items(now, part)
        for item in _items(before, part):
            if (part, snapshot.key_of(part, item)) in keys and item not in left:
                gone.setdefault(part, []).append(item)
    return gone


def _items(document: Document, part: str) -> list[dict[str, Any]]:
    value = cast(dict[str, Any], document).get(part) or []
    return [value] if isinstance(value, dict) else value


def _of_words(referral: Referral, gone: dict[str, list[dict[str, Any]]]) -> None:
    if not gone:
        return
    sent = {
        version.delivery_id: cast(Document, version.document)
        for version in Version.objects.filter(
            delivery__referral=referral, document__isnull=False
        ).order_by("number")
    }
    begun = Delivery.objects.filter(referral=referral, steps__isnull=False).distinct()
    for delivery in begun:
        for sentence in _named(gone, sent.get(delivery.pk)):
            corrections.add([delivery], sentence)


def _named(gone: dict[str, list[dict[str, Any]]], sent: Document | None) -> Iterable[str]:
    """Yield a sentence for each part of which something is gone, of that which was sent.

    Where nobody knows what was, of all of it.
    """
    for part, items in gone.items():
        already = (
            [_content(part, item) for item in _items(sent, part)] if sent is not None else None
        )
        there = [item for item in items if already is None or _content(part, item) in already]
        if there:
            yield _NAMES[part](there)


def _content(part: str, item: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(item.get(field) or "" for field in CONTENT[part])


def _labels(items: list[dict[str, Any]]) -> str:
    labels = list(dict.fromkeys(i.get("label") or i.get("group") or i.get("key") for i in items))
    shown = ", ".join(f"“{label}”" for label in labels[:NAMED])
    more = len(labels) - NAMED
    return sentences.AND_MORE(labels=shown, count=more) if more > 0 else shown


_NAMES = {
    "form_answers": lambda items: sentences.WITHDREW_ANSWERS(labels=_labels(items)),
    "messages": lambda items: sentences.WITHDREW_MESSAGES(count=len(items)),
    "appointment": lambda items: sentences.WITHDREW_APPOINTMENT(),
    "also_sent": lambda items: sentences.WITHDREW_OTHERS(labels=_labels(items)),
}
