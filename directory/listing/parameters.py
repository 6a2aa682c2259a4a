"""The parameters of each path: what reads them, what they mean. `docs` and filters follow it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from directory.listing import values
from directory.models import Kind

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Parameter:
    """One parameter. `schema` is that of the API's own description."""

    name: str
    read: Callable[[str], Any]
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "minLength": 1})


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one parameter, in a sentence that quotes no value."""

    name: str
    message: str


class Refused(Exception):
    """Parameters that cannot be answered."""

    def __init__(self, *wrong: Wrong) -> None:
        super().__init__("parameters refused")
        self.wrong = wrong


_ID = {"type": "string", "format": "uuid"}
_SWITCH = {"type": "boolean"}


def _number(least: float, most: float) -> dict[str, Any]:
    return {"type": "number", "minimum": least, "maximum": most}


_ALL = (
    Parameter("lang", values.text, "The language of texts, one of the directory's."),
    Parameter("extras", values.switch, "Adds properties of our own, named x_….", _SWITCH),
    Parameter(
        "search",
        values.search,
        "Up to 100 words; each begins a word of the entry, in any language.",
        {"type": "string"},
    ),
    Parameter(
        "page",
        values.page,
        "The number of the page, from 1 on.",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    ),
    Parameter(
        "per_page",
        values.per_page,
        "How many there are on a page.",
        {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
    ),
    Parameter(
        "format",
        values.format_of_list,
        "`ndjson`: all of them, whole, one a line.",
        {"type": "string", "enum": ["json", "ndjson"], "default": "json"},
    ),
    Parameter(
        "taxonomy_term_id", values.id_of_entry, "Has this term among its own attributes.", _ID
    ),
    Parameter("taxonomy_id", values.id_of_entry, "Has, or is, a term of this taxonomy.", _ID),
    Parameter(
        "taxonomy_code", values.text, "Has a term with this code, or one of its descendants."
    ),
    Parameter("organization_id", values.id_of_entry, "Is of this organization.", _ID),
    Parameter(
        "modified_after",
        values.since,
        "Was changed then or later: a date or a date-time, UTC without an offset.",
    ),
    Parameter("minimal", values.switch, "All ids and last_modified, on one page.", _SWITCH),
    Parameter("full", values.switch, "Items as their own paths answer them.", _SWITCH),
    Parameter(
        "full_service", values.switch, "Organizations whole, and their services too.", _SWITCH
    ),
    Parameter(
        "postcode",
        values.postcode,
        "Serves this postcode; with `proximity`, is near to it.",
    ),
    Parameter(
        "proximity",
        values.between(0, 100_000_000),
        "Has a location within so many metres of `postcode`, or of `latitude` and `longitude`.",
        _number(0, 100_000_000),
    ),
    Parameter("latitude", values.between(-90, 90), "With `proximity`.", _number(-90, 90)),
    Parameter("longitude", values.between(-180, 180), "With `proximity`.", _number(-180, 180)),
    Parameter(
        "open_at",
        values.moment_or_now,
        "Is open then: `now`, or a date-time up to 14 days ahead.",
    ),
    Parameter("spoken_language", values.spoken_language, "Is served in this language (ISO 639)."),
    Parameter("age", values.between(0, 150), "Is for people of this age.", _number(0, 150)),
    Parameter("top_only", values.switch, "Terms without a parent.", _SWITCH),
    Parameter("parent_id", values.id_of_entry, "Terms right below this one.", _ID),
    Parameter("after", values.text, "The cursor of the last answer; without it, from the start."),
    Parameter(
        "limit",
        values.limit,
        "How many changes at most.",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    ),
)
PARAMETERS: Mapping[str, Parameter] = {one.name: one for one in _ALL}

# The lists, by the last part of their path.
PATHS: Mapping[str, Kind] = {
    "services": Kind.SERVICE,
    "organizations": Kind.ORGANIZATION,
    "service_at_locations": Kind.SERVICE_AT_LOCATION,
    "taxonomies": Kind.TAXONOMY,
    "taxonomy_terms": Kind.TAXONOMY_TERM,
}
EVERYWHERE = ("lang", "extras")
_LIST = (*EVERYWHERE, "search", "page", "per_page", "format")
_MORE = (
    "postcode",
    "proximity",
    "latitude",
    "longitude",
    "open_at",
    "spoken_language",
    "taxonomy_code",
    "age",
)
OF_LISTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.SERVICE: (
        *_LIST,
        "taxonomy_term_id",
        "taxonomy_id",
        "organization_id",
        "modified_after",
        "minimal",
        "full",
        *_MORE,
    ),
    Kind.ORGANIZATION: (*_LIST, "taxonomy_term_id", "taxonomy_id", "full", "full_service"),
    Kind.SERVICE_AT_LOCATION: (
        *_LIST,
        "taxonomy_term_id",
        "taxonomy_id",
        "organization_id",
        "modified_after",
        "full",
        *_MORE,
    ),
    Kind.TAXONOMY: _LIST,
    Kind.TAXONOMY_TERM: (*_LIST, "taxonomy_id", "top_only", "parent_id"),
}
OF_CHANGES = ("after", "limit")
OF_ENTRIES: Mapping[Kind, tuple[str, ...]] = {
    kind: (*EVERYWHERE, "full_service") if kind is Kind.ORGANIZATION else EVERYWHERE
    for kind in OF_LISTS
}


def read(pairs: Pairs, names: tuple[str, ...], languages: Iterable[str]) -> dict[str, Any]:
    """Return the values of parameters by name; raises Refused with all that is wrong.

    `names` are those that the path has. An empty `search` is none.
    """
    found: dict[str, Any] = {}
    wrong: list[Wrong] = []
    seen: set[str] = set()
    for name, text in pairs:
        try:
            if name in seen:
                raise ValueError(_("Give it once."))
            seen.add(name)
            if text or name != "search":
                found[name] = _value(name, text, names, tuple(languages))
        except ValueError as error:
            wrong.append(Wrong(name[:100], str(error)))
    wrong += _conflicts(found)
    if wrong:
        raise Refused(*wrong)
    return found


def _value(name: str, text: str, names: tuple[str, ...], languages: tuple[str, ...]) -> Any:
    if name not in names:
        raise ValueError(_("This path has no such parameter."))
    if not text.strip() and name != "search":
        raise ValueError(_("It is empty."))
    if name == "lang" and text not in languages:
        raise ValueError(_("Use one of {names}.").format(names=", ".join(languages)))
    return PARAMETERS[name].read(text)


def _conflicts(found: Mapping[str, Any]) -> list[Wrong]:
    return [*_conflicts_of_shape(found), *_conflicts_of_place(found)]


def _conflicts_of_shape(found: Mapping[str, Any]) -> Iterable[Wrong]:
    is_minimal, is_stream = found.get("minimal"), found.get("format") == "ndjson"
    if is_minimal and found.get("full"):
        yield Wrong("minimal", _("It cannot be combined with full."))
    if is_minimal and is_stream:
        yield Wrong("minimal", _("It cannot be combined with format=ndjson."))
    for name in ("page", "per_page"):
        if name in found and (is_minimal or is_stream):
            yield Wrong(name, _("Everything is sent at once, so this cannot be used."))


def _conflicts_of_place(found: Mapping[str, Any]) -> Iterable[Wrong]:
    coordinates = [name for name in ("latitude", "longitude") if name in found]
    if "proximity" not in found:
        yield from (Wrong(name, _("It needs proximity.")) for name in coordinates)
    elif coordinates and "postcode" in found:
        yield Wrong("proximity", _("Give postcode, or latitude and longitude, and not both."))
    elif not coordinates and "postcode" not in found:
        yield Wrong("proximity", _("It needs postcode, or latitude and longitude."))
    elif len(coordinates) == 1:
        missing = "longitude" if "latitude" in found else "latitude"
        yield Wrong(missing, _("Latitude and longitude go together."))
