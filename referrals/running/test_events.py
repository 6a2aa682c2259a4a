"""Test events: an invented person takes the path of every referral, and can be followed.

They enter where endpoints hand bodies over (`intake.receive`); from there on nothing knows that
they are tests but their reference and their event id, which say so.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import sources
from integrations.models import Destination, Organization, ServiceListing, Source, TriggerConfig
from integrations.triggers import SENDER_TRIGGER_KEYS, labels_of
from referrals import gates
from referrals.advice import advice
from referrals.answers.explain import Light
from referrals.intake import receiving
from referrals.models import (
    TEST_EVENT_IDS,
    TEST_REFERENCE,
    WRONGLY_SET_UP,
    Attempt,
    Delivery,
    InboundEvent,
)
from referrals.running import tasks

TOKEN_LENGTH = 10

State, Reason = Delivery.State, Delivery.Reason


def receivers(listing: ServiceListing) -> list[Destination]:
    """Return the destinations into which a test event for the listing would go now."""
    configs = TriggerConfig.objects.filter(listing=listing, enabled=True)
    return [config.destination for config in configs.select_related("destination")]


def send(source: Source, listing: ServiceListing) -> str:
    """Store a test event for the listing as if the source had sent it; return its token.

    It is such that the listing's trigger config fires; where there is none, it is *Received*.
    Raises LookupError when the source's kind has no test events.
    """
    sample = sources.source_kind(source.kind).sample
    if sample is None:
        raise LookupError(
            gettext("Sources of the kind “{kind}” have no test events.").format(kind=source.kind)
        )
    token = "".join(secrets.choice("0123456789") for _ in range(TOKEN_LENGTH))
    named = {"id": listing.caredove_id, "name": listing.name}
    event_id = f"{_keys(listing.organization)}{token}".removeprefix("id:")
    with transaction.atomic():
        for body in sample.bodies(_trigger(listing), named, TEST_REFERENCE + token, event_id):
            received = receiving.receive(source, sample.ENDPOINT, body)
            tasks.wake_event(received.event_id)
    return token


def kinds() -> list[str]:
    """Return the kinds of sources for which there are test events."""
    return [name for name, kind in sources.kinds().items() if kind.sample]


def _trigger(listing: ServiceListing) -> str:
    """Return the first trigger on which every destination of the listing gets the referral."""
    configs = TriggerConfig.objects.filter(listing=listing)
    chosen = [set(config.on) for config in configs.order_by("-enabled", "pk")]
    common = set.intersection(*chosen) if chosen else set()
    wanted = common or (chosen[0] if chosen else set())
    return next((key for key in SENDER_TRIGGER_KEYS if key in wanted), "received")


def _keys(organization: Organization) -> str:
    return f"{TEST_EVENT_IDS}{organization.pk}-"


def events_of(organization: Organization, token: str) -> QuerySet[InboundEvent]:
    """Return the events of a test of the organization, in their order; none for another's."""
    prefix = f"{_keys(organization)}{token}-"
    events = InboundEvent.objects.filter(
        reference=TEST_REFERENCE + token, dedup_key__startswith=prefix
    )
    return events.select_related("referral").order_by("dedup_key")


def is_test(prefix: str = "") -> Q:
    """Return the condition on an event or a referral: it is a test."""
    return Q(**{f"{prefix}reference__startswith": TEST_REFERENCE})


