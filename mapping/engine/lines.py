"""A document as lines of plain text, in the order people read them, for the Referral Note.

Each line knows which paths of the document it says, so that the note can leave out what a record
field already says. Some line says each leaf of a document (`parts.leaves`). What only says how
and when a referral was sent, ids that support staff search by, and the names of the files that
arrive beside the note are *aside*: the summary (PDF) has them. Pure: no Django.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from core.text.sentences import Term as _
from mapping.engine.transforms import as_text
from mapping.source import labels, parts, unreadable
from mapping.source.document import Document
from mapping.source.fields import AT, CHOSEN, IN_LIST, Field, Group, laid_out
from mapping.source.languages import is_bare, language_name
from mapping.source.parts import Item, Path, Texts, Writers, Written
from mapping.source.times import for_people, with_instants

FORM = Group.FORM
PERMISSIONS = _("Permissions to contact")
ALSO_SENT = AT["also_sent"].label
# The order of the note: groups of lines, with the paths that they say.
_LAYOUT = (
    (FORM, "reason", "form_answers"),
    (Group.REFERRAL, "request_status", "status", "priority", "service"),
    (_("Alternate contacts"), "registrant.contacts"),
    (Group.REGISTRANT, "registrant", "registrant.phones"),
    (Group.REGISTRANT, "registrant.emails", "registrant.addresses"),
    (Group.REGISTRANT, "registrant.languages", "registrant.identifiers"),
    (Group.REQUESTER, "requester"),
    (Group.REFERRAL, "sent_method", "submitted_at", "", "identifiers"),
    (Group.APPOINTMENT, "appointment.status", "appointment"),
    (Group.NOTES, "notes"),
    (Group.MESSAGES, "messages"),
    (Group.ATTACHMENTS, "attachments"),
    (_("Listing"), "listing", "organization"),
    (AT["unreadable"].label, "unreadable"),
    (ALSO_SENT, "also_sent"),
)
FORMER, MAY_TEXT, MAY_EMAIL = _("former"), _("may text: {}"), _("may e-mail: {}")
BYTES = _("{} bytes")
NO_TEXT = _("no text")
LABELED = _("{label}: {value}")
# What the label of a note or a message says about it.
_ABOUT = {"author": _(" by {}"), "side": _(" from {}"), "sender": " ({})", "at": ", {}"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is about, what it says, and the paths of everything it says.

    What is `aside` need not be in a note; it is in the summary.
    """

    label: str = field(repr=False)
    text: str = field(repr=False)
    paths: frozenset[Path]
    group: str
    aside: bool = False

    def __str__(self) -> str:
        return labeled(self.label, self.text)


Lines: TypeAlias = Iterator[Line | None]


def labeled(label: str, text: str) -> str:
    """Return a line with its label, with the colon as the language has it."""
    return str(LABELED).format(label=label, value=text)


def lines(document: Document, time_zone: ZoneInfo) -> list[Line]:
    """Return everything a document says, times in the organization's time zone.

    The reason and the form answers come first, in form order, then permissions to contact, the
    status, and the rest; last what no other part takes.
    """
    written = Written(document, _writers(time_zone))
    rest = (_SPECIAL.get(one.path, _plain)(written, group, one) for group, one in _REST)
    found = chain(_form(written), _permissions(written), *rest)
    known = [line for line in found if line is not None]
    return known + list(_unknown(document, frozenset().union(*(line.paths for line in known))))


def _unknown(document: Document, known: frozenset[Path]) -> Iterator[Line]:
    """Say what the table does not have, as a document of a later version may, under its name."""
    for path, value in parts.leaves(document):
        if path not in known:
            named = [step for step in path if isinstance(step, str)]
            label = labels.in_words(named[-1]) or ALSO_SENT
            group = labels.in_words(named[0]) if len(named) > 1 else ""
            whole = f"{group}: {label}" if group else str(label)
            yield Line(whole, as_text(value), frozenset({path}), ALSO_SENT)


# -- Putting a line together ---------------------------------------------------------------------


