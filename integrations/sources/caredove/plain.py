"""Caredove's events as plain JSON: one object an event, in the words of its own screens."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core.text import lenient_json
from core.text.markup import one_line
from integrations.sources.account import CONTAINER, Entry, Rule, is_empty, leaves, members_of
from integrations.sources.account import Address as Place
from integrations.sources.caredove import identity
from integrations.sources.caredove.answers import Answers, yes_or_no
from integrations.sources.caredove.events import (
    INTERNAL,
    INTERNAL_MARKS,
    LANGUAGE_CODE,
    classification,
    plain_kind,
)
from integrations.sources.caredove.reading import pieces, signs
from integrations.sources.caredove.reading.also_sent import (
    AlsoSentReader,
    humanized,
    is_for_machines,
    is_internal,
)
from integrations.sources.caredove.reading.fields import PEEKING, Fields, Reading, made
from integrations.sources.caredove.reading.files import MAX_SIZE, Announced, Files
from integrations.sources.caredove.reading.internal import leave_out_internal
from integrations.sources.parsed import (
    Envelope,
    EventKind,
    FieldError,
    ParsedEvent,
    Unusable,
)
from integrations.sources.values.address import complete_address
from integrations.sources.values.contact import read_email, read_flag, read_gender, read_phone
from integrations.sources.values.names import Name, complete
from mapping.source.document import (
    Address,
    AlsoSent,
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
    Withdrawn,
)

_PHONES = (("phone_main", "main", 1), ("phone_alt", "alt", 2))
_SIDES = {
    EventKind.MESSAGE_FROM_PROVIDER: "provider",
    EventKind.MESSAGE_FROM_REQUESTER: "requester",
}
_DATA_URL = re.compile(r"\s*data:[\w.+/-]*(?:;[\w=-]+)*;base64,", re.IGNORECASE)
_MINUTES_OF_A_WEEK = 7 * 24 * 60
# Parts of an event, and what they are for people.
_GROUPS = {
    "organization": "Organization",
    "service_listing": "Service",
    "referral": "Referral",
    "registrant": "Registrant",
    "requester": "Requester",
    "appointment": "Appointment",
}
_NEVER_INTERNAL = _GROUPS.keys() - {"appointment"}
_MARKED = {*INTERNAL_MARKS, "internal"}
_FILE_NAMES = ("filename", "content_type")  # what a file has beside its bytes
_OF_A_FILE = (*_FILE_NAMES, "id", "size", "data", "url", "sha256", "sha1", "md5")
# What a question has beside its answer.
_OF_A_QUESTION = ("form", "form_name", "form_title", "key", "label", "id", "type", "required")
_ASKED = {*_OF_A_QUESTION, "options", *_MARKED}
_LISTS = {"form_answers": "Form", "notes": "Note", "messages": "Message", "attachments": "File"}


def read_envelope(body: bytes) -> Envelope:
    """Return what is needed to store the event; raises Unusable."""
    event = _event(_content(body).value, Reading())
    return Envelope(
        event_id=identity.event_id(event.id("event_id")),
        code=_code(event),
        references=_references(event),
        organization_id=identity.key(event.child("organization").line("id")),
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
    leave_out_internal(body, content, kept, _is_marked_internal)
    event = _event(content, kept)
    kind = plain_kind(_code(event))
    event.take("event_type")
    organization, listing = event.child("organization"), event.child("service_listing")
    files = _files(event.child("referral"), body)
    for warning in files.warnings:
        kept.warn(warning)
    occurred_at = event.moment("occurred_at")
    code, references = _code(event), _references(event)
    answers, emptied = _form_answers(event.child("referral"))
    document = _document(event, kind, files, answers)
    local_time = None if occurred_at else _local_time(event)
    kept.settle([document, code, references, event.id("event_id")])
    rest = made(
        Document,
        also_sent=_PlainAlsoSent(kept).read(content),
        unreadable=kept.unreadable,
        withdrawn=emptied,
    )
    parts = pieces.of_event(content)
    return ParsedEvent(
        code=code,
        kind=kind,
        references=references,
        document=document | rest,
        occurred_at=occurred_at,
        local_time=local_time,
        organization_id=identity.key(organization.line("id")),
        organization_name=organization.line("name"),
        listing_id=identity.key(listing.line("id")),
        listing_name=listing.line("name"),
        files=tuple(files.parsed),
        warnings=pieces.placed(kept.warnings, parts),
        parts=tuple(parts),
    )


class _PlainAlsoSent(AlsoSentReader):
    """Tells what is left of a plain event; `_GROUPS` are its parts, for people."""

    def read(self, event: Mapping[str, Any]) -> list[AlsoSent]:
        """Tell all that is left."""
        if self.is_done(event):
            return []
        for key, value in event.items():
            group = _GROUPS.get(key)
            if group and isinstance(value, dict):
                self._part(value, group)
            else:
                self.member(event, key, value, "Message", ())
        return self.found

    def _part(self, part: Mapping[str, Any], group: str) -> None:
        for key, value in part.items():
            inner = _GROUPS.get(key) if group == "Referral" else None
            if inner and isinstance(value, dict):
                self._part(value, inner)
            elif key in _LISTS and isinstance(value, list):
                for index, item in enumerate(value):
                    self.member(value, index, item, _LISTS[key], ())
            else:
                self.member(part, key, value, group, ())


# -- What must be there --------------------------------------------------------------------------


def _content(body: bytes) -> lenient_json.Content:
    try:
        content = lenient_json.read(body)
    except lenient_json.NotStrictJson as error:
        raise Unusable([FieldError("body", error.message)]) from None
    if not isinstance(content.value, dict):
        raise Unusable([FieldError("body", _("The body is not a JSON object. Send one event."))])
    return content


def _event(content: dict[str, Any], kept: Reading) -> Fields:
    event = Fields(content, "", kept)
    if errors := list(_errors(event)):
        raise Unusable(errors)
    return event


def _errors(event: Fields) -> Iterator[FieldError]:
    if not _code(event):
        yield identity.missing("event_type", _("Say what happened, as in “referral.received”."))
    reference = event.child("referral").id("reference")
    if not reference:
        yield identity.missing("referral.reference", _("Send the referral's Reference #."))
    elif not identity.is_reference(reference):
        yield FieldError("referral.reference", _(identity.NO_REFERENCE))
    elif lenient_json.earlier_key("reference") in event.child("referral"):
        yield FieldError(
            "referral.reference", _("It was sent twice with different values. Send it once.")
        )


def _code(event: Fields) -> str:
    return event.line("event_type")[: identity.MAX_CODE]


def _references(event: Fields) -> tuple[str, ...]:
    return (event.child("referral").id("reference"),)


def _local_time(event: Fields) -> datetime | None:
    found = event.local_time("occurred_at")
    if not found and "occurred_at" in event:
        event.warn("occurred_at", "not_an_instant")
    return found or event.local_time("last_updated")


# -- The document --------------------------------------------------------------------------------


def _document(event: Fields, kind: EventKind, files: Files, answers: list[FormAnswer]) -> Document:
    referral = event.child("referral")
    return made(
        Document,
        reference=referral.id("reference"),
        identifiers=_identifiers(referral),
        parent_reference=referral.line("parent_reference"),
        routed=referral.flag("routed"),
        sent_method=referral.line("sent_method"),
        submitted_at=referral.instant("submitted_at", "submitted_at"),
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
        form_answers=answers,
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
    name = _name(person)
    return made(
        Registrant,
        first_name=name.first,
        middle_name=name.middle,
        last_name=name.last,
        other_names=person.lines("other_names"),
        date_of_birth=person.birth_date("date_of_birth", "registrant.date_of_birth"),
        gender=_gender(person),
        languages=_languages(person.line("preferred_language")),
        addresses=_addresses(person.child("address", bare="text")),
        phones=_phones(person),
        emails=_emails(person.child("email", bare="address")),
        identifiers=_identifiers(person),
        contacts=_contacts(person),
    )


def _gender(person: Fields) -> str:
    sent = person.line("gender")
    if read := read_gender(sent) if sent else "":
        person.take("gender")
    return read


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
    parts = made(
        Address,
        lines=[line for key in ("line1", "line2", "line3") if (line := address.line(key))],
        city=address.line("city"),
        province=address.line("province"),
        country=address.line("country"),
        postal_code=address.line("postal_code"),
    )
    if text := address.text("text"):
        parts = complete_address(parts, text)
        address.take("text")
    return [Address(slot="main", **parts)] if parts else []


def _phones(person: Fields) -> list[Phone]:
    slots = [(person.child(key, bare="number"), slot, rank) for key, slot, rank in _PHONES]
    return [
        made(
            Phone,
            slot=slot,
            number=_number(phone),
            use=phone.word("use"),
            rank=rank,
            may_text=phone.flag("may_text"),
        )
        for phone, slot, rank in slots
        if phone.line("number")
    ]


def _number(phone: Fields) -> str:
    number, _ = read_phone(phone.line("number"))
    phone.take("number")
    return number


def _emails(email: Fields) -> list[Email]:
    sent = email.line("address")
    if not sent:
        return []
    address, _, rest = read_email(sent)
    if not address:
        return []
    if not rest:
        email.take("address")
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


def _name(person: Fields) -> Name:
    """Return a name: its parts win, and gaps are filled from the text (rule 19)."""
    parts = Name(*(person.line(key) for key in ("first_name", "middle_name", "last_name")))
    text = person.line("name") or person.line("full_name")
    return complete(parts, text) if text else parts


def _requester(person: Fields) -> Requester:
    name = _name(person)
    email, _, rest = read_email(person.line("email"))
    if email and not rest:
        person.take("email")
    return made(
        Requester,
        first_name=name.first,
        last_name=name.last,
        organization=person.child("organization", bare="name").line("name"),
        phone=person.line("phone"),
        email=email or person.line("email"),
        is_caredove_user=person.flag("is_caredove_user"),
    )


def _appointment(appointment: Fields) -> Appointment:
    return made(
        Appointment,
        id=appointment.line("id"),
        status=appointment.word("status"),
        start=appointment.instant("start", "appointment.start"),
        end=appointment.instant("end", "appointment.end"),
        duration_minutes=appointment.number("duration_minutes", below=_MINUTES_OF_A_WEEK),
        location=_place(appointment),
        provider_full_name=appointment.line("provider_full_name"),
        description=appointment.text("description"),
    )


def _place(appointment: Fields) -> str:
    """Return where it is: a text, or the parts of a place that stand there instead."""
    if not isinstance(appointment.raw("location"), dict):
        return appointment.line("location")
    appointment.take("location")
    return one_line(_composed(appointment.child("location")))


# -- Lists, in their order -----------------------------------------------------------------------


def _form_answers(referral: Fields) -> tuple[list[FormAnswer], list[Withdrawn]]:
    """Return the answers, form by form; those without a form stand by themselves.

    With them, the forms that came without a single one: each replaces itself whole (rule 17).
    """
    forms: dict[str, Answers] = {}
    asked: set[str] = set()
    for item in referral.children("form_answers"):
        if _is_internal(item):
            continue
        form, name = _form(item)
        if form not in forms:
            forms[form] = Answers(form, name)
        key, label, values = item.line("key"), item.line("label"), list(_values(item, "value"))
        if forms[form].add(key, label, values):
            item.take("form")
            if not isinstance(sent := item.raw("value"), str) or _DATA_URL.match(sent):
                item.take("value")
            item.account.use(item.members, {key, label, *values})
        elif all(is_empty(leaf) or path[0] in _ASKED for path, _, leaf, _ in leaves(item.members)):
            item.leave_out(Rule.EMPTY)  # a question without an answer
            continue
        asked.add(form)
    emptied = [form for form in forms if form and form not in asked]
    return (
        [answer for answers in forms.values() for answer in answers.found],
        [Withdrawn(part="form_answers", key=form) for form in emptied],
    )


def _form(item: Fields) -> tuple[str, str]:
    """Return by what the form of an answer is known, and what it is called."""
    if isinstance(item.raw("form"), dict):
        form = item.child("form")
        name = form.line("name") or form.line("title")
        return identity.key(form.id("id")) or name, name
    name = item.line("form_name") or item.line("form_title")
    return identity.key(item.line("form")), name or item.line("form")


def _values(item: Fields, key: str) -> Iterator[str]:
    """Yield an answer in words, whatever its shape: text, list, address, range, matrix, files."""
    value = item.raw(key)
    if isinstance(value, bool):
        yield yes_or_no(value)
    elif isinstance(value, list):
        read = (_values(Fields({key: one}, item.path, PEEKING), key) for one in value)
        parts = [text for texts in read for text in texts if text]
        has_groups = any(isinstance(one, dict) for one in value) and any(", " in p for p in parts)
        yield from ["; ".join(parts)] if has_groups else parts
    elif isinstance(value, dict) and not _is_marked_internal("", value):
        yield _composed(Fields(value, item.path, PEEKING))
    elif isinstance(value, str) and _DATA_URL.match(value):
        yield "attached file"
    elif not isinstance(value, dict):
        yield item.text(key)


def _data_urls(value: Any) -> list[str]:
    """Return the files that stand as data URLs in an answer."""
    if isinstance(value, list):
        return [data for one in value for data in _data_urls(one)]
    return [value] if isinstance(value, str) and _DATA_URL.match(value) else []


_CHOSEN = ("label", "text", "display", "name", "title", "filename", "value")
_ENDS = (("start", "end"), ("from", "to"), ("low", "high"), ("min", "max"))  # of a range
_MEASURED, _UNIT = ("value", "amount", "quantity"), ("unit", "units", "uom")
_STREET = ("line1", "line2", "line3", "street", "address", "city", "province", "state")


def _composed(value: Fields) -> str:
    """Return an object in words: what is chosen, a range, an address, else part by part."""
    named = next((value.text(key) for key in _CHOSEN if value.text(key)), "")
    rest = {
        key: text
        for key in value.members
        if not (is_for_machines(key) or is_internal(key))
        and (text := ", ".join(filter(None, _values(value, key))))
        and text != named
        and not (named and key == "code")
    }
    measured = next((key for key in _MEASURED if value.line(key)), "")
    if unit := next((unit for key in _UNIT if measured and (unit := rest.pop(key, ""))), ""):
        amount = f"{rest.pop(measured, named)} {unit}"
        sign = rest.pop("comparator", "")
        if named == value.text(measured):
            named = ""
        named = ", ".join(filter(None, [named, f"{sign}{amount}"]))
    ends = next((ends for ends in _ENDS if rest.keys() & {*ends}), _ENDS[0])
    span = " to ".join(filter(None, [rest.pop(end, "") for end in ends]))
    if rest.keys() & {*_STREET}:
        return ", ".join(filter(None, [named, *rest.values(), span]))
    parts = [f"{humanized(key)}: {text}" for key, text in rest.items() if text != named]
    return ", ".join(filter(None, [named, span, *parts]))


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


def _files(referral: Fields, body: bytes) -> Files:
    files = Files(referral_ids=_ids(referral))
    senders = [referral, *referral.children("messages")]
    for sender in senders:
        if _is_internal(sender):
            continue
        for attachment in sender.children("attachments"):
            if not _is_internal(attachment):
                files.add(_announced(attachment))
    known = referral.account.count_settled
    if any(signs.may_have_more(body, name, known(name)) for name in _FILE_NAMES):
        for attachment in _files_elsewhere(referral):
            files.add(_announced(attachment))
    for answer in referral.children("form_answers"):
        if not _is_internal(answer):
            for data in _data_urls(answer.raw("value")):
                place = answer.path
                files.add(Announced(filename=answer.line("label"), data=data, place=place))
    return files


def _files_elsewhere(referral: Fields) -> Iterator[Fields]:
    """Yield the files with their bytes that stand anywhere else: in an answer, in a note."""
    account = referral.account
    stack: list[tuple[str, Any]] = [
        (key, part)
        for key, part in referral.members.items()
        if key != "attachments" and isinstance(part, CONTAINER) and not is_internal(key)
    ][::-1]
    while stack:
        place, holder = stack.pop()
        if isinstance(holder, dict):
            if any((id(holder), key) in account.internal for key in holder):
                continue
            if _is_file(holder):
                yield Fields(holder, f"referral.{place}", account)
                continue
        stack += [
            (place, part)
            for key, part in members_of(holder)
            if isinstance(part, CONTAINER) and _may_hold_files(account, place, (id(holder), key))
        ][::-1]


def _may_hold_files(account: Reading, place: str, address: Place) -> bool:
    key = address[1]
    is_read = (place, key) == ("messages", "attachments")
    is_left_out = address in account.internal or (isinstance(key, str) and is_internal(key))
    return not (is_read or is_left_out)


def _is_file(part: Mapping[str, Any]) -> bool:
    content = part.get("data") or part.get("url")
    return isinstance(content, str) and bool(content) and any(name in part for name in _FILE_NAMES)


def _announced(attachment: Fields) -> Announced:
    attachment.take(*_OF_A_FILE)
    return Announced(
        id=attachment.id("id"),
        filename=next(filter(None, map(attachment.line, ("filename", "name", "title"))), ""),
        content_type=attachment.line("content_type"),
        size=attachment.number("size", below=MAX_SIZE),
        description=attachment.text("description"),
        data=attachment.raw("data"),
        url=attachment.url("url"),
        sha1=attachment.id("sha1"),
        sha256=attachment.id("sha256"),
        md5=attachment.id("md5"),
        place=attachment.path,
    )


def _ids(referral: Fields) -> set[str]:
    identifiers = (identifier.id("value") for identifier in referral.children("identifiers"))
    return {referral.id("reference"), *identifiers}


def _is_internal(item: Fields) -> bool:
    if item.members.keys().isdisjoint(_MARKED):
        return False
    marks = (item.line(key).replace("_", " ") for key in INTERNAL_MARKS)
    if read_flag(item.raw("internal")) or any(map(INTERNAL.fullmatch, marks)):
        item.leave_out(Rule.INTERNAL)
        return True
    return False


def _is_marked_internal(key: str | int, part: dict[str, Any]) -> bool:
    """Return whether an object is internal; who or what a referral is about never is."""
    if key in _NEVER_INTERNAL or part.keys().isdisjoint(_MARKED):
        return False
    return _is_internal(Fields(part, "", PEEKING))
