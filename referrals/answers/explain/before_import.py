"""The checks from Caredove up to the import: has it come, may it go, did a trigger match."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db.models import Q, QuerySet

from core.text.sentences import join
from integrations.models import TriggerConfig
from integrations.triggers import labels_of
from referrals import gates, sentences
from referrals.advice import Actor, Advice
from referrals.answers.explain.answer import Cause, Check, Light, Stop, amber, red, shut, there
from referrals.gates import EVENT, LISTING, ORGANIZATION, TRIGGER
from referrals.intake import identity
from referrals.models import Delivery, InboundEvent, Referral

State, Outcome = InboundEvent.State, InboundEvent.Outcome

LOOKED_AT = 50  # events of one reference

CHECK_NUMBER = Advice(Actor.SUPPORT, "")
CONTACT_DEVELOPERS = Advice(
    Actor.DEVELOPERS, "Contact whoever maintains Dovetail. The event is kept."
)
START_DISPATCHER = Advice(
    Actor.NOBODY,
    "If this lasts longer than a minute, the dispatcher is not running. Contact an administrator.",
)
NOTHING_ELSE = Advice(Actor.NOBODY, "Nothing else has come yet.")
REMOVE_THERE = Advice(Actor.SUPPORT, "Remove it there, then clear the error.")
COMPARE = Advice(
    Actor.SUPPORT, "Compare the two bodies, and ask Caredove to send it again with its own ID."
)

# -- without a referral ------------------------------------------------------------------------


def of_unknown(reference: str, events: Q) -> Stop:
    """Return why there is no referral of this reference: of those events that one may hear of."""
    named = InboundEvent.objects.filter(events, reference=reference)
    return (
        _unopened(_left(named))
        or _unused(named)
        or red(EVENT, Cause.UNKNOWN_REFERENCE, sentences.ABSENT(), CHECK_NUMBER)
    )


def _left(named: QuerySet[InboundEvent]) -> dict[str, InboundEvent]:
    """Return an event of each state in which nothing has been merged from it, the newest."""
    left = named.filter(state__in=[State.QUARANTINED, State.RECEIVED, State.CONFLICT])
    # Conflicts can be many, and come last.
    newest = list(left.order_by("-state", "-received_at")[:LOOKED_AT])
    return {event.state: event for event in reversed(newest)}


def _unopened(left: dict[str, InboundEvent], question: str = EVENT) -> Stop | None:
    """An event that is stored and not opened: nothing has been merged from it yet."""
    if event := left.get(State.QUARANTINED):
        sentence = sentences.NOT_OPENABLE()
        return red(question, Cause.NOT_OPENABLE, sentence, CONTACT_DEVELOPERS, event)
    if event := left.get(State.RECEIVED):
        sentence = sentences.NOT_OPENED()
        return amber(question, Cause.NOT_OPENED, sentence, START_DISPATCHER, event)
    return None


def _unused(named: QuerySet[InboundEvent]) -> Stop | None:
    """An event that was stored, and that none of a referral could be made of."""
    if event := named.filter(outcome=Outcome.UNREADABLE).first():
        return red(EVENT, Cause.UNREADABLE, event.reason, CONTACT_DEVELOPERS, event)
    if event := named.filter(outcome=Outcome.FORBIDDEN).first():
        return shut(gates.FORBIDDEN.was_shut(event.reason, event))
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
            labels_of(key for delivery in deliveries for key in delivery.triggers),
        )
        return
    yield from _may_go(referral)


def _event(referral: Referral, deliveries: Sequence[Delivery], asked: str) -> Check:
    if referral.purged_at:
        raise _purged(referral, deliveries)
    # Not filtered by the database: who tells the whole story has the events at hand already.
    opened = [event for event in referral.events.all() if event.state == State.OPENED]
    opened.sort(key=lambda event: event.received_at)
    named = InboundEvent.objects.filter(reference=referral.reference)
    if not opened and (stop := _unopened(_left(named))):
        raise stop
    if opened and not deliveries and not referral.snapshot:
        raise _nothing_to_merge(opened[-1])
    received = sentences.RECEIVED(count=len(opened), reference=referral.reference)
    alias = "" if asked == referral.reference else sentences.OTHER_ID(id=asked)
    return Check(EVENT, Light.GREEN, join([received, alias, _other_numbers(referral)]))


def _other_numbers(referral: Referral) -> str:
    """Return that messages name the referral by several Reference #s; empty when they do not."""
    others = sorted(
        alias.value
        for alias in referral.aliases.all()
        if alias.value != referral.reference and identity.is_number(alias.source_kind, alias.value)
    )
    return sentences.OTHER_NUMBERS(numbers=others) if others else ""


