"""Merges one entry into another, field by field, and takes a merge back.

The survivor has what staff chose, and from the other what it lacks itself. The other one is
withdrawn; its id leads to the survivor, also when its supplier sends it again. What pointed to it
points to the survivor. All of it is a change by staff, which no import undoes.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import changes, documents
from directory.editing.recording import edit, name_of_user
from directory.models import (
    ROWS,
    Attribute,
    Entry,
    Kind,
    Location,
    Merge,
    Program,
    Revision,
    Secrecy,
    Service,
    ServiceAtLocation,
    StaffChange,
)
from directory.tables import LISTS, TABLES, Column, Sort

MERGED, TAKEN_BACK = "merged", "merge taken back"
KINDS = (Kind.ORGANIZATION, Kind.SERVICE, Kind.LOCATION)
OTHER, BOTH = "other", "both"
_TEXTS = (Sort.TEXT, Sort.LINK)
_NOT_CHOSEN = (Sort.ID, Sort.REFERENCE, Sort.LINKED, Sort.MOMENT)
# Beside HSDS, what goes along with another field.
_ALONG = {"alert": ("alert_from", "alert_until"), "email": ("email_secrecy",)}


class NotMerged(Exception):
    """Nothing was changed. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Field:
    """A field in which two entries differ. `name` is `name:fr` for a text, `phones` for a list."""

    name: str
    column: str
    language: str
    mine: Any
    others: Any


@dataclass(slots=True)
class TakenBack:
    """What was put back, and the ids of the entries that somebody has changed since."""

    put_back: int = 0
    left: list[str] = field(default_factory=list)


# -- what differs ---------------------------------------------------------------------------------


def fields(survivor: Entry, other: Entry) -> list[Field]:
    """Return what can be chosen: each field and list in which the two differ."""
    mine, others = _row(survivor), _row(other)
    found = []
    for column in _columns(survivor.kind):
        for language, one, two in _values(column, mine, others):
            if one != two and two not in ("", None):
                name = f"{column.name}:{language}" if language else column.name
                found.append(Field(name, column.name, language, one, two))
    for name, table in _lists(survivor.kind):
        rows = [list(_rows(table, entry)) for entry in (survivor, other)]
        if rows[1]:
            found.append(Field(name, name, "", *rows))
    return found


def _columns(kind: str) -> Iterator[Column]:
    for column in TABLES[kind].columns.values():
        if column.sort not in _NOT_CHOSEN and "." not in column.field:
            yield column


def _values(column: Column, mine: Any, others: Any) -> Iterator[tuple[str, Any, Any]]:
    one, two = getattr(mine, column.field), getattr(others, column.field)
    if column.sort not in _TEXTS:
        yield "", one, two
        return
    for language in sorted({*one, *two}):
        yield language, one.get(language, ""), two.get(language, "")


def _lists(kind: str) -> Iterator[tuple[str, str]]:
    for name, table in {**LISTS.get(kind, {}), "attributes": "attribute"}.items():
        if not TABLES[table].is_entry and table != "program":
            yield name, table


def _rows(table: str, entry: Entry) -> Any:
    if table == "attribute":
        return Attribute.objects.filter(link_entity=entry.kind, link=entry.pk)
    model: Any = TABLES[table].model
    return model.objects.filter(**{entry.kind: entry.pk})


def _row(entry: Entry) -> Any:
    return ROWS[entry.kind]._default_manager.get(pk=entry.pk)


# -- merging --------------------------------------------------------------------------------------


