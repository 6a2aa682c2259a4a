"""Names, telephone numbers, addresses: the registrant, the requester, providers."""

import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, TypeVar

from integrations.sources.account import Rule
from integrations.sources.caredove.events import LANGUAGE_CODE, MESSAGE_PERMISSION_EXTENSION
from integrations.sources.caredove.fhir.bundle import (
    SERVICE_REQUEST,
    Bundle,
    Resource,
    references_in,
    referred_key,
    without_version,
)
from integrations.sources.caredove.fhir.words.concepts import code, label, labels
from integrations.sources.caredove.reading.fields import PEEKING, Fields, made
from integrations.sources.values.address import complete_address
from integrations.sources.values.contact import has_ended, read_email, read_gender, read_phone
from integrations.sources.values.names import Name, complete, parse_name
from integrations.sources.warnings import Warning
from mapping.source.document import (
    Address,
    Contact,
    Email,
    Identifier,
    Language,
    Phone,
    Registrant,
    Requester,
)

T = TypeVar("T", bound=Any)
Point = TypeVar("Point", Phone, Email)

# Words of a name that is no person's.
_ORGANIZATIONS = re.compile(
    r"\b(?:agency|agence|association|cent(?:re|er)|clinic|clinique|college|collège|council|"
    r"department|foundation|fondation|h[oô]pital|hospital|inc|institute?|ministry|ministère|"
    r"pharmacy|program(?:me)?|school|école|services?|society|société|team|équipe|university|"
    r"université)\b",
    re.IGNORECASE,
)
_NAME_USES = ("official", "usual", "", "temp", "nickname", "anonymous", "old", "maiden")
_FORMER_USES = ("old", "maiden")
_PHONE_SYSTEMS = ("phone", "sms")
_PHONE_USES = ("home", "mobile", "work")
_MAX_RANK = 1_000_000
# Members in which a resource says whose it is.
_SUBJECTS = ("subject", "patient", "for", "beneficiary", "securityContext")


# -- What has ended ------------------------------------------------------------------------------


def _is_former(bundle: Bundle, part: Fields) -> bool:
    """Return whether a name, an address, a number is no longer in use (rule 20)."""
    if "use" in part.members and part.word("use") in _FORMER_USES:
        return True
    if "period" not in part.members:
        return False
    end = part.child("period").id("end")
    return bool(end) and has_ended(end, bundle.at)


def current(bundle: Bundle, parts: Iterable[Fields]) -> list[tuple[Fields, bool]]:
    """Return the parts in use; only where there are none, those that were, marked as former."""
    found = [(part, _is_former(bundle, part)) for part in parts]
    return [pair for pair in found if not pair[1]] or found


# -- Registrant ----------------------------------------------------------------------------------


def patient(bundle: Bundle, request: Resource) -> Resource:
    """Return the Patient that the referral is about; empty where the bundle does not hold it.

    A bundle that holds only somebody else is not that person's data (rule 21).
    """
    subject = bundle.follow(request, "subject")
    if subject.kind == "Patient":
        return subject
    only = bundle.only("Patient")
    named = [key for ref in references_in(request, "subject") if (key := _key_of(ref))]
    return bundle.nothing if named and only.key and only.key not in named else only


def _key_of(reference: Fields) -> str:
    return referred_key(reference, "Patient") or reference.url("reference").lower()


def leave_out_others(bundle: Bundle, person: Resource) -> None:
    """Leave out what is another patient's, and warn where only that came (rule 21)."""
    others = [other for other in bundle.of_kind("Patient") if other is not person]
    inside = [r for r in bundle.everything() if r.kind == "Patient" and r.container]
    if others and not person:
        bundle.account.warn(Warning("ServiceRequest.subject", "subject_missing"))
    theirs = [r for r in bundle.everything() if _is_somebody_elses(bundle, r, person)]
    for resource in [*others, *(r for r in inside if _differs(r, person)), *theirs]:
        bundle.leave_out(resource, Rule.SOMEBODY_ELSE)


