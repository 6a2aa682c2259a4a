"""The source fields that a rule can read, with the labels that people know them by.

A field reads a document and says which of its values the reading stands for, so that the engine
knows what no rule has used. A form answer has two names: `answer:KEY` is the first answer with
that key, whatever its form; `form:FORM|KEY` the one of that form. Pure: no Django.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from mapping import labels, parts
from mapping.document import Document
from mapping.languages import is_bare, language_name
from mapping.parts import Path, Value, value_at
from mapping.provinces import province_code
from mapping.times import parse_instant

REFERRAL = "Referral"
REGISTRANT = "Registrant"
REQUESTER = "Requester"
APPOINTMENT = "Appointment"
FORM = "Form answers"

ANSWER_PREFIX = "answer:"
FORM_PREFIX = "form:"

_UTC = ZoneInfo("UTC")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, or None, and the paths of everything in the document that it expresses."""

    value: Value | None = None
    paths: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class SourceField:
    """One thing that a rule can read, such as `registrant.phone_1`."""

    key: str
    label: str
    group: str
    read: Callable[[Document], Reading]


NOTHING = Reading()


def find(key: str) -> SourceField | None:
    """Return the field with this key, `answer:…` and `form:…` included; None if there is none."""
    if key.startswith(ANSWER_PREFIX) and (question := key.removeprefix(ANSWER_PREFIX).strip()):
        return SourceField(key, f"Answer to “{question}”", FORM, partial(_answer, question))
    if named := form_and_question(key):
        label = f"Answer to “{named[1]}” of form “{named[0]}”"
        return SourceField(key, label, FORM, partial(_answer_of, *named))
    return _FIELDS.get(key)


def form_and_question(key: str) -> tuple[str, str] | None:
    """Return the form and the key of an answer that a field names exactly; else None."""
    form, mark, question = key.removeprefix(FORM_PREFIX).partition("|")
    if not key.startswith(FORM_PREFIX) or not mark or not question.strip():
        return None
    return form.replace("%7C", "|").replace("%25", "%").strip(), question.strip()


def exact_key(form: str, question: str) -> str:
    """Return the key of the field for the answer of one form."""
    quoted = form.replace("%", "%25").replace("|", "%7C")
    return f"{FORM_PREFIX}{quoted}|{question}"


def fields() -> tuple[SourceField, ...]:
    """Return every field but form answers, in the order to show them in."""
    return tuple(_FIELDS.values())


def answers_in(document: Document) -> tuple[SourceField, ...]:
    """Return the fields for the form answers of a document, labelled as the form puts it.

    An answer of a form that the sender names is offered by its exact name, too.
    """
    titles = labels.form_titles(document)
    offered: dict[str, SourceField] = {}
    for number, answer in enumerate(document.get("form_answers", []), start=1):
        key, form = answer.get("key", "").strip(), answer.get("form", "").strip()
        label = labels.answer_label(answer, number)
        if key:
            plain = SourceField(f"{ANSWER_PREFIX}{key}", label, FORM, partial(_answer, key))
            offered.setdefault(plain.key, plain)
        if key and form:
            only_here = f"{label} (only of {titles.get(form) or 'this form'})"
            exact = exact_key(form, key)
            read = partial(_answer_of, form, key)
            offered.setdefault(exact, SourceField(exact, only_here, FORM, read))
    return tuple(offered.values())


# -- Readings ----------------------------------------------------------------------------------


def _at(document: Document, *path: str | int) -> Reading:
    value = value_at(document, path)
    return NOTHING if value is None else Reading(value, frozenset({path}))


def _leaf(*path: str | int) -> Callable[[Document], Reading]:
    return lambda document: _at(document, *path)


def _answer(key: str, document: Document) -> Reading:
    for index, answer in enumerate(document.get("form_answers", [])):
        if answer.get("key", "").strip() == key and not parts.is_empty(answer.get("value")):
            return _at(document, "form_answers", index, "value")
    return NOTHING


