"""An entry's own document: the entry with its rows, as JSON that can be kept and put back.

A document is a list of Django's serialized objects: the entry, its columns, its rows. Entries are
never deleted and keys are never used again, so that a row comes back under the key it had.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.apps import apps
from django.core import serializers
from django.db import models
from django.db.models import Q
from django.forms import model_to_dict

from directory import changes
from directory.models import HIDDEN, ROWS, Attribute, Closing, Entry, Revision, Row
from directory.tables import TABLES, name_of

Document = list[dict[str, Any]]

# What the directory keeps account of itself: no document puts it back.
_OWN_ACCOUNT = frozenset(
    ["marks", "built", "last_modified", "content_hash", "number", "last_import", "sent_digest"]
)
_SECRECY = frozenset(["secrecy", "email_secrecy", "private"])
_HIDDEN = (*HIDDEN, True)
# Each after the tables that its rows may hang on.
_TABLES = [name for name in TABLES if issubclass(TABLES[name].model, Row) and name != "attribute"]
_ORDER = sorted(_TABLES, key=lambda name: (name != "contact", name == "language"))


def read(keys: Collection[int]) -> dict[int, Document]:
    """Return the documents of entries, by their keys."""
    found: dict[int, Document] = {}
    entries = Entry.objects.in_bulk(list(keys))
    for kind, model in ROWS.items():
        own = [key for key, entry in entries.items() if entry.kind == kind]
        for row in model._default_manager.filter(pk__in=own):
            found[row.pk] = _serialized([entries[row.pk], row])
    for owner, rows in _rows_of(list(found), entries).items():
        found[owner] += _serialized(rows)
    return found


def put_back(key: int, document: Document) -> None:
    """Make an entry what its document says, with its rows; in the caller's transaction.

    What is confidential stays confidential. What the document names and somebody has deleted comes
    back; a row that it does not name goes, or stays with the other entry that it also belongs to.
    The caller marks the entry as changed.
    """
    wanted = {(item["model"], item["pk"]) for item in document}
    for item in read([key])[key]:
        if (item["model"], item["pk"]) not in wanted:
            _take_away(key, item)
    for item in document:
        _put_back(key, item)


def equal(one: Document, other: Document) -> bool:
    """Return whether two documents of an entry say the same."""
    return _comparable(one) == _comparable(other)


# -- Reading ------------------------------------------------------------------------------------


def _rows_of(keys: list[int], entries: dict[int, Entry]) -> dict[int, list[models.Model]]:
    """Return the rows of entries: their own, what hangs on these, attributes and closings."""
    found: dict[int, list[models.Model]] = defaultdict(list)
    owners: dict[tuple[str, int], set[int]] = {(entries[key].kind, key): {key} for key in keys}
    for name in _ORDER:
        table = TABLES[name]
        parents = {column.field: column.reference for column in table.parents}
        matches = Q()
        for field, reference in parents.items():
            matches |= Q(**{f"{field}__in": [pk for of, pk in owners if of == reference]})
        for row in table.model._default_manager.filter(matches):
            belongs: set[int] = set()
            for field, reference in parents.items():
                belongs |= owners.get((reference, getattr(row, f"{field}_id")), set())
            owners[name, row.pk] = belongs
            for key in belongs:
                found[key].append(row)
    for link in _attributes(owners):
        for key in owners[link.link_entity, link.link]:
            found[key].append(link)
    for closing in _closings(owners):
        of = ("schedule", closing.schedule_id) if closing.schedule_id else None
        for key in owners.get(of or ("service", closing.service_id or 0), ()):
            found[key].append(closing)
    return found


def _attributes(owners: Iterable[tuple[str, int]]) -> Iterable[Attribute]:
    by_table: dict[str, list[int]] = defaultdict(list)
    for name, pk in owners:
        by_table[name].append(pk)
    for name, pks in by_table.items():
        yield from Attribute.objects.filter(link_entity=name, link__in=pks)


def _closings(owners: Iterable[tuple[str, int]]) -> Iterable[Closing]:
    owners = list(owners)
    schedules = [pk for name, pk in owners if name == "schedule"]
    services = [pk for name, pk in owners if name == "service"]
    return Closing.objects.filter(Q(schedule__in=schedules) | Q(service__in=services))


def _serialized(rows: Iterable[models.Model]) -> Document:
    return list(json.loads(serializers.serialize("json", rows)))


def _comparable(document: Document) -> dict[tuple[str, int], dict[str, Any]]:
    return {
        (item["model"], item["pk"]): {
            name: value
            for name, value in item["fields"].items()
            if item["model"] != "directory.entry" or name not in _OWN_ACCOUNT
        }
        for item in document
    }


# -- Putting back -------------------------------------------------------------------------------


def _put_back(key: int, item: dict[str, Any]) -> None:
    (wanted,) = serializers.deserialize("python", [item])
    row: Any = wanted.object
    current = type(row)._default_manager.filter(pk=row.pk).first()
    here = model_to_dict(current) if current else _as_deleted(key, item)
    for name in _SECRECY & set(item["fields"]):
        if here.get(name) in _HIDDEN:
            setattr(row, name, here[name])
    if isinstance(current, Entry):
        for name in _OWN_ACCOUNT & set(item["fields"]):
            field = row._meta.get_field(name)
            setattr(row, field.attname, getattr(current, field.attname))
    row.save(force_update=current is not None, force_insert=current is None)


def _as_deleted(key: int, item: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that a row had when it was last here: it may have been hidden since."""
    for before in Revision.objects.filter(entry=key).values_list("before", flat=True):
        for one in before or ():
            if (one["model"], one["pk"]) == (item["model"], item["pk"]):
                return dict(one["fields"])
    return {}


def _take_away(key: int, item: dict[str, Any]) -> None:
    """Delete a row that the entry did not have, or leave it to its other entries."""
    model = apps.get_model(item["model"])
    if model is Closing:
        Closing.objects.filter(pk=item["pk"]).delete()
    elif issubclass(model, Row):
        table = TABLES[name_of(model)]
        parents = [column.field for column in table.parents if column.reference in ROWS]
        named = {field: item["fields"].get(field) for field in parents}
        if any(named[field] not in (None, key) for field in parents):
            own = {field: None for field in parents if named[field] == key}
            model._default_manager.filter(pk=item["pk"]).update(**own)
        else:
            changes.delete_rows(table.name, [item["pk"]])
