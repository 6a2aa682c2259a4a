"""Caredove's events as plain JSON: one object an event, in the words of its own screens."""

from collections.abc import Iterator
from datetime import datetime

from core import strict_json
from integrations.sources.caredove import identity
from integrations.sources.caredove.answers import Answers, yes_or_no
from integrations.sources.caredove.events import (
    INTERNAL,
    INTERNAL_MARKS,
    LANGUAGE_CODE,
    classification,
    plain_kind,
)
from integrations.sources.caredove.fields import Fields, Warnings, made
from integrations.sources.caredove.files import MAX_SIZE, Announced, Files
from integrations.sources.parsed import (
    Envelope,
    EventKind,
    FieldError,
    ParsedEvent,
    Unusable,
)
from mapping.document import (
    Address,
    Appointment,
    Contact,
    Document,
    Email,
    FormAnswer,
    Identifier,
    Language,
    Message,
    Named,
    Note,
    Phone,
    Registrant,
    Requester,
    Substatus,
)

_PHONES = (("phone_main", "main", 1), ("phone_alt", "alt", 2))
_SIDES = {
    EventKind.MESSAGE_FROM_PROVIDER: "provider",
    EventKind.MESSAGE_FROM_REQUESTER: "requester",
}
_MINUTES_OF_A_WEEK = 7 * 24 * 60


def read_envelope(body: bytes) -> Envelope:
    """Return what is needed to store the event; raises Unusable."""
    event = _event(body, Warnings())
    return Envelope(
        event_id=identity.event_id(event.id("event_id")),
        code=_code(event),
        references=_references(event),
        organization_id=event.child("organization").line("id"),
    )


def parse(body: bytes) -> ParsedEvent:
    """Return the event with everything in it that can be read; raises Unusable."""
    warnings = Warnings()
    event = _event(body, warnings)
    kind = plain_kind(_code(event))
    organization, listing = event.child("organization"), event.child("service_listing")
    files = _files(event.child("referral"))
    occurred_at = event.moment("occurred_at")
    return ParsedEvent(
        code=_code(event),
        kind=kind,
        references=_references(event),
        document=_document(event, kind, files),
        occurred_at=occurred_at,
        local_time=None if occurred_at else _local_time(event),
        organization_id=organization.line("id"),
        organization_name=organization.line("name"),
        listing_id=listing.line("id"),
        listing_name=listing.line("name"),
        files=tuple(files.parsed),
        warnings=tuple(warnings),
    )


# -- What must be there --------------------------------------------------------------------------


def _event(body: bytes, warnings: Warnings) -> Fields:
    try:
        content = strict_json.loads(body)
    except strict_json.NotStrictJson as error:
        raise Unusable([FieldError("body", error.message)]) from None
    if not isinstance(content, dict):
        raise Unusable([FieldError("body", "The body is not a JSON object. Send one event.")])
    event = Fields(content, "", warnings)
    if errors := list(_errors(event)):
        raise Unusable(errors)
    return event


def _errors(event: Fields) -> Iterator[FieldError]:
    if not _code(event):
        yield identity.missing("event_type", "Say what happened, as in “referral.received”.")
    reference = event.child("referral").id("reference")
    if not reference:
        yield identity.missing("referral.reference", "Send the referral's Reference #.")
    elif not identity.is_reference(reference):
        rule = f"This cannot be a Reference #. {identity.REFERENCE_RULE}"
        yield FieldError("referral.reference", rule)


def _code(event: Fields) -> str:
    return event.line("event_type")[: identity.MAX_CODE]


def _references(event: Fields) -> tuple[str, ...]:
    return (event.child("referral").id("reference"),)


def _local_time(event: Fields) -> datetime | None:
    found = event.local_time("occurred_at")
    if not found and "occurred_at" in event:
        event.warn("occurred_at", "is not a date and time (ISO 8601, with offset)")
    return found or event.local_time("last_updated")


# -- The document --------------------------------------------------------------------------------


def _document(event: Fields, kind: EventKind, files: Files) -> Document:
    referral = event.child("referral")
    return made(
        Document,
        reference=referral.id("reference"),
        identifiers=_identifiers(referral),
        parent_reference=referral.line("parent_reference"),
        routed=referral.flag("routed"),
        sent_method=referral.line("sent_method"),
        submitted_at=referral.instant("submitted_at"),
        priority=referral.line("priority"),
        service=referral.line("service"),
        reason=referral.text("reason"),
        status=referral.word("status") or ("closed" if kind is EventKind.CLOSED else ""),
        substatus=_substatus(referral.child("substatus", bare="label")),
        organization=_named(event.child("organization")),
        listing=_named(event.child("service_listing")),
        registrant=_registrant(referral.child("registrant")),
        requester=_requester(referral.child("requester")),
        appointment=_appointment(referral.child("appointment")),
        form_answers=_form_answers(referral),
        notes=_notes(referral),
        messages=_messages(referral, _SIDES.get(kind, "")),
        attachments=files.attachments,
    )


def _named(thing: Fields) -> Named:
    return made(Named, id=thing.line("id"), name=thing.line("name"))


def _substatus(substatus: Fields) -> Substatus:
    return made(
        Substatus,
        label=substatus.line("label"),
        classification=classification(substatus.line("classification")),
    )


def _identifiers(holder: Fields) -> list[Identifier]:
    return [
        made(
            Identifier,
            type=identifier.line("type"),
            system=identifier.line("system"),
            value=identifier.line("value"),
        )
        for identifier in holder.children("identifiers")
        if identifier.line("value")
    ]


