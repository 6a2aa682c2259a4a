"""Stores the answers of entries, with what they hold."""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from hashlib import blake2b
from typing import Any

from directory.answers.holdings import Held, holdings_of
from directory.answers.loading import Loaded
from directory.answers.rendering import (
    LAST_MODIFIED,
    Json,
    Renderer,
    is_hidden,
    is_out,
    moment,
)
from directory.fields import in_language
from directory.models import NUMBERED, Answer, Directory, Entry, Holding, Kind

_FLAT = (Kind.ORGANIZATION, Kind.SERVICE, Kind.SERVICE_AT_LOCATION)
# What an object nests, by its key: of which kind it is.
NESTED = {
    "organization": "organization",
    "service": "service",
    "services": "service",
    "location": "location",
    "locations": "location",
    "service_at_locations": "service_at_location",
    "taxonomy_term": "taxonomy_term",
    "taxonomy_detail": "taxonomy",
}


def build(loaded: Loaded, directory: Directory, today: date) -> None:
    """Store the answers of the entries that `loaded` was asked for, in the caller's transaction.

    Sets `content_hash` of each entry in memory; of one that is out to "", and deletes its answers.
    """
    entries = [loaded.entries[key] for keys in loaded.asked.values() for key in keys]
    made: dict[int, list[Answer]] = {entry.pk: [] for entry in entries}
    held: dict[int, Held] = {}
    for language in directory.languages:
        renderer = Renderer(loaded, directory, language, today)
        for entry in entries:
            if not is_unanswered(entry, loaded):
                answer = _answer(entry, language, renderer.answer(entry), loaded, directory)
                made[entry.pk].append(answer)
        held = {entry.pk: holdings_of(entry, loaded, renderer) for entry in entries}
    for entry in entries:
        entry.content_hash = _hash(made[entry.pk], held[entry.pk], loaded)
    _store(made, directory.languages)
    _store_holdings(held)


def is_unanswered(entry: Entry, loaded: Loaded) -> bool:
    """Return whether no view can have the entry, so that it has no answer."""
    if entry.kind == Kind.SERVICE_AT_LOCATION:
        one = loaded.services_at[entry.pk]
        parts = (entry, loaded.entries[one.service_id], loaded.entries[one.location_id])
        return any(is_out(part) for part in parts)
    return is_out(entry)


def flat(made: Json) -> Json:
    """Return an object as lists have it: without lists, what it nests flat, too."""
    return {
        name: flat(value) if isinstance(value, dict) else value
        for name, value in made.items()
        if not isinstance(value, list)
    }


def written(made: Any) -> str:
    """Return an object as text, as it is stored and sent."""
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def dated(text: str, last_modified: str) -> str:
    """Return the text of an answer with the time when its service was last changed, or none."""
    return text.replace(_UNDATED, f'"last_modified":"{last_modified}"') if last_modified else text


_UNDATED = f'"last_modified":"{LAST_MODIFIED}"'


def _answer(
    entry: Entry, language: str, made: Json, loaded: Loaded, directory: Directory
) -> Answer:
    extras = dict(_extras(loaded, directory, language, _objects(entry.kind, made)))
    return Answer(
        entry=entry,
        language=language,
        full=written(made),
        flat=written(flat(made)) if entry.kind in _FLAT else "",
        extras=extras,
    )


def _hash(answers: Iterable[Answer], held: Held, loaded: Loaded) -> str:
    """Return the hash of an entry as it is seen with no field excluded, in all languages.

    That something it holds is *not public* counts: it changes what most readers see.
    """
    texts = [answer.full for answer in answers]
    if not texts:
        return ""
    marked = sorted(str(key) for key in held if _is_not_public(loaded.entries.get(key)))
    return digest([*texts, *marked])


def _is_not_public(entry: Entry | None) -> bool:
    return entry is not None and entry.not_public


def digest(texts: Iterable[str]) -> str:
    """Return a hash of texts in order."""
    found = blake2b(digest_size=16)
    for text in texts:
        found.update(text.encode())
        found.update(b"\0")
    return found.hexdigest()


# -- our own properties -------------------------------------------------------------------------


def _objects(kind: str, made: Json) -> Iterator[tuple[str, str]]:
    """Yield the kind and id of an object and of each entry that it nests."""
    yield kind, made["id"]
    for value in made.items():
        yield from _nested(*value)


def _nested(name: str, value: Any) -> Iterator[tuple[str, str]]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            if name in NESTED:
                yield NESTED[name], one["id"]
            for inner in one.items():
                yield from _nested(*inner)


def _extras(
    loaded: Loaded, directory: Directory, language: str, objects: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, Json]]:
    for kind, hsds_id in dict.fromkeys(objects):
        entry = loaded.by_id(kind, hsds_id)
        found: Json = {}
        if entry.kind in NUMBERED and entry.number:
            found["x_number"] = entry.number
        if entry.supplier_modified and not is_hidden(entry):
            found["x_source_modified"] = moment(entry.supplier_modified)
        if entry.kind in (Kind.SERVICE, Kind.SERVICE_AT_LOCATION):
            found["x_time_zone"] = directory.time_zone
        if entry.kind == Kind.TAXONOMY_TERM:
            synonyms = loaded.terms[entry.pk].synonyms
            found["x_synonyms"] = list(in_language(synonyms, language, directory.languages) or [])
        if found:
            yield f"{kind}/{hsds_id}", found


# -- storing ------------------------------------------------------------------------------------


def _store(made: dict[int, list[Answer]], languages: Collection[str]) -> None:
    out = [key for key, answers in made.items() if not answers]
    Answer.objects.filter(entry__in=out).delete()
    Answer.objects.filter(entry__in=made).exclude(language__in=languages).delete()
    Answer.objects.bulk_create(
        [answer for answers in made.values() for answer in answers],
        update_conflicts=True,
        unique_fields=["entry", "language"],
        update_fields=["full", "flat", "extras"],
    )


def _store_holdings(held: dict[int, Held]) -> None:
    stored = {(one.holder_id, one.held_id): one for one in Holding.objects.filter(holder__in=held)}
    wanted = {
        (holder, key): direct for holder, keys in held.items() for key, direct in keys.items()
    }
    gone = [one.pk for pair, one in stored.items() if wanted.get(pair) is not one.direct]
    Holding.objects.filter(pk__in=gone).delete()
    Holding.objects.bulk_create(
        Holding(holder_id=holder, held_id=key, direct=direct)
        for (holder, key), direct in wanted.items()
        if (holder, key) not in stored or stored[holder, key].direct is not direct
    )