def _answer_of(form: str, key: str, document: Document) -> Reading:
    for index, answer in enumerate(document.get("form_answers", [])):
        named = (answer.get("form", "").strip(), answer.get("key", "").strip())
        if named == (form, key) and not parts.is_empty(answer.get("value")):
            return _at(document, "form_answers", index, "value")
    return NOTHING


def _also_sent(document: Document) -> Reading:
    """Read all that was also sent, line by line, each with its label."""
    told = labels.also_sent_in_order(document)
    lines = [f"{labels.also_sent_label(part)}: {part['text'].strip()}" for _, part in told]
    paths = frozenset(("also_sent", index, "text") for index, _ in told)
    return Reading("\n".join(lines) or None, paths)


def _reason(document: Document) -> Reading:
    """Read the reason for the referral; where a form asks for it, that is the answer."""
    reason, answer = _at(document, "reason"), _answer("reason", document)
    if reason.value is None:
        return answer
    same = answer.value == reason.value
    return Reading(reason.value, reason.paths | answer.paths) if same else reason


def _phone(place: int, document: Document) -> Reading:
    chosen = parts.chosen_phones(document)
    if place >= len(chosen):
        return NOTHING
    return _at(document, "registrant", "phones", chosen[place], "number")


def _may_text(place: int, document: Document) -> Reading:
    chosen = parts.chosen_phones(document)
    if place >= len(chosen):
        return NOTHING
    return _at(document, "registrant", "phones", chosen[place], "may_text")


def _email(key: str, document: Document) -> Reading:
    index = parts.chosen_email(document)
    return NOTHING if index is None else _at(document, "registrant", "emails", index, key)


def _address(key: str, document: Document) -> Reading:
    index = parts.chosen_address(document)
    return NOTHING if index is None else _at(document, "registrant", "addresses", index, key)


def _street(document: Document) -> Reading:
    index = parts.chosen_address(document)
    if index is None:
        return NOTHING
    path: Path = ("registrant", "addresses", index, "lines")
    lines = document["registrant"]["addresses"][index].get("lines", [])
    filled = [(number, line) for number, line in enumerate(lines) if not parts.is_empty(line)]
    street = ", ".join(line.strip() for _, line in filled)
    return Reading(street or None, frozenset((*path, number) for number, _ in filled))


def _country(document: Document) -> Reading:
    """Read the country; absent, it is Canada when the province is a Canadian one."""
    country = _address("country", document)
    province = _address("province", document).value
    if country.value is None and province_code(str(province or "")):
        return Reading("CA")
    return country


def _language(document: Document) -> Reading:
    """Read the language's name, else its code, which counts as said when it means the name."""
    index = parts.chosen_language(document)
    if index is None:
        return NOTHING
    name = _at(document, "registrant", "languages", index, "name")
    code = _at(document, "registrant", "languages", index, "code")
    if name.value is None or code.value is None:
        return code if name.value is None else name
    same = is_bare(str(code.value)) and language_name(str(code.value)) == name.value
    return Reading(name.value, name.paths | code.paths) if same else name


def _health_number(document: Document) -> Reading:
    index = parts.chosen_health_number(document)
    return NOTHING if index is None else _at(document, "registrant", "identifiers", index, "value")


def _appointment(key: str, document: Document) -> Reading:
    return NOTHING if parts.is_void(document) else _at(document, "appointment", key)


def _duration(document: Document) -> Reading:
    """Read the minutes, else end − start. An end that they agree with is said by them."""
    given, end = _appointment("duration_minutes", document), _appointment("end", document)
    computed = _minutes_until_end(document)
    if given.value is None:
        return NOTHING if computed is None else Reading(computed, end.paths)
    return Reading(given.value, given.paths | end.paths) if given.value == computed else given


def _minutes_until_end(document: Document) -> int | None:
    """Return the whole minutes between start and end; None when there is no such number."""
    start, end = (_appointment(key, document).value for key in ("start", "end"))
    begins, ends = (parse_instant(str(time or ""), _UTC) for time in (start, end))
    if begins is None or ends is None or ends <= begins:
        return None
    minutes, rest = divmod(ends - begins, _MINUTE)
    return None if rest else minutes


