"""What a visitor asks the search for. What cannot be read is left out, never refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from directory.listing.values import NOW
from directory.reading.words import words

LONGEST = 200  # characters of a field
_WORDS = 8  # that are looked for
_MOST_PAGES = 100_000


@dataclass(frozen=True)
class Chip:
    """A filter that is on or off; of each group one at most is on."""

    name: str
    group: str
    values: Mapping[str, Any]  # as the API's parameters, read


CHIPS: Sequence[Chip] = (
    Chip("open", "open", {"open_at": NOW}),
    Chip("children", "age", {"age": 8.0}),
    Chip("youth", "age", {"age": 16.0}),
    Chip("adults", "age", {"age": 40.0}),
    Chip("seniors", "age", {"age": 70.0}),
)
_BY_NAME = {chip.name: chip for chip in CHIPS}
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)


def chip(name: str) -> Chip | None:
    """Return the chip with this name: one of CHIPS, or that of a language, by its code."""
    if known := _BY_NAME.get(name):
        return known
    is_language = _LANGUAGE.fullmatch(name) is not None
    return Chip(name, "language", {"spoken_language": name}) if is_language else None


@dataclass(frozen=True)
class Query:
    """What is asked for. Without anything it is the first visit."""

    need: str = ""
    where: str = ""
    chips: tuple[str, ...] = ()
    page: int = 1

    @property
    def is_empty(self) -> bool:
        return not (words(self.need) or words(self.where) or self.chips)

    @property
    def values(self) -> dict[str, Any]:
        """Return what is asked for but the place, as the API's parameters, read."""
        found: dict[str, Any] = {"search": " ".join(words(self.need)[:_WORDS])}
        for name in self.chips:
            if known := chip(name):
                found |= known.values
        return found

    @property
    def languages(self) -> list[str]:
        """Return the codes of the languages that are asked for."""
        return [name for name in self.chips if name not in _BY_NAME]

    def link(self, language: str) -> str:
        """Return the query string that asks the same."""
        pairs = [("lang", language), ("need", self.need), ("where", self.where)]
        pairs += [("chip", name) for name in self.chips]
        pairs += [("page", str(self.page))] if self.page > 1 else []
        return urlencode([(name, value) for name, value in pairs if value])

    def without_filters(self) -> "Query":
        return replace(self, chips=(), page=1)


def read(given: QueryDict) -> Query:
    """Return what a form or a query string asks for.

    `toggle` is the chip that was pressed now: it turns that chip on or off, and others of its
    group off.
    """
    named = [one for name in dict.fromkeys(given.getlist("chip")) if (one := chip(name))]
    toggled = chip(given.get("toggle", ""))
    if toggled in named:
        named.remove(toggled)
    elif toggled:
        named.append(toggled)
    by_group = {one.group: one.name for one in named}
    chips = tuple(by_group[group] for group in ("open", "language", "age") if group in by_group)
    return Query(
        need=_text(given.get("need", "")),
        where=_text(given.get("where", "")),
        chips=chips,
        page=_page(given.get("page", "")) if not toggled else 1,
    )


def _text(text: str) -> str:
    printable = "".join(one if one.isprintable() else " " for one in text[:LONGEST])
    return printable.strip()


def _page(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < len(str(_MOST_PAGES))
    return max(1, int(text)) if is_number else 1