def _nothing_to_merge(last: InboundEvent) -> Stop:
    if last.outcome == Outcome.UNKNOWN_CODE:
        return red(EVENT, Cause.UNKNOWN_CODE, last.reason, CONTACT_DEVELOPERS, last)
    return amber(EVENT, Cause.IGNORED_CODE, last.reason, NOTHING_ELSE, last)


def _purged(referral: Referral, deliveries: Sequence[Delivery]) -> Stop:
    imported = [delivery for delivery in deliveries if delivery.external_id]
    where = [there(delivery) for delivery in imported]
    if not referral.is_revoked:
        left = sentences.IS_IN(where=where) if where else sentences.NOT_IMPORTED()
        return amber(EVENT, Cause.EXPIRED, join([sentences.DATA_EXPIRED(), left]))
    was_erased = referral.purged_why == Referral.PurgedWhy.ERASED
    if any(delivery.has_uncleared_error for delivery in imported):
        still_in = sentences.ERASED_STILL_IN if was_erased else sentences.REVOKED_STILL_IN
        sentence = still_in(where=where)
        return red(EVENT, Cause.REVOKED_BUT_THERE, sentence, REMOVE_THERE, imported[0])
    not_in = sentences.ERASED_NOT_IN() if was_erased else sentences.REVOKED_NOT_IN()
    return amber(EVENT, Cause.REVOKED, not_in)


def _may_go(referral: Referral) -> Iterator[Check]:
    """Yield the questions that gates answer, without an import; raises Stop where one is shut."""
    configs = list(
        TriggerConfig.objects.filter(listing=referral.listing).select_related("destination")
    )
    facts = gates.Facts(
        referral=referral,
        organization=referral.organization,
        listing=referral.listing,
        listing_id=referral.listing_caredove_id,
        configs=configs,
    )
    organization = referral.organization
    if organization is None:
        raise _no_organization(referral)
    closed = gates.shut_by_question(facts, *gates.at(ORGANIZATION, LISTING))
    if closed and closed[0].gate.question == ORGANIZATION:
        raise shut(*closed)
    plan = organization.get_plan_display()
    sentence = sentences.MAY_IMPORT(organization=organization, plan=plan)
    yield Check(ORGANIZATION, Light.GREEN, sentence)
    if closed:
        raise shut(*closed)
    yield Check(LISTING, Light.GREEN, sentences.CONNECTED(listing=referral.listing))
    raise _trigger(referral, replace(facts, configs=[one for one in configs if one.enabled]))


def _no_organization(referral: Referral) -> Stop:
    """Say what an event stopped at: which organization it named, only its reason still knows."""
    if referral.events.filter(outcome=Outcome.NO_LISTING).exists():
        return shut(gates.PLACE_UNKNOWN.was_shut(sentences.NO_LISTING()))
    last = referral.events.exclude(reason="").order_by("-received_at").first()
    sentence = last.reason if last else sentences.UNKNOWN_PLACE(id=referral.listing_caredove_id)
    return shut(gates.UNKNOWN_ORGANIZATION.was_shut(sentence))


def _trigger(referral: Referral, facts: gates.Facts) -> Stop:
    left = _left(InboundEvent.objects.filter(reference=referral.reference))
    if pending := _unopened(left, TRIGGER):
        return pending
    place = facts.configs[0]
    events = list(referral.events.all())
    for event in events:
        if event.outcome == Outcome.ROUTED:
            return shut(gates.ROUTED.was_shut(event.reason, place))
    if conflict := left.get(State.CONFLICT):
        return red(TRIGGER, Cause.CONFLICT, conflict.reason, COMPARE, conflict)
    fired = [key for event in events for key in sorted(event.triggers)]
    return shut(gates.NO_TRIGGER.was_shut(gates.what_happened(replace(facts, fired=fired)), place))
