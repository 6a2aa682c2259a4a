"""Which referral a message is about.

Two people's referrals must never become one, so only ids that are surely Caredove's, or surely the
referral's, count: not the ids of other systems, and not those that only tell the parts of one
message apart.
"""

import re
from collections.abc import Iterable, Iterator

from integrations.sources.account import Rule
from integrations.sources.caredove import identity
from integrations.sources.caredove.events import (
    CAREDOVE_HOST,
    PARENT_TYPE,
    REFERENCE_TYPE,
    REFERRAL_ID_EXTENSIONS,
    REFERRAL_SYSTEM,
    SIGN_IN_TYPE,
    UUID_LIKE,
)
from integrations.sources.caredove.fhir.bundle import (
    SERVICE_REQUEST,
    Bundle,
    Resource,
    references_in,
    referred_key,
)
from integrations.sources.caredove.fhir.people import current
from integrations.sources.caredove.fhir.words.concepts import extensions, label
from integrations.sources.caredove.reading.fields import Fields
from integrations.sources.warnings import Warning

# Resources that are about a referral, and the members in which they say so.
ABOUT = {
    "Task": ("basedOn", "focus"),
    "Appointment": ("basedOn",),
    "Communication": ("basedOn", "about"),
}

# What an identifier that the header gives for the referral is called without anybody's name.
_OWN_TYPE = re.compile(r"(?:referral|reference)\s*(?:id|identifier|number|no\.?|#)?", re.IGNORECASE)


def service_request(bundle: Bundle) -> Resource:
    """Return the ServiceRequest that the message is about; empty when it is not in the bundle.

    A routed referral comes with its parent: what the focus names wins, then what nothing else in
    the bundle is based on.
    """
    focused = bundle.follow_all(bundle.header, "focus")
    named = [
        target
        for resource in [*focused, *bundle.resources]
        for member in ABOUT.get(resource.kind, ())
        for target in bundle.follow_all(resource, member)
    ]
    for resource in [*focused, *named]:
        if resource.kind == SERVICE_REQUEST:
            return resource
    requests = bundle.of_kind(SERVICE_REQUEST)
    parents = [parent.key for request in requests for parent in parents_of(bundle, request)]
    return next((request for request in requests if request.key not in parents), bundle.nothing)


def parents_of(bundle: Bundle, request: Resource) -> list[Resource]:
    """Return the ServiceRequests in the bundle that this one was routed or copied from."""
    found = bundle.follow_all(request, "basedOn") + bundle.follow_all(request, "replaces")
    return [parent for parent in found if parent.kind == SERVICE_REQUEST]


def references(bundle: Bundle, request: Resource) -> tuple[str, ...]:
    """Return every id of the referral, the 10-digit Reference # first; empty when it has none.

    The Reference # is the one that is typed as Caredove's, else that of the focus, else the only
    10-digit number that is nobody else's (rule 15).
    """
    sure = identity.references(_sure(bundle, request))
    if not any(map(identity.is_number, sure)):
        unclaimed = [value for value in _unclaimed(request) if value not in sure]
        if len(numbers := set(filter(identity.is_number, unclaimed))) == 1:
            sure = (*numbers, *sure)
    others = {number for number in _stated(bundle, request) if sure and number not in sure}
    if others:
        bundle.account.warn(Warning("ServiceRequest.identifier", "other_reference"))
    return sure or identity.references(_likely(bundle, request))[:1]


def _sure(bundle: Bundle, request: Resource) -> Iterator[str]:
    header = bundle.header
    yield from _stated(bundle, request)
    for focus in references_in(header, "focus"):
        yield from _caredoves([focus.child("identifier")], without_system=True)
    yield from filter(identity.is_number, _referred(bundle, request))
    yield from _caredoves(request.children("identifier"), without_system=False)
    for extension in extensions(header, *REFERRAL_ID_EXTENSIONS):
        yield extension.id("valueString")
        yield from _caredoves([extension.child("valueIdentifier")], without_system=True)
    if not request.has_random_key:
        yield from filter(identity.is_global, [request.key])
    yield from filter(identity.is_global, _referred(bundle, request))


def _stated(bundle: Bundle, request: Resource) -> Iterator[str]:
    """Yield what is typed as Caredove's Reference #; one that has ended only without another."""
    typed = [i for i in request.children("identifier") if _is_stated(i)]
    for identifier, _ in current(bundle, typed):
        yield identifier.id("value")


def _is_stated(identifier: Fields) -> bool:
    """Return whether an identifier is typed as this referral's own Reference #."""
    kind, system = label(identifier, "type"), identifier.url("system")
    is_caredoves = not system or CAREDOVE_HOST in system.lower()
    return is_caredoves and bool(REFERENCE_TYPE.search(kind)) and not PARENT_TYPE.search(kind)


def _unclaimed(request: Resource) -> Iterator[str]:
    """Yield the numbers that no type, system or assigner says to be somebody's."""
    for identifier in request.children("identifier"):
        by = identifier.child("assigner", bare="display")
        assigned = [by.line("display"), by.url("reference"), by.child("identifier").id("value")]
        others = [text for text in assigned if text and CAREDOVE_HOST not in text.lower()]
        if not (identifier.url("system") or label(identifier, "type") or others):
            yield identifier.id("value")


def _likely(bundle: Bundle, request: Resource) -> Iterator[str]:
    for key in [*_referred(bundle, request), request.key]:
        if not identity.is_local(key):
            yield key


def _referred(bundle: Bundle, request: Resource) -> Iterator[str]:
    """Yield the ids by which the focus, else the first other resource, refers to the referral."""
    yield from _keys(bundle, request, bundle.header, "focus")
    if not request:
        for resource in bundle.resources:
            for member in ABOUT.get(resource.kind, ()):
                if keys := list(_keys(bundle, request, resource, member)):
                    yield from keys
                    return


def _keys(bundle: Bundle, request: Resource, owner: Fields, member: str) -> Iterator[str]:
    for reference in references_in(owner, member):
        target = bundle.resolve(reference, owner)
        if (not target or target is request) and (key := referred_key(reference, SERVICE_REQUEST)):
            yield key


def _caredoves(identifiers: Iterable[Fields], *, without_system: bool) -> Iterator[str]:
    """Yield the ids that Caredove gave; with `without_system` also those nobody signed for."""
    for identifier in identifiers:
        kind, system = label(identifier, "type"), identifier.url("system")
        if kind.lower() == SIGN_IN_TYPE:
            identifier.leave_out(Rule.SIGN_IN)
            continue
        if PARENT_TYPE.search(kind):
            continue
        value = identifier.id("value")
        uuid = not kind and UUID_LIKE.fullmatch(value)
        # "Ocean referral id" is another system's, also where it gives no system.
        is_foreign = kind and not (CAREDOVE_HOST in kind.lower() or _OWN_TYPE.fullmatch(kind))
        nameless = not system and ((without_system and not is_foreign) or uuid)
        if (
            nameless
            or REFERRAL_SYSTEM.search(system)
            or (not system and REFERENCE_TYPE.search(kind))
        ):
            yield value
