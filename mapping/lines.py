"""A document as lines of plain text, in the order people read them, for the Referral Note.

Each line says which paths of the document it tells, so that the note can leave out what a record
field already says. Some line tells each leaf of a document (`parts.leaves`). What only says how
and when a referral was sent, ids that support staff search by, and the names of the files that
arrive beside the note are *aside*: the summary (PDF) has them. Pure: no Django.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from mapping import labels, parts, unreadable
from mapping.document import Document
from mapping.languages import is_bare, language_name
from mapping.parts import Path, Value, value_at
from mapping.times import for_people, with_instants
from mapping.transforms import as_text

FORM = "Form answers"
PERMISSIONS = "Permissions to contact"
REFERRAL = "Referral"
CONTACTS = "Alternate contacts"
REGISTRANT = "Registrant"
REQUESTER = "Requester"
APPOINTMENT = "Appointment"
NOTES = "Notes"
MESSAGES = "Messages"
ATTACHMENTS = "Attachments"
LISTING = "Listing"
UNREADABLE = "Could not be read"
ALSO_SENT = "Also sent"

NO_TEXT = "no text"
_PHONE_NAMES = ("main phone", "alternate phone")
_ADDRESS_FIELDS = {
    "city": "City",
    "province": "Province",
    "postal_code": "Postal code",
    "country": "Country",
}

Said: TypeAlias = list[tuple[Path, str]]  # texts, each with the path that it tells
Say: TypeAlias = Callable[[Value], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is about, what it says, and the paths of everything it tells.

    What is `aside` need not be in a note; it is in the summary.
    """

    label: str = field(repr=False)
    text: str = field(repr=False)
    paths: frozenset[Path]
    group: str
    aside: bool = False

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


def lines(document: Document, time_zone: ZoneInfo) -> list[Line]:
    """Return everything a document says, times in the organization's time zone.

    The reason and the form answers come first, in form order, then permissions to contact, the
    status, and the rest; last what no other part takes.
    """
    sections = (section(document, time_zone) for section in _SECTIONS)
    told = [line for line in chain.from_iterable(sections) if line is not None]
    known = frozenset(chain.from_iterable(line.paths for line in told))
    return told + list(_untold(document, known))


Lines: TypeAlias = Iterator[Line | None]


def _untold(document: Document, known: frozenset[Path]) -> Iterator[Line]:
    """Tell what no section knows, as a document of a later version may have it, under its name."""
    for path, value in parts.leaves(document):
        if path not in known:
            named = [step for step in path if isinstance(step, str)]
            label = labels.in_words(named[-1]) or ALSO_SENT
            group = labels.in_words(named[0]) if len(named) > 1 else ""
            whole = f"{group}: {label}" if group else label
            yield Line(whole, as_text(value), frozenset({path}), ALSO_SENT)


# -- Putting a line together ---------------------------------------------------------------------


def _said(document: Document, *path: str | int, say: Say = as_text) -> Said:
    value = value_at(document, path)
    return [] if value is None else [(path, say(value))]


def _all_said(document: Document, *path: str | int) -> Said:
    """Return what every item of a list of texts says."""
    return [*chain.from_iterable(_said(document, *path, i) for i in _indexes(document, *path))]


def _indexes(document: Document, *path: str | int) -> range:
    return range(len(_items(document, *path)))


def _items(document: Document, *path: str | int) -> Any:
    part: Any = document
    for step in path:
        part = part.get(step, {}) if isinstance(step, str) else part[step]
    return part


def _line(
    group: str,
    label: str,
    head: Said,
    details: Said | None = None,
    tail: Said | None = None,
    named: Said | None = None,
    *,
    bare: str = "",
    aside: bool = False,
) -> Line | None:
    """Return `label: head (details), tail`, or None without a head, details or tail.

    `named` is what the label says or leaves unsaid; the line tells that too. Where there is
    nothing else, the text is `bare`.
    """
    if not (head or details or tail or (named and (bare or aside))):
        return None
    first, bracketed, last = (_joined(said) for said in (head, details or [], tail or []))
    if first and bracketed:
        first, bracketed = f"{first} ({bracketed})", ""
    text = ", ".join(piece for piece in (first, bracketed, last) if piece) or bare
    told = [*head, *(details or []), *(tail or []), *(named or [])]
    return Line(label, text, frozenset(path for path, _ in told), group, aside)


def _joined(said: Said) -> str:
    return ", ".join(text.strip() for _, text in said)


def _former(document: Document, *path: str | int) -> Said:
    return _said(document, *path, "former", say=lambda _: "former")