def _registrant(person: Fields) -> Registrant:
    return made(
        Registrant,
        first_name=person.line("first_name"),
        middle_name=person.line("middle_name"),
        last_name=person.line("last_name"),
        other_names=person.lines("other_names"),
        date_of_birth=person.date("date_of_birth"),
        gender=person.word("gender"),
        languages=_languages(person.line("preferred_language")),
        addresses=_addresses(person.child("address")),
        phones=_phones(person),
        emails=_emails(person.child("email", bare="address")),
        identifiers=_identifiers(person),
        contacts=_contacts(person),
    )


def _languages(preferred: str) -> list[Language]:
    if not preferred:
        return []
    is_code = bool(LANGUAGE_CODE.fullmatch(preferred))
    return (
        [Language(code=preferred, preferred=True)]
        if is_code
        else [Language(name=preferred, preferred=True)]
    )


def _addresses(address: Fields) -> list[Address]:
    shown = made(
        Address,
        lines=[line for key in ("line1", "line2", "line3") if (line := address.line(key))],
        city=address.line("city"),
        province=address.line("province"),
        country=address.line("country"),
        postal_code=address.line("postal_code"),
    )
    return [Address(slot="main", **shown)] if shown else []


def _phones(person: Fields) -> list[Phone]:
    slots = [(person.child(key, bare="number"), slot, rank) for key, slot, rank in _PHONES]
    return [
        made(
            Phone,
            slot=slot,
            number=phone.line("number"),
            use=phone.word("use"),
            rank=rank,
            may_text=phone.flag("may_text"),
        )
        for phone, slot, rank in slots
        if phone.line("number")
    ]


def _emails(email: Fields) -> list[Email]:
    address = email.line("address")
    if not address:
        return []
    return [made(Email, slot="main", address=address, may_email=email.flag("may_email"))]


def _contacts(person: Fields) -> list[Contact]:
    contacts = [
        made(
            Contact,
            relationship=contact.line("relationship"),
            name=contact.line("name"),
            phones=contact.lines("phones") or contact.lines("phone"),
            emails=contact.lines("emails") or contact.lines("email"),
        )
        for contact in person.children("contacts")
    ]
    return [contact for contact in contacts if contact]


def _requester(person: Fields) -> Requester:
    return made(
        Requester,
        first_name=person.line("first_name"),
        last_name=person.line("last_name"),
        organization=person.line("organization"),
        phone=person.line("phone"),
        email=person.line("email"),
        is_caredove_user=person.flag("is_caredove_user"),
    )


def _appointment(appointment: Fields) -> Appointment:
    return made(
        Appointment,
        id=appointment.line("id"),
        status=appointment.word("status"),
        start=appointment.instant("start"),
        end=appointment.instant("end"),
        duration_minutes=appointment.number("duration_minutes", below=_MINUTES_OF_A_WEEK),
        location=appointment.line("location"),
        provider_full_name=appointment.line("provider_full_name"),
        description=appointment.text("description"),
    )


# -- Lists, in their order -----------------------------------------------------------------------


def _form_answers(referral: Fields) -> list[FormAnswer]:
    answers = Answers()
    for item in referral.children("form_answers"):
        if not _is_internal(item):
            answers.add(item.line("key"), item.line("label"), _values(item))
    return answers.found


def _values(item: Fields) -> Iterator[str]:
    value = item.raw("value")
    if isinstance(value, bool):
        yield yes_or_no(value)
    elif isinstance(value, list):
        for one in value:
            yield from _values(Fields({"value": one}, item.path, Warnings()))
    elif isinstance(value, dict):
        chosen = item.child("value")
        yield next(filter(None, map(chosen.text, ("label", "text", "name", "value"))), "")
    else:
        yield item.text("value")


def _notes(referral: Fields) -> list[Note]:
    return [
        made(Note, at=note.instant("at"), author=note.line("author"), text=note.text("text"))
        for note in referral.children("notes", bare="text")
        if note.text("text") and not _is_internal(note)
    ]


def _messages(referral: Fields, side: str) -> list[Message]:
    messages = [item for item in referral.children("messages") if not _is_internal(item)]
    # Only a lone message is surely the one that the event tells of.
    fallback = side if len(messages) == 1 else ""
    return [_message(item, fallback) for item in messages if item.text("text")]


def _message(item: Fields, fallback: str) -> Message:
    side = item.word("side")
    return made(
        Message,
        id=item.line("id"),
        at=item.instant("at"),
        side=side if side in _SIDES.values() else fallback,
        sender=item.line("sender"),
        text=item.text("text"),
    )


def _files(referral: Fields) -> Files:
    files = Files()
    senders = [referral, *referral.children("messages")]
    for sender in senders:
        if _is_internal(sender):
            continue
        for attachment in sender.children("attachments"):
            if not _is_internal(attachment):
                files.add(_announced(attachment))
    return files


def _announced(attachment: Fields) -> Announced:
    return Announced(
        id=attachment.id("id"),
        filename=attachment.line("filename"),
        content_type=attachment.line("content_type"),
        size=attachment.number("size", below=MAX_SIZE),
        description=attachment.text("description"),
        data=attachment.raw("data"),
        url=attachment.url("url"),
    )


def _is_internal(item: Fields) -> bool:
    marks = (item.line(key).replace("_", " ") for key in INTERNAL_MARKS)
    return item.raw("internal") in (True, "true") or any(map(INTERNAL.fullmatch, marks))
