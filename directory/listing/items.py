"""Entries as they are sent: stored answers, cut where a view sees less, with our properties."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from directory.answers.building import NESTED, dated, digest, written
from directory.models import Answer, Entry, Kind, Membership, View
from directory.views.members import outside_of, seen_by

Json = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How entries are written: in which language, how much of them."""

    language: str
    is_flat: bool = False
    extras: bool = False
    full_service: bool = False

    @property
    def is_stored(self) -> bool:
        """Return whether answers are sent as they are stored: then their hashes stand for them."""
        return not (self.extras or self.full_service)


@dataclass(frozen=True)
class Member:
    """An entry in a view: what its answer is known by, and when its service was last changed."""

    kind: str
    hash: str
    is_cut: bool
    last_modified: datetime | None

    @property
    def mark(self) -> str:
        return f"{self.hash} {self.last_modified}"


def members(view: View, keys: Collection[int]) -> dict[int, Member]:
    """Return the entries that the view has among the keys, in the order of the keys."""
    found = Membership.objects.filter(view=view, present=True, entry__in=keys).values_list(
        "entry",
        "entry__kind",
        "hash",
        "cut",
        "entry__last_modified",
        "entry__serviceatlocation__service__entry__last_modified",
    )
    dated = view.shows("service.last_modified")
    by_key = {
        key: Member(kind, mark, is_cut, of_service or own if dated else None)
        for key, kind, mark, is_cut, own, of_service in found
    }
    return {key: by_key[key] for key in keys if key in by_key}


def texts(
    view: View,
    found: Mapping[int, Member],
    shape: Shape,
    distances: Mapping[int, float] | None = None,
) -> list[str]:
    """Return each member's answer as text, in order."""
    stored = _stored(view, found, shape)
    outside = outside_of(view.pk, [key for key, member in found.items() if member.is_cut])
    services = _services(view, found, shape) if shape.full_service else {}
    written_texts = []
    for key, member in found.items():
        text, extras = stored[key]
        text = dated(text, member.last_modified)
        if member.is_cut or not shape.is_stored:
            made = seen_by(view, member.kind, json.loads(text), outside.get(key, set()))
            if shape.full_service and member.kind == Kind.ORGANIZATION:
                made["services"] = [services[one["id"]] for one in made["services"]]
            if shape.extras:
                add_extras(member.kind, made, extras)
                if distances:
                    made["x_distance_m"] = round(distances[key], 1)
            text = written(made)
        written_texts.append(text)
    return written_texts


def _stored(view: View, found: Mapping[int, Member], shape: Shape) -> dict[int, tuple[str, Json]]:
    columns = ["entry", "full", "flat" if shape.is_flat else "full"]
    columns += ["extras"] if shape.extras else []
    rows = Answer.objects.filter(entry__in=list(found), language=shape.language)
    return {
        key: (flat or full, _shown_extras(view, extras[0]) if extras else {})
        for key, full, flat, *extras in rows.values_list(*columns)
    }


def _shown_extras(view: View, extras: Json) -> Json:
    """Return our own properties without the imported time of a change, where that is excluded."""
    if view.shows("service.last_modified"):
        return extras
    return {
        of: {name: value for name, value in found.items() if name != "x_source_modified"}
        for of, found in extras.items()
    }


def _services(view: View, agencies: Mapping[int, Member], shape: Shape) -> dict[str, Json]:
    """Return the view's services of agencies, whole, by their ids."""
    keys = Entry.objects.filter(service__organization__in=list(agencies)).values_list(
        "pk", flat=True
    )
    found = members(view, list(keys))
    whole = texts(view, found, Shape(shape.language, extras=shape.extras))
    made = [json.loads(text) for text in whole]
    return {one["id"]: {name: one[name] for name in one if name != "organization"} for one in made}


def add_extras(kind: str, made: Json, extras: Mapping[str, Json]) -> None:
    """Add our own properties to an object and to the entries that it nests."""
    made |= extras.get(f"{kind}/{made['id']}", {})
    _add_nested(made, extras)


def _add_nested(made: Json, extras: Mapping[str, Json]) -> None:
    for name, value in list(made.items()):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                if name in NESTED:
                    one |= extras.get(f"{NESTED[name]}/{one['id']}", {})
                _add_nested(one, extras)


def etag_of(*parts: object) -> str:
    """Return an ETag made of what decides an answer."""
    return f'"{digest(map(str, parts))}"'
