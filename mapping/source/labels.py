"""Labels that people can read, from what senders call things. Pure: no Django.

A key, an id, an address or a path is never shown: what it says in words is.
"""

import re
from collections import Counter

from core.text.sentences import Term as _
from mapping.source import parts
from mapping.source.document import AlsoSent, Document, FormAnswer, Identifier
from mapping.source.fields import AT, HEALTH_NUMBER
from mapping.source.provinces import province_name

_IDENTIFIERS = {  # HL7 v2-0203, as Caredove sends it
    "JHN": HEALTH_NUMBER,
    "MR": _("Medical record number"),
    "DL": _("Driver's licence number"),
    "PPN": _("Passport number"),
}
_QUESTION, _FORM = _("Question {}"), _("Form {}")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|urn:|mailto:|data:)\S*", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PROVINCIAL = re.compile(r"\bca-([a-z]{2})-patient\b")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9.]*[_\[][A-Za-z0-9._\[\]]*")
_INDEX = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MARKS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W\d_]{2,}")


# Codes that values of the kinds "word" and "code" have: of FHIR's genders, priorities, uses of
# phones and addresses, and of the status of a referral, of its request, and of an appointment.
_CODES = {
    "male": _("male"),
    "female": _("female"),
    "other": _("other"),
    "unknown": _("unknown"),
    "routine": _("routine"),
    "urgent": _("urgent"),
    "asap": _("asap"),
    "stat": _("stat"),
    "home": _("home"),
    "work": _("work"),
    "mobile": _("mobile"),
    "temp": _("temp"),
    "old": _("old"),
    "billing": _("billing"),
    "submitted": _("submitted"),
    "booked": _("booked"),
    "closed": _("closed"),
    "draft": _("draft"),
    "on-hold": _("on hold"),
    "revoked": _("revoked"),
    "completed": _("completed"),
    "proposed": _("proposed"),
    "pending": _("pending"),
    "waitlist": _("waitlist"),
    "checked-in": _("checked in"),
    "arrived": _("arrived"),
    "fulfilled": _("fulfilled"),
    "cancelled": _("cancelled"),
    "noshow": _("noshow"),
    "entered-in-error": _("entered in error"),
}


def word(text: str) -> str:
    """Return a code in the reader's language; whatever else came in its place as it came."""
    return str(_CODES.get(text, text))


def code(text: str) -> str:
    """Return a code of several words, such as `entered-in-error`, in the reader's language."""
    return str(_CODES.get(text) or text.replace("-", " "))


def is_technical(text: str) -> bool:
    """Return whether a text is an address or an id that only a machine can use."""
    return bool(_ADDRESS.fullmatch(text.strip()) or _UUID.fullmatch(text.strip()))


def in_words(key: str) -> str:
    """Return what a key says: `registrant.date_of_birth` is "Date of birth".

    Empty where it says nothing, as `qr-1`, `3.2` or an address; what has spaces is words already.
    """
    text = key.strip()
    if re.search(r"\s", text):
        return text
    last = [step for step in _INDEX.sub("", text).split(".") if step][-1:]
    if is_technical(text) or not last:
        return ""
    words = _MARKS.sub(" ", _HUMP.sub(" ", last[0])).split()
    if not any(_WORD.fullmatch(word) and len(word) > 2 for word in words):
        return ""
    text = " ".join(word if word.isupper() else word.lower() for word in words)
    return text[:1].upper() + text[1:]


def _for_people(label: str) -> str:
    """Return a sender's label; in words where it is a key, nothing where it is an address."""
    text = label.strip()
    if is_technical(text):
        return ""
    return (in_words(text) if _KEY.fullmatch(text) else "") or text


def _in_address(form: str) -> str:
    """Return what the last step of a form's address says: `…/Questionnaire/intake|1` "Intake"."""
    address = form.partition("|")[0].rstrip("/")
    return in_words(address.rpartition("/")[2]) if "://" in address else ""


def answer_label(answer: FormAnswer, number: int) -> str:
    """Return the question; where none came, what its key says, else its number in the form."""
    label, key = answer.get("label", "").strip(), answer.get("key", "").strip()
    asked = "" if label == key else _for_people(label)
    return asked or in_words(key) or str(_QUESTION).format(number)


def form_titles(document: Document) -> dict[str, str]:
    """Return a title for each form that answers, in their order, by which they are distinguished.

    A form that is the only one, or that the sender does not name as one, may have an empty title.
    """
    names: dict[str, str] = {}
    for answer in document.get("form_answers", []):
        if not parts.is_empty(answer.get("value")):
            form, name = answer.get("form", ""), _for_people(answer.get("form_name", ""))
            names[form] = names.get(form, "") or name or _in_address(form)
    titles: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for number, (form, name) in enumerate(names.items(), start=1):
        title = name or (str(_FORM).format(number) if form and len(names) > 1 else "")
        seen[title] += 1
        titles[form] = f"{title} ({seen[title]})" if seen[title] > 1 else title
    return titles


def identifier_label(identifier: Identifier) -> str:
    """Return what kind of number an identifier is."""
    kind = identifier.get("type", "").strip()
    return str(_IDENTIFIERS.get(kind, "")) or _for_people(kind) or str(AT["identifiers"].label)


def issuer(identifier: Identifier) -> str:
    """Return who gives numbers of this kind, as far as the system says that to people."""
    system = identifier.get("system", "").strip()
    if provincial := _PROVINCIAL.search(system):
        return province_name(provincial[1])
    return "" if is_technical(system) else system


def also_sent_label(part: AlsoSent) -> str:
    """Return what a value is, with what it belongs to before it: `Registrant: Marital status`."""
    group, label = _for_people(part.get("group", "")), _for_people(part.get("label", ""))
    if group.casefold() == label.casefold():
        label = ""
    return ": ".join(filter(None, (group, label))) or str(AT["also_sent"].label)


def also_sent_in_order(document: Document) -> list[tuple[int, AlsoSent]]:
    """Return what was also sent with its index; what belongs to one group stands together."""
    found = [
        (index, part)
        for index, part in enumerate(document.get("also_sent", []))
        if not parts.is_empty(part.get("text"))
    ]
    groups = list(dict.fromkeys(part.get("group", "") for _, part in found))
    return sorted(found, key=lambda one: groups.index(one[1].get("group", "")))
