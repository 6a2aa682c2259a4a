"""Caredove's events as FHIR R4 messages.

What senders of this kind emit is not strictly valid FHIR, so nothing is validated that is not
needed: rules 1 to 13 of the contract, each with a test of its name.
"""

from datetime import datetime

from core import strict_json
from integrations.sources.caredove import identity
from integrations.sources.caredove.events import REFERENCE_NUMBER, fhir_kind
from integrations.sources.caredove.fhir import appointments, communications, forms, people, request
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.caredove.fhir.concepts import code, label
from integrations.sources.caredove.fhir.documents import files
from integrations.sources.caredove.fhir.identify import references, service_request
from integrations.sources.caredove.fields import Fields, Warnings, made
from integrations.sources.parsed import Envelope, EventKind, FieldError, ParsedEvent, Unusable
from mapping.document import Document

_SIDES = {
    EventKind.MESSAGE_FROM_PROVIDER: communications.PROVIDER,
    EventKind.MESSAGE_FROM_REQUESTER: communications.REQUESTER,
}
_KINDS = {side: kind for kind, side in _SIDES.items()}
NO_REFERRAL = (
    "The message names no referral. Send in focus a reference to the ServiceRequest with its "
    "10-digit Reference #, or an identifier of Caredove's id-referral system."
)
UNKNOWN_SIDE = (
    "The message does not say whether the provider or the requester sent it: it fires no trigger."
)


def read_envelope(body: bytes) -> Envelope:
    """Return what is needed to store the event; raises Unusable."""
    bundle = _bundle(body, Warnings())
    asked = service_request(bundle)
    return Envelope(
        event_id=identity.event_id(bundle.header.id("id") or bundle.root.id("id")),
        code=_code(bundle),
        references=_references(bundle, asked),
        organization_id=request.listing(bundle, asked)[1].get("id", ""),
    )


def parse(body: bytes) -> ParsedEvent:
    """Return the event with everything in it that can be read; raises Unusable."""
    warnings = Warnings()
    bundle = _bundle(body, warnings)
    asked = service_request(bundle)
    found = _references(bundle, asked)
    kind = _kind(bundle, asked)
    listing, organization = request.listing(bundle, asked)
    responses = forms.responses(bundle, asked)
    attached = files(
        bundle, asked, forms.attached(responses), communications.communications(bundle)
    )
    document = _document(bundle, asked, kind, found[0]) | made(
        Document,
        form_answers=forms.form_answers(responses),
        attachments=attached.attachments,
    )
    occurred_at = _occurred_at(bundle)
    return ParsedEvent(
        code=_code(bundle),
        kind=kind,
        references=found,
        document=document,
        occurred_at=occurred_at,
        local_time=None if occurred_at else bundle.root.local_time("last_updated"),
        organization_id=organization.get("id", ""),
        organization_name=organization.get("name", ""),
        listing_id=listing.get("id", ""),
        listing_name=listing.get("name", ""),
        files=tuple(attached.parsed),
        warnings=tuple(warnings),
    )


# -- What must be there --------------------------------------------------------------------------


def _bundle(body: bytes, warnings: Warnings) -> Bundle:
    try:
        content = strict_json.loads(body)
    except strict_json.NotStrictJson as error:
        raise Unusable([FieldError("Bundle", error.message)]) from None
    if not isinstance(content, dict):
        raise Unusable([FieldError("Bundle", "The body is not a JSON object. Send one Bundle.")])
    bundle = Bundle(Fields(content, "Bundle", warnings), warnings)
    if unfit := _unfit(bundle):
        raise Unusable([unfit])
    return bundle


def _unfit(bundle: Bundle) -> FieldError | None:
    if bundle.root.id("resourceType") != "Bundle":
        return FieldError("Bundle.resourceType", "This is not a Bundle. Send a message Bundle.")
    if bundle.root.id("type") not in ("message", ""):
        return FieldError("Bundle.type", "This is not a message. Send a Bundle of type “message”.")
    if not bundle.header:
        return FieldError("Bundle.entry", "There is no MessageHeader. Send it as the first entry.")
    return None


def _references(bundle: Bundle, asked: Resource) -> tuple[str, ...]:
    found = references(bundle, asked)
    if not found:
        raise Unusable([FieldError("MessageHeader.focus", NO_REFERRAL)])
    return found


def _code(bundle: Bundle) -> str:
    header = bundle.header
    uri = header.url("eventUri").rstrip("/#").replace("#", "/").rpartition("/")[2]
    found = code(header, "eventCoding") or code(header, "event") or uri
    return found[: identity.MAX_CODE]


# -- What it says --------------------------------------------------------------------------------


def _kind(bundle: Bundle, asked: Resource) -> EventKind:
    kind = fhir_kind(_code(bundle), label(bundle.header, "reason"))
    if kind is not EventKind.MESSAGE:
        return kind
    kind = _KINDS.get(communications.event_side(bundle, asked), EventKind.MESSAGE)
    if kind is EventKind.MESSAGE:
        bundle.warnings.add(UNKNOWN_SIDE)
    return kind


def _document(bundle: Bundle, asked: Resource, kind: EventKind, reference: str) -> Document:
    task = request.current_task(bundle, asked)
    status, substatus = request.standing(task)
    listing, organization = request.listing(bundle, asked)
    # A message without the referral may know it by another id than the one people use.
    shows_reference = bool(asked) or REFERENCE_NUMBER.fullmatch(reference)
    return request.asked(bundle, asked) | made(
        Document,
        reference=reference if shows_reference else "",
        identifiers=request.other_identifiers(asked, reference),
        status=status,
        substatus=substatus,
        organization=organization,
        listing=listing,
        registrant=people.registrant(bundle, people.patient(bundle, asked)),
        requester=people.requester(bundle, asked),
        appointment=appointments.appointment(bundle),
        notes=request.notes(bundle, asked, task),
        messages=communications.messages(bundle, asked, _SIDES.get(kind, "")),
    )


def _occurred_at(bundle: Bundle) -> datetime | None:
    header, root = bundle.header, bundle.root
    ways = (
        root.moment("timestamp"),
        header.moment("timestamp"),
        header.child("meta").moment("lastUpdated"),
        root.child("meta").moment("lastUpdated"),
        root.moment("last_updated"),
    )
    return next(filter(None, ways), None)
