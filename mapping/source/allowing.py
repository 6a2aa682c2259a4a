"""Which fields of a document may leave to one destination. Pure: no Django.

A destination's allow-list names fields as the mapping editor does (`registrant.phone_1`,
`answer:KEY`, `form:FORM|KEY`), groups of them (`registrant`, `answers.FORM`), or `all`. Rules read
through it, and what is made of the whole referral (note, summary, what was also sent) is made of
`AllowList.part`: the document without a word of what is not allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from mapping.source import catalogue, parts
from mapping.source.catalogue import ANSWER_PREFIX, FORM_PREFIX, NOTHING, Reading, SourceField
from mapping.source.document import Document, FormAnswer
from mapping.source.fields import AT, CHOSEN, FIELDS, SILENT
from mapping.source.parts import Path

ALL = "all"
ANSWERS = "answers"
FORM_GROUP = "answers."  # and the key of a form
PARTNER_UPDATES = "partner_updates"
TABLES = ("events", "deliveries", PARTNER_UPDATES)  # no part of a document; not in `all`
# What each group stands for: parts of the document.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "registrant": ("registrant",),
    "requester": ("requester",),
    "appointment": ("appointment",),
    ANSWERS: ("form_answers",),
    "messages": ("messages",),
    "status": ("status", "substatus", "request_status"),
    "also_sent": ("also_sent",),
}
# Parts that no rule reads, each allowed by its own name.
PARTS = ("identifiers", "notes", "attachments", "unreadable")
ALWAYS = ("reference",)  # by which the two sides name the referral

_CHOSEN = {one.key: one for one in CHOSEN if one.key}
# Their place among others decides what they are, so they are read before anything is left out.
_BY_PLACE = frozenset(_CHOSEN) - {
    "also_sent",
    "registrant.preferred_language",
    "registrant.address.country",  # may be told from the province
}
_LANGUAGE = "registrant.preferred_language"
# Within an item that is kept: what only names or orders it.
_NAMES = {(one.of, one.name) for one in FIELDS if one.role in SILENT or one.role == "label"}


def unknown(names: Sequence[str]) -> list[str]:
    """Return the names that an allow-list cannot have."""
    return [name for name in names if not _is_known(name)]


def _is_known(name: str) -> bool:
    if name in (ALL, *GROUPS, *TABLES, *PARTS):
        return True
    if name.startswith(FORM_GROUP):
        return bool(name.removeprefix(FORM_GROUP).strip())
    return catalogue.find(name) is not None


@dataclass(frozen=True)
class AllowList:
    """The fields that may leave, and whether attachments do: what they are called goes with them.

    A name that is unknown allows nothing.
    """

    names: tuple[str, ...] = (ALL,)
    attachments: bool = True

    @cached_property
    def is_open(self) -> bool:
        """Whether everything of a document may leave."""
        return ALL in self.names and self.attachments

    def offers(self, key: str) -> bool:
        """Return whether a rule that reads this field can get something."""
        if ALL in self.names or key in (*self.names, *ALWAYS):
            return True
        if key.startswith((ANSWER_PREFIX, FORM_PREFIX)):
            return any(_is_of_answers(name) for name in self.names)
        top = key.partition(".")[0]
        return any(top in GROUPS.get(name, ()) for name in self.names)

    def read(self, field: SourceField, document: Document, part: Document) -> Reading:
        """Read a field of the document, or nothing. `part` is what `self.part` made of it."""
        if self.is_open:
            return field.read(document)
        if not self.offers(field.key):
            return NOTHING
        return field.read(document if field.key in _BY_PLACE else part)

    def part(self, document: Document) -> Document:
        """Return the document without what may not leave. What stays has the path that it had."""
        if self.is_open:
            return document
        if ALL in self.names:
            kept = dict(document)
            kept.pop("attachments", None)
            return cast(Document, kept)
        allowed = frozenset(self._paths(document))
        return cast(Document, _kept(document, (), allowed) or {})

    def ambiguous(self, document: Document) -> list[str]:
        """Return the names of answers that allow nothing here, because several forms have them."""
        return [
            name
            for name in self.names
            if name.startswith(ANSWER_PREFIX)
            and len({_form(one) for _, one in _answers(document) if _key(one) == _question(name)})
            > 1
        ]

    def _paths(self, document: Document) -> Iterator[Path]:
        """Yield the paths of what is allowed whole."""
        yield from ((name,) for name in ALWAYS)
        # Without its status an appointment that is cancelled would look as if it took place.
        names_status = {"appointment", "appointment.status"} & {*self.names}
        hides_appointment = parts.is_void(document) and not names_status
        ambiguous = self.ambiguous(document)
        for name in self.names:
            if name in ambiguous or (name == "attachments" and not self.attachments):
                continue
            for path in _paths_of(name, document):
                if not (hides_appointment and path[0] == "appointment"):
                    yield path


EVERYTHING = AllowList()


def _is_of_answers(name: str) -> bool:
    return name == ANSWERS or name.startswith((FORM_GROUP, ANSWER_PREFIX, FORM_PREFIX))


def _paths_of(name: str, document: Document) -> Iterator[Path]:
    if name in GROUPS:
        yield from ((top,) for top in GROUPS[name])
    elif name in PARTS:
        yield (name,)
    elif _is_of_answers(name):
        yield from (("form_answers", i) for i, one in _answers(document) if _names(name, one))
    elif name in _CHOSEN:
        if path := parts.path_of(document, _CHOSEN[name]):
            yield path
        if name == _LANGUAGE and (i := parts.chosen_language(document)) is not None:
            yield ("registrant", "languages", i, "code")
    elif name in AT:
        yield AT[name].steps


def _names(name: str, answer: FormAnswer) -> bool:
    """Return whether a name of an allow-list means this answer."""
    if named := catalogue.form_and_question(name):
        return named == (_form(answer), _key(answer))
    if name.startswith(FORM_GROUP):
        return name.removeprefix(FORM_GROUP).strip() == _form(answer)
    return _key(answer) == _question(name)


def _answers(document: Document) -> Iterator[tuple[int, FormAnswer]]:
    return enumerate(document.get("form_answers", []))


def _question(name: str) -> str:
    return name.removeprefix(ANSWER_PREFIX).strip()


def _key(answer: FormAnswer) -> str:
    return answer.get("key", "").strip()


def _form(answer: FormAnswer) -> str:
    return answer.get("form", "").strip()


def _kept(value: Any, path: Path, allowed: frozenset[Path]) -> Any:
    """Return what is allowed of a value; None where nothing is. Items of lists keep their place."""
    if path in allowed:
        return value
    if isinstance(value, Mapping):
        kept = {
            name: inner
            for name, one in value.items()
            if (inner := _kept(one, (*path, name), allowed)) is not None
        }
        return (_names_in(value, path) | kept) if kept else None
    if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        items = [_kept(one, (*path, place), allowed) or {} for place, one in enumerate(value)]
        return items if any(items) else None
    return None


def _names_in(item: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return what only names or orders an item of a list."""
    of = ".".join(step for step in path if isinstance(step, str))
    return {name: value for name, value in item.items() if (of, name) in _NAMES}
