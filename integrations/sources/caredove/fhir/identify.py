"""Which referral a message is about.

Two people's referrals must never become one, so only ids that are surely Caredove's, or surely the
referral's, count: not the ids of other systems, and not those that only tell the parts of one
message apart.
"""

from collections.abc import Iterable, Iterator

from integrations.sources.caredove import identity
from integrations.sources.caredove.events import (
    PARENT_TYPE,
    REFERENCE_TYPE,
    REFERRAL_ID_EXTENSIONS,
    REFERRAL_SYSTEM,
    SIGN_IN_TYPE,
)
from integrations.sources.caredove.fhir.bundle import (
    Bundle,
    Resource,
    references_in,
    referred_key,
)
from integrations.sources.caredove.fhir.concepts import extensions, label
from integrations.sources.caredove.fields import Fields

SERVICE_REQUEST = "ServiceRequest"
# Resources that are about a referral, and the members in which they say so.
ABOUT = {
    "Task": ("basedOn", "focus"),
    "Appointment": ("basedOn",),
    "Communication": ("basedOn", "about"),
}


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
    """Return every id of the referral, the 10-digit Reference # first; empty when it has none."""
    sure = identity.references(_sure(bundle, request))
    return sure or identity.references(_likely(bundle, request))[:1]


def _sure(bundle: Bundle, request: Resource) -> Iterator[str]:
    header = bundle.header
    for focus in references_in(header, "focus"):
        yield from _caredoves([focus.child("identifier")], without_system=True)
    yield from _caredoves(request.children("identifier"), without_system=False)
    for extension in extensions(header, *REFERRAL_ID_EXTENSIONS):
        yield extension.id("valueString")
        yield from _caredoves([extension.child("valueIdentifier")], without_system=True)
    if not request.has_random_key:
        yield from filter(identity.is_global, [request.key])
    yield from filter(identity.is_global, _referred(bundle, request))


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
        if PARENT_TYPE.search(kind) or kind.lower() == SIGN_IN_TYPE:
            continue
        value = identifier.id("value")
        nameless = not system and (without_system or (not kind and identity.is_global(value)))
        if (
            nameless
            or REFERRAL_SYSTEM.search(system)
            or (not system and REFERENCE_TYPE.search(kind))
        ):
            yield value