def _in_words(said: Said, before: str = "", after: str = "") -> str:
    return f"{before}{_joined(said)}{after}" if said else ""


# -- Sections, in the order of the note ----------------------------------------------------------


def _form(document: Document, time_zone: ZoneInfo) -> Lines:
    """Tell the reason and the answers; a reason that an answer repeats is told once."""
    answers = document.get("form_answers", [])
    reason = _said(document, "reason")
    repeats = [
        i for i, answer in enumerate(answers) if answer.get("value") == document.get("reason")
    ]
    if not repeats:
        yield _line(FORM, "Reason for referral", reason)
    titles = labels.form_titles(document)
    for form, title in titles.items():
        asked = [i for i, answer in enumerate(answers) if answer.get("form", "") == form]
        for number, i in enumerate(asked, start=1):
            label = labels.answer_label(answers[i], number)
            whole = f"{title}: {label}" if title and len(titles) > 1 else label
            repeated = reason if repeats[:1] == [i] else []
            value = _said(document, "form_answers", i, "value", say=partial(_prose, time_zone))
            yield _line(FORM, whole, value, named=repeated)


def _permissions(document: Document, time_zone: ZoneInfo) -> Lines:
    phones = zip(parts.chosen_phones(document), _PHONE_NAMES, strict=False)
    for i, name in phones:
        allowed = _said(document, "registrant", "phones", i, "may_text")
        yield _line(PERMISSIONS, f"May text {name}", allowed)
    email = parts.chosen_email(document)
    if email is not None:
        allowed = _said(document, "registrant", "emails", email, "may_email")
        yield _line(PERMISSIONS, "May e-mail", allowed)


def _status(document: Document, time_zone: ZoneInfo) -> Lines:
    """Tell the status as Caredove shows it, `Booked (Ready)`, and a classification that differs."""
    request = _said(document, "request_status", say=_spaced)
    yield _line(REFERRAL, "Request status", request, aside=not parts.is_withdrawn(document))
    status = _said(document, "status", say=lambda value: _capitalized(str(value)))
    label = _said(document, "substatus", "label")
    classification = _said(document, "substatus", "classification", say=_spaced)
    if label and _joined(label).casefold() == _joined(classification).casefold():
        yield _line(REFERRAL, "Caredove status", status, label, named=classification)
    else:
        yield _line(REFERRAL, "Caredove status", status, label + classification)


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _spaced(value: Value) -> str:
    """Return a code of several words, `entered-in-error`, as words."""
    return str(value).replace("-", " ")


def _request(document: Document, time_zone: ZoneInfo) -> Lines:
    yield _line(REFERRAL, "Priority", _said(document, "priority"))
    yield _line(REFERRAL, "Service asked for", _said(document, "service"))


def _contacts(document: Document, time_zone: ZoneInfo) -> Lines:
    for i in _indexes(document, "registrant", "contacts"):
        at = ("registrant", "contacts", i)
        reached = _all_said(document, *at, "phones") + _all_said(document, *at, "emails")
        name, relationship = _said(document, *at, "name"), _said(document, *at, "relationship")
        yield _line(CONTACTS, "Alternate contact", name, relationship, reached)


def _person(document: Document, time_zone: ZoneInfo) -> Lines:
    tell = partial(_said, document, "registrant")
    yield _line(REGISTRANT, "First name", tell("first_name"))
    yield _line(REGISTRANT, "Middle name", tell("middle_name"))
    yield _line(REGISTRANT, "Last name", tell("last_name"))
    for name in _all_said(document, "registrant", "other_names"):
        yield _line(REGISTRANT, "Other name", [name])
    yield _line(REGISTRANT, "Date of birth", tell("date_of_birth"))
    yield _line(REGISTRANT, "Gender", tell("gender"))


def _phones(document: Document, time_zone: ZoneInfo) -> Lines:
    chosen = parts.chosen_phones(document)
    for i, name in zip(chosen, _PHONE_NAMES, strict=False):
        at = ("registrant", "phones", i)
        yield _line(REGISTRANT, _capitalized(name), _said(document, *at, "number"))
        kind = _said(document, *at, "use") + _former(document, *at)
        yield _line(REGISTRANT, f"{_capitalized(name)} type", kind)
    for i, _ in parts.ordered_phones(document):
        if i not in chosen:
            at = ("registrant", "phones", i)
            allowed = _said(document, *at, "may_text", say=partial(_allowed, "text"))
            details = _said(document, *at, "use") + _former(document, *at) + allowed
            yield _line(REGISTRANT, "Other phone", _said(document, *at, "number"), details)


