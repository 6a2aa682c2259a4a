"""The parts of a source document: their paths, their texts, and which of several is chosen.

A path leads to one value of a document: `("registrant", "phones", 0, "number")`.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from mapping.source.document import (
    VOID_APPOINTMENTS,
    VOID_REQUESTS,
    Address,
    Document,
    Email,
    Phone,
)
from mapping.source.fields import FIELDS, IN_LIST, SILENT, Chosen, Field, Kind, Role

Path: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = str | int | bool
Writers: TypeAlias = Mapping[str, Callable[[Any], str]]  # by kind
Texts: TypeAlias = list[tuple[Path, str]]  # each with the path of the value that it writes
Item: TypeAlias = Mapping[Role, Texts]  # what one thing says, by the role of what says it

PHONE_USES = ("home", "mobile", "work")
LAST = 1_000_000  # the rank of what has none

# What says nothing by itself, by the last list and the field; and what is about a message.
_SILENT = {field.steps[-2:] for field in FIELDS if field.role in SILENT}
_OF_MESSAGES = {field.path for field in FIELDS if field.role == "message"}


def is_empty(value: object) -> bool:
    """Return whether a value of a document says nothing. No and 0 do say something."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == {}


def leaves(document: Document) -> Iterator[tuple[Path, Value]]:
    """Yield each thing that a document says, and where: every value that is not empty.

    Left out are the keys, labels and ranks that only name or order the values beside them, and
    that something is not former.
    """
    return (leaf for leaf in _leaves(document, ()) if leaf[0][0] not in _OF_MESSAGES)


