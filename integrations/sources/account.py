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
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from integrations.sources.warnings import Warning
from mapping.source.document import Unreadable

Address: TypeAlias = tuple[int, str | int]
Path: TypeAlias = tuple[str | int, ...]

MAX_WARNINGS = 50
_WORD = re.compile(r"[A-Za-z0-9]+")
FEW = 100  # texts, which are sought one by one
SURE = 4  # characters: a shorter text is found within another one by chance
CONTAINER = (dict, list)


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

    `why` is the rule, the cause, the label under which it is also sent, or the text that is used.
    """

    path: Path
    value: Any = field(repr=False)
    fate: Fate
    why: str = field(default="", repr=False)


# What outweighs what, where several things are noted of one leaf.
_PRECEDENCE = (Fate.UNREADABLE, Fate.USED, Fate.LEFT_OUT, Fate.ALSO_SENT)
_TAKEN = (Fate.USED, "")
_LEFT_OUT = {rule: (Fate.LEFT_OUT, rule) for rule in Rule}
_NOTHING: dict[str | int, Any] = {}


class Account:
    """The account of one message, and its warnings; `repairs` are those of its body as a whole.

    With `in_detail` it can tell the fate of every leaf. Without, an object that is used whole
    has one mark in place of those of its leaves: a message may hold half a million.
    """

    def __init__(self, repairs: Iterable[str] = (), *, in_detail: bool = False) -> None:
        self._in_detail = in_detail
        # By container and key: the text that a leaf was read as; and what it was read as again.
        self._read: dict[int, dict[str | int, str]] = {}
        self._read_again: list[tuple[int, str | int, str]] = []
        self._pieces: set[str] = set()
        # By container and key: what became of a leaf, and why.
        self._fates: dict[int, dict[str | int, tuple[Fate, str]]] = {}
        self._whole: set[int] = set()  # the objects that are used whole
        self.internal: set[Address] = set()  # what is left out because it is, whatever else it is
        self._unreadable: dict[str, Warning] = {}  # by field
        self._warnings = dict.fromkeys(Warning("", cause) for cause in repairs)

    # -- What readers say ------------------------------------------------------------------------

    def read(self, address: Address, text: str) -> None:
        """Note that a leaf was read as this text: it is used where the text stands in the end."""
        container, key = address
        read = self._read.get(container)
        if read is None:
            self._read[container] = {key: text}
        elif read.setdefault(key, text) != text:
            self._read_again.append((container, key, text))

    def take(self, address: Address) -> None:
        """Note that a leaf, or all below it, is used in another form than as its text."""
        self._note(address, _TAKEN)

    def join(self, texts: Iterable[str]) -> None:
        """Note that these texts, however short, stand in the result as pieces of a longer one."""
        self._pieces.update(texts)

    def use(self, part: Mapping[str, Any], texts: Collection[str]) -> None:
        """Note that what was read in an object as one of these texts stands in the result."""
        inside: list[Any] = [part]
        is_whole = not self._in_detail
        for container in inside:
            read = self._read.get(id(container), _NOTHING)
            fates = self._fates.get(id(container), _NOTHING)
            for key, value in members_of(container):
                if read.get(key) in texts or key in fates or is_empty(value):
                    continue
                if isinstance(value, CONTAINER):
                    inside.append(value)
                else:  # it says something else, too
                    is_whole = False
        if is_whole:
            self._whole.add(id(part))
        for container in map(id, inside):
            for key, text in self._read.pop(container, _NOTHING).items():
                if text not in texts:
                    self.read((container, key), text)
                elif not is_whole:
                    self._use(container, key, text, texts)

    def leave_out(self, address: Address, rule: Rule) -> None:
        """Note the rule by which a leaf, or all below it, is not passed on."""
        self._note(address, _LEFT_OUT[rule])
        if rule is Rule.INTERNAL:
            self.internal.add(address)

    def also_send(self, address: Address, label: str) -> None:
        """Note that a leaf is also sent, under this label."""
        self._note(address, (Fate.ALSO_SENT, label))

    def warn(self, warning: Warning, address: Address | None = None) -> None:
        """Remember a warning; with an address, that leaf is unreadable: its text is kept.

        Beyond a limit only the fact is kept that there are more.
        """
        if address is not None and self._note(address, (Fate.UNREADABLE, warning.cause)):
            self._unreadable[warning.field] = warning
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.setdefault(warning)
        else:
            self._warnings.setdefault(Warning("", "more"))

    def _note(self, address: Address, fate: tuple[Fate, str]) -> bool:
        """Note what became of a leaf; return whether nothing that outweighs it was known."""
        container, key = address
        fates = self._fates.get(container)
        if fates is None:
            self._fates[container] = {key: fate}
        elif (known := fates.get(key)) is None or _outweighs(fate, known):
            fates[key] = fate
        else:
            return False
        return True

    @property
    def warnings(self) -> tuple[Warning, ...]:
        return tuple(self._warnings)

    @property
    def unreadable(self) -> list[Unreadable]:
        """The values that could not be read, as the document keeps them."""
        return [
            Unreadable(field=w.field, path=w.path, cause=w.cause, text=w.text)
            for w in self._unreadable.values()
        ]

    # -- What came of it -------------------------------------------------------------------------

    def settle(self, result: Any) -> None:
        """Decide which of the values that were read are used: those that stand in the result."""
        texts = [*texts_of(result), *self._pieces]
        read = {text for members in self._read.values() for text in members.values()}
        read.update(text for _, _, text in self._read_again)
        alone = read.intersection(texts)
        there = alone | _found_within({t for t in read - alone if len(t) >= SURE}, texts)
        for container, members in self._read.items():
            used = {key: (Fate.USED, text) for key, text in members.items() if text in there}
            if self._fates.setdefault(container, used) is not used:
                for key, (_, text) in used.items():
                    self._use(container, key, text, alone)
        for container, key, text in self._read_again:
            if text in there:
                self._use(container, key, text, alone)
        self._read.clear()
        self._read_again.clear()

    def _use(self, container: int, key: str | int, text: str, alone: Collection[str]) -> None:
        """Note that a leaf is used as this text; a text that stands alone tells most."""
        fates = self._fates.setdefault(container, {})
        known, fate = fates.get(key), (Fate.USED, text)
        if known is None or _outweighs(fate, known) or (known[0] is Fate.USED and text in alone):
            fates[key] = fate

    def is_settled(self, address: Address) -> bool:
        """Return whether it is known what became of a leaf, or of all below an address."""
        container, key = address
        return key in self._fates.get(container, _NOTHING) or container in self._whole

    def settled_in(self, container: Any) -> Container[str | int]:
        """Return the keys or indexes of an object or list that are settled."""
        return container if id(container) in self._whole else self._fates.get(id(container), ())

    def count_settled(self, key: str) -> int:
        """Return how many members of this name are settled one by one."""
        return sum(key in fates for fates in self._fates.values())

    def is_passed_on(self, address: Address) -> bool:
        """Return whether a leaf, or all below an address, is passed on in whatever form."""
        fate = self.fate(address)
        return fate is not None and fate[0] is not Fate.LEFT_OUT

    def fate(self, address: Address) -> tuple[Fate, str] | None:
        """Return what became of a leaf, and why; None when nothing is known of it."""
        container, key = address
        if container in self._whole:
            return _TAKEN
        return self._fates.get(container, _NOTHING).get(key)

    def entries(self, body: Any) -> Iterator[Entry]:
        """Yield every leaf of the body with what became of it; for an account `in_detail`.

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


