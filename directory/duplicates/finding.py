"""Pairs of entries that may be one thing, each with its reasons.

Entries are compared only where they share something: a phone, an e-mail or web address, an address,
a number of the tax office, or a rare word of a name. So the work grows with the directory, and not
with its square.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Any
from urllib.parse import urlsplit

from directory.models import (
    ROWS,
    Agency,
    Apart,
    Entry,
    Fingerprint,
    Kind,
    Location,
    Service,
    ServiceAtLocation,
)
from directory.reading import coordinates
from directory.reading.words import words

KINDS = (Kind.ORGANIZATION, Kind.SERVICE, Kind.LOCATION)
LEAST = 0.65  # of a score: below it, two entries are not shown
NEAR = 50  # metres
_SIMILAR = 0.85  # of two names, from 0 to 1
_MANY = 25  # entries that share something: more of them share nothing that says much
# Words that names have and that say nothing of what they name.
_EMPTY = frozenset(
    [
        *("the", "a", "of", "and", "for", "at", "in", "inc", "ltd", "corp", "corporation"),
        *("le", "la", "les", "l", "de", "du", "des", "d", "et", "pour", "a", "au", "aux"),
    ]
)
# How much each reason says, by kind. One alone never is enough: LEAST.
_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    Kind.ORGANIZATION: {
        "same_name": 0.65,
        "similar_name": 0.5,
        "same_tax_id": 0.6,
        "same_website": 0.4,
        "same_phone": 0.35,
        "same_email": 0.4,
    },
    Kind.SERVICE: {
        "same_name": 0.5,
        "similar_name": 0.4,
        "same_organization": 0.5,
        "same_place": 0.4,
        "same_website": 0.35,
        "same_phone": 0.35,
        "same_email": 0.35,
    },
    Kind.LOCATION: {
        "same_name": 0.5,
        "similar_name": 0.4,
        "same_address": 0.45,
        "near": 0.35,
        "same_phone": 0.3,
    },
}
# Of services of one agency, phones and places say nothing: without a name alike they are two.
_NEEDS_A_NAME = (Kind.SERVICE, Kind.LOCATION)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries that may be one. `a` and `b` are their keys, the lower one first."""

    kind: str
    a: int
    b: int
    score: float
    why: tuple[str, ...]


@dataclass(slots=True)
class _One:
    """What an entry is compared by."""

    names: set[str]
    shared: dict[str, set[str]]  # by the reason that equal values are
    point: tuple[float, float] | None = None


def find(only: Iterable[int] | None = None) -> list[Pair]:
    """Return the pairs, the likeliest first; with `only`, those with one of these keys."""
    apart = set(Apart.objects.values_list("one", "other"))
    wanted = None if only is None else set(only)
    found = [
        pair
        for kind in KINDS
        for pair in _pairs(kind)
        if (pair.a, pair.b) not in apart and (wanted is None or wanted & {pair.a, pair.b})
    ]
    return sorted(found, key=lambda pair: (-pair.score, pair.kind, pair.a, pair.b))


def _pairs(kind: Kind) -> Iterator[Pair]:
    ones = _load(kind)
    for a, b in sorted(_candidates(ones)):
        why = list(_reasons(ones[a], ones[b], _WEIGHTS[kind]))
        has_name = any(reason.endswith("_name") for reason in why)
        if kind in _NEEDS_A_NAME and not has_name:
            continue
        doubt = 1.0
        for reason in why:
            doubt *= 1 - _WEIGHTS[kind][reason]
        if (score := round(1 - doubt, 2)) >= LEAST:
            yield Pair(kind.value, a, b, score, tuple(why))


def _reasons(one: _One, other: _One, weights: Mapping[str, float]) -> Iterator[str]:
    if one.names & other.names:
        yield "same_name"
    elif _are_similar(one.names, other.names):
        yield "similar_name"
    for reason in weights:
        if one.shared.get(reason, set()) & other.shared.get(reason, set()):
            yield reason
    if "near" in weights and _are_near(one, other):
        yield "near"