def merge(survivor: int, other: int, choices: Mapping[str, str], user: Any) -> Merge:
    """Merge `other` into `survivor`, by their keys, and return the merge; raises NotMerged.

    `choices` says `other` of fields whose value is the other's, and `both` of lists that have the
    rows of both; what it does not name stays the survivor's, and where that has nothing, becomes
    the other's. Two people who merge the same pair take turns, and the second is refused.
    """
    with changes.writing():
        one, two = _locked(survivor, other)
        pointing = _pointing(two)
        last = Revision.objects.aggregate(last=Max("pk"))["last"] or 0
        kept = set(StaffChange.objects.filter(entry=one).values_list("pk", flat=True))
        pointed = list(Entry.objects.filter(merged_into=two).values_list("pk", flat=True))
        with edit(sorted({two.pk, *pointing}), user, MERGED, keep=False):
            with edit([one.pk], user, MERGED):
                _take_fields(one, two, choices)
                _take_rows(one, two, choices)
            _point_to(one, two)
            _withdraw(two, one)
        Entry.objects.filter(merged_into=two).update(merged_into=one)
        made = Revision.objects.filter(entry__in={one.pk, two.pk, *pointing}, pk__gt=last)
        now_kept = StaffChange.objects.filter(entry=one).exclude(pk__in=kept)
        return Merge.objects.create(
            survivor=one,
            other=two,
            user=user,
            by=name_of_user(user),
            at=timezone.now(),
            revisions=_newest(made),
            kept=sorted(now_kept.values_list("pk", flat=True)),
            pointed=pointed,
        )


def _newest(made: "models.QuerySet[Revision]") -> list[int]:
    """Return the last revision of each entry: one that also pointed to the other has two."""
    return list(dict(made.order_by("pk").values_list("entry", "pk")).values())


def _locked(survivor: int, other: int) -> tuple[Entry, Entry]:
    """Return the two, locked with what points to the other; raises NotMerged."""
    before = Entry.objects.filter(pk=other).first()
    keys = {survivor, other, *(_pointing(before) if before else ())}
    # In the order of their keys, as whoever edits them locks them, so that no two wait in a circle.
    rows = Entry.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    found = {entry.pk: entry for entry in rows if entry.pk in (survivor, other)}
    if survivor == other or set(found) != {survivor, other}:
        raise NotMerged(_("Choose two entries that are here."))
    one, two = found[survivor], found[other]
    if one.kind != two.kind or one.kind not in KINDS:
        raise NotMerged(_("Only two agencies, two services, or two locations can be merged."))
    if one.merged_into_id or two.merged_into_id:
        raise NotMerged(_("One of the two has been merged already. Load the page again."))
    if one.withdrawn_by or two.withdrawn_by:
        raise NotMerged(_("One of the two is withdrawn, so they cannot be merged."))
    return one, two


def _take_fields(one: Entry, two: Entry, choices: Mapping[str, str]) -> None:
    mine, others = _row(one), _row(two)
    changed: dict[str, Any] = {}
    for column in _columns(one.kind):
        for language, here, there in _values(column, mine, others):
            name = f"{column.name}:{language}" if language else column.name
            is_gap = here in ("", None)
            if there in ("", None) or not (is_gap or choices.get(name) == OTHER):
                continue
            if language:
                texts = changed.get(column.field, getattr(mine, column.field))
                changed[column.field] = {**texts, language: there}
            else:
                changed[column.field] = there
            for along in _ALONG.get(column.name, ()):
                if hasattr(mine, along):
                    changed[along] = _stricter(along, mine, others)
    if changed:
        type(mine)._default_manager.filter(pk=one.pk).update(**changed)
    if two.secrecy == Secrecy.YES and one.secrecy != Secrecy.YES:
        # What was confidential stays so: only a person lifts it, by its own button.
        Entry.objects.filter(pk=one.pk).update(secrecy=Secrecy.YES)


def _stricter(name: str, mine: Any, others: Any) -> Any:
    if name.endswith("_secrecy"):
        found = {getattr(mine, name), getattr(others, name)}
        return next((one for one in (Secrecy.YES, Secrecy.MATCHES) if one in found), Secrecy.NO)
    return getattr(others, name)


def _take_rows(one: Entry, two: Entry, choices: Mapping[str, str]) -> None:
    """Give the survivor the other's rows in the lists that it has none in, or that are chosen."""
    for name, table in _lists(one.kind):
        choice, theirs = choices.get(name, ""), _rows(table, two)
        here = _rows(table, one)
        if choice == OTHER and theirs.exists():
            changes.delete_rows(table, list(here.values_list("pk", flat=True)))
        elif choice != BOTH and here.exists():
            continue
        if table == "attribute":
            theirs.update(link=one.pk)
        else:
            theirs.update(**{one.kind: one.pk})