def _outweighs(fate: tuple[Fate, str], other: tuple[Fate, str]) -> bool:
    return _PRECEDENCE.index(fate[0]) < _PRECEDENCE.index(other[0])


def members_of(container: Any) -> Iterable[tuple[Any, Any]]:
    """Return the members of an object by key, or those of a list by index."""
    return container.items() if isinstance(container, dict) else enumerate(container)


def is_empty(value: Any) -> bool:
    """Return whether a leaf says nothing: an empty shell (rule 7)."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (not value and isinstance(value, CONTAINER))


def leaves(
    body: Any, path: Path = (), above: tuple[Address, ...] = ()
) -> Iterator[tuple[Path, Address, Any, tuple[Address, ...]]]:
    """Yield path, address, value and the addresses above of each leaf; empty containers too."""
    for key, value in members_of(body) if isinstance(body, CONTAINER) else ():
        address = (id(body), key)
        if value and isinstance(value, CONTAINER):
            yield from leaves(value, (*path, key), (*above, address))
        else:
            yield (*path, key), address, value, above


def _found_within(wanted: set[str], texts: list[str]) -> set[str]:
    """Return those that stand within one of the texts.

    A message has many ids that are read and shown nowhere: each is searched for only when all of
    its words are there, or reading would cost the square of a message's size.
    """
    whole = "\n".join(texts)
    found = {text for text in wanted if text in whole} if len(wanted) <= FEW else wanted
    if not found:
        return found
    words = {text: _WORD.findall(text) for text in found}
    known = {word for of_text in words.values() for word in of_text}
    there = known.intersection(word for text in texts for word in _WORD.findall(text))
    found = {text for text in found if there.issuperset(words[text])}
    return found if len(wanted) <= FEW else {text for text in found if text in whole}


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
