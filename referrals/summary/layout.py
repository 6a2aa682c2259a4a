"""What the Referral Summary says, section by section: the same for the PDF and its plain fallback.

Every part of a document is said once or more; empty parts are not mentioned, and keys that a
document does not have by contract are never read.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format

from core.text.sentences import Term as _
from mapping.source import labels, unreadable
from mapping.source.document import Document
from mapping.source.fields import AT, Field, Group, Role, laid_out
from mapping.source.languages import is_bare, language_name
from mapping.source.parts import Item, Writers, Written, is_void, is_withdrawn, ordered
from mapping.source.times import parse_date, parse_instant, with_instants

# What the pages of the summary say besides.
WORDS = {
    "title": _("Referral Summary"),
    "caption": _("Referral summary"),
    "reference": _("Reference"),
    "no_name": _("Name not given"),
    "not_shown": _("Not shown"),
    "no_font": _(
        "No font here has these characters. In the text each stands as its code point, in brackets."
    ),
    "no_font_plain": _("No font has these characters:"),
    "zone": _("Times are those of {}."),
}
GLANCE = _("At a glance")
FORMS = _("Referral form")  # and the title of a form that has none
RECORDS = _("Caredove records")
# The order of the summary: its sections, with the paths that they show.
_LAYOUT = (
    (GLANCE, "status", "substatus", "priority", "submitted_at"),
    (Group.REGISTRANT, "registrant.last_name", "registrant", "registrant.identifiers"),
    (Group.REGISTRANT, "registrant.addresses", "registrant.phones", "registrant.emails"),
    (_("Other contacts"), "registrant.contacts"),
    (Group.REFERRAL, "reason", "service", "sent_method", "routed"),
    (Group.REFERRAL, "request_status", "", "identifiers"),
    (Group.APPOINTMENT, "appointment.start", "appointment.end", "appointment.duration_minutes"),
    (Group.APPOINTMENT, "appointment.status", "appointment"),
    (Group.REQUESTER, "requester"),
    (FORMS, "form_answers"),
    (Group.NOTES, "notes"),
    (Group.MESSAGES, "messages"),
    (Group.ATTACHMENTS, "attachments"),
    (AT["unreadable"].label, "unreadable"),
    (AT["also_sent"].label, "also_sent"),
    (RECORDS, "organization", "listing", "appointment.id"),
)
_KINDS = {FORMS: "questions", AT["also_sent"].label: "questions", RECORDS: "records"}

FACT_LENGTH = 60  # characters; a longer fact stands in its section, not on the strip
SHORT = 6  # lines, about
ENVELOPE = frozenset({"lines", "city", "province", "postal_code", "country"})  # of an address
DOT = " · "
NO_BREAK_SPACE = "\xa0"
# The short names of Canada's time zones, standard and daylight, which French names otherwise.
_ZONES = {
    "NST": _("NST"),
    "NDT": _("NDT"),
    "AST": _("AST"),
    "ADT": _("ADT"),
    "EST": _("EST"),
    "EDT": _("EDT"),
    "CST": _("CST"),
    "CDT": _("CDT"),
    "MST": _("MST"),
    "MDT": _("MDT"),
    "PST": _("PST"),
    "PDT": _("PDT"),
}
NO_TEXTING, NO_EMAIL = _("Do not text"), _("Do not e-mail")
SLOTS = {"main": _("main"), "alt": _("alternate")}  # of phones


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
    written = Written(document, _writers(time_zone))
    facts = (*_filled(written, GLANCE), *_appointment_fact(written))
    short = tuple(fact for fact in facts if len(fact.value + fact.remark) <= FACT_LENGTH)
    sections: list[Section] = []
    for title in _SECTIONS:
        if title == FORMS:
            sections += _forms(written)
        elif title != GLANCE:
            long = [fact for fact in facts if fact not in short] if title == Group.REFERRAL else []
            entries = (*long, *_filled(written, title))
            sections.append(Section(title, entries, _KINDS.get(title, "details")))
    registrant: Any = document.get("registrant", {})
    return Sheet(
        name=name_of(document),
        born=_day(registrant.get("date_of_birth", "")),
        reference=document.get("reference", ""),
        facts=short,
        sections=tuple(section for section in sections if section.entries),
    )


def name_of(document: Document) -> str:
    """Return the whole name of the registrant, or an empty string."""
    registrant: Any = document.get("registrant", {})
    names = ("first_name", "middle_name", "last_name")
    return _joined(" ", *(registrant.get(name) for name in names))


def _filled(written: Written, title: str) -> Iterator[Entry]:
    """Yield the entries of a section that say something: a label alone does not."""
    entries = chain.from_iterable(_entries(written, *group) for group in _SECTIONS[title])
    return (entry for entry in entries if entry.value.strip())


def _entries(written: Written, field: Field, *others: Field) -> Iterator[Entry]:
    """Yield what fields of one label say: one entry, or of one field each text or item."""
    if field.path in _SPECIAL:
        yield from _SPECIAL[field.path](written, field)
    elif field.kind == "list":
        yield from (_entry(field, item) for _i, _part, item in written.items(field))
    elif others:
        texts = [(one.role, text) for one in (field, *others) for _, text in written.at(one)]
        value, remark = (
            " ".join(text for role, text in texts if role == which) for which in ("value", "remark")
        )
        yield Entry(field.summary or field.label, _with_note(value, remark))
    else:
        yield from (Entry(field.summary or field.label, text) for _, text in written.at(field))


# -- Putting an entry together -------------------------------------------------------------------


def _writers(time_zone: ZoneInfo) -> Writers:
    """Return how the summary writes values. What an entry has in other words comes out empty."""
    moment = partial(_moment, time_zone=time_zone)
    return defaultdict(
        lambda: str,
        prose=lambda text: with_instants(text, moment),
        word=lambda text: _capital(labels.word(str(text))),
        code=lambda code: _capital(labels.code(code)),
        flag=lambda flag: str(_("Yes") if flag else _("No")),
        day=_day,
        instant=moment,
        minutes=lambda minutes: str(_("{} minutes")).format(minutes),
        bytes=filesizeformat,
        language=lambda _code: "",
        issuer=lambda system: labels.issuer({"system": system}),
        cause=lambda _code: "",
        former=lambda former: str(_("former")) if former else "",
        may_text=lambda allowed: _("may be texted") if allowed else NO_TEXTING,
        may_email=lambda allowed: _("may be e-mailed") if allowed else NO_EMAIL,
    )


def _entry(
    things: Field,
    item: Item,
    *,
    label: str = "",
    value: str = "",
    made_of: frozenset[str] = frozenset(),
    place: str = "",
) -> Entry:
    """Return what an item of a list says. `made_of` are the fields that `value` has already."""
    noun = things.summary or things.label
    values = (*item.get("value", []), *item.get("more", []))
    permissions = _texts(item, "permission")
    refused = [text for text in permissions if text in (NO_TEXTING, NO_EMAIL)]
    allowed = [text for text in permissions if text not in refused]
    return Entry(
        label or _sorted_of(_joined(" ", *_texts(item, "sort")), noun),
        _joined("\n", value, *(text for path, text in values if not made_of.intersection(path))),
        _joined(DOT, place, *_texts(item, "remark"), *allowed),
        _joined(DOT, *refused),
    )


def _texts(item: Item, role: Role) -> list[str]:
    return [text for _, text in item.get(role, [])]


def _joined(separator: str, *parts: str | None) -> str:
    return separator.join(str(part) for part in parts if part and part.strip())


def _with_note(text: str, note: str) -> str:
    """Return `French (fr)`, or the one that there is."""
    return f"{text} ({note})" if text.strip() and note.strip() else _joined("", text, note)


def _sorted_of(sort: str, noun: str) -> str:
    """Return which sort of thing it is: `Home phone`."""
    return _capital(str(_("{sort} {noun}")).format(sort=sort, noun=noun) if sort else str(noun))


def _capital(text: str) -> str:
    text = str(text)
    return text[:1].upper() + text[1:]


def _day(text: str) -> str:
    """Return `June 29, 1991`; what is not a date comes back as it is."""
    value = parse_date(text)
    return date_format(value, "LONG_DAY") if value else text


def _moment(text: str, time_zone: ZoneInfo) -> str:
    """Return `March 9, 2026, 11:21 a.m. EDT`; what is not an instant comes back as it is."""
    value = parse_instant(text, time_zone)
    if value is None:
        return _day(text)
    zone = value.tzname() or ""
    clock = f"{date_format(value, 'CLOCK')} {_ZONES.get(zone, zone)}"
    return f"{date_format(value, 'LONG_DAY')}, {clock.replace(' ', NO_BREAK_SPACE)}"


# -- What the table alone does not lay out -------------------------------------------------------


def _status(written: Written, status: Field) -> Iterator[Entry]:
    """Yield the status with the label of the sub-status and, where it says more, its class."""
    substatus = written.document.get("substatus", {})
    label, classification = substatus.get("label", ""), substatus.get("classification", "")
    classification = labels.code(classification)
    more = "" if label.casefold() == classification.casefold() else classification
    texts = (*(text for _, text in written.at(status)), label, more)
    first, *details = [text for text in texts if text.strip()] or [""]
    withdrawn = ""
    if is_withdrawn(written.document):
        state = labels.code(written.document["request_status"])
        withdrawn = str(_("Request {}")).format(state)
    caution = withdrawn if first else ""
    yield Entry(status.label, first or withdrawn, DOT.join(details), caution)


def _appointment_fact(written: Written) -> Iterator[Entry]:
    void = written.at(AT["appointment.status"]) if is_void(written.document) else []
    for _path, start in written.at(AT["appointment.start"]):
        yield Entry(_("Appointment"), start, caution="".join(text for _, text in void))


def _appointment_status(written: Written, status: Field) -> Iterator[Entry]:
    caution = str(_("Does not take place")) if is_void(written.document) else ""
    for _path, text in written.at(status):
        yield Entry(status.label, text, caution=caution)


def _languages(written: Written, things: Field) -> Iterator[Entry]:
    for _i, part, item in written.items(things):
        code = part.get("code", "")
        known = language_name(code)
        name = part.get("name", "") or known or ""
        has_more = not is_bare(code) or known != name
        value = _with_note(name, code if has_more else "")
        place = str(_("preferred")) if part.get("preferred") else ""
        yield _entry(things, item, value=value, made_of=frozenset({"name"}), place=place)


def _identifiers(written: Written, things: Field) -> Iterator[Entry]:
    """Yield the numbers that people use; what only a machine can use is among the records."""
    return (entry for entry in _numbers(written, things) if not labels.is_technical(entry.value))


def _numbers(written: Written, things: Field) -> Iterator[Entry]:
    for _i, part, item in written.items(things):
        yield _entry(things, item, label=labels.identifier_label(part))


def _technical_ids(written: Written, appointment_id: Field) -> Iterator[Entry]:
    """Yield the numbers that only a machine can use, and the appointment's id."""
    for path in ("registrant.identifiers", "identifiers"):
        numbers = _numbers(written, AT[path])
        yield from (entry for entry in numbers if labels.is_technical(entry.value))
    yield from (Entry(appointment_id.summary, text) for _, text in written.at(appointment_id))


