"""Of which type a value of a FHIR message is: read from its shape, for it says so nowhere."""

import re
from typing import Any

from integrations.sources.caredove.fhir.words.vocabulary import (
    MARKS,
    MEASURED,
    TELECOM_SYSTEMS,
)

_CODING = {"id", "extension", "version", "code", "display", "userSelected"}


def is_extension(part: dict[str, Any]) -> bool:
    """Return whether a value is an extension."""
    return "url" in part and (
        "extension" in part or any(key.startswith("value") for key in part) or len(part) == 1
    )


def is_concept(part: dict[str, Any]) -> bool:
    """Return whether a value is a CodeableConcept."""
    return "coding" in part


def is_participant(part: dict[str, Any]) -> bool:
    """Return whether a value is a participant of an appointment."""
    return "actor" in part


def is_reference(part: dict[str, Any]) -> bool:
    """Return whether a value refers to a resource."""
    return "reference" in part or ("display" in part and not part.keys() & {"system", "code"})


def is_coding(part: dict[str, Any]) -> bool:
    """Return whether a value is a Coding."""
    if "system" in part:
        return ("code" in part or "display" in part) and "value" not in part
    return isinstance(part.get("code"), str) and part.keys() <= _CODING


def is_measured(part: dict[str, Any]) -> bool:
    """Return whether a value says what was measured or asked, and its value beside it."""
    values = [key for key in part if key.startswith("value") and key != "value"]
    return len(values) == 1 and any(isinstance(part.get(key), dict) for key in MEASURED)


def is_name(part: dict[str, Any]) -> bool:
    """Return whether a value is a person's name."""
    return bool(part.keys() & {"family", "given"})


def is_address(part: dict[str, Any]) -> bool:
    """Return whether a value is an address."""
    return bool(part.keys() & {"line", "city", "postalCode"})


def is_period(part: dict[str, Any]) -> bool:
    """Return whether a value is a period."""
    return part.keys() <= {"start", "end", "id"}


def is_range(part: dict[str, Any]) -> bool:
    """Return whether a value is a range."""
    return bool(part.keys() & {"low", "high"})


def is_ratio(part: dict[str, Any]) -> bool:
    """Return whether a value is a ratio."""
    return "numerator" in part


def is_quantity(part: dict[str, Any]) -> bool:
    """Return whether a value is a quantity or money."""
    return "value" in part and bool(part.keys() & {"unit", "currency", "code", "comparator"})


def is_marked_value(part: dict[str, Any]) -> bool:
    """Return whether a value is an identifier or a way to reach somebody."""
    return "value" in part and bool(part.keys() & MARKS)


def is_telecom(part: Any) -> bool:
    """Return whether a value is a way to reach somebody."""
    return isinstance(part, dict) and part.get("system") in TELECOM_SYSTEMS


def repeats(text: str, part: dict[str, Any]) -> bool:
    """Return whether every word of a text stands in the other members of its object."""
    others: list[str] = []
    for key, value in part.items():
        if key != "text":
            others += map(str, value if isinstance(value, list) else [value])
    known = set(re.findall(r"\w+", " ".join(others).casefold()))
    return set(re.findall(r"\w+", text.casefold())) <= known


def plain(value: Any) -> str:
    """Return a name or a concept as text; empty where there is none."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("text"), str):
        return str(value["text"])
    given = value.get("given")
    words = [*(given if isinstance(given, list) else [given]), value.get("family")]
    if name := " ".join(word for word in words if isinstance(word, str)):
        return name
    codings = value.get("coding") if isinstance(value.get("coding"), list) else []
    displays = [c.get("display") for c in codings or [] if isinstance(c, dict)]
    return next((d for d in [*displays, value.get("display")] if isinstance(d, str)), "")