def _writers(time_zone: ZoneInfo) -> Writers:
    moment = partial(for_people, time_zone=time_zone)
    return defaultdict(
        lambda: as_text,
        word=lambda text: labels.word(as_text(text)),
        flag=_yes_or_no,
        prose=lambda text: with_instants(as_text(text), moment),
        code=lambda code: labels.code(str(code)),
        instant=lambda instant: moment(str(instant)),
        bytes=lambda size: str(BYTES).format(size),
        language=_language,
        issuer=lambda system: labels.issuer({"system": system}),
        cause=lambda cause: unreadable.remark_on({"cause": cause}).rstrip("."),
        former=lambda former: str(FORMER) if former else "",
        may_text=lambda allowed: str(MAY_TEXT).format(_yes_or_no(allowed)),
        may_email=lambda allowed: str(MAY_EMAIL).format(_yes_or_no(allowed)),
    )


def _yes_or_no(value: Any) -> str:
    """Return a switch in words; whatever else came in its place as it came."""
    if isinstance(value, bool):
        return str(_("yes")) if value else str(_("no"))
    return as_text(value)


def _language(code: str) -> str:
    """Return the name of a language; with its code, where that says more."""
    name = language_name(str(code))
    if name is None:
        return str(code)
    return name if is_bare(str(code)) else f"{name}, {code}"


def _line(
    group: str, label: str, item: Item, *, bare: str = "", aside: bool = False
) -> Line | None:
    """Return `label: value (sort, remark), more`, or None where there is nothing of these.

    Where the label is all that there is to say, the text is `bare`.
    """
    value, more, unsaid = (item.get(role, []) for role in ("value", "more", "label"))
    remarks = [*item.get("sort", []), *item.get("remark", []), *item.get("permission", [])]
    if not (value or remarks or more or (unsaid and (bare or aside))):
        return None
    first, bracketed, last = map(_joined, (value, remarks, more))
    if first and bracketed:
        first, bracketed = f"{first} ({bracketed})", ""
    text = ", ".join(piece for piece in (first, bracketed, last) if piece) or bare
    paths = frozenset(path for path, _ in (*value, *remarks, *more, *unsaid))
    return Line(str(label), text, paths, group, aside)


def _joined(texts: Texts) -> str:
    return ", ".join(text.strip() for _, text in texts)


# -- What comes first ----------------------------------------------------------------------------


def _form(written: Written) -> Lines:
    """Say the reason and the answers; a reason that an answer repeats is shown once."""
    document = written.document
    reason = written.at(AT["reason"])
    answers = [*written.items(AT["form_answers"])]
    repeats = [i for i, answer, _ in answers if answer.get("value") == document.get("reason")]
    if not repeats:
        yield _line(FORM, AT["reason"].label, {"value": reason})
    titles = labels.form_titles(document)
    for form, title in titles.items():
        asked = [one for one in answers if one[1].get("form", "") == form]
        for number, (i, answer, item) in enumerate(asked, start=1):
            label = labels.answer_label(answer, number)
            whole = f"{title}: {label}" if title and len(titles) > 1 else label
            repeated = reason if repeats[:1] == [i] else []
            yield _line(FORM, whole, {**item, "label": repeated})


def _permissions(written: Written) -> Lines:
    for one in CHOSEN:
        if one.field.role == "permission" and (path := parts.path_of(written.document, one)):
            allowed = written.value(parts.value_at(written.document, path), path, "flag")
            yield _line(PERMISSIONS, one.label, {"value": allowed})


# -- The rest ------------------------------------------------------------------------------------


def _plain(written: Written, group: str, one: Field) -> Lines:
    """Say a value, or each of a list of texts, or each item of a list of things."""
    if one.kind == "list":
        for _i, _part, item in written.items(one):
            yield _line(group, one.label, item)
        return
    for path, text in written.at(one):
        void = one.void and parts.is_void(written.document)
        label = one.void if void else one.note or one.label
        aside = one.aside(parts.value_at(written.document, path))
        yield _line(group, label, {"value": [(path, text)]}, aside=aside)


def _status(written: Written, group: str, one: Field) -> Lines:
    """Say the status as Caredove shows it, `Booked (Ready)`, and a classification that differs."""
    status = [(path, text[:1].upper() + text[1:]) for path, text in written.at(one)]
    label = written.at(AT["substatus.label"])
    classification = written.at(AT["substatus.classification"])
    same = label and _joined(label).casefold() == _joined(classification).casefold()
    remark, unsaid = (label, classification) if same else (label + classification, [])
    yield _line(group, one.note, {"value": status, "remark": remark, "label": unsaid})