# -- The catalogue -----------------------------------------------------------------------------


def _group(
    group: str, *fields: tuple[str, str, Callable[[Document], Reading]]
) -> Iterable[SourceField]:
    return (SourceField(key, label, group, read) for key, label, read in fields)


_EVERYTHING = (
    *_group(
        REFERRAL,
        ("reference", "Reference #", _leaf("reference")),
        ("parent_reference", "Parent reference #", _leaf("parent_reference")),
        ("reason", "Reason for referral", _reason),
        ("status", "Status", _leaf("status")),
        ("substatus.label", "Sub-status", _leaf("substatus", "label")),
        ("substatus.classification", "Classification", _leaf("substatus", "classification")),
        ("priority", "Priority", _leaf("priority")),
        ("service", "Service asked for", _leaf("service")),
        ("routed", "Routed request", _leaf("routed")),
        ("sent_method", "Sent by", _leaf("sent_method")),
        ("submitted_at", "Submitted", _leaf("submitted_at")),
        ("listing.name", "Service listing", _leaf("listing", "name")),
        ("listing.id", "Service listing's Caredove id", _leaf("listing", "id")),
        ("organization.name", "Organization", _leaf("organization", "name")),
        ("organization.id", "Organization's Caredove id", _leaf("organization", "id")),
        ("also_sent", "Everything also sent", _also_sent),
    ),
    *_group(
        REGISTRANT,
        ("registrant.first_name", "First name", _leaf("registrant", "first_name")),
        ("registrant.middle_name", "Middle name", _leaf("registrant", "middle_name")),
        ("registrant.last_name", "Last name", _leaf("registrant", "last_name")),
        ("registrant.date_of_birth", "Date of birth", _leaf("registrant", "date_of_birth")),
        ("registrant.gender", "Gender", _leaf("registrant", "gender")),
        ("registrant.preferred_language", "Preferred language", _language),
        ("registrant.address.street", "Street", _street),
        ("registrant.address.city", "City", partial(_address, "city")),
        ("registrant.address.province", "Province", partial(_address, "province")),
        ("registrant.address.country", "Country", _country),
        ("registrant.address.postal_code", "Postal code", partial(_address, "postal_code")),
        ("registrant.phone_1", "Main phone", partial(_phone, 0)),
        ("registrant.phone_1.may_text", "May text main phone", partial(_may_text, 0)),
        ("registrant.phone_2", "Alternate phone", partial(_phone, 1)),
        ("registrant.phone_2.may_text", "May text alternate phone", partial(_may_text, 1)),
        ("registrant.email", "E-mail", partial(_email, "address")),
        ("registrant.email.may_email", "May e-mail", partial(_email, "may_email")),
        ("registrant.health_number", "Provincial health number", _health_number),
    ),
    *_group(
        REQUESTER,
        ("requester.first_name", "First name", _leaf("requester", "first_name")),
        ("requester.last_name", "Last name", _leaf("requester", "last_name")),
        ("requester.organization", "Organization", _leaf("requester", "organization")),
        ("requester.phone", "Phone", _leaf("requester", "phone")),
        ("requester.email", "E-mail", _leaf("requester", "email")),
        ("requester.is_caredove_user", "Caredove user", _leaf("requester", "is_caredove_user")),
    ),
    *_group(
        APPOINTMENT,
        ("appointment.start", "Start", partial(_appointment, "start")),
        ("appointment.end", "End", partial(_appointment, "end")),
        ("appointment.duration_minutes", "Duration in minutes", _duration),
        ("appointment.location", "Location", partial(_appointment, "location")),
        ("appointment.provider_full_name", "Provider",
         partial(_appointment, "provider_full_name")),
        ("appointment.status", "Status", partial(_appointment, "status")),
        ("appointment.description", "Description", partial(_appointment, "description")),
        ("appointment.id", "Caredove id", partial(_appointment, "id")),
    ),
)  # fmt: skip
_FIELDS = {field.key: field for field in _EVERYTHING}