def _allowed(what: str, value: Value) -> str:
    return f"may {what}: {as_text(value)}"


def _emails(document: Document, time_zone: ZoneInfo) -> Lines:
    chosen = parts.chosen_email(document)
    for i, _ in parts.ordered_emails(document):
        at = ("registrant", "emails", i)
        address = _said(document, *at, "address")
        former = _former(document, *at)
        if i == chosen:
            yield _line(REGISTRANT, "E-mail", address)
            yield _line(REGISTRANT, "E-mail type", former)
        else:
            allowed = _said(document, *at, "may_email", say=partial(_allowed, "e-mail"))
            yield _line(REGISTRANT, "Other e-mail", address, former + allowed)


def _addresses(document: Document, time_zone: ZoneInfo) -> Lines:
    chosen = parts.chosen_address(document)
    for i, _ in parts.ordered_addresses(document):
        at = ("registrant", "addresses", i)
        street = _all_said(document, *at, "lines")
        use = _said(document, *at, "use") + _former(document, *at)
        fields = {key: _said(document, *at, key) for key in _ADDRESS_FIELDS}
        if i == chosen:
            yield _line(REGISTRANT, "Street", street)
            for key, label in _ADDRESS_FIELDS.items():
                yield _line(REGISTRANT, label, fields[key])
            yield _line(REGISTRANT, "Address type", use)
        else:
            whole = [*street, *chain.from_iterable(fields.values())]
            yield _line(REGISTRANT, "Other address", whole, use)


def _languages(document: Document, time_zone: ZoneInfo) -> Lines:
    chosen = parts.chosen_language(document)
    languages = document.get("registrant", {}).get("languages", [])
    for i, language in enumerate(languages):
        at = ("registrant", "languages", i)
        label = "Other language" if chosen is not None and i != chosen else "Language"
        name, code = _said(document, *at, "name"), _said(document, *at, "code", say=_language)
        if language.get("preferred"):
            label = "Preferred language"
        same = bool(name) and _joined(name) == _joined(code)
        yield _line(REGISTRANT, label, name, [] if same else code, named=code if same else [])


def _language(code: Value) -> str:
    """Return the name of a language; with its code, where that says more."""
    name = language_name(str(code))
    if name is None:
        return str(code)
    return name if is_bare(str(code)) else f"{name}, {code}"


def _identifiers(document: Document, time_zone: ZoneInfo) -> Lines:
    yield from _identifiers_at(document, REGISTRANT, "registrant", "identifiers")


def _identifiers_at(document: Document, group: str, *path: str) -> Lines:
    """Tell numbers by their kind; one that only a machine can use is aside."""
    for i, identifier in enumerate(_items(document, *path)):
        value = _said(document, *path, i, "value")
        kind, system = _said(document, *path, i, "type"), _said(document, *path, i, "system")
        issuer = [(path, labels.issuer(identifier)) for path, _ in system]
        shown = [said for said in issuer if said[1]] + _former(document, *path, i)
        yield _line(
            group,
            labels.identifier_label(identifier),
            value,
            shown,
            named=kind + system,
            aside=not value or labels.is_technical(_joined(value)),
        )


def _requester(document: Document, time_zone: ZoneInfo) -> Lines:
    tell = partial(_said, document, "requester")
    yield _line(REQUESTER, "Requester's first name", tell("first_name"))
    yield _line(REQUESTER, "Requester's last name", tell("last_name"))
    yield _line(REQUESTER, "Requester's organization", tell("organization"))
    yield _line(REQUESTER, "Requester's phone", tell("phone"))
    yield _line(REQUESTER, "Requester's e-mail", tell("email"))
    yield _line(REQUESTER, "Requester is a Caredove user", tell("is_caredove_user"), aside=True)


def _referral(document: Document, time_zone: ZoneInfo) -> Lines:
    instant = partial(_instant, time_zone)
    yield _line(REFERRAL, "Sent by", _said(document, "sent_method"), aside=True)
    yield _line(REFERRAL, "Submitted", _said(document, "submitted_at", say=instant), aside=True)
    yield _line(REFERRAL, "Reference #", _said(document, "reference"))
    yield _line(REFERRAL, "Parent reference #", _said(document, "parent_reference"))
    routed = _said(document, "routed")
    yield _line(REFERRAL, "Routed request", routed, aside=not document.get("routed"))
    yield from _identifiers_at(document, REFERRAL, "identifiers")


