"""The checks from Caredove up to the import: has it come, may it go, did a trigger match."""

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Q, QuerySet

from integrations.models import TriggerConfig
from integrations.triggers import TRIGGER_LABELS
from referrals import identity
from referrals.advice import Actor, Advice
from referrals.explain.answer import (
    EVENT,
    LISTING,
    ORGANIZATION,
    TRIGGER,
    Cause,
    Check,
    Light,
    Stop,
    amber,
    red,
)
from referrals.models import Delivery, InboundEvent, Referral

State, Outcome = InboundEvent.State, InboundEvent.Outcome

NO_LISTING = "No message has said yet which listing it is for."
WHEN_ONE_DOES = "It goes on by itself when one does."
ABSENT = (
    "No event with this reference has arrived. Check the number. If it is right: the referral may "
    "be so new that it is still on its way, or not say yet which organization it is for; the "
    "listing may not be integrated in Caredove; the referral may be older than the integration; "
    "or Caredove could not reach Dovetail, or was refused, and tells so in its own list of "
    "failures."
)
SAVE_AGAIN = "then have the referral saved in Caredove."
CHECK_NUMBER = Advice(Actor.SUPPORT, "")
TELL_DEVELOPERS = Advice(Actor.DEVELOPERS, "Tell the developers; the event is kept.")
COMPARE = Advice(
    Actor.SUPPORT, "Compare the two bodies, and tell Caredove to send it with an id of its own."
)
TELL_CAREDOVE = Advice(
    Actor.ADMINISTRATOR,
    "Tell Caredove, or let the source send for that organization; then have the referral saved in "
    "Caredove.",
)
SET_UP = Advice(Actor.ADMINISTRATOR, f"Set the organization and the listing up, {SAVE_AGAIN}")
CONNECT = Advice(Actor.LIAISON, f"Connect the listing, {SAVE_AGAIN}")


# -- without a referral ------------------------------------------------------------------------


def of_unknown(reference: str, events: Q) -> Stop:
    """Return why there is no referral of this reference: of those events that one may hear of."""
    named = InboundEvent.objects.filter(events, reference=reference)
    return (
        _unopened(named)
        or _unused(named)
        or red(EVENT, Cause.UNKNOWN_REFERENCE, ABSENT, CHECK_NUMBER)
    )


def _unopened(named: QuerySet[InboundEvent], question: str = EVENT) -> Stop | None:
    """An event that is stored and not opened: nothing has been merged from it yet."""
    if event := named.filter(state=State.QUARANTINED).first():
        sentence = "Its event arrived and could not be opened."
        return red(question, Cause.NOT_OPENABLE, sentence, TELL_DEVELOPERS, event)
    if event := named.filter(state=State.RECEIVED).first():
        return amber(
            question,
            Cause.NOT_OPENED,
            "Its newest event has arrived and has not been opened yet.",
            "If that lasts longer than a minute, the dispatcher is not running: tell an "
            "administrator.",
            event,
        )
    return None


def _unused(named: QuerySet[InboundEvent]) -> Stop | None:
    """An event that was stored, and that none of a referral could be made of."""
    if event := named.filter(outcome=Outcome.UNREADABLE).first():
        return red(EVENT, Cause.UNREADABLE, event.reason, TELL_DEVELOPERS, event)
    if event := named.filter(outcome=Outcome.FORBIDDEN).first():
        return red(EVENT, Cause.FORBIDDEN_SOURCE, event.reason, TELL_CAREDOVE, event)
    if event := named.filter(state=State.CONFLICT).first():
        return red(EVENT, Cause.CONFLICT, event.reason, COMPARE, event)
    return None


# -- of a referral -----------------------------------------------------------------------------


def before_import(
    referral: Referral, deliveries: Sequence[Delivery], asked: str
) -> Iterator[Check]:
    """Yield what was passed up to the import; raises Stop where it ends."""
    yield _event(referral, deliveries, asked)
    if deliveries:
        # The gates were open when the import started; what matters now is the import.
        yield Check(ORGANIZATION, Light.GREEN, str(referral.organization or ""))
        yield Check(LISTING, Light.GREEN, str(referral.listing or ""))
        yield Check(
            TRIGGER,
            Light.GREEN,
            _labels(key for delivery in deliveries for key in delivery.triggers),
        )
        return
    yield _organization(referral)
    configs = list(
        TriggerConfig.objects.filter(listing=referral.listing).select_related("destination")
    )
    yield _listing(referral, configs)
    raise _trigger(referral, [config for config in configs if config.enabled])


def _event(referral: Referral, deliveries: Sequence[Delivery], asked: str) -> Check:
    if referral.purged_at:
        raise _purged(referral, deliveries)
    opened = list(referral.events.filter(state=State.OPENED).order_by("received_at"))
    named = InboundEvent.objects.filter(reference=referral.reference)
    if not opened and (stop := _unopened(named)):
        raise stop
    if opened and not deliveries and not referral.snapshot:
        raise _nothing_to_merge(opened[-1])
    alias = "" if asked == referral.reference else f" {asked} is another id of it."
    count = f"{len(opened)} event{'' if len(opened) == 1 else 's'}"
    sentence = f"{count} received for {referral.reference}.{alias}{_other_numbers(referral)}"
    return Check(EVENT, Light.GREEN, sentence)