def _is_somebody_elses(bundle: Bundle, resource: Resource, person: Resource) -> bool:
    """Return whether a resource is about other patients, and not about this one too."""
    if resource.kind in (SERVICE_REQUEST, "MessageHeader"):
        return False
    parts: list[tuple[Fields, str]] = [(resource, k) for k in _SUBJECTS if k in resource.members]
    if resource.kind == "Appointment":
        parts += [(participant, "actor") for participant in resource.children("participant")]
    about = [
        _is_person(bundle, reference, resource, person)
        for part, key in parts
        for reference in references_in(part, key)
    ]
    return False in about and True not in about


def _is_person(bundle: Bundle, reference: Fields, owner: Resource, person: Resource) -> bool | None:
    """Return whether a reference means this patient; None where it may, or means no patient."""
    target = bundle.resolve(reference, owner)
    if target.kind == "Patient" and target.container:
        return False if _differs(target, person) else None  # perhaps a copy of this one
    if target:
        return target is person if target.kind == "Patient" else None
    stated = re.search(r"(?:^|/)Patient/([^/#?]+)$", without_version(reference.url("reference")))
    if not stated or not person or person.container or person.has_random_key:
        return None
    if stated[1] == person.key:
        return True
    bundle.account.warn(Warning(f"{owner.kind}.subject", "somebody_else"))
    return False


def _differs(one: Resource, person: Resource) -> bool:
    """Return whether a contained patient is evidently another one than this."""
    if one is person or not person:
        return False
    (numbers, *own), (theirs, *others) = _evidence(one), _evidence(person)
    if numbers & theirs:
        return False
    return any(a and b and not a & b for a, b in zip(own, others, strict=True))


def _evidence(person: Resource) -> list[set[str]]:
    """Return the numbers, birth dates, last and first names of a patient, as far as they are sent.

    Nothing of it counts as read.
    """
    fields = Fields(person.members, "", PEEKING)
    names = fields.children("name")
    parts = {
        key: {w.casefold() for name in names for line in name.lines(key) for w in line.split()}
        for key in ("family", "given")
    }
    numbers = {i.id("value") for i in fields.children("identifier")} - {""}
    return [numbers, {fields.date("birthDate")} - {""}, parts["family"], parts["given"]]


def registrant(bundle: Bundle, person: Resource) -> Registrant:
    """Return what the message says of the registrant."""
    chosen, *others = _names(bundle, person) or [Name()]
    return made(
        Registrant,
        first_name=chosen.first,
        middle_name=chosen.middle,
        last_name=chosen.last,
        other_names=list(dict.fromkeys(n.full for n in others if n.full != chosen.full)),
        date_of_birth=person.birth_date("birthDate", "registrant.date_of_birth"),
        gender=_gender(person),
        languages=list(_languages(person)),
        addresses=list(_addresses(bundle, person)),
        phones=list(_phones(bundle, person)),
        emails=list(_emails(bundle, person)),
        identifiers=list(identifiers(bundle, person)),
        contacts=[contact for contact in _contacts(bundle, person) if contact],
    )


def _gender(person: Fields) -> str:
    sent = person.line("gender")
    if read := read_gender(sent) if sent else "":
        person.take("gender")
    return read


def identifiers(bundle: Bundle, owner: Fields) -> Iterator[Identifier]:
    """Yield the identifiers of a resource that have a value, former ones last."""
    sent = [(i.line("value"), i, _is_former(bundle, i)) for i in owner.children("identifier")]
    for value, identifier, former in sorted(filter(itemgetter(0), sent), key=itemgetter(2)):
        yield made(
            Identifier,
            type=label(identifier, "type"),
            system=identifier.line("system"),
            value=value,
            former=former or None,
        )


def _languages(person: Fields) -> Iterator[Language]:
    for spoken in person.children("communication"):
        name = label(spoken, "language")
        tag = code(spoken, "language") or name
        tag = tag if LANGUAGE_CODE.fullmatch(tag) else ""
        language = made(Language, code=tag, name="" if name == tag else name)
        if language:
            preferred = spoken.flag("preferred")
            yield language if preferred is None else Language(**language, preferred=preferred)


