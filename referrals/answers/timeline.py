"""What happened to a referral, as one story: events, attempts, and what people did."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import audit
from core.models import AuditEvent
from integrations.triggers import labels_of
from referrals.answers.explain.answer import NEWEST
from referrals.models import (
    Attempt,
    ClearedError,
    Delivery,
    InboundEvent,
    Note,
    PartnerUpdate,
    Referral,
)

SHOWN = 100  # of a kind, the newest
# Who read what is in the audit trail; it is no part of the story.
READING = ("view", "list", "explain", "read", "download", "preview", "search")
TAKEN_BACK = _("taken back")
# Told with their notes, from where those are.
CLEARED, WROTE = "clear error", "write note"
DONE = {
    "retry": _("{who} pressed Retry"),
    "dismiss": _("{who} dismissed the import"),
    "it is there": _("{who} answered that it is there, as {id}"),
    "it is not there": _("{who} answered that it is not there"),
    "place legal hold": _("{who} placed a legal hold"),
    "release legal hold": _("{who} released the legal hold"),
    "erase data": _("{who} erased the person's data, as the person asked"),
    "assign": _("{who} assigned the error to {to}"),
    "snooze": _("{who} snoozed the error until {until}"),
    "end snooze": _("{who} ended the snooze"),
    "undo assign": _("{who} undid the assignment"),
    "undo snooze": _("{who} undid the snooze"),
    "undo clear error": _("{who} undid the clearing of the error"),
    "undo dismiss": _("{who} undid the dismissal"),
    "delete data": _("The retention period is over: the person's data was deleted"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `row` is what it is about; `quoted` are somebody else's words."""

    at: datetime
    kind: str  # event, attempt, action or note
    title: str
    sentence: str = ""
    quoted: str = ""
    facts: tuple[str, ...] = ()
    row: InboundEvent | Attempt | None = None


def events_of(referral: Referral) -> list[InboundEvent]:
    """Return the newest events, the newest first; those at hand, if they were prefetched."""
    return sorted(referral.events.all(), key=lambda event: event.received_at, reverse=True)[:SHOWN]


# To be annotated for a referral whose story is told: what is not there is not asked for.
WITH_WORDS: dict[str, Any] = {
    "has_notes": Exists(Note.objects.filter(referral=OuterRef("pk"))),
    "has_cleared": Exists(ClearedError.objects.filter(delivery__referral=OuterRef("pk"))),
}
# To be prefetched for it.
WITH_EVENTS = Prefetch("events", InboundEvent.objects.select_related("source", "partner_update"))


def timeline(referral: Referral, deliveries: Sequence[Delivery]) -> list[Moment]:
    """Return what happened, the newest first."""
    moments = [
        *_events(referral),
        *_attempts(deliveries),
        *_actions(referral, deliveries),
        *(_cleared(deliveries) if getattr(referral, "has_cleared", True) else ()),
        *(_notes(referral) if getattr(referral, "has_notes", True) else ()),
    ]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def _events(referral: Referral) -> Iterator[Moment]:
    for event in events_of(referral):
        update: PartnerUpdate | None = getattr(event, "partner_update", None)
        patch = (update.patch or {}) if update else {}  # empty once the person's data is deleted
        fired = labels_of(event.triggers)
        became = event.get_outcome_display() if event.outcome else event.get_state_display()
        trigger = (
            gettext("Trigger: {fired}").format(fired=fired) if fired else gettext("No trigger")
        )
        yield Moment(
            event.received_at,
            "event",
            event.code,
            f"{became}. {event.reason}" if event.reason else f"{became}.",
            quoted=patch.get("note", ""),
            facts=(
                trigger,
                gettext("From {source}").format(source=event.source),
                *_facts_of_patch(patch),
            ),
            row=event,
        )


def _facts_of_patch(patch: Mapping[str, Any]) -> Iterator[str]:
    labels = {
        "status": gettext("Status"),
        "status_label": gettext("Shown as"),
        "record_id": gettext("Their record"),
    }
    for name, label in labels.items():
        if name in patch:
            value = patch[name] or TAKEN_BACK
            yield gettext("{label}: {value}").format(label=label, value=value)
    if "outcome" in patch:
        outcome = patch["outcome"] or {}
        words = [outcome[name] for name in ("code", "text") if outcome.get(name)]
        text = ", ".join(words) or TAKEN_BACK
        yield gettext("Outcome: {said}").format(said=text)