def _pointing(two: Entry) -> list[int]:
    """Return the entries that point to one, by their keys."""
    found: list[int] = []
    if two.kind not in KINDS:
        return found
    if two.kind == Kind.ORGANIZATION:
        agency = ROWS[Kind.ORGANIZATION]._default_manager
        found += Service.objects.filter(organization=two.pk).values_list("pk", flat=True)
        found += Location.objects.filter(organization=two.pk).values_list("pk", flat=True)
        below: Any = agency.filter(parent_organization=two.pk)  # type: ignore[misc]
        found += below.values_list("pk", flat=True)
    else:
        at = ServiceAtLocation.objects.filter(**{two.kind: two.pk})
        found += at.values_list("pk", flat=True)
    return found


def _point_to(one: Entry, two: Entry) -> None:
    """Let what points to the other point to the survivor."""
    if two.kind == Kind.ORGANIZATION:
        Service.objects.filter(organization=two.pk).update(organization=one.pk)
        Location.objects.filter(organization=two.pk).update(organization=one.pk)
        Program.objects.filter(organization=two.pk).update(organization=one.pk)
        agency: Any = ROWS[Kind.ORGANIZATION]._default_manager
        agency.filter(parent_organization=two.pk).exclude(pk=one.pk).update(
            parent_organization=one.pk
        )
        agency.filter(pk=one.pk, parent_organization=two.pk).update(parent_organization=None)
        return
    field = two.kind
    beside = "location" if field == "service" else "service"
    for at in ServiceAtLocation.objects.filter(**{field: two.pk}).select_related("entry"):
        same = ServiceAtLocation.objects.filter(
            **{field: one.pk, f"{beside}_id": getattr(at, f"{beside}_id")}, entry__withdrawn_by=""
        ).first()
        ServiceAtLocation.objects.filter(pk=at.pk).update(**{field: one.pk})
        if same is not None and not at.entry.withdrawn_by:
            _withdraw(at.entry, same.entry)


def _withdraw(two: Entry, one: Entry) -> None:
    Entry.objects.filter(pk=two.pk).update(
        merged_into=one, withdrawn_by=Entry.WithdrawnBy.MERGE, withdrawn_at=timezone.now()
    )


# -- taking a merge back --------------------------------------------------------------------------


def take_back(merge: int, user: Any) -> TakenBack:
    """Undo a merge; raises NotMerged where that was done already, or is not the last one.

    What somebody has changed since stays as it is, and is listed.
    """
    with changes.writing():
        row = Merge.objects.select_for_update(no_key=True).filter(pk=merge).first()
        if row is None or row.undone_at is not None:
            raise NotMerged(_("This merge was taken back already."))
        if row.survivor.merged_into_id is not None:
            raise NotMerged(_("The survivor was merged itself: take that merge back first."))
        done = TakenBack()
        revisions = Revision.objects.filter(pk__in=row.revisions).select_related("entry")
        touched = _put_back(list(revisions), user, done)
        StaffChange.objects.filter(pk__in=row.kept).delete()
        Entry.objects.filter(pk__in=row.pointed).update(merged_into=row.other)
        Merge.objects.filter(pk=row.pk).update(
            undone_by=name_of_user(user), undone_at=timezone.now()
        )
        changes.changed(touched)
        return done


def _put_back(revisions: Collection[Revision], user: Any, done: TakenBack) -> set[int]:
    keys = [revision.entry_id for revision in revisions]
    now, current, touched = timezone.now(), documents.read(keys), set()
    for revision in revisions:
        later = Revision.objects.filter(entry=revision.entry_id, pk__gt=revision.pk)
        if later.exists():
            done.left.append(str(revision.entry.hsds_id))
            continue
        touched.add(revision.entry_id)
        Revision.objects.create(
            entry=revision.entry,
            at=now,
            user=user,
            by=name_of_user(user),
            reason=TAKEN_BACK,
            before=current[revision.entry_id],
        )
    for revision in revisions:
        if revision.entry_id in touched and revision.before is not None:
            documents.put_back(revision.entry_id, revision.before)
            done.put_back += 1
    return touched
