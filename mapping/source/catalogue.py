"""The source fields that a rule can read, with the labels that people know them by.

A field reads a document and says which of its values the reading stands for, so that the engine
knows what no rule has used. A form answer has two names: `answer:KEY` is the first answer with
that key, whatever its form; `form:FORM|KEY` the one of that form. Pure: no Django.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from core.text.sentences import Term as _
from mapping.source import labels, parts
from mapping.source.document import Document
from mapping.source.fields import AT, CHOSEN, OUTSIDE, Chosen, Field, Group
from mapping.source.languages import is_bare, language_name
from mapping.source.parts import Path, Value, value_at
from mapping.source.provinces import province_code
from mapping.source.times import parse_instant

FORM = Group.FORM
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
        return SourceField(
            key, str(_("Answer to “{}”")).format(question), FORM, partial(_answer, question)
        )
    if named := form_and_question(key):
        label = str(_("Answer to “{question}” of form “{form}”")).format(
            question=named[1], form=named[0]
        )
        return SourceField(key, label, FORM, partial(_answer, named[1], form=named[0]))
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
            only_here = str(_("{label} (only of {form})")).format(
                label=label, form=titles.get(form) or _("this form")
            )
            read = partial(_answer, key, form=form)
            exact = SourceField(exact_key(form, key), only_here, FORM, read)
            offered.setdefault(exact.key, exact)
    return tuple(offered.values())


# -- Readings ----------------------------------------------------------------------------------


def _at(document: Document, *path: str | int) -> Reading:
    """Read what is at a path; of a list of texts, all in one line."""
    value: Any = value_at(document, path)
    if isinstance(value, list):
        filled = [(place, text) for place, text in enumerate(value) if not parts.is_empty(text)]
        line = ", ".join(text.strip() for _, text in filled)
        return Reading(line or None, frozenset((*path, place) for place, _ in filled))
    return NOTHING if value is None else Reading(value, frozenset({path}))


def _answer(key: str, document: Document, form: str | None = None) -> Reading:
    """Read the first answer with a key; with a form, that form's."""
    for index, answer in enumerate(document.get("form_answers", [])):
        of_form = form is None or answer.get("form", "").strip() == form
        same_key = answer.get("key", "").strip() == key
        if of_form and same_key and not parts.is_empty(answer.get("value")):
            return _at(document, "form_answers", index, "value")
    return NOTHING


def _plain(field: Field, document: Document) -> Reading:
    """Read a field; of an appointment that does not take place, nothing."""
    void = field.void and parts.is_void(document)
    return NOTHING if void else _at(document, *field.steps)


def _chosen(one: Chosen, document: Document) -> Reading:
    path = parts.path_of(document, one)
    return _at(document, *path) if path else NOTHING


def _also_sent(document: Document) -> Reading:
    """Read all that was also sent, line by line, each with its label."""
    beside = labels.also_sent_in_order(document)
    lines = [f"{labels.also_sent_label(part)}: {part['text'].strip()}" for _, part in beside]
    paths = frozenset(("also_sent", index, "text") for index, _ in beside)
    return Reading("\n".join(lines) or None, paths)


def _reason(document: Document) -> Reading:
    """Read the reason for the referral; where a form asks for it, that is the answer."""
    reason, answer = _at(document, "reason"), _answer("reason", document)
    if reason.value is None:
        return answer
    same = answer.value == reason.value
    return Reading(reason.value, reason.paths | answer.paths) if same else reason


def _country(document: Document) -> Reading:
    """Read the country; absent, it is Canada when the province is a Canadian one."""
    country = _chosen(_CHOSEN["registrant.address.country"], document)
    province = _chosen(_CHOSEN["registrant.address.province"], document).value
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


def _duration(document: Document) -> Reading:
    """Read the minutes, else end − start. An end that they agree with is said by them."""
    start, end, given = (
        _plain(AT[f"appointment.{name}"], document) for name in ("start", "end", "duration_minutes")
    )
    begins, ends = (parse_instant(str(time.value or ""), _UTC) for time in (start, end))
    length = ends - begins if begins and ends else timedelta()
    minutes = length // _MINUTE if length > timedelta() and not length % _MINUTE else None
    if given.value is None:
        return NOTHING if minutes is None else Reading(minutes, end.paths)
    return Reading(given.value, given.paths | end.paths) if given.value == minutes else given


# -- The catalogue -----------------------------------------------------------------------------

_CHOSEN = {one.key: one for one in CHOSEN if one.key}
_SPECIAL: Mapping[str, Callable[[Document], Reading]] = {
    "also_sent": _also_sent,
    "reason": _reason,
    "registrant.address.country": _country,
    "registrant.preferred_language": _language,
    "appointment.duration_minutes": _duration,
}
_GROUPS = {
    "registrant": Group.REGISTRANT,
    "requester": Group.REQUESTER,
    "appointment": Group.APPOINTMENT,
}


def _everything() -> Iterator[SourceField]:
    for field in OUTSIDE:
        if field.is_read and field.kind != "list":
            read = _SPECIAL.get(field.path) or partial(_plain, field)
            yield SourceField(field.path, field.label, _group(field.path), read)
    for key, one in _CHOSEN.items():
        read = _SPECIAL.get(key) or partial(_chosen, one)
        yield SourceField(key, one.label, _group(key), read)


def _group(key: str) -> str:
    return _GROUPS.get(key.partition(".")[0], Group.REFERRAL)


_ORDER = (Group.REFERRAL, *_GROUPS.values())
_FIELDS = {
    field.key: field for field in sorted(_everything(), key=lambda one: _ORDER.index(one.group))
}