def _attempts(deliveries: Sequence[Delivery]) -> Iterator[Moment]:
    destinations = {delivery.pk: str(delivery.destination) for delivery in deliveries}
    attempts = [attempt for delivery in deliveries for attempt in _newest(delivery)]
    attempts.sort(key=lambda attempt: attempt.started_at, reverse=True)
    for attempt in attempts[:SHOWN]:
        outcome = attempt.get_outcome_display() or gettext("Under way")
        yield Moment(
            attempt.started_at,
            "attempt",
            gettext("Attempt {number} into {destination}: {outcome}").format(
                number=attempt.number,
                destination=destinations[attempt.delivery_id],
                outcome=outcome,
            ),
            quoted=attempt.message,
            facts=tuple(_facts(attempt)),
            row=attempt,
        )


def _newest(delivery: Delivery) -> Iterable[Attempt]:
    if hasattr(delivery, NEWEST):
        return cast("Iterable[Attempt]", getattr(delivery, NEWEST))
    return delivery.attempts.order_by("-number")[:SHOWN]


def _facts(attempt: Attempt) -> Iterator[str]:
    if attempt.code:
        yield attempt.code
    elif attempt.ended_at:
        yield gettext("No answer")
    if attempt.ended_at:
        time = duration(attempt.ended_at - attempt.started_at)
        yield gettext("took {time}").format(time=time)
    yield f"X-Request-ID {attempt.lease_token}"


def duration(time: timedelta) -> str:
    """Return how long something took, for people: 0.4 s, 12 s, 2 min 5 s."""
    seconds = time.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _actions(referral: Referral, deliveries: Sequence[Delivery]) -> Iterator[Moment]:
    reading = Q(action__in=(CLEARED, WROTE))
    for word in READING:
        reading |= Q(action__startswith=word)
    done = AuditEvent.objects.filter(_about(referral, deliveries)).exclude(reading)
    for event in done.order_by("-pk")[:SHOWN]:
        title = _done(event).format(who=event.username, **_more(event))
        yield Moment(event.at, "action", title, quoted=_why(event, deliveries))


def _done(event: AuditEvent) -> str:
    """Return the sentence for what the trail has, with placeholders for who and the rest."""
    if event.action == "it is there" and "external_id" not in event.detail:
        return gettext("{who} answered that it is there")
    known = DONE.get(event.action)
    return str(known) if known else "{who} " + event.action.replace("{", "{{").replace("}", "}}")


def _more(event: AuditEvent) -> dict[str, str]:
    """Return what the trail says beside what was done: as what, to whom, until when."""
    until = event.detail.get("until")
    return {
        "id": event.detail.get("external_id", ""),
        "to": event.detail.get("to") or gettext("no one"),
        "until": date_format(timezone.localtime(datetime.fromisoformat(until))) if until else "–",
    }


def _about(referral: Referral, deliveries: Sequence[Delivery]) -> Q:
    about = Q(object_type=referral._meta.label_lower, object_id=str(referral.pk))
    if deliveries:
        keys = [str(delivery.pk) for delivery in deliveries]
        about |= Q(object_type__in=audit.names_of(Delivery), object_id__in=keys)
    return about


def _why(event: AuditEvent, deliveries: Iterable[Delivery]) -> str:
    """Return why a delivery was dismissed: that is kept with it, not in the audit trail."""
    if event.action != "dismiss":
        return ""
    return next(
        (delivery.closed_why for delivery in deliveries if str(delivery.pk) == event.object_id), ""
    )


def _cleared(deliveries: Sequence[Delivery]) -> Iterator[Moment]:
    cleared = ClearedError.objects.filter(delivery__in=deliveries).select_related("cleared_by")
    for error in cleared.order_by("-cleared_at")[:SHOWN]:
        title = gettext("{who} cleared the error").format(who=error.cleared_by or "Dovetail")
        yield Moment(error.cleared_at, "action", title, quoted=error.note)


def _notes(referral: Referral) -> Iterator[Moment]:
    notes = Note.objects.filter(referral=referral).select_related("by")
    for note in notes.order_by("-at")[:SHOWN]:
        title = gettext("{who} wrote a note").format(who=note.by or gettext("Someone"))
        yield Moment(note.at, "note", title, quoted=note.text)