def _addresses(bundle: Bundle, person: Fields) -> Iterator[Address]:
    for address, former in current(bundle, person.children("address")):
        parts = made(
            Address,
            lines=address.lines("line"),
            city=address.line("city"),
            province=address.line("state"),
            country=address.line("country"),
            postal_code=address.line("postalCode"),
        )
        text = address.text("text")
        if text and not parts.keys() >= {"lines", "city", "province", "postal_code"}:
            parts = complete_address(parts, text)
            address.take("text")
        if parts:
            use = made(Address, use=address.word("use"), former=former or None)
            yield Address(**use, **parts)


def _contacts(bundle: Bundle, person: Resource) -> Iterator[Contact]:
    relatives = bundle.of_kind("RelatedPerson") if person else []
    for contact in [*person.children("contact"), *relatives]:
        organization = contact.child("organization").line("display")
        yield made(
            Contact,
            relationship=_joined(bundle, ", ", labels(contact, "relationship")),
            name=_first_name_of(bundle, contact).full or organization,
            phones=[phone["number"] for phone in _phones(bundle, contact)],
            emails=[email["address"] for email in _emails(bundle, contact)],
        )


def _joined(bundle: Bundle, separator: str, texts: Iterable[str]) -> str:
    pieces = list(dict.fromkeys(texts))
    bundle.account.join(pieces)
    return separator.join(pieces)


# -- Telecom -------------------------------------------------------------------------------------


def _telecom(
    bundle: Bundle, owner: Fields, systems: Iterable[str]
) -> Iterator[tuple[str, Fields, bool]]:
    found = []
    for point in owner.children("telecom"):
        value = point.line("value")
        _, kind = read_phone(value)
        system = point.word("system") or ("email" if "@" in value else kind or "phone")
        if system in _PHONE_SYSTEMS and kind not in ("", *_PHONE_SYSTEMS):
            system = kind  # a fax, a pager or a text telephone by its own words
        if value and system in systems:
            found.append(point)
    # An old number may ring at somebody else's.
    for point, former in current(bundle, found):
        yield point.line("value"), point, former


def _phones(bundle: Bundle, owner: Fields) -> Iterator[Phone]:
    for value, point, former in _telecom(bundle, owner, _PHONE_SYSTEMS):
        use = point.word("use")
        point.take("value")
        yield made(
            Phone,
            number=read_phone(value)[0],
            use=use if use in _PHONE_USES else "",
            rank=point.number("rank", below=_MAX_RANK),
            may_text=_permission(point),
            former=former or None,
        )


def _emails(bundle: Bundle, owner: Fields) -> Iterator[Email]:
    for value, point, former in _telecom(bundle, owner, ("email",)):
        address, _, rest = read_email(value)
        if not rest:
            point.take("value")
        yield made(
            Email,
            address=address,
            rank=point.number("rank", below=_MAX_RANK),
            may_email=_permission(point),
            former=former or None,
        )


def _permission(point: Fields) -> bool | None:
    for extension in point.children("extension"):
        if MESSAGE_PERMISSION_EXTENSION.search(extension.url("url")):
            extension.take("url")
            return extension.flag("valueBoolean")
    return None


# -- Requester and other professionals -----------------------------------------------------------


def requesting(bundle: Bundle, request: Resource) -> list[Resource]:
    """Return the role, the person and the organization that sent the referral."""
    role = _role(bundle, request)
    person = bundle.follow(role, "practitioner") if role.kind == _ROLE else role
    organization = role if role.kind in _NO_PEOPLE else bundle.follow(role, "organization")
    person = bundle.nothing if person.kind in _NO_PEOPLE else person
    return [role, person, organization]


_ROLE = "PractitionerRole"
_NO_PEOPLE = ("Organization", "CareTeam", "Device", "Group", "HealthcareService", "Location")