def _leaves(part: Any, path: Path) -> Iterator[tuple[Path, Value]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _leaves(value, (*path, index))
    elif not is_empty(part) and not _is_silent(path, part):
        yield path, part


def _is_silent(path: Path, value: Value) -> bool:
    if path[-1] == "former":
        return not value
    return (path[-3:-2] + path[-1:]) in _SILENT


def value_at(document: Document, path: Path) -> Value | None:
    """Return the value at a path, or None when it is absent or empty."""
    part: Any = document
    for step in path:
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            return None
    return None if is_empty(part) else part


@dataclass(frozen=True, slots=True)
class Written:
    """A document in writing: each of its values as a text, as the writer of its kind has it."""

    document: Document
    writers: Writers

    def at(self, field: Field) -> Texts:
        """Return what a field says: nothing, a text, or each text of a list."""
        return self.value(value_at(self.document, field.steps), field.steps, field.kind)

    def value(self, value: Any, path: Path, kind: Kind) -> Texts:
        if isinstance(value, list):
            found = (self.value(one, (*path, place), kind) for place, one in enumerate(value))
            return [*chain.from_iterable(found)]
        return [] if is_empty(value) else [(path, self.writers[kind](value))]

    def items(self, things: Field) -> Iterator[tuple[int, Any, Item]]:
        """Yield the items of a list, each with its index and with what it says."""
        found: Any = value_at(self.document, things.steps)
        for index, part in enumerate(found or ()):
            yield index, part, self.item(things, index, part)

    def item(self, things: Field, index: int, part: Any) -> Item:
        """Return what an item says. A value without a text of its own is left to the label."""
        item: dict[Role, Texts] = defaultdict(list)
        for field in IN_LIST[things.path]:
            value = part.get(field.name)
            if value is not None:
                at: Path = (*things.steps, index, field.name)
                for path, text in self.value(value, at, field.kind):
                    item[field.role if text else "label"].append((path, text))
        return item


def ordered(document: Document, what: str) -> list[tuple[int, Any]]:
    """Return the registrant's phones, emails or addresses in order, each with its index.

    Phones and e-mail addresses come by rank, then home, mobile, work, untyped; home addresses
    come first. What is former comes last.
    """
    items: Any = document.get("registrant", {}).get(what, [])
    return sorted(enumerate(items), key=lambda item: _ORDERS[what](item[1]))


def chosen_phones(document: Document) -> tuple[int, ...]:
    """Return the index of the main phone, then of the alternate: the next different number.

    Former ones are chosen only where there is no current one.
    """
    given = [pair for pair in ordered(document, "phones") if pair[1].get("number", "").strip()]
    current = [pair for pair in given if not pair[1].get("former")]
    numbers: dict[str, int] = {}
    for index, phone in current or given:
        numbers.setdefault(_dialled(phone["number"].strip()), index)
    return tuple(numbers.values())[:2]


def _dialled(number: str) -> str:
    """Return what is the same for two ways of writing one number."""
    digits = re.sub(r"\D", "", number)
    return digits.removeprefix("1") if len(digits) >= 10 else number.casefold()


def chosen_email(document: Document) -> int | None:
    """Return the index of the e-mail address with the best rank."""
    emails = ordered(document, "emails")
    return next((index for index, email in emails if not is_empty(email.get("address"))), None)


def chosen_address(document: Document) -> int | None:
    """Return the index of the first address that is not empty, home first, former ones last."""
    sorts = {"use", "slot", "former"}
    for index, address in ordered(document, "addresses"):
        if any(path[0] not in sorts for path, _ in _leaves(address, ())):
            return index
    return None


def chosen_language(document: Document) -> int | None:
    """Return the index of the preferred language, else of the only one."""
    languages = document.get("registrant", {}).get("languages", [])
    named = [
        index
        for index, language in enumerate(languages)
        if not (is_empty(language.get("name")) and is_empty(language.get("code")))
    ]
    preferred = [index for index in named if languages[index].get("preferred")]
    return next(iter(preferred or (named if len(named) == 1 else ())), None)


def chosen_health_number(document: Document) -> int | None:
    """Return the index of the provincial health number among the registrant's identifiers.

    A former one is chosen only where there is no current one.
    """
    identifiers = document.get("registrant", {}).get("identifiers", [])
    given = [
        (bool(identifier.get("former")), index)
        for index, identifier in enumerate(identifiers)
        if identifier.get("type") == "JHN" and not is_empty(identifier.get("value"))
    ]
    return min(given)[1] if given else None


def chosen(document: Document, path: str) -> tuple[int, ...]:
    """Return the indexes of the items that are chosen of a list, in the places of `CHOSEN`."""
    found = _CHOOSING[path](document)
    if isinstance(found, tuple):
        return found
    return () if found is None else (found,)


def path_of(document: Document, one: Chosen) -> Path | None:
    """Return the path of a field of a chosen item; None where there is no such item."""
    for index in chosen(document, one.field.of)[one.place :]:
        return (*one.field.steps[:-1], index, one.field.name)
    return None


def is_withdrawn(document: Document) -> bool:
    """Return whether the sender has taken back the request itself."""
    return document.get("request_status", "").strip().casefold() in VOID_REQUESTS


def is_void(document: Document) -> bool:
    """Return whether the appointment does not take place."""
    status = document.get("appointment", {}).get("status", "")
    return status.strip().casefold() in VOID_APPOINTMENTS


def _by_rank(part: Phone | Email) -> tuple[bool, int]:
    return part.get("former", False), part.get("rank") or LAST


def _by_rank_and_use(phone: Phone) -> tuple[bool, int, int]:
    use = phone.get("use", "")
    place = PHONE_USES.index(use) if use in PHONE_USES else len(PHONE_USES)
    return *_by_rank(phone), place


def _home_first(address: Address) -> int:
    if address.get("former"):
        return 3
    return {"home": 0, "old": 2}.get(address.get("use", ""), 1)


_ORDERS: Mapping[str, Callable[[Any], Any]] = {
    "phones": _by_rank_and_use,
    "emails": _by_rank,
    "addresses": _home_first,
}
_CHOOSING: Mapping[str, Callable[[Document], tuple[int, ...] | int | None]] = {
    "registrant.phones": chosen_phones,
    "registrant.emails": chosen_email,
    "registrant.addresses": chosen_address,
    "registrant.languages": chosen_language,
    "registrant.identifiers": chosen_health_number,
}