def _other_numbers(referral: Referral) -> str:
    """Return that messages name the referral by several Reference #s; empty when they do not."""
    aliases = referral.aliases.exclude(value=referral.reference)
    named = aliases.values_list("source_kind", "value")
    others = sorted(value for kind, value in named if identity.is_number(kind, value))
    return f" Messages also name it by the number {', '.join(others)}." if others else ""


def _nothing_to_merge(last: InboundEvent) -> Stop:
    if last.outcome == Outcome.UNKNOWN_CODE:
        return red(EVENT, Cause.UNKNOWN_CODE, last.reason, TELL_DEVELOPERS, last)
    return amber(EVENT, Cause.IGNORED_CODE, last.reason, "Nothing else has come yet.", last)


def _purged(referral: Referral, deliveries: Sequence[Delivery]) -> Stop:
    there = [delivery for delivery in deliveries if delivery.external_id]
    where = ", ".join(f"{delivery.destination} as {delivery.external_id}" for delivery in there)
    if not referral.is_revoked:
        deleted = "Its retention period was over, so its data was deleted here."
        left = f"It is in {where}." if there else "It was not imported."
        return amber(EVENT, Cause.EXPIRED, f"{deleted} {left}")
    if any(delivery.has_uncleared_error for delivery in there):
        sentence = f"Caredove revoked it; its data was deleted here. It is still in {where}."
        remove = Advice(Actor.SUPPORT, "Remove it there, then clear the error.")
        return red(EVENT, Cause.REVOKED_BUT_THERE, sentence, remove, there[0])
    deleted = "Caredove revoked it; its data was deleted, and it is not imported."
    return amber(EVENT, Cause.REVOKED, deleted)


def _organization(referral: Referral) -> Check:
    organization = referral.organization
    if organization is None:
        raise _no_organization(referral)
    if not organization.active:
        raise red(
            ORGANIZATION,
            Cause.SUSPENDED,
            f"{organization} is suspended.",
            Advice(Actor.ADMINISTRATOR, f"Activate it, {SAVE_AGAIN}"),
            organization,
        )
    if not organization.may_import():
        raise red(
            ORGANIZATION,
            Cause.PLAN_TOO_LOW,
            f"{organization} is on the {organization.get_plan_display()} plan; importing needs "
            "Advanced CBO or higher.",
            Advice(Actor.ADMINISTRATOR, "Ask Caredove about the plan."),
            organization,
        )
    return Check(ORGANIZATION, Light.GREEN, f"{organization}: {organization.get_plan_display()}.")


def _no_organization(referral: Referral) -> Stop:
    if referral.events.filter(outcome=Outcome.NO_LISTING).exists():
        return amber(ORGANIZATION, Cause.PLACE_UNKNOWN, NO_LISTING, WHEN_ONE_DOES)
    last = referral.events.exclude(reason="").order_by("-received_at").first()
    sentence = last.reason if last else "Its organization is not set up here."
    return red(ORGANIZATION, Cause.UNKNOWN_ORGANIZATION, sentence, SET_UP)


def _listing(referral: Referral, configs: list[TriggerConfig]) -> Check:
    if referral.listing is None:
        raise _no_listing(referral)
    if not configs:
        raise red(
            LISTING,
            Cause.NOT_CONNECTED,
            f"Listing {referral.listing} is not connected to a destination.",
            CONNECT,
            referral.listing,
        )
    if not any(config.enabled for config in configs):
        raise red(
            LISTING,
            Cause.SWITCHED_OFF,
            f"The trigger config of listing {referral.listing} is off.",
            Advice(Actor.LIAISON, f"Switch it on, {SAVE_AGAIN}"),
            configs[0],
        )
    return Check(LISTING, Light.GREEN, f"{referral.listing} is connected.")


def _no_listing(referral: Referral) -> Stop:
    named = referral.listing_caredove_id
    if not named:
        return amber(LISTING, Cause.PLACE_UNKNOWN, NO_LISTING, WHEN_ONE_DOES)
    sentence = f"Listing {named} is not set up here."
    return red(LISTING, Cause.UNKNOWN_LISTING, sentence, CONNECT, referral.organization)


def _trigger(referral: Referral, configs: list[TriggerConfig]) -> Stop:
    named = InboundEvent.objects.filter(reference=referral.reference)
    if pending := _unopened(named, TRIGGER):
        return pending
    if routed := referral.events.filter(outcome=Outcome.ROUTED).first():
        include = Advice(Actor.LIAISON, "Include routed requests if they are wanted.")
        return red(TRIGGER, Cause.ROUTED, routed.reason, include, configs[0])
    if conflict := named.filter(state=State.CONFLICT).first():
        return red(TRIGGER, Cause.CONFLICT, conflict.reason, COMPARE, conflict)
    chosen = "; ".join(config.labels() for config in configs)
    happened = _labels(key for event in referral.events.all() for key in sorted(event.triggers))
    return amber(
        TRIGGER,
        Cause.NO_TRIGGER,
        f"Listing {referral.listing} is imported on: {chosen}. "
        f"What happened so far: {happened or 'nothing of that'}.",
        "It goes by itself when one of those happens in Caredove.",
        configs[0],
    )


def _labels(keys: Iterable[str]) -> str:
    return ", ".join(TRIGGER_LABELS.get(key, key) for key in dict.fromkeys(keys))
