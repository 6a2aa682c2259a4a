"""What the Referral Summary says, section by section: the same for the PDF and its plain fallback.

Every part of a document is said once or more; empty parts are not mentioned, and keys that a
document does not have by contract are never read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.template.defaultfilters import filesizeformat
from django.utils.dateformat import format as formatted

from mapping import labels, unreadable
from mapping.document import (
    Address,
    Attachment,
    Contact,
    Document,
    Email,
    Identifier,
    Language,
    Message,
    Named,
    Note,
    Phone,
    Registrant,
)
from mapping.languages import is_bare, language_name
from mapping.parts import (
    is_void,
    is_withdrawn,
    ordered_addresses,
    ordered_emails,
    ordered_phones,
)
from mapping.times import parse_date, parse_instant, with_instants

FACT_LENGTH = 60  # characters; a longer fact stands in its section, not on the strip
SHORT = 6  # lines, about
DOT = " · "
NO_BREAK_SPACE = "\xa0"
SLOTS = {"main": "main", "alt": "alternate"}  # of phones


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing said. A `caution` must not be overlooked; a `remark` may be."""

    label: str
    value: str
    remark: str = ""
    caution: str = ""

    @property
    def is_short(self) -> bool:
        """Whether it should stand on one page."""
        return len(self.value) <= SHORT * 60