def _instant(time_zone: ZoneInfo, value: Value) -> str:
    return for_people(str(value), time_zone)


def _prose(time_zone: ZoneInfo, value: Value) -> str:
    """Return a text with the instants in it in the time zone."""
    return with_instants(as_text(value), partial(for_people, time_zone=time_zone))


def _appointment(document: Document, time_zone: ZoneInfo) -> Lines:
    tell = partial(_said, document, "appointment")
    instant = partial(_instant, time_zone)
    what = "Cancelled appointment" if parts.is_void(document) else "Appointment"
    as_expected = document.get("appointment", {}).get("status") == "booked"
    yield _line(APPOINTMENT, f"{what} status", tell("status", say=_spaced), aside=as_expected)
    yield _line(APPOINTMENT, f"{what} start", tell("start", say=instant))
    yield _line(APPOINTMENT, f"{what} end", tell("end", say=instant))
    yield _line(APPOINTMENT, f"{what} minutes", tell("duration_minutes"))
    yield _line(APPOINTMENT, f"{what} location", tell("location"))
    yield _line(APPOINTMENT, f"{what} provider", tell("provider_full_name"))
    yield _line(APPOINTMENT, f"{what} description", tell("description"))
    yield _line(APPOINTMENT, f"{what} id", tell("id"), aside=True)


def _notes(document: Document, time_zone: ZoneInfo) -> Lines:
    for i in _indexes(document, "notes"):
        author = _said(document, "notes", i, "author")
        at = _said(document, "notes", i, "at", say=partial(_instant, time_zone))
        label = f"Note{_in_words(author, ' by ')}{_in_words(at, ', ')}"
        text = _said(document, "notes", i, "text")
        yield _line(NOTES, label, text, named=author + at, bare=NO_TEXT)


def _messages(document: Document, time_zone: ZoneInfo) -> Lines:
    for i in _indexes(document, "messages"):
        side, sender = (
            _said(document, "messages", i, "side"),
            _said(document, "messages", i, "sender"),
        )
        at = _said(document, "messages", i, "at", say=partial(_instant, time_zone))
        who = f"{_in_words(side, ' from ')}{_in_words(sender, ' (', ')')}"
        label = f"Message{who}{_in_words(at, ', ')}"
        text = _said(document, "messages", i, "text")
        yield _line(MESSAGES, label, text, named=side + sender + at, bare=NO_TEXT)


def _attachments(document: Document, time_zone: ZoneInfo) -> Lines:
    for i in _indexes(document, "attachments"):
        tell = partial(_said, document, "attachments", i)
        name, about = tell("filename"), tell("description")
        beside = not about or _joined(about) == _joined(name)
        yield _line(ATTACHMENTS, "Attachment", name, about, aside=beside)
        size = tell("size", say=lambda value: f"{value} bytes")
        yield _line(ATTACHMENTS, "Attachment's type", tell("content_type"), size, aside=True)


def _listing(document: Document, time_zone: ZoneInfo) -> Lines:
    yield _line(LISTING, "Service listing", _said(document, "listing", "name"))
    tell = partial(_line, LISTING, aside=True)
    yield tell("Service listing's Caredove id", _said(document, "listing", "id"))
    yield tell("Organization", _said(document, "organization", "name"))
    yield tell("Organization's Caredove id", _said(document, "organization", "id"))


def _unreadable(document: Document, time_zone: ZoneInfo) -> Lines:
    """Tell what came in place of a value, and what is wrong with it."""
    for i, part in enumerate(document.get("unreadable", [])):
        remark = unreadable.remark_on(part).rstrip(".")
        label = f"{UNREADABLE}: {unreadable.name_of(part)}"
        cause = [(path, remark) for path, _ in _said(document, "unreadable", i, "cause")]
        text = _said(document, "unreadable", i, "text")
        yield _line(UNREADABLE, label, text, cause)


def _also_sent(document: Document, time_zone: ZoneInfo) -> Lines:
    for i, part in labels.also_sent_in_order(document):
        text = _said(document, "also_sent", i, "text", say=partial(_prose, time_zone))
        yield _line(ALSO_SENT, labels.also_sent_label(part), text)


_SECTIONS: tuple[Callable[[Document, ZoneInfo], Lines], ...] = (
    _form,
    _permissions,
    _status,
    _request,
    _contacts,
    _person,
    _phones,
    _emails,
    _addresses,
    _languages,
    _identifiers,
    _requester,
    _referral,
    _appointment,
    _notes,
    _messages,
    _attachments,
    _listing,
    _unreadable,
    _also_sent,
)
