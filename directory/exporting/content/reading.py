"""The entries of a view in one language, as the API shows them."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from directory.listing.items import Shape, members, texts
from directory.models import ROWS, Agency, Membership, ServiceAtLocation, View

_CHUNK = 500


def answers(view: View, kind: str, language: str) -> Iterator[str]:
    """Yield the whole answers of a kind as text, by id. To be read within one snapshot."""
    shape = Shape(language)
    for some in _chunks(_keys(view, kind)):
        yield from texts(view, members(view, some, shape), shape)


def objects(view: View, kind: str, language: str) -> Iterator[dict[str, Any]]:
    """Yield the whole answers of a kind, parsed."""
    for text in answers(view, kind, language):
        yield json.loads(text)


@dataclass(frozen=True, slots=True)
class Described:
    """An answer with our own properties, the columns beside HSDS, and whose it is.

    `owner` is the agency that a location belongs to, for a format that asks for it.
    """

    value: dict[str, Any]
    row: Any
    owner: Agency | None = None


def described(
    view: View,
    kind: str,
    language: str,
    keys: Iterable[int] | None = None,
    *,
    with_owners: bool = False,
) -> Iterator[Described]:
    """Yield the answers of a kind, or those with these keys in their order, with what is beside."""
    shape = Shape(language, extras=True)
    for some in _chunks(_keys(view, kind) if keys is None else keys):
        inside = members(view, some, shape)
        rows = ROWS[kind]._default_manager.select_related("entry").in_bulk(list(inside))
        owners = owners_of(view, list(inside)) if with_owners else {}
        agencies = Agency.objects.select_related("entry").in_bulk(set(owners.values()))
        for key, text in zip(inside, texts(view, inside, shape), strict=True):
            yield Described(json.loads(text), rows[key], agencies.get(owners.get(key)))


def owners_of(view: View, locations: Collection[int]) -> dict[int, int]:
    """Return the agency of each location, by their keys: its own, where the view has that.

    Else it belongs to the agency of its lowest-numbered service in the view.
    """
    seen = Membership.objects.filter(view=view, present=True).values("entry")
    at = ServiceAtLocation.objects.filter(
        location__in=locations, pk__in=seen, service__organization__in=seen
    ).order_by("-service__entry__number")  # the lowest comes last, and stays in the dict
    found = dict(at.values_list("location", "service__organization"))
    own = Agency.objects.filter(locations__in=locations, pk__in=seen)
    return found | dict(own.values_list("locations", "pk"))


def _keys(view: View, kind: str) -> Iterator[int]:
    present = Membership.objects.filter(view=view, present=True, kind=kind)
    return present.order_by("hsds_id").values_list("entry", flat=True).iterator(_CHUNK)


def _chunks(keys: Iterable[int]) -> Iterator[list[int]]:
    left = iter(keys)
    while some := list(islice(left, _CHUNK)):
        yield some
