"""The appointment of a referral, as its resource says and not as the event code does."""

from collections.abc import Iterator

from integrations.sources.caredove import identity
from integrations.sources.caredove.fhir.bundle import Bundle, Resource, referred_key
from integrations.sources.caredove.fhir.concepts import is_retracted
from integrations.sources.caredove.fhir.people import full_name
from integrations.sources.caredove.fields import Fields, made
from mapping.document import Appointment

_PROVIDERS = ("Practitioner", "PractitionerRole")
_LOCATION = "Location"
_ENDED = ("cancelled", "noshow", "entered-in-error")
_MINUTES_OF_A_WEEK = 7 * 24 * 60


def appointment(bundle: Bundle) -> Appointment:
    """Return the appointment; of several the one in focus, else the last that still stands."""
    chosen = _chosen(bundle)
    description = "\n".join(
        text
        for key in ("description", "comment", "patientInstruction")
        if (text := chosen.text(key))
    )
    return made(
        Appointment,
        id=chosen.key if identity.is_reference(chosen.key) else "",
        status=chosen.word("status"),
        start=chosen.instant("start"),
        end=chosen.instant("end"),
        duration_minutes=chosen.number("minutesDuration", below=_MINUTES_OF_A_WEEK),
        location=next(_locations(bundle, chosen), ""),
        provider_full_name=next(_providers(bundle, chosen), ""),
        description=description,
    )


def _chosen(bundle: Bundle) -> Resource:
    focused = [r for r in bundle.follow_all(bundle.header, "focus") if r.kind == "Appointment"]
    found = [r for r in bundle.of_kind("Appointment") if not is_retracted(r)]
    found.sort(key=lambda resource: resource.word("status") not in _ENDED)
    return next(iter([*focused, *reversed(found)]), bundle.nothing)


def _actors(
    bundle: Bundle, appointment: Resource, *kinds: str
) -> Iterator[tuple[Fields, Resource]]:
    for participant in appointment.children("participant"):
        actor = participant.child("actor", bare="reference")
        found = bundle.resolve(actor, appointment)
        if found.kind in kinds or (not found and any(referred_key(actor, kind) for kind in kinds)):
            yield actor, found


def _locations(bundle: Bundle, appointment: Resource) -> Iterator[str]:
    for actor, place in _actors(bundle, appointment, _LOCATION):
        address = place.child("address")
        street = ", ".join([*address.lines("line"), *address.lines("city")]) or address.line("text")
        name = place.line("name") or actor.line("display")
        parts = [name, street if street not in name else ""]
        if place or name:
            yield ", ".join(part for part in parts if part)


def _providers(bundle: Bundle, appointment: Resource) -> Iterator[str]:
    for actor, person in _actors(bundle, appointment, *_PROVIDERS):
        if name := full_name(bundle, person) or actor.line("display"):
            yield name
