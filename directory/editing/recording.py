"""Lets staff change entries, and writes down what they changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.utils import timezone

from directory import changes, documents
from directory.documents import Document
from directory.fields import TranslatedField
from directory.importing.comparing.here import row_path
from directory.models import Attribute, Closing, Entry, EntryRow, Revision, Row, StaffChange
from directory.tables import TABLES, name_of

# Of the table of all entries, what an import would set again.
_KEPT_OF_ENTRY = frozenset(["not_public"])
_ACCOUNT = frozenset(["stale_texts", "position", "hsds_id", "entry"])


@dataclass(frozen=True)
class Difference:
    """A field of an entry or of one of its rows that was changed; `name` is empty for a whole row.

    `old` and `new` are texts by language where the field is translated.
    """

    model: type[models.Model]
    pk: int
    path: str  # as in StaffChange
    name: str = ""
    old: Any = None
    new: Any = None

    @property
    def is_text(self) -> bool:
        return bool(self.name) and isinstance(
            self.model._meta.get_field(self.name), TranslatedField
        )

    @property
    def languages(self) -> list[str]:
        """Return the languages in which the text was changed; [""] for another field."""
        if not self.is_text:
            return [""]
        old, new = self.old or {}, self.new or {}
        return sorted(one for one in {*old, *new} if old.get(one) != new.get(one))


@contextmanager
def edit(keys: Collection[int], user: Any, reason: str, *, keep: bool = True) -> Iterator[None]:
    """Let `user` change entries with their rows, in one transaction.

    At its end each entry that was changed has a revision with what it was before; what came from a
    supplier and was changed stays as it is now, until staff release it; translations of a text that
    was changed are marked as older; and the entries are marked, as the last thing in it. `keys` are
    those of all entries whose own columns or rows may change. Without `keep`, a supplier may change
    again what was changed: `user` is None where no person of ours did it.
    """
    with changes.writing():
        entries = {
            entry.pk: entry
            for entry in Entry.objects.select_for_update(no_key=True)
            .filter(pk__in=keys)
            .order_by("pk")
        }
        before = documents.read(entries)
        yield
        after = documents.read(entries)
        touched = [key for key in entries if not documents.equal(before[key], after[key])]
        for key in touched:
            found = list(differences(before[key], after[key]))
            _mark_translations(found)
            _write_down(entries[key], user, reason, before[key])
            if keep and entries[key].supplier_id is not None:
                _keep(entries[key], user, found)
        changes.changed(touched)


def name_of_user(user: Any) -> str:
    """Return what a revision calls the person, also when the account is gone."""
    return str(user.get_username())[:150] if user is not None else "Dovetail"


def _write_down(entry: Entry, user: Any, reason: str, before: Document) -> None:
    Revision.objects.create(
        entry=entry,
        at=timezone.now(),
        user=user,
        by=name_of_user(user),
        reason=reason,
        before=before,
    )


def _keep(entry: Entry, user: Any, found: Iterable[Difference]) -> None:
    """Note that staff changed these fields, so that no import changes them."""
    for one in found:
        for language in one.languages:
            StaffChange.objects.update_or_create(
                entry=entry,
                path=one.path,
                language=language,
                defaults={"by": name_of_user(user), "at": timezone.now()},
            )


# -- what differs ---------------------------------------------------------------------------------

_Items = dict[tuple[str, int], Mapping[str, Any]]


def differences(before: Document, after: Document) -> Iterator[Difference]:
    """Yield what differs between two documents of an entry."""
    old, new = _by_key(before), _by_key(after)
    schedules: set[int] = set()
    for label, pk in {**old, **new}:
        model = apps.get_model(label)
        was, now = old.get((label, pk)), new.get((label, pk))
        if was == now:
            continue
        if issubclass(model, Closing):
            schedules |= {of for one in (was, now) if one and (of := one["schedule"])}
            if any(one and one["service"] for one in (was, now)):
                yield Difference(model, pk, "closings")
        else:
            yield from _of_row(model, pk, was, now)
    for pk in schedules:
        of = f"{Row._meta.app_label}.schedule", pk
        if row := new.get(of) or old.get(of):
            yield Difference(Closing, pk, f"{row_path('schedule', row['hsds_id'])}/closings")


def _by_key(document: Document) -> _Items:
    return {(item["model"], item["pk"]): item["fields"] for item in document}


def _of_row(
    model: type[models.Model],
    pk: int,
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
) -> Iterator[Difference]:
    prefix = ""
    if issubclass(model, Row | Attribute):
        prefix = row_path(name_of(model), (was or now or {})["hsds_id"])
    if was is None or now is None:
        yield Difference(model, pk, prefix)
        return
    for name in was:
        if was[name] == now.get(name) or name in _ACCOUNT:
            continue
        if issubclass(model, Entry) and name not in _KEPT_OF_ENTRY:
            continue
        path = f"{prefix}/{_column(model, name)}".lstrip("/")
        yield Difference(model, pk, path, name, was[name], now.get(name))


def _column(model: type[models.Model], field: str) -> str:
    """Return the name of a field in HSDS; one that is beside HSDS has its own."""
    if not issubclass(model, EntryRow | Row):
        return field
    columns = TABLES[name_of(model)].columns.values()
    return next((column.name for column in columns if column.field == field), field)


# -- translations ---------------------------------------------------------------------------------


def _mark_translations(found: Iterable[Difference]) -> None:
    """Mark the texts that are older than the text that they translate, or no longer older."""
    by_row: dict[tuple[type[models.Model], int], list[Difference]] = {}
    for one in found:
        if one.is_text:
            by_row.setdefault((one.model, one.pk), []).append(one)
    for (model, pk), texts in by_row.items():
        row: Any = model._default_manager.get(pk=pk)
        stale = set(row.stale_texts)
        for one in texts:
            stale = _stale(stale, one)
        if sorted(stale) != sorted(row.stale_texts):
            model._default_manager.filter(pk=pk).update(stale_texts=sorted(stale))


def _stale(stale: set[str], text: Difference) -> set[str]:
    """Return the marks after a text was changed in some languages.

    A text that is new in its language makes no other one older: it is a translation of it.
    """
    old, new, changed = text.old or {}, text.new or {}, set(text.languages)
    marks = {language: f"{text.name}:{language}" for language in {*old, *new}}
    stale = stale - {marks[language] for language in changed}
    if any(language in old and language in new for language in changed):
        stale |= {marks[language] for language in new if language not in changed}
    return stale - {mark for language, mark in marks.items() if language not in new}


def checked(key: int, row: Any, field: str, language: str, user: Any) -> None:
    """Let staff say that a translation is right as it is. `key` is that of the row's entry."""
    mark = f"{field}:{language}"
    with edit([key], user, "translation checked"):
        marks = [one for one in row.stale_texts if one != mark]
        type(row)._default_manager.filter(pk=row.pk).update(stale_texts=marks)