def _role(bundle: Bundle, request: Resource) -> Resource:
    """Return who asks; for a person, the role elsewhere in the bundle in which they do."""
    asking = bundle.follow(request, "requester")
    if asking.kind != "Practitioner":
        return asking
    roles = [r for r in bundle.everything() if r.kind == _ROLE]
    own = (role for role in roles if bundle.follow(role, "practitioner") is asking)
    return next(own, asking)


def requester(bundle: Bundle, request: Resource, sources: list[Resource]) -> Requester:
    """Return who sent the referral; `sources` are its role, person and organization."""
    role, person, organization = sources
    display = _display(request, "requester")
    name = _first_name_of(bundle, person) if person else Name()
    organization_name = organization.line("name") or _display(role, "organization")
    person_name = _display(role, "practitioner")
    if _ORGANIZATIONS.search(person_name):
        organization_name = organization_name or person_name
    elif not name.full and person_name != organization_name:
        name = parse_name(person_name)
    if display and not role:
        if _is_organization(request, display):
            organization_name = display
        else:
            name = parse_name(display)
    elif role.kind in _NO_PEOPLE:
        organization_name = organization_name or display
    elif display and not name.full and display != organization_name:
        name = parse_name(display) if not _ORGANIZATIONS.search(display) else name
    return made(
        Requester,
        first_name=name.first,
        last_name=name.last,
        organization=organization_name,
        phone=_first(p["number"] for source in sources for p in _ranked(_phones(bundle, source))),
        email=_first(e["address"] for source in sources for e in _ranked(_emails(bundle, source))),
    )


def _ranked(points: Iterable[Point]) -> list[Point]:
    """Return the ways to reach somebody: what is not former first, then in their order."""
    return sorted(
        points, key=lambda point: (bool(point.get("former")), point.get("rank") or _MAX_RANK)
    )


def _first(found: Iterable[str]) -> str:
    return next(iter(found), "")


def _is_organization(request: Resource, display: str) -> bool:
    """Return whether a display is an organization's: it is never parsed as a person (rule 18)."""
    reference = request.child("requester", bare="reference")
    stated = reference.id("type") or "".join(reference.url("reference").split("/")[-2:-1])
    return stated in _NO_PEOPLE or (not stated and bool(_ORGANIZATIONS.search(display)))


def full_name(bundle: Bundle, party: Resource) -> str:
    """Return the name of a person or organization; for a role, of its person."""
    if party.kind == _ROLE:
        person = bundle.follow(party, "practitioner")
        return (
            _own_name(bundle, person)
            or _display(party, "practitioner")
            or _own_name(bundle, bundle.follow(party, "organization"))
        )
    return _own_name(bundle, party)


def _own_name(bundle: Bundle, party: Resource) -> str:
    is_text = isinstance(party.raw("name"), str)
    return party.line("name") if is_text else _first_name_of(bundle, party).full


def _display(owner: Fields, key: str) -> str:
    return next((ref.line("display") for ref in references_in(owner, key)), "")


# -- Names ---------------------------------------------------------------------------------------


def _names(bundle: Bundle, person: Fields) -> list[Name]:
    """Return the names that say something, official first; former ones last."""
    sent = [(name, _is_former(bundle, name)) for name in person.children("name", bare="text")]
    sent.sort(key=lambda pair: (pair[1], _NAME_USES.index(_use(pair[0]))))
    return [name for name in (_name(name) for name, _ in sent) if name.full]


def _first_name_of(bundle: Bundle, person: Fields) -> Name:
    return next(iter(_names(bundle, person)), Name())


def _use(name: Fields) -> str:
    use = name.word("use")
    return use if use in _NAME_USES else ""


def _name(name: Fields) -> Name:
    """Return a name: structured parts win, and gaps are filled from the text (rule 19)."""
    first, *others = name.lines("given") or [""]
    families = name.lines("family")
    name.account.join([*others, *families])
    structured = Name(first, " ".join(others), " ".join(families))
    text = name.line("text")
    return complete(structured, text) if text else structured
