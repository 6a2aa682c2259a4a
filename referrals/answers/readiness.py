"""What is still missing before the referrals of a listing arrive where they should."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from integrations import sources
from integrations.models import (
    Organization,
    ServiceListing,
    Source,
    SourceCredential,
    TriggerConfig,
)
from mapping.engine.checks import check_mapping
from referrals import gates, sentences
from referrals.advice import Actor
from referrals.answers.dry_run import for_listing
from referrals.gates import About, Facts
from referrals.models import Referral

LABELS = {
    About.ORGANIZATION: _("Organization active, on a sufficient plan"),
    About.SOURCE: _("Caredove has credentials"),
    About.EVENTS: _("An event has come for this listing"),
    About.DESTINATION: _("Destination tested, and not paused"),
    About.MAPPING: _("Mapping complete"),
    About.CONNECTION: _("Switched on"),
}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that has to be so. `sentence` says how it stands; `actor` fixes it."""

    about: About
    what: str
    met: bool
    sentence: str
    actor: Actor


def needs(listing: ServiceListing, config: TriggerConfig | None) -> list[Need]:
    """Return everything that a connection of the listing needs, in the order of its events."""
    organization = listing.organization
    facts = Facts(
        organization=organization,
        listing=listing,
        has_sender=sources_for(organization).exists(),
        has_come=Referral.objects.filter(for_listing(listing)).exists(),
        has_destination=config is not None or organization.destinations.exists(),
        config=config,
        configs=[config] if config else [],
        faults=_faults(config) if config else (),
    )
    asked = [About.ORGANIZATION, About.SOURCE, About.EVENTS]
    if config:
        asked += [About.DESTINATION, About.MAPPING]
    elif not facts.has_destination:
        asked += [About.DESTINATION]
    return [_need(about, facts) for about in (*asked, About.CONNECTION)]


def organization_imports(organization: Organization) -> Need:
    """Return whether the organization is active, on a plan that includes importing."""
    return _need(About.ORGANIZATION, Facts(organization=organization))


def _need(about: About, facts: Facts) -> Need:
    """Return how a part of the configuration stands: by the first of its gates that is shut."""
    what = gettext(LABELS[about])
    if about is About.CONNECTION and not facts.configs:
        what = gettext("Listing connected")
    shut = gates.first_shut(facts, *(gate for gate in gates.GATES if gate.about is about))
    if shut:
        return Need(about, what, False, shut.sentence, shut.actor)
    return Need(about, what, True, _open(about, facts), Actor.NOBODY)


def _open(about: About, facts: Facts) -> str:
    """Return the sentence for gates that are all open."""
    organization, config = facts.organization, facts.config
    if about is About.ORGANIZATION and organization:
        plan = organization.get_plan_display()
        return sentences.MAY_IMPORT(organization=organization, plan=plan)
    if about is About.SOURCE:
        return sentences.MAY_SEND(organization=organization)
    if about is About.EVENTS:
        return sentences.CAME()
    if config is None:
        return ""
    if about is About.DESTINATION:
        return sentences.ANSWERED(destination=config.destination)
    if about is About.MAPPING:
        return sentences.MAPPED(mapping=config.mapping)
    return sentences.SWITCHED_ON(chosen=config.labels())


def _faults(config: TriggerConfig) -> list[str]:
    mapping = config.mapping
    faults = check_mapping(config.destination.kind, mapping.engine_rules(), mapping.engine_tables())
    return [str(fault) for fault in faults]


def sources_for(organization: Organization) -> QuerySet[Source]:
    """Return the active sources with valid credentials that may send for the organization."""
    valid = SourceCredential.objects.filter(active=True)
    return Source.objects.filter(
        Q(organizations=organization) | Q(organizations=None),
        active=True,
        kind__in=sources.sending_kinds(),
        credentials__in=valid,
    ).distinct()