def _addresses(written: Written, things: Field) -> Iterator[Entry]:
    """Yield addresses as an envelope has them, and what it does not have below."""
    for i, part in ordered(written.document, things.name):
        town = _joined(" ", part.get("city"), part.get("province"))
        value = _joined(
            "\n",
            _joined(", ", *part.get("lines", [])),
            _joined("  ", town, part.get("postal_code")),
            part.get("country"),
        )
        yield _entry(things, written.item(things, i, part), value=value, made_of=ENVELOPE)


def _contact_points(written: Written, things: Field) -> Iterator[Entry]:
    """Yield phones or e-mail addresses, with which of several each is: `main`, else `choice 2`."""
    for i, part in ordered(written.document, things.name):
        rank = part.get("rank")
        place = SLOTS.get(part.get("slot", "")) or (
            str(_("choice {}")).format(rank) if rank else ""
        )
        yield _entry(things, written.item(things, i, part), place=place)


def _contacts(written: Written, things: Field) -> Iterator[Entry]:
    for _i, _part, item in written.items(things):
        relationship = "".join(_texts(item, "sort"))
        entry = _entry(things, item, label=relationship)
        yield entry if entry.value else replace(entry, value=relationship)


def _forms(written: Written) -> Iterator[Section]:
    """Yield a section for each form, named as it is where the sender names it."""
    answers = [*written.items(AT["form_answers"])]
    for form, title in labels.form_titles(written.document).items():
        asked = ((part, item) for _i, part, item in answers if part.get("form", "") == form)
        entries = tuple(
            _entry(AT["form_answers"], item, label=labels.answer_label(part, number))
            for number, (part, item) in enumerate(asked, start=1)
            if item
        )
        yield Section(title or FORMS, entries, _KINDS[FORMS])


