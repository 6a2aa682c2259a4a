"""What became of each value of a message (rule 14): nothing is lost in silence.

A reader marks what it reads. A value counts as *used* when it was read and stands in what came
of the message; so a value that was read and then dropped is not used. What nobody used is *also
sent*, unless a named rule leaves it out; what cannot be read is *unreadable*, and its text is
kept. No list of known fields stands beside the readers: a reader that forgets a field makes it
*also sent*.

A leaf is known by its address: the container that holds it, by identity, and its key or index.
The account is good for as long as the body that it is kept of.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from integrations.sources.warnings import Warning
from mapping.document import Unreadable

Address: TypeAlias = tuple[int, str | int]
Path: TypeAlias = tuple[str | int, ...]

MAX_WARNINGS = 50
_WORD = re.compile(r"[A-Za-z0-9]+")
SURE = 4  # characters: a shorter text is found within another one by chance


class Fate(StrEnum):
    USED = "used"
    ALSO_SENT = "also_sent"
    LEFT_OUT = "left_out"
    UNREADABLE = "unreadable"


class Rule(StrEnum):
    """Why a value is not passed on."""

    TECHNICAL = "technical"
    EMPTY = "empty"
    SIGN_IN = "sign_in"
    INTERNAL = "internal"
    REPEATED = "repeated"
    WITHDRAWN = "withdrawn"
    SOMEBODY_ELSE = "somebody_else"


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf of a body.

    `why` is the rule, the cause, the label under which it is told, or the text that is used.
    """

    path: Path
    value: Any = field(repr=False)
    fate: Fate
    why: str = field(default="", repr=False)


def address_of(container: Any, key: str | int) -> Address:
    """Return the address of what a dict or list holds under a key or an index."""
    return id(container), key


