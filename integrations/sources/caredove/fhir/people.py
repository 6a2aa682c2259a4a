"""Names, telephone numbers, addresses: the registrant, the requester, providers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrations.sources.caredove.events import LANGUAGE_CODE, MESSAGE_PERMISSION_EXTENSION
from integrations.sources.caredove.fhir.bundle import Bundle, Resource, references_in
from integrations.sources.caredove.fhir.concepts import code, label
from integrations.sources.caredove.fields import Fields, made
from mapping.document import (
    Address,
    Contact,
    Email,
    Identifier,
    Language,
    Phone,
    Registrant,
    Requester,
)

_NAME_USES = ("official", "usual", "", "temp", "nickname", "anonymous", "old", "maiden")
_PHONE_SYSTEMS = ("phone", "sms")
_PHONE_USES = ("home", "mobile", "work")
_MAX_RANK = 1_000_000


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, in the parts that records keep."""

    first: str = ""
    middle: str = ""
    last: str = ""

    @property
    def full(self) -> str:
        """The name as it is said."""
        return " ".join(part for part in (self.first, self.middle, self.last) if part)


# -- Registrant ----------------------------------------------------------------------------------


def patient(bundle: Bundle, request: Resource) -> Resource:
    """Return the Patient that the referral is about: its subject, else the only one there is."""
    subject = bundle.follow(request, "subject")
    return subject if subject.kind == "Patient" else bundle.only("Patient")


def registrant(bundle: Bundle, person: Resource) -> Registrant:
    """Return what the message says of the registrant."""
    chosen, *others = _names(person) or [Name()]
    return made(
        Registrant,
        first_name=chosen.first,
        middle_name=chosen.middle,
        last_name=chosen.last,
        other_names=list(dict.fromkeys(n.full for n in others if n.full != chosen.full)),
        date_of_birth=person.date("birthDate"),
        gender=person.word("gender"),
        languages=list(_languages(person)),
        addresses=list(_addresses(person)),
        phones=list(_phones(person)),
        emails=list(_emails(person)),
        identifiers=list(identifiers(person)),
        contacts=[contact for contact in _contacts(bundle, person) if contact],
    )


def identifiers(owner: Fields) -> Iterator[Identifier]:
    """Yield the identifiers of a resource that have a value."""
    for identifier in owner.children("identifier"):
        if value := identifier.line("value"):
            kind = label(identifier, "type")
            yield made(Identifier, type=kind, system=identifier.line("system"), value=value)


def _languages(person: Fields) -> Iterator[Language]:
    for spoken in person.children("communication"):
        name = label(spoken, "language")
        tag = code(spoken, "language") or name
        tag = tag if LANGUAGE_CODE.fullmatch(tag) else ""
        language = made(Language, code=tag, name="" if name == tag else name)
        if language:
            preferred = spoken.flag("preferred")
            yield language if preferred is None else Language(**language, preferred=preferred)


def _addresses(person: Fields) -> Iterator[Address]:
    for address in person.children("address"):
        shown = made(
            Address,
            lines=address.lines("line"),
            city=address.line("city"),
            province=address.line("state"),
            country=address.line("country"),
            postal_code=address.line("postalCode"),
        )
        if not shown and (text := address.text("text")):
            shown = Address(lines=text.split("\n"))
        if shown and address.word("use") != "old":
            use = made(Address, use=address.word("use"))
            yield Address(**use, **shown)


def _contacts(bundle: Bundle, person: Resource) -> Iterator[Contact]:
    relatives = bundle.of_kind("RelatedPerson") if person else []
    for contact in [*person.children("contact"), *relatives]:
        organization = contact.child("organization").line("display")
        yield made(
            Contact,
            relationship=label(contact, "relationship"),
            name=_first_name_of(contact).full or organization,
            phones=[phone["number"] for phone in _phones(contact)],
            emails=[email["address"] for email in _emails(contact)],
        )


# -- Telecom -------------------------------------------------------------------------------------


