"""Small FHIR types: codes with their labels, extensions, and marks of internal notes."""

from collections.abc import Iterator
from typing import Any

from core.text.markup import one_line
from integrations.sources.caredove.events import INTERNAL, INTERNAL_EXTENSION
from integrations.sources.caredove.reading.fields import PEEKING, Fields

MARKS = ("category", "type", "securityLabel")
_MARKED = {*MARKS, "meta", "extension"}
RETRACTED = "entered-in-error"


def label(owner: Fields, key: str) -> str:
    """Return what a code is called: its text, else a display, else the code itself."""
    return next(labels(owner, key), "")


def labels(owner: Fields, key: str) -> Iterator[str]:
    """Yield a label for each code of a member; a plain string is its own label."""
    for concept in owner.children(key, bare="text"):
        yield from labels_of(concept)


def labels_of(concept: Fields) -> list[str]:
    """Return the label of one code, in a list that is empty where there is none.

    Every name is read, also behind the first: what it repeats is not kept again.
    """
    codings = concept.children("coding")
    names = [concept.text("text"), *(c.line("display") for c in codings)]
    if not any(names):
        names += [c.line("code") for c in codings]
        names += [concept.line("display"), concept.line("code")]  # a Coding in its place
    return [name for name in names if name][:1]


def all_names(concept: Fields) -> list[str]:
    """Return everything that a code is called, once each; the code itself where nothing else."""
    displays = [coding.line("display") for coding in concept.children("coding")]
    names = [concept.text("text"), *displays, concept.line("display")]
    found = list(dict.fromkeys(filter(None, names)))
    return found or labels_of(concept)


def code(owner: Fields, key: str) -> str:
    """Return the first code of a member."""
    for concept in owner.children(key, bare="code"):
        for coding in [concept, *concept.children("coding", bare="code")]:
            if coding.line("code"):
                return coding.line("code")
    return ""


def extensions(owner: Fields, *endings: str) -> list[Fields]:
    """Return the extensions whose URL has one of the endings."""
    return [e for e in owner.children("extension") if e.url("url").lower().endswith(endings)]


def is_retracted(resource: Fields) -> bool:
    """Return whether the resource says of itself that it was entered in error."""
    return RETRACTED in (state_of(resource), state_of(resource, "docStatus"))


def state_of(resource: Fields, key: str = "status") -> str:
    """Return a state to decide by: whether it is also sent is decided elsewhere."""
    return one_line(str(resource.raw(key) or "")).lower()


def is_internal(thing: Fields) -> bool:
    """Return whether staff wrote this for themselves: it is never passed on."""
    if thing.members.keys().isdisjoint(_MARKED):
        return False
    thing = Fields(thing.members, "", PEEKING)  # a mark that is left out is a mark all the same
    extended = any(
        INTERNAL_EXTENSION.search(extension.url("url"))
        and extension.raw("valueBoolean") is not False
        for extension in thing.children("extension")
    )
    return extended or any(INTERNAL.fullmatch(mark.replace("_", " ")) for mark in _marks(thing))


def is_marked_internal(key: str | int, part: dict[str, Any]) -> bool:
    """Return whether a part of a resource is internal, or is the mark that says so.

    Of a whole resource only the mark: what becomes of a resource, its reader decides.
    """
    if INTERNAL_EXTENSION.search(str(part.get("url", ""))):
        return part.get("valueBoolean") is not False
    if "resourceType" in part or part.keys().isdisjoint(_MARKED):
        return False
    return is_internal(Fields(part, "", PEEKING))


def _marks(thing: Fields) -> Iterator[str]:
    holders = [(thing, key) for key in MARKS]
    holders += [(thing.child("meta"), key) for key in ("tag", "security")]
    for holder, key in holders:
        for concept in holder.children(key, bare="text"):
            for coding in [concept, *concept.children("coding")]:
                yield from (coding.line(name) for name in ("text", "display", "code"))
