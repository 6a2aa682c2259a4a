"""A real referral with everything about its people replaced, in the same shape.

Who configures a mapping needs to see how long a name is and how a phone number is written, not
whose they are. Letters become x, digits 5, dates one and the same date. What stays: numbers, yes
and no, words of closed vocabularies, and the questions of a form. What was also sent is masked with
the labels that we do not know: a sender may put anything there. Pure: no Django.
"""

import re
import string
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from mapping.source.document import VOID_APPOINTMENTS, Document
from mapping.source.languages import NAMES, language_name
from mapping.source.parts import PHONE_USES
from mapping.source.provinces import province_code
from mapping.source.unreadable import CAUSES

Place: TypeAlias = tuple[str, ...]  # a path without the numbers of its lists
Keeps: TypeAlias = Callable[[str], bool]

_KEPT_MARKS = frozenset(string.punctuation + " \n")
_OTHER_LETTERS = str.maketrans("xX5", "zZ4")
_TIME = re.compile(
    r"(\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?)?)"
    r"(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_MOMENT, _OTHER_MOMENT = "2001-02-03T04:05:06.000000", "2002-03-04T05:06:07.000000"
_END, _OTHER_END = "2001-02-03T04:35:06.000000", "2002-03-04T05:36:07.000000"
_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


def _one_of(*words: str) -> Keeps:
    known = frozenset(words)
    return lambda text: text.strip().casefold() in known


def _always(text: str) -> bool:
    return True


def _is_language_tag(text: str) -> bool:
    return bool(_LANGUAGE_TAG.fullmatch(text) and language_name(text))


_ALSO_SENT = _one_of(
    "registrant", "requester", "provider", "referral", "appointment", "other appointment", "task",
    "listing", "organization", "attachment", "message", "alternate contact", "care team",
    "allergy", "condition", "medication", "observation", "report", "procedure", "immunization",
    "coverage", "consent", "flag", "family history", "goal", "device", "document", "note",
    "general practitioner", "marital status", "deceased", "pronouns", "gender identity",
    "birth place", "status", "status reason", "business status", "priority", "intent", "category",
    "description", "instructions", "patient instruction", "occurrence", "service type", "fax",
    "pager", "tty", "prefix", "suffix", "middle name", "name", "address", "version code",
    "phone or e-mail", "participant", "practitioner", "subject", "order detail", "criticality",
)  # fmt: skip


def _is_ours(text: str) -> bool:
    """Return whether a text is the path of a part of a document."""
    first, _, rest = text.partition(".")
    return first in Document.__annotations__ and bool(re.fullmatch(r"[a-z_.]*", rest, re.ASCII))


_CLOSED: dict[Place, Keeps] = {
    ("request_status",): _one_of(
        "draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown",
    ),
    ("status",): _one_of("submitted", "booked", "closed"),
    ("priority",): _one_of("routine", "urgent", "asap", "stat", "emergency"),
    ("substatus", "classification"): _one_of(
        "received", "accepted", "ready", "in-progress", "on-hold", "completed", "rejected",
        "cancelled", "failed", "entered-in-error",
    ),
    ("registrant", "gender"): _one_of("male", "female", "other", "unknown"),
    ("registrant", "languages", "code"): _is_language_tag,
    ("registrant", "languages", "name"): _one_of(*(name.casefold() for name in NAMES.values())),
    ("registrant", "addresses", "use"): _one_of("home", "work", "temp", "old", "billing"),
    ("registrant", "addresses", "province"): lambda text: province_code(text) is not None,
    ("registrant", "addresses", "country"): _one_of("ca", "can", "canada", "us", "usa"),
    ("registrant", "phones", "use"): _one_of(*PHONE_USES),
    ("registrant", "phones", "slot"): _one_of("main", "alt"),
    ("registrant", "emails", "slot"): _one_of("main"),
    ("registrant", "addresses", "slot"): _one_of("main"),
    ("registrant", "identifiers", "type"): _one_of("jhn"),
    ("appointment", "status"): _one_of("booked", "pending", "proposed", *VOID_APPOINTMENTS),
    ("form_answers", "form"): _always,
    ("form_answers", "form_name"): _always,
    ("form_answers", "key"): _always,
    ("form_answers", "label"): _always,
    ("form_answers", "value"): _one_of("yes", "no"),
    ("messages", "side"): _one_of("provider", "requester"),
    ("also_sent", "group"): _ALSO_SENT,
    ("also_sent", "label"): _ALSO_SENT,
    ("unreadable", "path"): _is_ours,
    ("unreadable", "cause"): _one_of(*CAUSES),
    ("withdrawn", "part"): _one_of("form_answers", "messages", "attachments", "also_sent"),
    ("attachments", "content_type"): _one_of(
        "application/pdf", "image/png", "image/jpeg", "image/tiff", "text/plain",
    ),
}  # fmt: skip

_NAMES_OF_OURS = ("organization", "listing")


def masked(document: Document, public: frozenset[str] = frozenset()) -> Document:
    """Return the document without a word about its people.

    `public` are names and ids of the organization and the listing that anybody here may know.
    """
    return cast(Document, _masked(document, (), public))


def _masked(part: Any, place: Place, public: frozenset[str]) -> Any:
    if isinstance(part, dict):
        return {key: _masked(value, (*place, key), public) for key, value in part.items()}
    if isinstance(part, list):
        return [
            _distinct(_masked(value, place, public), value, number)
            for number, value in enumerate(part)
        ]
    if not isinstance(part, str) or _may_stay(part, place, public):
        return part
    return _masked_text(part, place)


def _distinct(part: Any, original: Any, number: int) -> Any:
    """Return a phone with the last digit of its number changed: two phones stay two."""
    if not isinstance(part, dict) or "5" not in str(part.get("number", "")):
        return part
    start, _, end = str(part["number"]).rpartition("5")
    changed = f"{start}{number % 10}{end}"
    return part if changed == original["number"] else {**part, "number": changed}


def _may_stay(text: str, place: Place, public: frozenset[str]) -> bool:
    if place[:1] and place[0] in _NAMES_OF_OURS:
        return text in public
    return place in _CLOSED and _CLOSED[place](text)


def _masked_text(text: str, place: Place) -> str:
    if moment := _TIME.fullmatch(text):
        ends = place[-1:] == ("end",)
        return _masked_time(moment[1], moment[2] or "", ends=ends)
    if not text.strip():
        return ""
    covered = "".join(map(_covered, text))
    if covered == text:
        covered = covered.translate(_OTHER_LETTERS)
    return covered if covered != text else "x" * len(text)


def _masked_time(time: str, offset: str, *, ends: bool) -> str:
    """Return one time for all, as exact as this one, in its own time zone."""
    first, other = (_END, _OTHER_END) if ends else (_MOMENT, _OTHER_MOMENT)
    chosen = (other if first.startswith(time.replace(" ", "T")) else first)[: len(time)]
    return (chosen.replace("T", " ") if " " in time else chosen) + offset


def _covered(character: str) -> str:
    if character in _KEPT_MARKS:
        return character
    if character.isspace():
        return " "
    if character.isnumeric():
        return "5"
    return "X" if character.isupper() else "x"