# -- following one -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a test event: reached, under way, failed, or not reached."""

    name: str
    light: Light = Light.NOT_REACHED
    sentence: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """The stages of a test event into one destination; without one, up to where it ended."""

    stages: tuple[Stage, ...]
    url: str = ""
    remove: str = ""  # what it leaves at the destination, for a person to delete there
    destination: Destination | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself within seconds."""
        lights = [stage.light for stage in self.stages]
        return Light.RED in lights or lights[-1] is Light.GREEN


STAGES = (_("Received"), _("Opened"), _("Matched"), _("Mapped"), _("Sent"), _("In CRMS"))


def progress_of(events: list[InboundEvent]) -> list[Progress]:
    """Return how far a test has come: one progress for each destination, at least one."""
    before = list(_before_deliveries(events))
    referral = events[-1].referral
    deliveries = (
        list(referral.deliveries.select_related("destination__organization")) if referral else []
    )
    if len(before) < 2 or not deliveries:
        return [_progress(before)]
    return [_progress([*before, *_of_delivery(delivery)], delivery) for delivery in deliveries]


def _progress(reached: list[Stage], delivery: Delivery | None = None) -> Progress:
    rest = (Stage(str(name)) for name in STAGES[len(reached) :])
    if delivery is None:
        return Progress((*reached, *rest))
    return Progress(
        (*reached, *rest), delivery.external_url, _to_remove(delivery), delivery.destination
    )


def _to_remove(delivery: Delivery) -> str:
    """Say what to delete in a destination that is no stand-in, once anything was sent there."""
    if delivery.destination.transport().is_stand_in or not delivery.steps.exists():
        return ""
    sentence = (
        gettext(
            "Delete referral {reference} ({id}) in {destination}, with its files: its summary was "
            "sent twice and may be there twice."
        )
        if delivery.external_id
        else gettext(
            "Delete referral {reference} in {destination}, if it is there, with its files: its "
            "summary was sent twice and may be there twice."
        )
    )
    return sentence.format(
        reference=delivery.reference, id=delivery.external_id, destination=delivery.destination
    )


def _before_deliveries(events: list[InboundEvent]) -> Iterator[Stage]:
    yield Stage(gettext("Received"), Light.GREEN, gettext("Dovetail has stored it."))
    if any(event.state == InboundEvent.State.QUARANTINED for event in events):
        yield Stage(
            gettext("Opened"), Light.RED, gettext("It could not be opened. Tell the developers.")
        )
    elif any(event.state == InboundEvent.State.RECEIVED for event in events):
        sentence = gettext("If that lasts longer than a minute, the dispatcher is not running.")
        yield Stage(gettext("Opened"), Light.AMBER, sentence)
    else:
        yield Stage(gettext("Opened"), Light.GREEN, gettext("It was read."))
        last = events[-1]
        if last.referral is None or not last.referral.deliveries.exists():
            yield Stage(gettext("Matched"), Light.RED, last.reason)


def _of_delivery(delivery: Delivery) -> Iterator[Stage]:
    """Yield the stages from the match on, up to the first that is not reached."""
    triggers = labels_of(delivery.triggers)
    yield Stage(gettext("Matched"), Light.GREEN, f"{triggers}: it goes to {delivery.destination}.")
    failed = delivery.state in (State.NEEDS_ATTENTION, State.DISMISSED)
    facts = gates.Facts(destination=delivery.destination)
    shut = gates.first_shut(facts, *gates.OF_THE_CONNECTION)
    if shut and not delivery.external_id:
        yield Stage(gettext("Mapped"), Light.RED, shut.sentence)
    elif not _was_built(delivery):
        light = Light.RED if failed else Light.AMBER
        yield Stage(
            gettext("Mapped"), light, _sentence(delivery) or gettext("It is its turn in a moment.")
        )
    else:
        yield Stage(gettext("Mapped"), Light.GREEN, gettext("The record and the summary are made."))
        yield from _sent(delivery, failed=failed)


def _sent(delivery: Delivery, *, failed: bool) -> Iterator[Stage]:
    if delivery.external_id:
        yield Stage(
            gettext("Sent"),
            Light.GREEN,
            gettext("{destination} took it.").format(destination=delivery.destination),
        )
        yield _in_destination(delivery)
    else:
        light = Light.RED if failed or delivery.tries else Light.AMBER
        yield Stage(gettext("Sent"), light, _sentence(delivery) or gettext("It is being sent."))


def _in_destination(delivery: Delivery) -> Stage:
    if delivery.missing_files and not delivery.due_at:
        missing = ", ".join(delivery.missing_files.values())
        return Stage(
            gettext("In CRMS"),
            Light.RED,
            gettext("It is there as {external_id}, without: {missing}").format(
                external_id=delivery.external_id, missing=missing
            ),
        )
    if delivery.state == State.IMPORTED and not delivery.due_at:
        return Stage(
            gettext("In CRMS"),
            Light.GREEN,
            gettext("It is there as {external_id}.").format(external_id=delivery.external_id),
        )
    return Stage(
        gettext("In CRMS"),
        Light.AMBER,
        gettext("It is there as {external_id}; its files follow.").format(
            external_id=delivery.external_id
        ),
    )


def _was_built(delivery: Delivery) -> bool:
    """Whether the record was made: something was meant for, or answered by, the destination."""
    if delivery.external_id or delivery.steps.exists():
        return True
    ended = delivery.attempts.exclude(outcome="").exclude(outcome=Attempt.Outcome.MISCONFIGURED)
    return ended.exists() and delivery.reason not in WRONGLY_SET_UP


def _sentence(delivery: Delivery) -> str:
    """Return what went wrong and what to do; empty when nothing has."""
    if not delivery.message:
        return ""
    return f"{delivery.message} {advice(delivery).what}".strip()
