"""Entries by words: each word that is looked for begins a word of the entry."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models.expressions import RawSQL

from directory.models import Kind, View
from directory.reading.words import words

_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Matches:
    """Entries of one kind that match words: their keys, and how well they match, in SQL.

    `rank` is 0 where all words are in names, 1 where all are in names and terms, else 2.
    """

    view: View
    kind: Kind
    hits: str  # key, rank
    values: tuple[Any, ...]

    @property
    def condition(self) -> Q:
        return Q(pk__in=self.up_to(2))

    @property
    def rank(self) -> Case:
        return Case(
            *(When(pk__in=self.up_to(rank), then=Value(rank)) for rank in (0, 1)),
            default=Value(2),
            output_field=IntegerField(),
        )

    def up_to(self, rank: int) -> RawSQL:
        """Return the keys of what matches so well. The SQL is made of constants alone."""
        return RawSQL(_UP_TO.format(hits=self.hits), (*self.values, rank))  # noqa: S611

    def page(self, first: int, size: int) -> tuple[int, list[int]]:
        """Return how many match, and the keys of some of them, by rank and id.

        Where there are none on the page, it says 0.
        """
        with connection.cursor() as cursor:
            values = [*self.values, self.kind, self.view.pk, size, first]
            cursor.execute(_PAGE.format(hits=self.hits), values)
            rows = cursor.fetchall()
        return (rows[0][1] if rows else 0), [key for key, _ in rows]


def matching(text: str, kind: Kind, view: View) -> Matches | None:
    """Return what matches a text among entries of a kind; None where the text has no word.

    Only words of entries of the view lead from one entry to another. Whether the view has what
    matches by its own words is for the caller to ask.
    """
    wanted = list(dict.fromkeys(words(text)))
    if not wanted:
        return None
    begins, bounds = _begins()
    named = " UNION ALL ".join(
        _NAMED.format(number=number, begins=begins) for number in range(len(wanted))
    )
    reached = {
        Kind.SERVICE: _OF_SERVICES + _BY_CITY_OF_SERVICES,
        Kind.SERVICE_AT_LOCATION: _OF_SERVICES_AT_LOCATIONS,
    }.get(kind, _OF_OTHERS)
    key = int(view.pk)
    member = _MEMBER.format(view=key)
    of_services = _OF_SERVICES.format(member=member)
    reached = reached.format(of_services=of_services, member=member, view=key)
    hits = _HITS_OF_ONE if len(wanted) == 1 else _HITS
    hits = hits.format(named=named, reached=reached, count=len(wanted))
    values = tuple(value for word in wanted for value in bounds(word))
    return Matches(view, kind, hits, values)


def _begins() -> tuple[str, Any]:
    """Return the condition that a word begins so, and what makes its values of a word."""
    if connection.vendor == "postgresql":  # has an index of its own, whatever the collation
        return "word.word LIKE %s", lambda word: (f"{word}%",)
    return "word.word >= %s AND word.word < %s", lambda word: (word, word + _LAST)


# -- statements -----------------------------------------------------------------------------------

# The words that begin so, for each word that is looked for.
_NAMED = """
    SELECT {number} AS wanted, word.entry_id, word.program_id, word.part
    FROM directory_word word
    WHERE {begins}
"""
_MEMBER = """
    JOIN directory_membership member ON member.entry_id = named.entry_id
        AND member.view_id = {view} AND member.present
"""
# A word matches as well as it does anywhere, all of them together as badly as the worst.
_HITS = """
    WITH named AS ({named}), reached AS ({reached})
    SELECT best.key, MAX(best.rank) AS rank
    FROM (SELECT key, wanted, MIN(rank) AS rank FROM reached GROUP BY key, wanted) best
    GROUP BY best.key HAVING COUNT(*) = {count}
"""
_HITS_OF_ONE = """
    WITH named AS ({named}), reached AS ({reached})
    SELECT key, MIN(rank) AS rank FROM reached GROUP BY key
"""
# In a name, in a term, elsewhere: 0, 1, 2. Agencies, taxonomies and terms go by their own words.
_OF_OTHERS = """
    SELECT entry_id AS key, wanted, CASE part WHEN 1 THEN 0 ELSE 2 END AS rank
    FROM named WHERE program_id IS NULL AND part IN (1, 2)
"""
# Services also by those of their agency and program, and by the names of their terms.
_OF_AGENCIES_PROGRAMS_AND_TERMS = """
    UNION ALL
    SELECT service.entry_id, wanted, CASE part WHEN 1 THEN 0 ELSE 2 END
    FROM named JOIN directory_service service ON service.organization_id = named.entry_id
    {member}
    WHERE named.program_id IS NULL AND part IN (1, 2)
    UNION ALL
    SELECT service.entry_id, wanted, CASE part WHEN 1 THEN 0 ELSE 2 END
    FROM named JOIN directory_service service ON service.program_id = named.program_id
    {member}
    WHERE part IN (1, 2)
    UNION ALL
    SELECT attribute.link, wanted, 1
    FROM named
    JOIN directory_taxonomyterm term ON term.entry_id = named.entry_id
    JOIN directory_attribute attribute ON attribute.taxonomy_term_id = term.entry_id
        AND attribute.link_entity = 'service'
    {member}
    WHERE part = 1
"""
_OF_SERVICES = _OF_OTHERS + _OF_AGENCIES_PROGRAMS_AND_TERMS
_BY_CITY_OF_SERVICES = """
    UNION ALL
    SELECT place.service_id, wanted, 2
    FROM named JOIN directory_serviceatlocation place ON place.location_id = named.entry_id
    JOIN directory_membership member ON member.entry_id = place.entry_id
        AND member.view_id = {view} AND member.present
    WHERE part = 3
"""
# A service at a location goes by its service, and by its own location's city.
_OF_SERVICES_AT_LOCATIONS = """
    SELECT place.entry_id AS key, wanted, rank
    FROM ({of_services}) of_service
    JOIN directory_serviceatlocation place ON place.service_id = of_service.key
    UNION ALL
    SELECT place.entry_id, wanted, 2
    FROM named JOIN directory_serviceatlocation place ON place.location_id = named.entry_id
    WHERE part = 3
"""
_UP_TO = "SELECT key FROM ({hits}) hits WHERE rank <= %s"
_PAGE = """
    SELECT hits.key, COUNT(*) OVER ()
    FROM ({hits}) hits
    JOIN directory_membership member ON member.entry_id = hits.key
        AND member.kind = %s AND member.view_id = %s AND member.present
    ORDER BY hits.rank, member.hsds_id LIMIT %s OFFSET %s
"""
