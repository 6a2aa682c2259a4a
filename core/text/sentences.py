"""Sentences for people, each written once: a row stores a cause and its values, never the sentence.

A room declares its causes in a module of its own, as whole sentences with named placeholders, so
that they can be translated. Calling a cause with its values makes the sentence; the fields
`SentenceField`, `EncryptedSentenceField` and `EncryptedSentencesField` of `core.fields` store the
cause and the values, and make the sentence anew when the row is read, in the reader's language. A
text that an earlier version or a person wrote is stored, and comes back, as it is.

Pure: no Django. `core.apps` puts Django's translations in; without them, sentences are English.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, ClassVar

_START = '[{"cause":'  # how a stored sentence begins, which no person writes
WORDS = "words"  # the cause of a text that somebody else wrote, and its value
TERM = "term"  # the cause of a term of ours, and its value
# Somebody's words as a whole value: their quotation marks are those of the reader's language.
_QUOTATION = re.compile(r"“([^“”]*)”(\.?)")


@dataclass(slots=True)
class _Language:
    """How English templates become the reader's: as `gettext` and `ngettext` do it."""

    one: Callable[[str], str]
    by_count: Callable[[str, str, int], str]


_language = _Language(str, lambda one, many, count: one if count == 1 else many)


def translate_with(gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]) -> None:
    """Make sentences in the language in which these two functions answer when they are called."""
    _language.one, _language.by_count = gettext, ngettext


_loading = RLock()
_loaders: list[Callable[[], object]] = []


def load_causes_with(load: Callable[[], object]) -> None:
    """Have `load` declare more causes, once, when a row names one that nothing has declared yet.

    Rooms that take long to import are imported where they are used; what they once stored must be
    readable in every program.
    """
    _loaders.append(load)


def _known(cause: str) -> "Cause | None":
    if cause not in Cause.known and _loaders:
        with _loading:  # whoever comes meanwhile waits: half of the causes would be in vain
            while _loaders:
                try:
                    _loaders[0]()
                finally:  # what cannot be imported is not tried for each sentence
                    _loaders.pop(0)
    return Cause.known.get(cause)


_beside: ContextVar[Callable[[str], str] | None] = ContextVar("beside", default=None)


@contextmanager
def side_by_side(gettext: Callable[[str], str]) -> Iterator[None]:
    """Show each term in the reader's language and, where it differs, in that of `gettext`, too."""
    token = _beside.set(gettext)
    try:
        yield
    finally:
        _beside.reset(token)


class Term(str):
    """A word of ours, such as the label of a field; marked for the catalogs by its name `_`.

    It is compared, kept and sorted as its English; shown (`str`, a template, an f-string), it is in
    the reader's language. What joins or cuts it has to ask for that (`str`) first.
    """

    def __str__(self) -> str:
        text = _language.one(self[:])
        # A template with a place for a value is filled once, so it is in one language.
        beside = None if "{" in self else _beside.get()
        other = beside(self[:]) if beside else text
        return text if other == text else f"{text} / {other}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A cause with its values."""

    cause: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        if self.cause == WORDS:
            return str(self.values[WORDS])
        if self.cause == TERM:
            return str(Term(self.values[TERM]))
        known = _known(self.cause)
        # Of a kind of destination whose folder is gone, or of a later version.
        return known.text_of(self.values) if known else self.cause.replace("_", " ")


class Sentence(str):
    """One or more sentences that know their causes.

    As text it is in the language of whoever had it made; shown to somebody else (`str`, a template,
    an f-string), it is in theirs.
    """

    parts: tuple[_Part, ...]

    def __str__(self) -> str:
        return " ".join(str(part) for part in self.parts)

    @classmethod
    def of(cls, parts: Iterable[_Part]) -> "Sentence":
        """Return the sentences for these causes, in their order."""
        parts = tuple(parts)
        made = cls(" ".join(str(part) for part in parts))
        made.parts = parts
        return made

    @property
    def causes(self) -> list[str]:
        """The keys of the causes."""
        return [part.cause for part in self.parts]


class Cause:
    """A sentence that can be said, and the key under which rows store it: never reused.

    `many` is the sentence for any other number than one; the number is the value `count`. Both are
    English, and what the catalogs of translations know the sentence by.
    """

    known: ClassVar[dict[str, "Cause"]] = {}

    def __init__(self, key: str, text: str, many: str = "") -> None:
        if key in self.known:
            raise ValueError(f"Two causes have the key {key!r}.")
        self.key, self.text, self.many = key, text, many
        self.known[key] = self

    def __call__(self, **values: Any) -> Sentence:
        """Return the sentence with these JSON values; anything else goes in as its text."""
        plain = {name: _plain(value) for name, value in values.items()}
        return Sentence.of([_Part(self.key, plain)])

    def __repr__(self) -> str:
        return f"<cause {self.key}>"

    def text_of(self, values: Mapping[str, Any]) -> str:
        """Return it in the reader's language; raises KeyError when a value is missing."""
        if self.many:
            text = _language.by_count(self.text, self.many, values["count"])
        else:
            text = _language.one(self.text)
        return text.format_map({name: _shown(value) for name, value in values.items()})

    def made(self, text: str) -> bool:
        """Return whether a text is this sentence; of an earlier version's, by its words."""
        return text.causes == [self.key] if isinstance(text, Sentence) else text == self.text


def join(texts: Iterable[str]) -> str:
    """Return several sentences after each other; what is empty is left out."""
    return Sentence.of(part for text in texts if text for part in _parts(text))


def stored(text: str) -> str:
    """Return what a row stores of a text: a sentence's causes and values, or the text itself."""
    if not isinstance(text, Sentence) and not text.startswith(_START):
        return text
    parts = [{"cause": part.cause, "values": part.values} for part in _parts(text)]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def loaded(text: str) -> str:
    """Return the text for what a row has stored."""
    if not text.startswith(_START):
        return text
    try:
        return Sentence.of(_Part(part["cause"], part["values"]) for part in json.loads(text))
    except (ValueError, LookupError):  # a person's words, of a time before there were causes
        return text


def _parts(text: str) -> tuple[_Part, ...]:
    return text.parts if isinstance(text, Sentence) else (_Part(WORDS, {WORDS: text}),)


def _plain(value: Any) -> Any:
    """Return what can be stored of a value; of a sentence within another, its causes."""
    if isinstance(value, Sentence):
        return json.loads(stored(value))
    if isinstance(value, Term):
        return [{"cause": TERM, "values": {TERM: value[:]}}]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def _shown(value: Any) -> Any:
    """Return a value as it stands in a sentence: a sentence within another, a list with commas."""
    if isinstance(value, str) and (quoted := _QUOTATION.fullmatch(value)):
        return _language.one("“{text}”").replace("{text}", quoted[1]) + quoted[2]
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], dict):
        return loaded(json.dumps(value, separators=(",", ":")))
    return ", ".join(str(_shown(one)) for one in value)
