"""What the sandbox wants of a new referral, field by field, as a client record system would."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

PROVINCES = frozenset(
    ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")
)
GENDERS = ("male", "female", "other", "unknown")

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,30}(?:\s*(?:x|ext\.?|poste)\s*\d{1,8})?", re.ASCII | re.I)
_POSTAL_CODE = re.compile(
    r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d", re.ASCII
)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Check = Callable[[Any, Mapping[str, Any]], str]  # (value, its group) -> what is wrong, or ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the create body; `key` is dotted as in an answer's `errors`."""

    key: str
    label: str
    check: Check
    required: bool = False

    @property
    def group(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]


def _text(max_length: int) -> Check:
    def check(value: Any, group: Mapping[str, Any]) -> str:
        if not isinstance(value, str):
            return "must be text"
        if _UNPRINTABLE.search(value) or any(
            "\ud800" <= character <= "\udfff" for character in value
        ):
            return "holds characters that cannot be stored"
        return "" if len(value) <= max_length else f"must have at most {max_length} characters"

    return check


def _matching(pattern: re.Pattern[str], problem: str, max_length: int = 254) -> Check:
    text = _text(max_length)

    def check(value: Any, group: Mapping[str, Any]) -> str:
        return text(value, group) or ("" if pattern.fullmatch(value) else problem)

    return check


def _is_canadian(group: Mapping[str, Any]) -> bool:
    return group.get("country") in (None, "", "CA")


def _province(value: Any, group: Mapping[str, Any]) -> str:
    if _is_canadian(group) and isinstance(value, str):
        return "" if value in PROVINCES else "must be a Canadian province's two letters, such as ON"
    return _text(50)(value, group)


def _postal_code(value: Any, group: Mapping[str, Any]) -> str:
    if _is_canadian(group) and isinstance(value, str):
        return "" if _POSTAL_CODE.fullmatch(value) else "must look like P0A 1B0"
    return _text(50)(value, group)


def _gender(value: Any, group: Mapping[str, Any]) -> str:
    return "" if value in GENDERS else f"must be one of {', '.join(GENDERS)}"


def _birth_date(value: Any, group: Mapping[str, Any]) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return "must look like 1991-06-29"
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return "is not a day of the calendar"
    if day > date.today():  # noqa: DTZ011
        return "must not be in the future"
    return "" if day.year >= 1880 else "is too long ago"


def _instant(value: Any, group: Mapping[str, Any]) -> str:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return "must look like 2026-03-19T14:30:00-04:00"
    return "" if instant.tzinfo else "must have an offset from UTC"


def _minutes(value: Any, group: Mapping[str, Any]) -> str:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return "" if is_number and 0 < value <= 7 * 24 * 60 else "must be a number of minutes"


_phone = _matching(_PHONE, "is not a phone number", 50)

FIELDS = (
    Field("external_reference", "External reference", _text(100), required=True),
    Field("source", "Source", _text(100)),
    Field("program", "Program", _text(255)),
    Field("client.first_name", "First name", _text(100), required=True),
    Field("client.middle_name", "Middle name", _text(100)),
    Field("client.last_name", "Last name", _text(100), required=True),
    Field("client.date_of_birth", "Date of birth", _birth_date, required=True),
    Field("client.gender", "Gender", _gender),
    Field("client.preferred_language", "Preferred language", _text(100)),
    Field("client.phone_home", "Phone (home or main)", _phone),
    Field("client.phone_alt", "Phone (alternate)", _phone),
    Field("client.email", "E-mail", _matching(_EMAIL, "is not an e-mail address")),
    Field("client.address", "Address", _text(255)),
    Field("client.city", "City", _text(100)),
    Field("client.province", "Province", _province),
    Field("client.country", "Country", _matching(_COUNTRY, "must be two letters, such as CA")),
    Field("client.postal_code", "Postal code", _postal_code),
    Field("requester.first_name", "First name", _text(100)),
    Field("requester.last_name", "Last name", _text(100)),
    Field("requester.organization", "Organization", _text(255)),
    Field("requester.phone", "Phone", _phone),
    Field("appointment.start", "Start", _instant),
    Field("appointment.duration_minutes", "Duration in minutes", _minutes),
    Field("appointment.location", "Location", _text(255)),
    Field("appointment.provider_full_name", "Provider's full name", _text(255)),
    Field("referral_note", "Referral note", _text(8_000)),
)
_OWNERS = {"requester": " of the requester", "appointment": " of the appointment"}
GROUPS = tuple(dict.fromkeys(field.group for field in FIELDS if field.group))


def errors(body: Any) -> list[dict[str, str]]:
    """Return what is wrong with a create body: `[{"field", "message"}]`, empty when nothing is.

    Unknown fields are ignored; null and the empty string count as absent.
    """
    if not isinstance(body, dict):
        return [{"field": "", "message": "The body must be a JSON object"}]
    shapeless = [name for name in GROUPS if not isinstance(body.get(name) or {}, dict)]
    if shapeless:
        return [{"field": name, "message": f"{name} must be an object"} for name in shapeless]
    found = ((field, _problem(field, body)) for field in FIELDS)
    return [
        {"field": field.key, "message": f"{field.label}{_OWNERS.get(field.group, '')} {problem}"}
        for field, problem in found
        if problem
    ]


def group_of(field: Field, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of the body that holds the field."""
    group: Mapping[str, Any] = body.get(field.group) or {} if field.group else body
    return group


def _problem(field: Field, body: Mapping[str, Any]) -> str:
    group = group_of(field, body)
    value = group.get(field.name)
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        return "is required" if field.required else ""
    return field.check(value, group)