@dataclass(frozen=True, slots=True)
class Section:
    """`kind` names the layout: details, questions (long labels) or records (small print)."""

    title: str
    entries: tuple[Entry, ...]
    kind: str = "details"

    @property
    def is_short(self) -> bool:
        """Whether it should stand on one page."""
        return len(self.entries) <= SHORT and all(entry.is_short for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole summary: who it is about, the facts of the strip below, and the sections."""

    name: str
    born: str
    reference: str
    facts: tuple[Entry, ...]
    sections: tuple[Section, ...]


def sheet(document: Document, time_zone: ZoneInfo) -> Sheet:
    """Lay the document out; instants are shown in the time zone."""
    facts = tuple(_said(_facts(document, time_zone)))
    short = tuple(fact for fact in facts if len(fact.value + fact.remark) <= FACT_LENGTH)
    long = tuple(fact for fact in facts if fact not in short)
    sections = (
        Section("Registrant", tuple(_said(_registrant(document)))),
        Section("Other contacts", tuple(_said(_contacts(document)))),
        Section("Referral", (*long, *_said(_referral(document)))),
        Section("Appointment", tuple(_said(_appointment(document, time_zone)))),
        Section("Requester", tuple(_said(_requester(document)))),
        *_forms(document, time_zone),
        Section("Notes", tuple(_said(_notes(document, time_zone)))),
        Section("Messages", tuple(_said(_messages(document, time_zone)))),
        Section("Attachments", tuple(_said(_attachments(document)))),
        Section("Could not be read", tuple(_said(_unreadable(document)))),
        Section("Also sent", tuple(_said(_also_sent(document, time_zone))), "questions"),
        Section("Caredove records", tuple(_said(_records(document))), "records"),
    )
    return Sheet(
        name=_full_name(document.get("registrant", {})),
        born=_day(document.get("registrant", {}).get("date_of_birth", "")),
        reference=document.get("reference", ""),
        facts=short,
        sections=tuple(section for section in sections if section.entries),
    )


def _facts(document: Document, time_zone: ZoneInfo) -> Iterator[Entry]:
    appointment = document.get("appointment", {})
    status, *details = _status(document) or [""]
    withdrawn = f"Request {_request_status(document)}" if is_withdrawn(document) else ""
    yield Entry("Status", status or withdrawn, DOT.join(details), withdrawn if status else "")
    yield Entry("Priority", _capital(document.get("priority", "")))
    yield Entry("Submitted", _moment(document.get("submitted_at", ""), time_zone))
    yield Entry(
        "Appointment",
        _moment(appointment.get("start", ""), time_zone),
        caution=_capital(appointment.get("status", "").replace("-", " "))
        if is_void(document)
        else "",
    )


def _status(document: Document) -> list[str]:
    """Return the status, the label of the sub-status and, where it says more, its class."""
    substatus = document.get("substatus", {})
    label, classification = substatus.get("label", ""), substatus.get("classification", "")
    classification = classification.replace("-", " ")
    told = label.casefold() == classification.casefold()
    parts = (_capital(document.get("status", "")), label, "" if told else classification)
    return [part for part in parts if part.strip()]


def _request_status(document: Document) -> str:
    return document.get("request_status", "").replace("-", " ")


def _registrant(document: Document) -> Iterator[Entry]:
    registrant = document.get("registrant", {})
    yield Entry("Last name", registrant.get("last_name", ""))
    yield Entry("First name", registrant.get("first_name", ""))
    yield Entry("Middle name", registrant.get("middle_name", ""))
    yield from (Entry("Other name", name) for name in registrant.get("other_names", []))
    yield Entry("Date of birth", _day(registrant.get("date_of_birth", "")))
    yield Entry("Gender", _capital(registrant.get("gender", "")))
    yield from map(_language, registrant.get("languages", []))
    yield from _identifiers(registrant.get("identifiers", []))
    yield from (_address(address) for _, address in ordered_addresses(document))
    yield from (_phone(phone) for _, phone in ordered_phones(document))
    yield from (_email(email) for _, email in ordered_emails(document))


def _language(language: Language) -> Entry:
    code, known = language.get("code", ""), language_name(language.get("code", ""))
    name = language.get("name", "") or known or ""
    says_more = not is_bare(code) or known != name
    remark = "preferred" if language.get("preferred") else ""
    return Entry("Language", _with_note(name, code if says_more else ""), remark)


def _identifiers(identifiers: Iterable[Identifier]) -> Iterator[Entry]:
    """Yield the numbers that people use; what only a machine can use is among the records."""
    return (_identifier(part) for part in identifiers if not _is_technical(part))


def _identifier(identifier: Identifier) -> Entry:
    remark = _joined(DOT, labels.issuer(identifier), _former(identifier))
    return Entry(labels.identifier_label(identifier), identifier.get("value", ""), remark)


def _is_technical(identifier: Identifier) -> bool:
    return labels.is_technical(identifier.get("value", ""))


def _address(address: Address) -> Entry:
    town = _joined(" ", address.get("city"), address.get("province"))
    value = _joined(
        "\n",
        _joined(", ", *address.get("lines", [])),
        _joined("  ", town, address.get("postal_code")),
        address.get("country"),
    )
    return Entry(_used("address", address.get("use", "")), value, _former(address))


def _phone(phone: Phone) -> Entry:
    may = phone.get("may_text")
    return Entry(
        _used("phone", phone.get("use", "")),
        phone.get("number", ""),
        _joined(DOT, _place(phone), _former(phone), "may be texted" if may else ""),
        "Do not text" if may is False else "",
    )


def _email(email: Email) -> Entry:
    may = email.get("may_email")
    return Entry(
        "E-mail",
        email.get("address", ""),
        _joined(DOT, _place(email), _former(email), "may be e-mailed" if may else ""),
        "Do not e-mail" if may is False else "",
    )


def _place(part: Phone | Email) -> str:
    """Return which of several this one is: `main`, else `choice 2`."""
    rank = part.get("rank")
    return SLOTS.get(part.get("slot", "")) or (f"choice {rank}" if rank else "")


def _former(part: Phone | Email | Address | Identifier) -> str:
    return "former" if part.get("former") else ""


def _contacts(document: Document) -> Iterator[Entry]:
    yield from map(_contact, document.get("registrant", {}).get("contacts", []))


def _contact(contact: Contact) -> Entry:
    relationship = _capital(contact.get("relationship", ""))
    lines = (contact.get("name"), *contact.get("phones", []), *contact.get("emails", []))
    return Entry(relationship or "Contact", _joined("\n", *lines) or relationship)


def _referral(document: Document) -> Iterator[Entry]:
    yield Entry("Reason", document.get("reason", ""))
    yield Entry("Service requested", document.get("service", ""))
    yield Entry("Sent by", document.get("sent_method", ""))
    yield Entry("Routed", _yes_or_no(document.get("routed")))
    yield Entry("Request", _capital(_request_status(document)))
    yield Entry("Reference", document.get("reference", ""))
    yield Entry("Parent reference", document.get("parent_reference", ""))
    yield from _identifiers(document.get("identifiers", []))


def _appointment(document: Document, time_zone: ZoneInfo) -> Iterator[Entry]:
    appointment = document.get("appointment", {})
    minutes = appointment.get("duration_minutes")
    yield Entry("Starts", _moment(appointment.get("start", ""), time_zone))
    yield Entry("Ends", _moment(appointment.get("end", ""), time_zone))
    yield Entry("Duration", "" if minutes is None else f"{minutes} minutes")
    yield Entry(
        "Status",
        _capital(appointment.get("status", "").replace("-", " ")),
        caution="Does not take place" if is_void(document) else "",
    )
    yield Entry("Location", appointment.get("location", ""))
    yield Entry("Provider", appointment.get("provider_full_name", ""))
    yield Entry("Description", appointment.get("description", ""))


def _requester(document: Document) -> Iterator[Entry]:
    requester = document.get("requester", {})
    yield Entry("Name", _joined(" ", requester.get("first_name"), requester.get("last_name")))
    yield Entry("Organization", requester.get("organization", ""))
    yield Entry("Phone", requester.get("phone", ""))
    yield Entry("E-mail", requester.get("email", ""))
    yield Entry("Caredove user", _yes_or_no(requester.get("is_caredove_user")))


def _forms(document: Document, time_zone: ZoneInfo) -> Iterator[Section]:
    """Yield a section for each form, named as it is where the sender names it."""
    for form, title in labels.form_titles(document).items():
        entries = tuple(_said(_form(document, form, time_zone)))
        yield Section(title or "Referral form", entries, "questions")


def _form(document: Document, form: str, time_zone: ZoneInfo) -> Iterator[Entry]:
    answers = (part for part in document.get("form_answers", []) if part.get("form", "") == form)
    for number, answer in enumerate(answers, start=1):
        value = _prose(answer.get("value", ""), time_zone)
        yield Entry(labels.answer_label(answer, number), value)


def _notes(document: Document, time_zone: ZoneInfo) -> Iterator[Entry]:
    for note in document.get("notes", []):
        yield _note(note, time_zone)


def _note(note: Note, time_zone: ZoneInfo) -> Entry:
    label = _joined("\n", note.get("author"), _moment(note.get("at", ""), time_zone))
    return Entry(label or "Note", note.get("text", "") or ("No text" if label else ""))


def _messages(document: Document, time_zone: ZoneInfo) -> Iterator[Entry]:
    for message in document.get("messages", []):
        yield _message(message, time_zone)


def _message(message: Message, time_zone: ZoneInfo) -> Entry:
    sender = _with_note(message.get("sender", ""), message.get("side", ""))
    label = _joined("\n", sender, _moment(message.get("at", ""), time_zone))
    return Entry(label or "Message", message.get("text", "") or ("No text" if label else ""))


def _attachments(document: Document) -> Iterator[Entry]:
    for number, attachment in enumerate(document.get("attachments", []), start=1):
        yield _attachment(number, attachment)


def _attachment(number: int, attachment: Attachment) -> Entry:
    """The number is in the name under which the file is sent."""
    size = attachment.get("size")
    remark = _joined(
        DOT, attachment.get("content_type"), "" if size is None else filesizeformat(size)
    )
    description, name = attachment.get("description", ""), attachment.get("filename", "")
    shown = name or ("No name" if description or remark else "")
    return Entry(description or "File", f"{number}. {shown}" if shown else "", remark)


def _unreadable(document: Document) -> Iterator[Entry]:
    for part in document.get("unreadable", []):
        text, remark = part.get("text", ""), unreadable.remark_on(part)
        shown = (text, remark) if text.strip() else (remark, "")
        yield Entry(unreadable.name_of(part), *shown)


def _also_sent(document: Document, time_zone: ZoneInfo) -> Iterator[Entry]:
    for _, part in labels.also_sent_in_order(document):
        yield Entry(labels.also_sent_label(part), _prose(part.get("text", ""), time_zone))


def _records(document: Document) -> Iterator[Entry]:
    """Yield the ids that support staff search by: small print, in the order of the sections."""
    yield Entry("Organization", _named(document.get("organization", {})))
    yield Entry("Service listing", _named(document.get("listing", {})))
    given = document.get("registrant", {}).get("identifiers", [])
    numbers = (*given, *document.get("identifiers", []))
    yield from (_identifier(part) for part in numbers if _is_technical(part))
    yield Entry("Appointment", document.get("appointment", {}).get("id", ""))


def _named(part: Named) -> str:
    return _with_note(part.get("name", ""), part.get("id", ""))


def _full_name(registrant: Registrant) -> str:
    return _joined(
        " ",
        registrant.get("first_name"),
        registrant.get("middle_name"),
        registrant.get("last_name"),
    )


def _day(text: str) -> str:
    """Return `June 29, 1991`; what is not a date comes back as it is."""
    value = parse_date(text)
    return formatted(value, "F j, Y") if value else text


def _moment(text: str, time_zone: ZoneInfo) -> str:
    """Return `March 9, 2026, 11:21 a.m. EDT`; what is not an instant comes back as it is."""
    value = parse_instant(text, time_zone)
    if value is None:
        return _day(text)
    return formatted(value, "F j, Y, ") + formatted(value, "P T").replace(" ", NO_BREAK_SPACE)


def _prose(text: str, time_zone: ZoneInfo) -> str:
    """Return the text with the instants in it as the summary writes them."""
    return with_instants(text, lambda instant: _moment(instant, time_zone))


def _said(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Keep the entries that say something: a label alone does not."""
    return (entry for entry in entries if entry.value.strip())


def _joined(separator: str, *parts: str | None) -> str:
    return separator.join(part for part in parts if part and part.strip())


def _with_note(text: str, note: str) -> str:
    """Return `French (fr)`, or the one that there is."""
    return f"{text} ({note})" if text.strip() and note.strip() else _joined("", text, note)


def _used(noun: str, use: str) -> str:
    """Return `Home phone`, or `Phone` where the use is not known."""
    return _capital(_joined(" ", use, noun))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else ("Yes" if value else "No")
