"""Takes out of an answer what lies outside of a view."""

from collections.abc import Collection
from typing import Any

Outside = Collection[tuple[str, str]]  # kind and id of entries

# What goes when an entry of this kind is outside, by the key that holds or names it.
_LISTS = {
    "services": "service",
    "locations": "location",
    "service_at_locations": "service_at_location",
}
_OBJECTS = {"organization": "organization", "taxonomy_detail": "taxonomy"}
_REFERENCES = {
    "organization_id": "organization",
    "parent_organization_id": "organization",
    "parent_id": "taxonomy_term",
}
_KEPT_EMPTY = "services"  # an organization has them, even if there are none


def cut(made: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """Return an answer without the entries that are outside, and without what needs them.

    A service at a location goes with its location, an attribute with its term, a program with the
    other agency that it belongs to.
    """
    kept = {}
    for name, value in made.items():
        if isinstance(value, list):
            value = [_inside(one, outside) for one in value if not _goes(name, one, outside)]
            if value or name == _KEPT_EMPTY:
                kept[name] = value
        elif not _goes(name, value, outside):
            kept[name] = _inside(value, outside)
    return kept


def _inside(value: Any, outside: Outside) -> Any:
    return cut(value, outside) if isinstance(value, dict) else value


def _goes(name: str, value: Any, outside: Outside) -> bool:
    if kind := _REFERENCES.get(name):
        return (kind, value) in outside
    if not isinstance(value, dict):
        return False
    if (kind := _LISTS.get(name) or _OBJECTS.get(name)) and (kind, value["id"]) in outside:
        return True
    needed = {
        "service_at_locations": ("location", value.get("location", {}).get("id")),
        "attributes": ("taxonomy_term", value.get("taxonomy_term", {}).get("id")),
        "program": ("organization", value.get("organization_id")),
    }.get(name)
    return needed in outside
