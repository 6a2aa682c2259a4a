"""The appointment of a referral, as its resource says and not as the event code does."""

from collections.abc import Iterator

from integrations.sources.caredove import identity
from integrations.sources.caredove.fhir.bundle import Bundle, Resource, references_in
from integrations.sources.caredove.fhir.people import full_name
from integrations.sources.caredove.fhir.words.concepts import (
    code,
    is_retracted,
    label,
    state_of,
)
from integrations.sources.caredove.reading.fields import Fields, made
from mapping.source.document import Appointment

_PROVIDERS = ("Practitioner", "PractitionerRole")
_LOCATION = "Location"
_NO_PROVIDERS = ("Patient", "RelatedPerson", "HealthcareService", "Device", _LOCATION)
_ENDED = ("cancelled", "noshow", "entered-in-error")
# Of several participants those come first who will be there.
_COMING = ("accepted", "tentative", "needs-action", "", "declined")
_MINUTES_OF_A_WEEK = 7 * 24 * 60


def appointment(bundle: Bundle) -> Appointment:
    """Return the appointment; of several the one in focus, else the last that still stands."""
    found = chosen(bundle)
    description = "\n".join(
        text
        for key in ("description", "comment", "patientInstruction")
        if (text := found.text(key))
    )
    return made(
        Appointment,
        id=appointment_id(bundle, found),
        status=found.word("status"),
        start=_time(bundle, found, "start"),
        end=_time(bundle, found, "end"),
        duration_minutes=found.number("minutesDuration", below=_MINUTES_OF_A_WEEK),
        location=next(_locations(bundle, found), ""),
        provider_full_name=next(_providers(bundle, found), ""),
        description=description,
    )


def _time(bundle: Bundle, appointment: Resource, key: str) -> str:
    """Return when it begins or ends: as it says itself, else as the first of its slots does."""
    path = f"appointment.{key}"
    if key in appointment:
        return appointment.instant(key, path)
    slot = next(iter(bundle.follow_all(appointment, "slot")), bundle.nothing)
    return slot.instant(key, path)


def appointment_id(bundle: Bundle, found: Resource) -> str:
    """Return by what an appointment is known in every message."""
    return found.key if identity.is_reference(found.key) else ""


def chosen(bundle: Bundle) -> Resource:
    """Return the appointment that the message is about; empty where there is none."""
    focused = [r for r in bundle.follow_all(bundle.header, "focus") if r.kind == "Appointment"]
    found = bundle.of_kind("Appointment")
    found.sort(key=lambda resource: state_of(resource) not in _ENDED)
    candidates = [r for r in [*focused, *reversed(found)] if not is_retracted(r)]
    return next(iter(candidates), bundle.nothing)


def attending(bundle: Bundle, found: Resource) -> list[Resource]:
    """Return the location and the provider that the appointment goes by."""
    place = next((place for _, place in _actors(bundle, found, _LOCATION) if place), None)
    provider = next((p for _, p in _actors(bundle, found, *_PROVIDERS) if p), None)
    person = bundle.follow(provider, "practitioner") if provider else None
    return [resource for resource in (place, provider, person) if resource]


def _actors(
    bundle: Bundle, appointment: Resource, *kinds: str
) -> Iterator[tuple[Fields, Resource]]:
    """Yield the participants of some kinds, each with its resource: those who come first.

    Behind them come those whose schedule the appointment is in.
    """
    participants = appointment.children("participant")
    participants.sort(key=_is_coming)
    actors = [(p, p.child("actor", bare="reference"), appointment) for p in participants]
    for slot in bundle.follow_all(appointment, "slot"):
        schedule = bundle.follow(slot, "schedule")
        actors += [(schedule, actor, schedule) for actor in references_in(schedule, "actor")]
    for participant, actor, owner in actors:
        found = bundle.resolve(actor, owner)
        if (found.kind or _kind_of(participant, actor)) in kinds:
            yield actor, found


def _is_coming(participant: Fields) -> int:
    status = participant.word("status")
    return _COMING.index(status) if status in _COMING else _COMING.index("")


def _kind_of(participant: Fields, actor: Fields) -> str:
    """Return what kind of participant one is that the bundle does not hold."""
    stated = [actor.id("type"), *actor.url("reference").split("/")[-2:-1]]
    if kind := next((kind for kind in stated if kind in (*_PROVIDERS, *_NO_PROVIDERS)), ""):
        return kind
    role = f"{code(participant, 'type')} {label(participant, 'type')}".lower()
    if "loc" in role:
        return _LOCATION
    return "" if "patient" in role or "pat" in role.split() else _PROVIDERS[0]


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
