"""Messages between the requester and the provider, and which of the two wrote each."""

from collections.abc import Iterator
from typing import TypeAlias

from integrations.sources.caredove import identity
from integrations.sources.caredove.fhir.bundle import Bundle, Resource, references_in
from integrations.sources.caredove.fhir.people import full_name
from integrations.sources.caredove.fhir.words.concepts import is_internal, is_retracted
from integrations.sources.caredove.reading.fields import Fields, made
from integrations.sources.warnings import Warning
from mapping.source.document import Alias, Message, Withdrawn

COMMUNICATION = "Communication"
PROVIDER, REQUESTER = "provider", "requester"
Names: TypeAlias = dict[str, int]  # of the parties of a side, with their distance from it
# A party is also its person, its organization and the listing it works for.
_BELONGS_TO = ("practitioner", "organization", "healthcareService", "providedBy")
_MAX_DISTANCE = 2


def communications(bundle: Bundle) -> list[Resource]:
    """Return the messages that may be passed on."""
    found = bundle.of_kind(COMMUNICATION)
    return [message for message in found if not (is_retracted(message) or is_internal(message))]


def messages(bundle: Bundle, request: Resource, named_side: str) -> list[Message]:
    """Return the messages with text.

    `named_side` is the side that the event code names: it stands in where one message does not say.
    """
    found = communications(bundle)
    if not found:
        return []
    sides = _sides(bundle, request)
    fallback = named_side if len(found) == 1 else ""
    return [
        _message(bundle, message, text, _side(bundle, sides, message) or fallback)
        for message in found
        if (text := _text(message))
    ]


def event_side(bundle: Bundle, request: Resource) -> str:
    """Return which side wrote the message that the event is about; empty when it is unknown."""
    focused = [r for r in bundle.follow_all(bundle.header, "focus") if r.kind == COMMUNICATION]
    found = focused or communications(bundle)
    return _side(bundle, _sides(bundle, request), found[-1]) if found else ""


def _sides(bundle: Bundle, request: Resource) -> dict[str, Names]:
    provider = _names(bundle, request, "performer")
    return {
        REQUESTER: _names(bundle, request, "requester"),
        PROVIDER: provider or _family(bundle, bundle.of_kind("HealthcareService")),
    }


def _side(bundle: Bundle, sides: dict[str, Names], message: Resource) -> str:
    """Return which side wrote a message: read from its sender, else from its recipients."""
    if sender := _matching(_names(bundle, message, "sender"), sides):
        return sender
    recipient = _matching(_names(bundle, message, "recipient"), sides)
    return {REQUESTER: PROVIDER, PROVIDER: REQUESTER}.get(recipient, "")


def _matching(names: Names, sides: dict[str, Names]) -> str:
    """Return the side that shares the nearest name; empty where both or neither do.

    Both sides may be in one organization: the person or role decides before the organization.
    """
    nearest = {
        side: min((names[n] + theirs[n] for n in names.keys() & theirs.keys()), default=None)
        for side, theirs in sides.items()
    }
    distances = {side: distance for side, distance in nearest.items() if distance is not None}
    best = [side for side, d in distances.items() if d == min(distances.values())]
    return best[0] if len(best) == 1 else ""


def _names(bundle: Bundle, owner: Resource, key: str) -> Names:
    """Return the names of the parties in a member, each with its distance from the reference."""
    references = references_in(owner, key)
    names = {ref.url("reference"): 0 for ref in references if ref.url("reference")}
    return _family(bundle, [bundle.resolve(ref, owner) for ref in references]) | names


def _family(bundle: Bundle, parties: list[Resource]) -> Names:
    names: Names = {}
    for distance in range(_MAX_DISTANCE + 1):
        new = {f"{party.kind}/{party.key}": party for party in parties if party}
        new = {name: party for name, party in new.items() if name not in names}
        names |= dict.fromkeys(new, distance)
        parties = [
            relative
            for party in new.values()
            for key in _BELONGS_TO
            for relative in bundle.follow_all(party, key)
        ]
    return names


def message_id(bundle: Bundle, message: Resource) -> str:
    """Return by what a message is known in every message of the sender; empty if by nothing."""
    numbers = (identifier.line("value") for identifier in message.children("identifier"))
    own = next(filter(None, numbers), "") or message.key
    return own if identity.is_reference(own) and not identity.is_local(own) else ""


def aliases(bundle: Bundle) -> Iterator[Alias]:
    """Yield the ids of those messages that have none of their own: theirs in this message."""
    for message in communications(bundle):
        text = _text(message)
        if text and message.key and not message_id(bundle, message):
            id_ = identity.key(message.key)
            yield made(Alias, part="messages", id=id_, at=_at(message), text=text)


def taken_back(bundle: Bundle, message: Resource) -> Withdrawn:
    """Return the withdrawal of a message: by its id, else by its time and text."""
    if own := message_id(bundle, message):
        return Withdrawn(part="messages", key=own)
    if text := _text(message):
        return made(Withdrawn, part="messages", at=_at(message), text=text)
    bundle.account.warn(Warning(COMMUNICATION, "withdrawn_unknown"))
    return Withdrawn(part="messages", id=identity.key(message.key))


def _at(message: Fields) -> str:
    return message.instant("sent") or message.instant("received")


def _message(bundle: Bundle, message: Resource, text: str, side: str) -> Message:
    return made(
        Message,
        id=message_id(bundle, message),
        at=_at(message),
        side=side,
        sender=_sender(bundle, message),
        text=text,
    )


def _sender(bundle: Bundle, message: Resource) -> str:
    reference = message.child("sender", bare="reference")
    return full_name(bundle, bundle.resolve(reference, message)) or reference.line("display")


def _text(message: Fields) -> str:
    payloads = message.children("payload", bare="contentString")
    return "\n".join(text for payload in payloads if (text := payload.text("contentString")))
