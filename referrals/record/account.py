"""What became of each value of a message, for people: computed from the stored body."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext, gettext_lazy

from integrations import sources
from integrations.sources import warnings
from integrations.sources.account import Entry, Fate, Path, Rule, leaves
from mapping.source.document import Document
from referrals.models import InboundEvent

# In the order in which people want to see them.
TITLES = {
    Fate.UNREADABLE: gettext_lazy("Could not be read"),
    Fate.ALSO_SENT: gettext_lazy("Also sent, in the note and the summary"),
    Fate.USED: gettext_lazy("Used"),
    Fate.LEFT_OUT: gettext_lazy("Left out"),
}
RULES = {
    Rule.SOMEBODY_ELSE: gettext_lazy("About another person"),
    Rule.WITHDRAWN: gettext_lazy("Withdrawn by the sender"),
    Rule.INTERNAL: gettext_lazy("Internal note"),
    Rule.SIGN_IN: gettext_lazy("Sign-in link"),
    Rule.REPEATED: gettext_lazy("Repeats what is used"),
    Rule.TECHNICAL: gettext_lazy("Id, address or technical detail"),
    Rule.EMPTY: gettext_lazy("Empty"),
}
SHOWN = 500  # values of one fate: a message may hold half a million
PLACES = 3
LONGEST = 300  # characters of a value
LONGEST_WORD = 80  # a longer one is a file, and nothing to read

_ORDER = list(RULES)


@dataclass(frozen=True, slots=True)
class Row:
    """One value: where it stood, what it was, and where it went or why not."""

    where: str = field(repr=False)  # a sender may use anything as a key
    value: str = field(repr=False)
    what: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """The values with one fate: how many there are, and the first SHOWN of them."""

    fate: Fate
    title: str
    count: int
    rows: tuple[Row, ...]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


def of(event: InboundEvent) -> list[Part] | None:
    """Return the account of an event; None once its body was deleted. Raises Unusable."""
    if event.body is None:
        return None
    parsed, entries = event.endpoint.reader.account(bytes(event.body))
    clean = sources.link_remover()
    kinds = _kinds(entries)
    parts = []
    for fate, title in TITLES.items():
        found = [entry for entry in entries if entry.fate is fate]
        if fate is Fate.LEFT_OUT:
            found.sort(key=lambda entry: _ORDER.index(Rule(entry.why)))
        shown = found[:SHOWN]
        places = (
            _places(parsed.document, {entry.why for entry in shown}) if fate is Fate.USED else {}
        )
        rows = (
            Row(
                clean(_where(entry.path, kinds)),
                _shown(entry.value, clean),
                clean(_what(entry, places)),
            )
            for entry in shown
        )
        parts.append(Part(fate, str(title), len(found), tuple(rows)))
    return parts


def is_merged(event: InboundEvent) -> bool:
    """Return whether what the message says went into its referral."""
    outcome = InboundEvent.Outcome
    return event.state == InboundEvent.State.OPENED and event.outcome not in (
        outcome.FORBIDDEN,
        outcome.IGNORED,
        outcome.REVOKED,
        outcome.UNKNOWN_CODE,
        outcome.UNREADABLE,
    )


def _shown(value: object, clean: Callable[[str], str]) -> str:
    if value is None or value == {} or value == []:
        return ""
    text = str(value) if not isinstance(value, bool) else str(value).lower()
    is_long_word = not any(map(str.isspace, text[:LONGEST_WORD]))
    limit = LONGEST_WORD if is_long_word else LONGEST
    if len(text) > limit:
        # A link that is cut would not be known for what it is.
        return gettext("{beginning}… ({count} characters)").format(
            beginning=clean(text)[:limit], count=len(text)
        )
    return clean(text)


def _what(entry: Entry, places: Mapping[str, list[str]]) -> str:
    if entry.fate is Fate.LEFT_OUT:
        return str(RULES[Rule(entry.why)])
    if entry.fate is Fate.UNREADABLE:
        return warnings.sentence("", entry.why, name=gettext("It"))
    if entry.fate is Fate.ALSO_SENT:
        return entry.why
    if not entry.why:
        return gettext("As a code, number, date or file")
    found = places.get(entry.why, [])
    if not found:
        return gettext("To recognize the message, the referral or the listing")
    named = "; ".join(found[:PLACES])
    if len(found) <= PLACES:
        return named
    return gettext("{places} and {count} more").format(places=named, count=len(found) - PLACES)


def _places(document: Document, texts: set[str]) -> dict[str, list[str]]:
    """Return the names of the places at which each of the texts stands in a document.

    Of a text that stands only within longer ones, the first of those.
    """
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for path, _, value, _ in leaves(document):
        if str(value) in texts:
            places[str(value)][_place(path)] = None
    within = texts - places.keys() - {""}
    for path, _, value, _ in leaves(document) if within else ():
        for text in [text for text in within if text in str(value)]:
            places[text][_place(path)] = None
            within.discard(text)
    return {text: list(names) for text, names in places.items()}


def _place(path: Path) -> str:
    steps = (step.replace("_", " ") for step in path if isinstance(step, str))
    words = (step[:1].upper() + step[1:].lower() for step in steps)
    return " › ".join(gettext(word) for word in words)


def _kinds(entries: Iterable[Entry]) -> dict[str | int, str]:
    """Return the type of the resource in each entry of a FHIR bundle."""
    return {
        entry.path[1]: str(entry.value)
        for entry in entries
        if entry.path[:1] == ("entry",) and entry.path[2:] == ("resource", "resourceType")
    }


def _where(path: Path, kinds: Mapping[str | int, str]) -> str:
    """Return a path of the body for people: items are counted from 1.

    Of a FHIR bundle, the resource stands in place of the frame around it.
    """
    steps = list(path)
    words: list[str] = []
    if steps[0] == "entry" and len(steps) > 2 and steps[1] in kinds:
        words = [f"{kinds[steps[1]]} (entry {int(steps[1]) + 1})"]
        steps = [step for step in steps[2:] if step != "resource"]
    for step in steps:
        if isinstance(step, int) and words:
            words[-1] += f" {step + 1}"
        else:
            words.append(str(step))
    return " › ".join(words)
