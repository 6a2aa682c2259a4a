"""What became of each value of a message, for people: computed from the stored body."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from integrations import sources
from integrations.sources import warnings
from integrations.sources.account import Entry, Fate, Rule, leaves
from integrations.sources.caredove.also_sent import humanized
from integrations.sources.caredove.links import without_sign_in_links
from mapping.document import Document
from referrals.models import InboundEvent

TITLES = {
    Fate.UNREADABLE: "Could not be read",
    Fate.ALSO_SENT: "Also sent, in the note and the summary",
    Fate.USED: "Used",
    Fate.LEFT_OUT: "Left out",
}
RULES = {
    Rule.TECHNICAL: "Id, address or technical detail",
    Rule.EMPTY: "Empty",
    Rule.SIGN_IN: "Sign-in link",
    Rule.INTERNAL: "Internal note",
    Rule.REPEATED: "Repeats what is used",
    Rule.WITHDRAWN: "Withdrawn by the sender",
    Rule.SOMEBODY_ELSE: "About another person",
}
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Row:
    """One value: where it stood, what it was, and where it went or why not."""

    where: str
    value: str = field(repr=False)
    what: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """The values with one fate."""

    fate: Fate
    title: str
    rows: tuple[Row, ...]


def of(event: InboundEvent) -> list[Part] | None:
    """Return the account of an event; None once its body was deleted. Raises Unusable."""
    if event.body is None:
        return None
    door = sources.door(event.source.kind, event.door)
    parsed, entries = door.account(bytes(event.body))
    places = dict(_places(parsed.document))
    return [
        Part(fate, title, tuple(_row(entry, places) for entry in entries if entry.fate is fate))
        for fate, title in TITLES.items()
    ]


def _row(entry: Entry, places: dict[str, str]) -> Row:
    shown = without_sign_in_links(str(entry.value)) if entry.value is not None else ""
    value = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}… ({len(shown)} characters)"
    return Row(_where(entry.path), value, _what(entry, places))


def _what(entry: Entry, places: dict[str, str]) -> str:
    if entry.fate is Fate.LEFT_OUT:
        return RULES[Rule(entry.why)]
    if entry.fate is Fate.UNREADABLE:
        return warnings.sentence("", entry.why).strip().capitalize()
    if entry.fate is Fate.ALSO_SENT:
        return entry.why
    holding = (place for text, place in places.items() if entry.why in text)
    return (places.get(entry.why) or next(holding, "")) if entry.why else ""


def _places(document: Document) -> Iterator[tuple[str, str]]:
    """Yield each text of a document with the name of its place."""
    for path, _, value, _ in leaves(document):
        names = [humanized(step) for step in path if isinstance(step, str)]
        yield str(value), " › ".join(names)


def _where(path: tuple[str | int, ...]) -> str:
    """Return a path of the body in words; of a FHIR bundle without the frame of its entries."""
    steps: list[Any] = list(path)
    if steps[:1] == ["entry"] and len(steps) > 2:
        steps = [f"Entry {int(steps[1]) + 1}", *(step for step in steps[2:] if step != "resource")]
    words = [f"{step + 1}" if isinstance(step, int) else str(step) for step in steps]
    return " › ".join(words)