def _are_near(one: _One, other: _One) -> bool:
    if one.point is None or other.point is None:
        return False
    return coordinates.distance(one.point, other.point) <= NEAR


def _are_similar(some: set[str], others: set[str]) -> bool:
    return any(
        SequenceMatcher(None, name, other).ratio() >= _SIMILAR
        for name in some
        for other in others
        if name and other
    )


def _candidates(ones: Mapping[int, _One]) -> set[tuple[int, int]]:
    """Return the pairs that share a value, or a word of a name that few others have."""
    by_value: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, one in ones.items():
        for reason, values in one.shared.items():
            for value in values:
                by_value[reason, value].append(key)
        for name in one.names:
            by_value["name", name].append(key)
            for word in set(name.split()):
                by_value["word", word].append(key)
        if one.point:
            cell = f"{one.point[0]:.3f}/{one.point[1]:.3f}"
            by_value["cell", cell].append(key)
    found: set[tuple[int, int]] = set()
    for keys in by_value.values():
        some = sorted(set(keys))
        if 1 < len(some) <= _MANY:
            found.update(combinations(some, 2))
    return found


# -- what entries are compared by -----------------------------------------------------------------


def _load(kind: Kind) -> dict[int, _One]:
    model: Any = ROWS[kind]
    rows = model.objects.filter(entry__withdrawn_by="", entry__merged_into=None)
    found: dict[int, _One] = {}
    for row in rows.iterator():
        found[row.pk] = _One(_names(row), defaultdict(set))
        _OWN[kind](row, found[row.pk])
    _add_fingerprints(found)
    if kind == Kind.SERVICE:
        for service, place in ServiceAtLocation.objects.filter(
            service__in=rows, entry__withdrawn_by=""
        ).values_list("service", "location"):
            found[service].shared["same_place"].add(str(place))
    return found


def _names(row: Any) -> set[str]:
    texts = [*row.name.values(), *row.alternate_name.values()]
    names = {" ".join(word for word in words(text) if word not in _EMPTY) for text in texts}
    return names - {""}


def _of_agency(row: Agency, one: _One) -> None:
    if row.tax_id.strip():
        one.shared["same_tax_id"].add("".join(words(row.tax_id)))
    _add_websites(row.website, one)


def _of_service(row: Service, one: _One) -> None:
    if row.organization_id:
        one.shared["same_organization"].add(str(row.organization_id))
    _add_websites(row.url, one)


def _of_location(row: Location, one: _One) -> None:
    if row.latitude is not None and row.longitude is not None:
        one.point = (row.latitude, row.longitude)


_OWN: Mapping[Kind, Any] = {
    Kind.ORGANIZATION: _of_agency,
    Kind.SERVICE: _of_service,
    Kind.LOCATION: _of_location,
}


def _add_websites(links: Mapping[str, str], one: _One) -> None:
    for link in links.values():
        parts = urlsplit(link if "//" in link else f"//{link}")
        host = parts.netloc.casefold().removeprefix("www.")
        if host:
            one.shared["same_website"].add(f"{host}{parts.path.rstrip('/')}")


_PRINTS = {"phone": "same_phone", "email": "same_email", "address": "same_address"}


def _add_fingerprints(found: Mapping[int, _One]) -> None:
    prints = Fingerprint.objects.filter(entry__withdrawn_by="").values_list("entry", "key")
    for entry, key in prints.iterator():
        reason = _PRINTS.get(key.partition(":")[0])
        if reason and entry in found:
            found[entry].shared[reason].add(key)


def ids_of(pairs: Iterable[Pair]) -> dict[int, str]:
    """Return the ids in HSDS of the entries of pairs, by their keys."""
    keys = {key for pair in pairs for key in (pair.a, pair.b)}
    rows = Entry.objects.filter(pk__in=keys).values_list("pk", "hsds_id")
    return {key: str(hsds_id) for key, hsds_id in rows}
