"""The steps of onboarding: seen from the configuration and from events, and stored only else."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from access import scope
from integrations.models import (
    Destination,
    Organization,
    SourceCredential,
    TriggerConfig,
)
from referrals.advice import Actor
from referrals.answers.readiness import organization_imports
from referrals.models import Delivery, Referral
from referrals.running import test_events
from workplace.models import PreviewSeen


@dataclass(frozen=True, slots=True)
class OnboardingStep:
    """One step: whether it is done, how it stands, and whether this person may do it."""

    key: str
    title: str
    done: bool
    sentence: str
    actor: Actor
    may: bool


def organizations(user: Any) -> QuerySet[Organization]:
    """Return the person's organizations, each with what is true of it, as `has_…`."""
    here = OuterRef("pk")
    credentials = SourceCredential.objects.filter(
        Q(source__organizations=here) | Q(source__organizations=None),
        active=True,
        source__active=True,
    )
    referrals = Referral.objects.filter(organization=here)
    # What has been imported has tested the connection better than a test, and shows what is sent.
    imported = Delivery.objects.filter(imported_at__isnull=False, destination=OuterRef("pk"))
    answered = Q(checked_at__isnull=False) | Exists(imported)
    destinations = Destination.objects.filter(organization=here)
    working = destinations.filter(answered, paused_at__isnull=True)
    configs = TriggerConfig.objects.filter(listing__organization=here)
    imports = Delivery.objects.filter(
        imported_at__isnull=False, destination=OuterRef("destination")
    )
    on = configs.filter(
        Q(destination__checked_at__isnull=False) | Exists(imports),
        enabled=True,
        destination__paused_at__isnull=True,
    )
    previews = PreviewSeen.objects.filter(organization=here)
    rows = Organization.objects.annotate(
        has_credentials=Exists(credentials),
        has_event=Exists(referrals),
        has_event_of_caredove=Exists(referrals.exclude(test_events.is_test())),
        has_destination=Exists(destinations),
        has_working_destination=Exists(working),
        has_connection=Exists(configs),
        has_preview=Exists(previews),
        has_imports=Exists(destinations.filter(Exists(imported))),
        is_on=Exists(on),
    )
    return scope.limited(rows, user, "pk")


def steps(organization: Any, user: Any) -> list[OnboardingStep]:
    """Return the steps of an organization that comes from `organizations`, in their order."""
    connects = user.has_perms(
        ("integrations.add_triggerconfig", "integrations.change_triggerconfig")
    )
    return [
        _credentials(organization, user),
        _test_event(organization, connects),
        _destination(organization, user),
        _listing(organization, connects),
        _preview(organization, connects),
        _live(organization, connects),
    ]


def _credentials(organization: Any, user: Any) -> OnboardingStep:
    done = organization.has_credentials
    if done:
        sentence = _("Caredove can sign in to send events.")
    else:
        sentence = _("Caredove needs an address, a key id and a secret to send events.")
    may = user.has_perm("integrations.add_sourcecredential")
    label = _("Credentials for Caredove")
    return OnboardingStep("credentials", label, done, sentence, Actor.ADMINISTRATOR, may)


def _test_event(organization: Any, connects: bool) -> OnboardingStep:
    if organization.has_event_of_caredove:
        sentence = _("Caredove has sent events.")
    elif organization.has_event:
        sentence = _("Only Dovetail's own test has come so far; nothing from Caredove yet.")
    else:
        sentence = _("Have Caredove send a test, or send one from here.")
    may = connects and organization.has_credentials
    label = _("Test event received")
    return OnboardingStep("test", label, organization.has_event, sentence, Actor.LIAISON, may)


def _destination(organization: Any, user: Any) -> OnboardingStep:
    done = organization.has_working_destination
    if done:
        sentence = _("The destination answers.")
    elif organization.has_destination:
        sentence = _("Open the destination and press “Test connection”.")
    else:
        sentence = _("Add the destination: its address and its token.")
    may = user.has_perm("integrations.change_destination")
    label = _("Destination tested")
    return OnboardingStep("destination", label, done, sentence, Actor.ADMINISTRATOR, may)


def _listing(organization: Any, connects: bool) -> OnboardingStep:
    done = organization.has_connection
    if done:
        sentence = _("A listing goes to a destination.")
    else:
        sentence = _("Choose a listing, its destination, and the moments at which referrals go.")
    label = _("First listing connected")
    return OnboardingStep("listing", label, done, sentence, Actor.LIAISON, connects)


def _preview(organization: Any, connects: bool) -> OnboardingStep:
    done = organization.has_preview or organization.has_imports
    if done:
        sentence = _("Somebody has seen what will be sent.")
    else:
        sentence = _("Look at what the destination will get before anything is sent.")
    label = _("First preview seen")
    return OnboardingStep("preview", label, done, sentence, Actor.LIAISON, connects)


def _live(organization: Any, connects: bool) -> OnboardingStep:
    importing = organization_imports(organization)
    imports = importing.met
    live = imports and organization.is_on
    if not imports:
        sentence = importing.sentence
    elif live and not organization.has_event_of_caredove:
        sentence = _("It is on. Nothing has come from Caredove itself yet.")
    else:
        sentence = (
            _("Referrals are imported.")
            if live
            else _("Switch the connection on when everything above is done.")
        )
    actor = Actor.LIAISON if imports else Actor.ADMINISTRATOR
    return OnboardingStep("live", _("Go live"), live, sentence, actor, connects and imports)
