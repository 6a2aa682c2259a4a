"""All changes of one organization's configuration, newest first."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.utils.translation import gettext, pgettext_lazy

from core.compare import Effect, Row
from integrations.history.sorts import SORTS, Record, Sort
from integrations.history.states import differences
from integrations.models import Organization
from mapping.editing import versions
from mapping.models import Mapping, MappingVersion

VERSION = "mappingversion"  # beside the keys of SORTS: a mapping changes by whole versions
EFFECTS = {"+": Effect.CREATED, "~": Effect.CHANGED, "-": Effect.REMOVED}
DONE = {
    Effect.CREATED: pgettext_lazy("history", "added"),
    Effect.CHANGED: pgettext_lazy("history", "changed"),
    Effect.REMOVED: pgettext_lazy("history", "deleted"),
}


@dataclass(frozen=True, kw_only=True)
class Change(Row):
    """One change. `record` is the row of history, or the version of a mapping."""

    at: datetime
    who: str  # empty: Dovetail itself, or a command
    note: str
    record: Any

    @property
    def done(self) -> str:
        """The effect, in the word that screens have for it."""
        return str(DONE[self.effect])


@dataclass(frozen=True)
class Wanted:
    """Which changes are looked for; what is None does not matter."""

    who: int | None = None
    what: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _Place(NamedTuple):
    """Where a change stands, and what stood before."""

    at: datetime
    sort_key: str
    row: int
    previous: int | None


@dataclass
class Trail:
    """The changes that are looked for, to be sliced: only what is looked at is read.

    `sorts` are those that the reader may see.
    """

    organization: Organization
    sorts: Collection[Sort]
    wanted: Wanted = field(default_factory=Wanted)

    def __len__(self) -> int:
        count: int = self._places().count()
        return count

    def __getitem__(self, part: slice) -> list[Change]:
        places = [_Place(*row) for row in self._places()[part]]
        known = _read(places)
        found = (_change(place, known) for place in places)
        return [change for change in found if change]

    def authors(self) -> QuerySet[User]:
        """Return the people who changed anything, whatever is looked for."""
        everything = Trail(self.organization, self.sorts)
        ids = [branch.values_list("author", flat=True) for branch in everything._branches()]
        return User.objects.filter(pk__in=set(ids[0].union(*ids[1:]))).order_by("username")

    def _places(self) -> Any:
        columns = ("at", "sort_key", "row", "previous")
        first, *others = (branch.values_list(*columns) for branch in self._branches())
        return first.union(*others, all=True).order_by("-at", "-row")

    def _branches(self) -> list[Any]:
        branches = [_records(sort, self.organization) for sort in self.sorts]
        if any(sort.model is Mapping for sort in self.sorts):
            branches.append(_versions(self.organization))
        return [self._narrowed(branch) for branch in branches]

    def _narrowed(self, branch: Any) -> Any:
        wanted = {
            "author": self.wanted.who,
            "what": self.wanted.what,
            "at__gte": self.wanted.since,
            "at__lt": self.wanted.until,
        }
        return branch.filter(**{name: value for name, value in wanted.items() if value is not None})


def _records(sort: Sort, organization: Organization) -> Any:
    rows = sort.model.history.filter(sort.belongs(organization))  # type: ignore[attr-defined]
    if sort.model is Mapping:
        rows = rows.filter(history_type="-")  # the rest is told by its versions
    before = rows.model.objects.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id"))
    return rows.order_by().annotate(
        at=F("history_date"),
        sort_key=Value(sort.key),
        what=Value(sort.key),
        row=F("history_id"),
        previous=Subquery(before.order_by("-history_id").values("history_id")[:1]),
        author=F("history_user_id"),
    )


def _versions(organization: Organization) -> Any:
    rows = MappingVersion.objects.filter(mapping__organization=organization)
    before = MappingVersion.objects.filter(mapping=OuterRef("mapping"), pk__lt=OuterRef("pk"))
    renamed = {"at": F("saved_at"), "sort_key": Value(VERSION), "what": Value(SORTS[Mapping].key)}
    previous = Subquery(before.order_by("-pk").values("pk")[:1])
    # `author` is a relation of its own here, with the same name.
    return rows.order_by().annotate(**renamed, row=F("pk"), previous=previous)


def _read(places: Iterable[_Place]) -> dict[tuple[str, int], Any]:
    """Return the rows of these places and those before them, by key and id."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for place in places:
        wanted[place.sort_key] |= {place.row} | ({place.previous} if place.previous else set())
    return {
        (key, row.pk): row for key, ids in wanted.items() for row in _rows(key).filter(pk__in=ids)
    }


def _rows(key: str) -> Any:
    if key == VERSION:
        return MappingVersion.objects.select_related("mapping")
    return next(sort.records for sort in SORTS.values() if sort.key == key)


def _change(place: _Place, known: dict[tuple[str, int], Any]) -> Change | None:
    record = known.get((place.sort_key, place.row))
    if record is None:
        return None
    before = known.get((place.sort_key, place.previous)) if place.previous else None
    if place.sort_key == VERSION:
        return change_of_mapping(record, before)
    return change_of(record, before)


def change_of(record: Record, before: Record | None) -> Change:
    """Return what a record of history tells, after the one before it."""
    sort = SORTS[record.instance_type]
    effect = EFFECTS[record.history_type]
    if effect is Effect.CHANGED and before is None:
        effect = (
            Effect.CREATED
        )  # and changed at once: a source is saved before its organizations are set
    return Change(
        at=record.history_date,
        who=record.history_user.get_username() if record.history_user else "",
        key="",  # the keys of rows that are only tried out are others each time
        sort=sort.label,
        name=sort.name(record),
        effect=effect,
        note=_of_ours(record.history_change_reason or ""),
        differences=differences(before, record, sort.model) if effect is Effect.CHANGED else (),
        record=record,
    )


def _of_ours(note: str) -> str:
    """Return a note in the reader's language where Dovetail wrote it, else as it was written."""
    return gettext(note) if note else ""


def change_of_mapping(version: MappingVersion, before: MappingVersion | None) -> Change:
    """Return what a version of a mapping tells, after the one before it."""
    return Change(
        at=version.saved_at,
        who=version.author_name,
        key="",
        sort=SORTS[Mapping].label,
        name=str(version.mapping),
        effect=Effect.CHANGED if before else Effect.CREATED,
        note=_of_ours(version.note),
        differences=versions.difference(before, version) if before else (),
        record=version,
    )