def _contact_points(written: Written, group: str, things: Field) -> Lines:
    """Say each value of what is chosen in a line of its own, and the rest in a line an item."""
    chosen = parts.chosen(written.document, things.path)
    order = parts.ordered(written.document, things.name)
    if things.name == "phones":
        order.sort(key=lambda phone: phone[0] not in chosen)
    for i, part in order:
        item = written.item(things, i, part)
        if i not in chosen:
            yield _line(group, things.label, item)
            continue
        place = chosen.index(i)
        for one in IN_LIST[things.path]:
            if one.role == "value":
                texts = [text for text in item.get("value", []) if one.name in text[0]]
                yield _line(group, _LABELS.get((one.path, place), one.label), {"value": texts})
        sort = [*chain.from_iterable(item.get(role, []) for role in ("sort", "remark", "more"))]
        yield _line(group, _SORTS[things.path, place], {"value": sort})


_LABELS = {(one.path, one.place): one.label for one in CHOSEN}
_SORTS = {(one.field.of, one.place): one.label for one in CHOSEN if not one.key}


def _languages(written: Written, group: str, things: Field) -> Lines:
    chosen = parts.chosen(written.document, things.path)
    for i, language, item in written.items(things):
        label = things.label if chosen and i not in chosen else things.summary
        if language.get("preferred"):
            label = _LABELS["registrant.languages.name", 0]
        name, remarks = item.get("value", []), item.get("remark", [])
        code = [text for text in remarks if text[0][-1] == "code"]
        if name and _joined(name) == _joined(code):
            others = [text for text in remarks if text not in code]
            item = {**item, "remark": others, "label": code}
        yield _line(group, label, item)


def _identifiers(written: Written, group: str, things: Field) -> Lines:
    """Say numbers by their kind; one that only a machine can use is aside."""
    for _i, identifier, item in written.items(things):
        number = item.get("value", [])
        aside = not number or labels.is_technical(_joined(number))
        yield _line(group, labels.identifier_label(identifier), item, aside=aside)


def _messages(written: Written, group: str, things: Field) -> Lines:
    """Say notes or messages, in the label by whom and when."""
    for _i, _part, item in written.items(things):
        texts = item.get("label", [])
        about = (
            str(_ABOUT.get(str(path[-1]), ", {}")).format(text.strip()) for path, text in texts
        )
        yield _line(group, str(things.label) + "".join(about), item, bare=str(NO_TEXT))


def _attachments(written: Written, group: str, things: Field) -> Lines:
    for _i, _part, item in written.items(things):
        name, about, of_file = (item.get(role, []) for role in ("value", "sort", "remark"))
        beside = not about or _joined(about) == _joined(name)
        yield _line(group, things.label, {"value": name, "sort": about}, aside=beside)
        sort: Item = {**item, "value": of_file[:1], "sort": [], "remark": of_file[1:]}
        yield _line(group, AT["attachments.content_type"].label, sort, aside=True)


def _unreadable(written: Written, group: str, things: Field) -> Lines:
    """Say what came in place of a value, and what is wrong with it."""
    for _i, part, item in written.items(things):
        yield _line(group, f"{things.label}: {unreadable.name_of(part)}", item)


def _also_sent(written: Written, group: str, things: Field) -> Lines:
    for i, part in labels.also_sent_in_order(written.document):
        yield _line(group, labels.also_sent_label(part), written.item(things, i, part))


_REST = [
    (group, one)
    for group, one in laid_out(_LAYOUT)
    if group != FORM and one.steps[0] != "substatus"  # which _form and _status say
]
_SPECIAL: Mapping[str, Callable[[Written, str, Field], Lines]] = {
    "status": _status,
    "registrant.phones": _contact_points,
    "registrant.emails": _contact_points,
    "registrant.addresses": _contact_points,
    "registrant.languages": _languages,
    "registrant.identifiers": _identifiers,
    "identifiers": _identifiers,
    "notes": _messages,
    "messages": _messages,
    "attachments": _attachments,
    "unreadable": _unreadable,
    "also_sent": _also_sent,
}