class Account:
    """The account of one message, and its warnings; `repairs` are those of its body as a whole."""

    def __init__(self, repairs: Iterable[str] = ()) -> None:
        self._read: list[tuple[Address, str]] = []
        self._pieces: set[str] = set()
        self.clean: dict[tuple[Any, str], str] = {}  # texts as they were read, read once each
        self._taken: dict[Address, str] = {}  # with the text that stands in the result
        self._left_out: dict[Address, Rule] = {}
        self._also_sent: dict[Address, str] = {}
        self._unreadable: dict[Address, Warning] = {}
        self._warnings = dict.fromkeys(Warning("", cause) for cause in repairs)
        self._settled: set[Address] = set()

    # -- What readers say ------------------------------------------------------------------------

    def read(self, address: Address, text: str) -> None:
        """Note that a leaf was read as this text: it is used where the text stands in the end."""
        self._read.append((address, text))

    def take(self, address: Address) -> None:
        """Note that a leaf, or all below it, is used in another form than as its text."""
        self._taken.setdefault(address, "")
        self._settled.add(address)

    def join(self, texts: Iterable[str]) -> None:
        """Note that these texts, however short, stand in the result as pieces of a longer one."""
        self._pieces.update(texts)

    def leave_out(self, address: Address, rule: Rule) -> None:
        """Note the rule by which a leaf, or all below it, is not passed on."""
        self._left_out.setdefault(address, rule)
        self._settled.add(address)

    def tell(self, address: Address, label: str) -> None:
        """Note that a leaf is told as also sent, under this label."""
        self._also_sent.setdefault(address, label)
        self._settled.add(address)

    def warn(self, warning: Warning, address: Address | None = None) -> None:
        """Remember a warning; with an address, that leaf is unreadable: its text is kept.

        Beyond a limit only the fact is kept that there are more.
        """
        if address is not None:
            self._unreadable.setdefault(address, warning)
            self._settled.add(address)
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.setdefault(warning)
        else:
            self._warnings.setdefault(Warning("", "more"))

    @property
    def warnings(self) -> tuple[Warning, ...]:
        return tuple(self._warnings)

    @property
    def unreadable(self) -> list[Unreadable]:
        """The values that could not be read, as the document keeps them."""
        kept = {warning.field: warning for warning in self._unreadable.values()}
        return [
            Unreadable(field=w.field, path=w.path, cause=w.cause, text=w.text)
            for w in kept.values()
        ]

    # -- What came of it -------------------------------------------------------------------------

    def settle(self, result: Any) -> None:
        """Decide which of the values that were read are used: those that stand in the result."""
        texts = {*texts_of(result), *self._pieces}
        rest: list[tuple[Address, str]] = []
        for address, text in self._read:
            if text in texts:
                self._taken[address] = text
            elif len(text) >= SURE:
                rest.append((address, text))
        within = _found_within({text for _, text in rest}, texts)
        for address, text in rest:
            if text in within:
                self._taken.setdefault(address, text)
        self._settled.update(self._taken)
        self._read.clear()

    def is_settled(self, address: Address) -> bool:
        """Return whether it is known what became of a leaf, or of all below an address."""
        return address in self._settled

    def is_told(self, address: Address) -> bool:
        """Return whether a leaf, or all below an address, is passed on in whatever form."""
        return address in self._taken or address in self._unreadable or address in self._also_sent

    def leaves_out(self, rule: Rule) -> bool:
        """Return whether this rule leaves anything out."""
        return rule in self._left_out.values()

    def is_left_out(self, address: Address, *rules: Rule) -> bool:
        """Return whether one of these rules leaves a value out."""
        return self._left_out.get(address) in rules

    def fate(self, address: Address) -> tuple[Fate, str] | None:
        """Return what became of a leaf, and why; None when nothing is known of it."""
        if warning := self._unreadable.get(address):
            return Fate.UNREADABLE, warning.cause
        if address in self._taken:
            return Fate.USED, self._taken[address]
        if rule := self._left_out.get(address):
            return Fate.LEFT_OUT, rule
        if address in self._also_sent:
            return Fate.ALSO_SENT, self._also_sent[address]
        return None

    def entries(self, body: Any) -> Iterator[Entry]:
        """Yield every leaf of the body with what became of it.

        A leaf that nobody accounts for is a mistake of ours; it raises LookupError.
        """
        for path, address, value, above in leaves(body):
            if is_empty(value):
                yield Entry(path, value, Fate.LEFT_OUT, Rule.EMPTY)
                continue
            fates = filter(None, map(self.fate, (address, *reversed(above))))
            found = next(fates, None)
            if found is None:
                raise LookupError("A leaf is not accounted for.")
            yield Entry(path, value, *found)


def is_empty(value: Any) -> bool:
    """Return whether a leaf says nothing: an empty shell (rule 7)."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, dict | list) and not value)


def leaves(
    body: Any, path: Path = (), above: tuple[Address, ...] = ()
) -> Iterator[tuple[Path, Address, Any, tuple[Address, ...]]]:
    """Yield path, address, value and the addresses above of each leaf; empty containers too."""
    if isinstance(body, dict):
        items: Any = body.items()
    else:
        items = enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        address = (id(body), key)
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*path, key), (*above, address))
        else:
            yield (*path, key), address, value, above


def _found_within(wanted: set[str], texts: set[str]) -> set[str]:
    """Return those that stand within one of the texts.

    A message has many ids that are read and shown nowhere: each is searched for only when all of
    its words are there, or reading would cost the square of a message's size.
    """
    whole = "\n".join(texts)
    words = {word for text in wanted for word in _WORD.findall(text)}
    there = {word for found in _WORD.finditer(whole) if (word := found[0]) in words}
    return {text for text in wanted if there.issuperset(_WORD.findall(text)) and text in whole}


def texts_of(result: Any) -> list[str]:
    """Return every text in a document or in a list of values."""
    found, stack = [], [result]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, dict):
            stack.extend(part.values())
        elif isinstance(part, list | tuple):
            stack.extend(part)
    return found