def _messages(written: Written, things: Field) -> Iterator[Entry]:
    """Yield notes or messages, labelled by who wrote them and when."""
    for _i, _part, item in written.items(things):
        named = {str(path[-1]): text for path, text in item.get("label", [])}
        who = _with_note(named.pop("sender", ""), named.pop("side", ""))
        label = _joined("\n", who, *named.values())
        entry = _entry(things, item, label=label)
        yield replace(entry, value=str(_("No text"))) if label and not entry.value else entry


def _attachments(written: Written, things: Field) -> Iterator[Entry]:
    """Yield the files with their numbers, which are in the names under which they are sent."""
    for i, _part, item in written.items(things):
        entry = _entry(things, item, label="".join(_texts(item, "sort")) or things.summary)
        name = entry.value or (str(_("No name")) if item.get("sort") or entry.remark else "")
        yield replace(entry, value=f"{i + 1}. {name}" if name else "")


def _unreadable(written: Written, things: Field) -> Iterator[Entry]:
    for _i, part, item in written.items(things):
        name, wrong = unreadable.name_of(part), unreadable.remark_on(part)
        if item.get("value"):
            yield _entry(things, item, label=name, place=wrong)
        else:
            yield _entry(things, item, label=name, value=wrong)


def _also_sent(written: Written, things: Field) -> Iterator[Entry]:
    for i, part in labels.also_sent_in_order(written.document):
        item = written.item(things, i, part)
        yield _entry(things, item, label=labels.also_sent_label(part))


# By section, the fields that stand together under one label.
_SECTIONS: dict[str, list[list[Field]]] = defaultdict(list)
for (_title, _label), _group in groupby(
    laid_out(_LAYOUT), key=lambda shown: (shown[0], shown[1].summary or shown[1].label)
):
    _SECTIONS[_title].append([_field for _, _field in _group])
_SPECIAL: Mapping[str, Callable[[Written, Field], Iterator[Entry]]] = {
    "status": _status,
    "identifiers": _identifiers,
    "registrant.languages": _languages,
    "registrant.identifiers": _identifiers,
    "registrant.addresses": _addresses,
    "registrant.phones": _contact_points,
    "registrant.emails": _contact_points,
    "registrant.contacts": _contacts,
    "appointment.status": _appointment_status,
    "appointment.id": _technical_ids,
    "notes": _messages,
    "messages": _messages,
    "attachments": _attachments,
    "unreadable": _unreadable,
    "also_sent": _also_sent,
}
