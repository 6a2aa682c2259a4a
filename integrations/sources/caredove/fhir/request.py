"""What is asked for, of whom, and how it stands: ServiceRequest, HealthcareService, Task."""

import re
from collections.abc import Iterator

from integrations.sources.account import Rule
from integrations.sources.caredove import identity
from integrations.sources.caredove.events import (
    LISTING_ID_IN_KEY,
    LISTING_SYSTEM,
    ORGANIZATION_SYSTEM,
    PARENT_TYPE,
    SIGN_IN_TYPE,
    STATUS_AND_LABEL,
    STATUSES,
    UNCLASSIFIED_TASK,
    classification,
)
from integrations.sources.caredove.fhir.bundle import (
    SERVICE_REQUEST,
    Bundle,
    Resource,
    references_in,
    referred_key,
)
from integrations.sources.caredove.fhir.identify import parents_of
from integrations.sources.caredove.fhir.people import full_name, identifiers
from integrations.sources.caredove.fhir.words.concepts import (
    all_names,
    code,
    is_internal,
    label,
)
from integrations.sources.caredove.reading.fields import Fields, made
from integrations.triggers import CLOSED_TRIGGERS
from mapping.source.document import Document, Identifier, Named, Note, Substatus

_LISTING = "HealthcareService"


def asked(bundle: Bundle, request: Resource) -> Document:
    """Return what the ServiceRequest itself says."""
    parent = parent_reference(bundle, request)
    return made(
        Document,
        parent_reference=parent,
        routed=True if parent or _parents(bundle, request) else None,
        submitted_at=request.instant("authoredOn"),
        priority=request.line("priority"),
        service=label(request, "code"),
        reason="\n".join(_reasons(bundle, request)),
    )


def request_status(request: Resource) -> str:
    """Return the status of the request itself, which may take the referral back (rule 16)."""
    return request.word("status")


def _parents(bundle: Bundle, request: Resource) -> list[Fields]:
    """Return the references to a parent referral (rule 22): those to a care plan are none."""
    found = []
    for reference in references_in(request, "basedOn"):
        target = reference.url("reference")
        stated = bundle.resolve(reference, request).kind or reference.id("type")
        if not stated and "/" in target:
            stated = target.split("/")[-2]
        if stated in (SERVICE_REQUEST, ""):
            found.append(reference)
    return found


def parent_reference(bundle: Bundle, request: Resource) -> str:
    """Return the reference of the referral that this one was routed from."""
    typed = (i for i in request.children("identifier") if PARENT_TYPE.search(label(i, "type")))
    stated = [identifier.line("value") for identifier in typed]
    parents = _parents(bundle, request)
    based = [referred_key(ref, SERVICE_REQUEST) for ref in parents]
    based += [ref.child("identifier").id("value") for ref in parents]
    for parent in parents_of(bundle, request):
        based += [i.line("value") for i in parent.children("identifier")]
    own = [parent.key for parent in parents_of(bundle, request)]
    found = (reference for reference in [*stated, *own, *based] if reference != request.key)
    return next(filter(identity.is_reference, found), "")


def other_identifiers(bundle: Bundle, request: Resource, reference: str) -> list[Identifier]:
    """Return the referral's ids beside its reference; a parent's and a user's are none of them."""
    return [
        identifier
        for identifier in identifiers(bundle, request)
        if identifier["value"] != reference
        and not PARENT_TYPE.search(identifier.get("type", ""))
        and identifier.get("type", "").lower() != SIGN_IN_TYPE
    ]


def notes(bundle: Bundle, request: Resource, task: Resource) -> list[Note]:
    """Return the notes on the referral, but those that staff wrote for themselves."""
    found = (
        made(
            Note,
            at=note.instant("time"),
            author=_author(bundle, note, owner),
            text=note.text("text"),
        )
        for owner in (request, task)
        for note in owner.children("note", bare="text")
        if note.text("text") and not _is_kept_inside(note)
    )
    return list(found)


def _is_kept_inside(note: Fields) -> bool:
    if is_internal(note):
        note.leave_out(Rule.INTERNAL)
        return True
    return False


def _author(bundle: Bundle, note: Fields, owner: Resource) -> str:
    if text := note.line("authorString"):
        return text
    reference = note.child("authorReference", bare="reference")
    return full_name(bundle, bundle.resolve(reference, owner)) or reference.line("display")


