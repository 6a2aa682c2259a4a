"""Entries by words: each word that is looked for begins a word of the entry."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models.expressions import RawSQL

from directory.models import Kind, View, Word
from directory.reading.words import words

Part = Word.Part
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
    values = tuple(value for word in wanted for value in bounds(word))
    named = " UNION ALL ".join(
        _NAMED.format(number=number, begins=begins) for number in range(len(wanted))
    )
    hits = _HITS_OF_ONE if len(wanted) == 1 else _HITS
    reached = _reached(kind, view, _ways(kind, begins, values, len(wanted)))
    return Matches(view, kind, hits.format(named=named, reached=reached, count=len(wanted)), values)


class Way(StrEnum):
    """How the words of an entry lead to services."""

    OWN = "own"
    AGENCY = "agency"
    PROGRAM = "program"
    TERM = "term"
    CITY = "city"


_WAYS = {
    (Kind.SERVICE, Part.NAME): Way.OWN,
    (Kind.SERVICE, Part.TEXT): Way.OWN,
    (Kind.ORGANIZATION, Part.NAME): Way.AGENCY,
    (Kind.ORGANIZATION, Part.TEXT): Way.AGENCY,
    (Kind.TAXONOMY_TERM, Part.NAME): Way.TERM,
    (Kind.LOCATION, Part.CITY): Way.CITY,
}


def _ways(kind: Kind, begins: str, values: tuple[Any, ...], count: int) -> set[Way]:
    """Return by which ways the words lead to entries of a kind.

    To plan the statement of all of them takes longer than to answer a rare word. Of common words,
    which may lead by any way, only a few are read.
    """
    if kind not in _BY_CITY:
        return {Way.OWN}
    some = " UNION ALL ".join([_SOME.format(begins=begins, limit=_FEW + 1)] * count)
    with connection.cursor() as cursor:
        cursor.execute(_KINDS.format(some=some), values)
        rows = cursor.fetchall()
    if sum(row[-1] for row in rows) > _FEW:
        return set(Way)
    ways = {
        Way.PROGRAM if is_of_program else _WAYS.get((of, part))
        for of, part, is_of_program, _ in rows
    }
    return {way for way in ways if way} or {Way.OWN}


def _reached(kind: Kind, view: View, ways: set[Way]) -> str:
    """Return the statement of what the words reach, by these ways."""
    member = _MEMBER.format(view=int(view.pk))
    parts = [_BY[way].format(member=member) for way in Way if way in ways and way in _BY]
    if kind is Kind.SERVICE_AT_LOCATION:
        of_services = " UNION ALL ".join(parts)
        parts = [_OF_SERVICES_AT_LOCATIONS.format(of_services=of_services)] if parts else []
    if Way.CITY in ways:
        parts.append(_BY_CITY[kind].format(view=int(view.pk)))
    return " UNION ALL ".join(parts)


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
# What some of these words are of.
_FEW = 1_000  # words
_SOME = """
    SELECT * FROM (
        SELECT word.entry_id, word.program_id, word.part
        FROM directory_word word WHERE {begins} LIMIT {limit}
    ) AS beginning
"""
_KINDS = """
    SELECT entry.kind, found.part, found.program_id IS NOT NULL, COUNT(*)
    FROM ({some}) found JOIN directory_entry entry ON entry.id = found.entry_id
    GROUP BY entry.kind, found.part, found.program_id IS NOT NULL
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
# In a name, in a term, elsewhere: 0, 1, 2. Agencies, taxonomies and terms go by their own words,
# services also by those of their agency and program, and by the names of their terms.
_BY = {
    Way.OWN: """
    SELECT entry_id AS key, wanted, CASE part WHEN 1 THEN 0 ELSE 2 END AS rank
    FROM named WHERE program_id IS NULL AND part IN (1, 2)
""",
    Way.AGENCY: """
    SELECT service.entry_id AS key, wanted, CASE part WHEN 1 THEN 0 ELSE 2 END AS rank
    FROM named JOIN directory_service service ON service.organization_id = named.entry_id
    {member}
    WHERE named.program_id IS NULL AND part IN (1, 2)
""",
    Way.PROGRAM: """
    SELECT service.entry_id AS key, wanted, CASE part WHEN 1 THEN 0 ELSE 2 END AS rank
    FROM named JOIN directory_service service ON service.program_id = named.program_id
    {member}
    WHERE part IN (1, 2)
""",
    Way.TERM: """
    SELECT attribute.link AS key, wanted, 1 AS rank
    FROM named
    JOIN directory_taxonomyterm term ON term.entry_id = named.entry_id
    JOIN directory_attribute attribute ON attribute.taxonomy_term_id = term.entry_id
        AND attribute.link_entity = 'service'
    {member}
    WHERE part = 1
""",
}
# A service goes by the cities of its places; a service at a location by its service, and by its own
# location's city.
_OF_SERVICES_AT_LOCATIONS = """
    SELECT place.entry_id AS key, wanted, rank
    FROM ({of_services}) of_service
    JOIN directory_serviceatlocation place ON place.service_id = of_service.key
"""
_BY_CITY = {
    Kind.SERVICE: """
    SELECT place.service_id AS key, wanted, 2 AS rank
    FROM named JOIN directory_serviceatlocation place ON place.location_id = named.entry_id
    JOIN directory_membership member ON member.entry_id = place.entry_id
        AND member.view_id = {view} AND member.present
    WHERE part = 3
""",
    Kind.SERVICE_AT_LOCATION: """
    SELECT place.entry_id AS key, wanted, 2 AS rank
    FROM named JOIN directory_serviceatlocation place ON place.location_id = named.entry_id
    WHERE part = 3
""",
}
_UP_TO = "SELECT key FROM ({hits}) hits WHERE rank <= %s"
_PAGE = """
    SELECT hits.key, COUNT(*) OVER ()
    FROM ({hits}) hits
    JOIN directory_membership member ON member.entry_id = hits.key
        AND member.kind = %s AND member.view_id = %s AND member.present
    ORDER BY hits.rank, member.hsds_id LIMIT %s OFFSET %s
"""
