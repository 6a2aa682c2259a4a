"""Caredove's events as FHIR R4 messages.

What senders of this kind emit is not strictly valid FHIR, so nothing is validated that is not
needed: the tolerance rules of the contract, each with a test of its name.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core.text import lenient_json
from integrations.sources.account import Entry
from integrations.sources.caredove import identity
from integrations.sources.caredove.events import REFERENCE_NUMBER, fhir_kind
from integrations.sources.caredove.fhir import (
    appointments,
    communications,
    forms,
    people,
    request,
    withdrawals,
)
from integrations.sources.caredove.fhir.also_sent import FhirAlsoSent
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.caredove.fhir.documents import files
from integrations.sources.caredove.fhir.identify import parents_of, references, service_request
from integrations.sources.caredove.fhir.words.concepts import (
    code,
    is_marked_internal,
    label,
)
from integrations.sources.caredove.reading import pieces
from integrations.sources.caredove.reading.fields import Fields, Reading, made
from integrations.sources.caredove.reading.files import Files
from integrations.sources.caredove.reading.internal import leave_out_internal
from integrations.sources.parsed import Envelope, EventKind, FieldError, ParsedEvent, Unusable
from integrations.sources.warnings import Warning
from mapping.source.document import Document

_SIDES = {
    EventKind.MESSAGE_FROM_PROVIDER: communications.PROVIDER,
    EventKind.MESSAGE_FROM_REQUESTER: communications.REQUESTER,
}
_KINDS = {side: kind for kind, side in _SIDES.items()}
NO_REFERRAL = gettext_noop(
    "The message names no referral. Send in focus a reference to the ServiceRequest with its "
    "10-digit Reference #, or an identifier of Caredove's id-referral system."
)


def read_envelope(body: bytes) -> Envelope:
    """Return what is needed to store the event; raises Unusable."""
    bundle = _bundle(_content(body).value, Reading())
    asked = service_request(bundle)
    return Envelope(
        event_id=identity.event_id(_event_id(bundle)),
        code=_code(bundle),
        references=_references(bundle, asked),
        organization_id=identity.key(request.listing(bundle, asked)[1].get("id", "")),
    )


def parse(body: bytes) -> ParsedEvent:
    """Return the event with everything in it that can be read; raises Unusable."""
    content = _content(body)
    return _parse(content.value, body, Reading(content.repairs))


def account(body: bytes) -> tuple[ParsedEvent, list[Entry]]:
    """Return the event, and what became of each value of its body; raises Unusable."""
    content = _content(body)
    kept = Reading(content.repairs, in_detail=True)
    return _parse(content.value, body, kept), list(kept.entries(content.value))


def _parse(content: dict[str, Any], body: bytes, kept: Reading) -> ParsedEvent:
    leave_out_internal(body, content, kept, is_marked_internal)
    bundle = _bundle(content, kept)
    asked = service_request(bundle)
    found = _references(bundle, asked)
    kind = _kind(bundle, asked)
    taken_back = withdrawals.withdrawn(bundle)
    person, asking = people.patient(bundle, asked), people.requesting(bundle, asked)
    people.leave_out_others(bundle, person)
    listing, organization = request.listing(bundle, asked)
    responses = forms.responses(bundle, asked)
    attached = _files(bundle, asked, responses, body)
    task = request.current_task(bundle, asked)
    document = _document(bundle, asked, kind, found[0], task) | made(
        Document,
        registrant=people.registrant(bundle, person),
        requester=people.requester(bundle, asked, asking),
        organization=organization,
        listing=listing,
        form_answers=forms.form_answers(bundle, responses),
        attachments=attached.attachments,
    )
    local_time = None if bundle.occurred_at else bundle.root.local_time("last_updated")
    event_code = _code(bundle)
    kept.settle([document, event_code, found, organization, listing, _event_id(bundle)])
    beside = FhirAlsoSent(bundle, _groups(bundle, asked, task, person, asking))
    rest = made(
        Document,
        also_sent=beside.read(),
        unreadable=kept.unreadable,
        withdrawn=taken_back,
    )
    others = (*forms.aliases(bundle, responses), *communications.aliases(bundle), *beside.aliases)
    parts = pieces.of_bundle(bundle)
    return ParsedEvent(
        code=event_code,
        kind=kind,
        references=found,
        document=document | rest,
        occurred_at=bundle.occurred_at,
        local_time=local_time,
        organization_id=identity.key(organization.get("id", "")),
        organization_name=organization.get("name", ""),
        listing_id=identity.key(listing.get("id", "")),
        listing_name=listing.get("name", ""),
        files=tuple(attached.parsed),
        warnings=pieces.placed(kept.warnings, parts),
        aliases=(*attached.aliases, *others),
        parts=tuple(parts),
    )


def _files(bundle: Bundle, asked: Resource, responses: list[Resource], body: bytes) -> Files:
    """Return the files of all that has some, and warn of what is wrong with them."""
    of_forms, messages = forms.attached(bundle, responses), communications.communications(bundle)
    found = files(bundle, asked, of_forms, messages, body)
    for warning in found.warnings:
        bundle.account.warn(warning)
    return found


# -- What must be there --------------------------------------------------------------------------


def _content(body: bytes) -> lenient_json.Content:
    try:
        content = lenient_json.read(body)
    except lenient_json.NotStrictJson as error:
        raise Unusable([FieldError("Bundle", error.message)]) from None
    if not isinstance(content.value, dict):
        raise Unusable([FieldError("Bundle", _("The body is not a JSON object. Send one Bundle."))])
    return content


def _bundle(content: dict[str, Any], kept: Reading) -> Bundle:
    bundle = Bundle(Fields(content, "Bundle", kept), kept)
    if unfit := _unfit(bundle):
        raise Unusable([unfit])
    return bundle


def _unfit(bundle: Bundle) -> FieldError | None:
    if bundle.root.id("resourceType") != "Bundle":
        return FieldError("Bundle.resourceType", _("This is not a Bundle. Send a message Bundle."))
    if bundle.root.id("type") not in ("message", ""):
        return FieldError(
            "Bundle.type", _("This is not a message. Send a Bundle of type “message”.")
        )
    if not bundle.header:
        return FieldError(
            "Bundle.entry", _("There is no MessageHeader. Send it as the first entry.")
        )
    return None


def _references(bundle: Bundle, asked: Resource) -> tuple[str, ...]:
    found = references(bundle, asked)
    if not found:
        raise Unusable([FieldError("MessageHeader.focus", _(NO_REFERRAL))])
    return found


def _event_id(bundle: Bundle) -> str:
    return bundle.header.id("id") or bundle.root.id("id")


def _code(bundle: Bundle) -> str:
    header = bundle.header
    uri = header.url("eventUri").rstrip("/#").replace("#", "/").rpartition("/")[2]
    found = code(header, "eventCoding") or code(header, "event") or uri
    return found[: identity.MAX_CODE]


# -- What it says --------------------------------------------------------------------------------


def _kind(bundle: Bundle, asked: Resource) -> EventKind:
    kind = fhir_kind(_code(bundle), label(bundle.header, "reason"))
    bundle.header.take("reason")
    if kind is not EventKind.MESSAGE:
        return kind
    kind = _KINDS.get(communications.event_side(bundle, asked), EventKind.MESSAGE)
    if kind is EventKind.MESSAGE:
        bundle.account.warn(Warning("MessageHeader.sender", "unknown_side"))
    return kind


def _document(
    bundle: Bundle, asked: Resource, kind: EventKind, reference: str, task: Resource
) -> Document:
    status, substatus = request.standing(task)
    # A message without the referral may know it by another id than the one people use.
    shows_reference = bool(asked) or REFERENCE_NUMBER.fullmatch(reference)
    return request.asked(bundle, asked) | made(
        Document,
        reference=reference if shows_reference else "",
        request_status=request.request_status(asked),
        identifiers=request.other_identifiers(bundle, asked, reference),
        status=status,
        substatus=substatus,
        appointment=appointments.appointment(bundle),
        notes=request.notes(bundle, asked, task),
        messages=communications.messages(bundle, asked, _SIDES.get(kind, "")),
    )


def _groups(
    bundle: Bundle, asked: Resource, task: Resource, person: Resource, asking: list[Resource]
) -> dict[int, str]:
    """Return what the main resources of a message are for people."""
    chosen = appointments.chosen(bundle)
    main = {
        "Referral": [asked, task],
        "Registrant": [person],
        "Requester": asking,
        "Appointment": [chosen, *appointments.attending(bundle, chosen)],
        "Parent referral": parents_of(bundle, asked),
        "Service": request.offering(bundle, asked),
        "Message": [bundle.header],
    }
    return {id(r.members): group for group, found in main.items() for r in found if r}
