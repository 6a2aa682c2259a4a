"""Entries by words: each word that is looked for begins a word of the entry."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)

from directory.models import (
    Attribute,
    Kind,
    Membership,
    ServiceAtLocation,
    View,
    Word,
)
from directory.reading.words import words

Part = Word.Part
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Matches:
    """What is found: a condition on entries of one kind, and how well they match.

    `rank` is 0 where all words are in names, 1 where all are in names and terms, else 2.
    """

    condition: Q
    rank: Case


def matching(text: str, kind: Kind, view: View) -> Matches | None:
    """Return what matches a text among entries of a kind; None where the text has no word.

    Only words of entries of the view are looked at.
    """
    wanted = dict.fromkeys(words(text))
    if not wanted:
        return None
    find = {
        Kind.SERVICE: _service,
        Kind.SERVICE_AT_LOCATION: _service_at_location,
    }.get(kind, _other)
    found = [find(word, view) for word in wanted]
    every = [Q(), Q(), Q()]
    for ranked in found:
        reached = Q()
        for place, condition in enumerate(ranked):
            reached |= condition
            every[place] &= reached
    rank = Case(
        When(every[0], then=Value(0)),
        When(every[1], then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return Matches(every[2], rank)


# By how well a word matches: in a name, in a term, elsewhere.
Ranked = tuple[Q, Q, Q]


def _other(word: str, view: View) -> Ranked:
    """Agencies, taxonomies and terms go by their own words."""
    found = _words(word, view).filter(program=None)
    name = Q(pk__in=found.filter(part=Part.NAME).values("entry"))
    text = Q(pk__in=found.filter(part=Part.TEXT).values("entry"))
    return name, Q(pk__in=[]), text


def _service(word: str, view: View) -> Ranked:
    name, term, text = _of_service(word, view, "pk", "service__")
    places = ServiceAtLocation.objects.filter(
        _member(view, "pk"), service=OuterRef("pk"), location__in=_cities(word, view)
    )
    return name, term, text | Q(Exists(places))


def _service_at_location(word: str, view: View) -> Ranked:
    """A service at a location goes by its service, and by its own location's city."""
    at = "serviceatlocation__"
    name, term, text = _of_service(word, view, f"{at}service", f"{at}service__")
    return name, term, text | Q(**{f"{at}location__in": _cities(word, view)})


def _of_service(word: str, view: View, key: str, service: str) -> Ranked:
    """Return the conditions on a service: `key` leads to its key, `service` to its columns."""

    def by_words(part: int) -> Q:
        found = _words(word, view).filter(part=part)
        of_entries = found.filter(program=None).values("entry")
        of_programs = found.exclude(program=None).values("program")
        return (
            Q(**{f"{key}__in": of_entries})
            | Q(**{f"{service}organization__in": of_entries})
            | Q(**{f"{service}program__in": of_programs})
        )

    terms = _words(word, view).filter(part=Part.NAME, entry__kind=Kind.TAXONOMY_TERM)
    attributes = Attribute.objects.filter(
        link_entity="service", taxonomy_term__in=terms.values("entry")
    )
    return by_words(Part.NAME), Q(**{f"{key}__in": attributes.values("link")}), by_words(Part.TEXT)


def _cities(word: str, view: View) -> "QuerySet[Word, Any]":
    return _words(word, view).filter(part=Part.CITY).values("entry")


def _words(word: str, view: View) -> "QuerySet[Word]":
    """Return the words of the view's entries that begin so."""
    if connection.vendor == "postgresql":
        begins = Q(word__startswith=word)  # has an index of its own, whatever the collation
    else:
        begins = Q(word__gte=word, word__lt=word + _LAST)
    return Word.objects.filter(begins, _member(view, "entry"))


def _member(view: View, field: str) -> Exists:
    return Exists(Membership.objects.filter(view=view, present=True, entry=OuterRef(field)))