def _reasons(bundle: Bundle, request: Resource) -> Iterator[str]:
    for concept in request.children("reasonCode", bare="text"):
        yield from all_names(concept)
    for reference in references_in(request, "reasonReference"):
        condition = bundle.resolve(reference, request)
        if bundle.left_out_by(condition):
            continue
        yield from [text for text in (label(condition, "code"), reference.line("display")) if text][
            :1
        ]


# -- Listing and organization --------------------------------------------------------------------


def listing(bundle: Bundle, request: Resource) -> tuple[Named, Named]:
    """Return the service listing and the organization whose it is."""
    service = _service(bundle, request)
    return _listing(service, request), _organization(bundle, service)


def offering(bundle: Bundle, request: Resource) -> list[Resource]:
    """Return the service that is asked for, and the organization whose it is."""
    service = _service(bundle, request)
    return [service, bundle.follow(service, "providedBy")]


def _service(bundle: Bundle, request: Resource) -> Resource:
    for performer in bundle.follow_all(request, "performer"):
        if performer.kind == _LISTING:
            return performer
        if offered := bundle.follow(performer, "healthcareService"):
            return offered
    return bundle.only(_LISTING)


def _listing(service: Resource, request: Resource) -> Named:
    performers = references_in(request, "performer")
    keys = [service.key, *(referred_key(performer, _LISTING) for performer in performers)]
    numbers = [match[1] for key in keys if (match := LISTING_ID_IN_KEY.fullmatch(key))]
    names = [service.line("name"), *(performer.line("display") for performer in performers)]
    return made(
        Named,
        id=_identifier(service, LISTING_SYSTEM) or next(iter(numbers), ""),
        name=next((name for name in names if name), ""),
    )


def _organization(bundle: Bundle, service: Resource) -> Named:
    reference = service.child("providedBy", bare="reference")
    organization = bundle.resolve(reference, service)
    key = organization.key or referred_key(reference, "Organization")
    return made(
        Named,
        id=_identifier(organization, ORGANIZATION_SYSTEM)
        or _identifier(reference, ORGANIZATION_SYSTEM)
        or (key if key.isdecimal() else ""),
        name=organization.line("name") or reference.line("display"),
    )


def _identifier(owner: Fields, system: re.Pattern[str]) -> str:
    values = (
        identifier.line("value")
        for identifier in owner.children("identifier")
        if system.search(identifier.url("system"))
    )
    return next(filter(None, values), "")


# -- Status --------------------------------------------------------------------------------------


def current_task(bundle: Bundle, request: Resource) -> Resource:
    """Return the Task that says how this referral stands: in focus, else the latest one."""
    focused = [r for r in bundle.follow_all(bundle.header, "focus") if r.kind == "Task"]
    for task in bundle.of_kind("Task"):
        for key in ("code", "lastModified", "authoredOn"):
            task.take(key)  # which task says how the referral stands
    tasks = [task for task in bundle.of_kind("Task") if _concerns(bundle, task, request)]
    tasks.sort(key=lambda task: ("process" in code(task, "code"), _last_change(task)))
    return next(iter([*focused, *reversed(tasks)]), bundle.nothing)


def _concerns(bundle: Bundle, task: Resource, request: Resource) -> bool:
    targets = bundle.follow_all(task, "basedOn") + bundle.follow_all(task, "focus")
    requests = [target for target in targets if target.kind == SERVICE_REQUEST]
    return not requests or request in requests


def _last_change(task: Resource) -> str:
    return task.line("lastModified") or task.line("authoredOn")


def standing(task: Resource) -> tuple[str, Substatus]:
    """Return the top status and the sub-status."""
    state = classification(task.line("status"))
    task.take("status")
    business = label(task, "businessStatus")
    status, text = "", business
    if match := STATUS_AND_LABEL.fullmatch(business):
        task.take("businessStatus")
        status, text = match[1].lower(), (match[2] or match[3] or "").strip()
    if state in CLOSED_TRIGGERS:
        status = STATUSES[-1]
    substatus = made(
        Substatus,
        label=text or label(task, "statusReason"),
        classification="" if state == UNCLASSIFIED_TASK else state,
    )
    return status, substatus
