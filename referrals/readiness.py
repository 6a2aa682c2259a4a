"""What is still missing before the referrals of a listing arrive where they should."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet

from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    SourceCredential,
    TriggerConfig,
)
from mapping.checks import check_mapping
from referrals.advice import Actor
from referrals.models import InboundEvent, Referral
from referrals.rehearsal import for_listing

DESTINATION = "Destination tested, and not held"


class About(StrEnum):
    """What a need is about: where it is mended."""

    ORGANIZATION = "organization"
    SOURCE = "source"
    EVENTS = "events"
    DESTINATION = "destination"
    MAPPING = "mapping"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that has to be so. `sentence` says how it stands; `actor` mends it."""

    about: About
    what: str
    met: bool
    sentence: str
    actor: Actor


def needs(listing: ServiceListing, config: TriggerConfig | None) -> list[Need]:
    """Return everything that a connection of the listing needs, in the order of its events."""
    organization = listing.organization
    return [
        organization_imports(organization),
        source_may_send(organization),
        _event_came(listing),
        *(_connection(config) if config else _no_connection(organization)),
    ]


def _no_connection(organization: Organization) -> Iterator[Need]:
    if not organization.destinations.exists():
        sentence = f"{organization} has no destination yet."
        yield Need(About.DESTINATION, DESTINATION, False, sentence, Actor.ADMINISTRATOR)
    yield Need(
        About.CONNECTION, "Listing connected", False, "It is not connected yet.", Actor.LIAISON
    )


def _connection(config: TriggerConfig) -> Iterator[Need]:
    yield destination_works(config.destination)
    yield mapping_is_complete(config)
    yield Need(
        About.CONNECTION,
        "Switched on",
        config.enabled,
        f"On: {config.labels()}." if config.enabled else "It is off: nothing is imported.",
        Actor.LIAISON,
    )


def organization_imports(organization: Organization) -> Need:
    """Return whether the organization is active, on a plan that includes importing."""
    plan = organization.get_plan_display()
    if not organization.active:
        sentence = f"{organization} is suspended in Dovetail."
    elif not organization.may_import():
        sentence = f"Importing needs Advanced CBO or higher, and the plan is {plan}."
    else:
        sentence = f"{organization}: {plan}."
    return Need(
        About.ORGANIZATION,
        "Organization active, on a sufficient plan",
        organization.may_import(),
        sentence,
        Actor.ADMINISTRATOR,
    )


def source_may_send(organization: Organization) -> Need:
    """Return whether Caredove has valid credentials to send for the organization."""
    found = sources_for(organization).exists()
    return Need(
        About.SOURCE,
        "Caredove has credentials",
        found,
        f"Caredove can sign in to send events for {organization}."
        if found
        else f"No source with valid credentials may send for {organization}.",
        Actor.ADMINISTRATOR,
    )


def sources_for(organization: Organization) -> QuerySet[Source]:
    """Return the active sources with valid credentials that may send for the organization."""
    valid = SourceCredential.objects.filter(active=True)
    return Source.objects.filter(
        Q(organizations=organization) | Q(organizations=None),
        active=True,
        credentials__in=valid,
    ).distinct()


def _event_came(listing: ServiceListing) -> Need:
    came = Referral.objects.filter(for_listing(listing)).exists()
    return Need(
        About.EVENTS,
        "An event has come for this listing",
        came,
        "Caredove sends events for it."
        if came
        else "Nothing has come yet. Ask Caredove whether the integration is switched on for this "
        f"listing (Caredove id {listing.caredove_id}).",
        Actor.ADMINISTRATOR,
    )


def event_came_for(organization: Organization) -> bool:
    """Return whether any event for the organization was ever opened."""
    return InboundEvent.objects.filter(referral__organization=organization).exists()


def destination_works(destination: Destination) -> Need:
    """Return whether the destination was tested, and takes referrals now."""
    if destination.held_at:
        sentence = f"{destination.paused} Nothing is lost."
    elif destination.checked_at is None:
        sentence = f"The connection to {destination} was never tested."
    else:
        sentence = f"{destination} answered the last test."
    return Need(
        About.DESTINATION,
        DESTINATION,
        destination.held_at is None and destination.checked_at is not None,
        sentence,
        Actor.ADMINISTRATOR,
    )


def mapping_is_complete(config: TriggerConfig) -> Need:
    """Return whether the mapping runs, and fills what the destination requires."""
    mapping = config.mapping
    faults = check_mapping(config.destination.kind, mapping.engine_rules(), mapping.engine_tables())
    first = f"{mapping}: {faults[0]}" if faults else f"{mapping} fills every required field."
    more = f" There are {len(faults) - 1} more." if len(faults) > 1 else ""
    return Need(About.MAPPING, "Mapping complete", not faults, first + more, Actor.LIAISON)