def _telecom(owner: Fields, systems: Iterable[str]) -> Iterator[tuple[str, Fields]]:
    for point in owner.children("telecom"):
        value = point.line("value")
        system = point.word("system") or ("email" if "@" in value else "phone")
        # An old number may ring at somebody else's.
        if value and system in systems and point.word("use") != "old":
            yield value, point


def _phones(owner: Fields) -> Iterator[Phone]:
    for number, point in _telecom(owner, _PHONE_SYSTEMS):
        use = point.word("use")
        yield made(
            Phone,
            number=re.sub(r"^tel:", "", number),
            use=use if use in _PHONE_USES else "",
            rank=point.number("rank", below=_MAX_RANK),
            may_text=_permission(point),
        )


def _emails(owner: Fields) -> Iterator[Email]:
    for address, point in _telecom(owner, ("email",)):
        yield made(
            Email,
            address=re.sub(r"^mailto:", "", address),
            rank=point.number("rank", below=_MAX_RANK),
            may_email=_permission(point),
        )


def _permission(point: Fields) -> bool | None:
    for extension in point.children("extension"):
        if MESSAGE_PERMISSION_EXTENSION.search(extension.url("url")):
            return extension.flag("valueBoolean")
    return None


# -- Requester and other professionals -----------------------------------------------------------


def requester(bundle: Bundle, request: Resource) -> Requester:
    """Return who sent the referral: a role, a person or an organization."""
    role = bundle.follow(request, "requester")
    person = bundle.follow(role, "practitioner") if role.kind == "PractitionerRole" else role
    organization = role if role.kind == "Organization" else bundle.follow(role, "organization")
    person = bundle.nothing if person.kind == "Organization" else person
    said = _said(request, "requester") or _said(role, "practitioner")
    name = _first_name_of(person) if person else _parsed(said if not organization else "")
    sources = (role, person, organization)
    return made(
        Requester,
        first_name=name.first,
        last_name=name.last,
        organization=organization.line("name") or _said(role, "organization"),
        phone=next((phone["number"] for source in sources for phone in _phones(source)), ""),
        email=next((email["address"] for source in sources for email in _emails(source)), ""),
    )


def full_name(bundle: Bundle, party: Resource) -> str:
    """Return the name of a person or organization; for a role, of its person."""
    if party.kind == "PractitionerRole":
        person = bundle.follow(party, "practitioner") or bundle.follow(party, "organization")
        return _own_name(person) or _said(party, "practitioner")
    return _own_name(party)


def _own_name(party: Resource) -> str:
    is_text = isinstance(party.raw("name"), str)
    return party.line("name") if is_text else _first_name_of(party).full


def _said(owner: Fields, key: str) -> str:
    return next((ref.line("display") for ref in references_in(owner, key)), "")


# -- Names ---------------------------------------------------------------------------------------


def _names(person: Fields) -> list[Name]:
    """Return the names that say something, official first."""
    sent = person.children("name", bare="text")
    sent.sort(key=lambda name: _NAME_USES.index(_use(name)))
    return [name for name in map(_name, sent) if name.full]


def _first_name_of(person: Fields) -> Name:
    return next(iter(_names(person)), Name())


def _use(name: Fields) -> str:
    use = name.word("use")
    return use if use in _NAME_USES else ""


def _name(name: Fields) -> Name:
    first, *others = name.lines("given") or [""]
    last = " ".join(name.lines("family"))
    if not (first or last):
        return _parsed(name.line("text"))
    return Name(first, " ".join(others), last)


def _parsed(text: str) -> Name:
    """Guess the parts of a name that came as one text: "Last, First Middle" or "First Last"."""
    if "," in text:
        last, _, rest = text.partition(",")
        first, *middle = rest.split() or [""]
        return Name(first, " ".join(middle), last.strip())
    *given, last = text.split() or [""]
    first, *middle = given or [""]
    return Name(first, " ".join(middle), last)
