"""Digests of what was sent of an entry: what is the same as last time need not be compared.

A digest only says that nothing has to be done where the last change of the entry was the import
that brought it. After any other change, also one that staff have released since, it is compared.
"""

from collections.abc import Iterable
from hashlib import blake2b

from django.db.models import Max

from directory import columns
from directory.changes import in_parts
from directory.importing.comparing.differences import NEW, Import
from directory.importing.comparing.parts import Rows
from directory.importing.rows import Sent
from directory.models import Entry, Revision, StaffChange

VERSION = 1  # of how rows are read: raise it where the same file is to be compared again
_MANY = 500


def make(work: Import, rows: Rows) -> None:
    """Note the digest of each entry with its rows, but not of translations.

    A file in another language comes beside the first, and would always differ from it.
    """
    for kind, entries in work.batch.entries.items():
        for entry in entries.values():
            is_translation = entry.language != work.first_language
            if not (entry.rejected or entry.is_foreign or entry.is_stub or is_translation):
                work.digests[kind, entry.id] = _digest(work, entry, rows.own(entry))


def unchanged(work: Import, entries: Iterable[Sent]) -> set[int]:
    """Return the entries that came as they came last, by the identity of their rows."""
    keys = {work.keys.get((sent.table.name, sent.id), NEW): sent for sent in entries}
    keys.pop(NEW, None)
    found: set[int] = set()
    for some in in_parts(keys):
        candidates = Entry.objects.filter(
            pk__in=some, supplier=work.supplier.pk, withdrawn_by="", merged_into=None
        ).exclude(sent_digest="")
        same = [
            key
            for key, digest in candidates.values_list("pk", "sent_digest")
            if digest == work.digests.get((keys[key].table.name, keys[key].id))
        ]
        found |= {id(keys[key]) for key in set(same) - _changed_since(same)}
    return found


def keep(work: Import, entries: Iterable[Sent]) -> None:
    """Keep the digests of entries that were brought in, or found to be as they were sent.

    An entry in which staff keep fields has none: when they release one, it is to be compared.
    """
    wanted: dict[int, str] = {}
    for sent in entries:
        entry = (sent.table.name, sent.id)
        if entry in work.digests and work.keys.get(entry, NEW) != NEW:
            wanted[work.keys[entry]] = work.digests[entry]
    for some in in_parts(wanted, _MANY):
        kept = StaffChange.objects.filter(entry__in=some).values_list("entry", flat=True)
        wanted |= dict.fromkeys(kept, "")
        # The digest of an entry is of what its own supplier sends.
        own = Entry.objects.filter(pk__in=some, supplier=work.supplier.pk)
        changed = {
            key: (wanted[key],)
            for key, stored in own.values_list("pk", "sent_digest")
            if stored != wanted[key]
        }
        columns.write(Entry, ["sent_digest"], changed)


def _changed_since(keys: list[int]) -> set[int]:
    """Return the entries whose last change was not an import, or in which staff keep fields."""
    changed: set[int] = set()
    for some in in_parts(keys):
        last = Revision.objects.filter(entry__in=some).values("entry").annotate(last=Max("pk"))
        newest = Revision.objects.filter(pk__in=[row["last"] for row in last])
        others = newest.filter(brought_by=None)
        changed |= set(others.values_list("entry", flat=True))
        changed |= set(StaffChange.objects.filter(entry__in=some).values_list("entry", flat=True))
    return changed


def _digest(work: Import, entry: Sent, rows: Iterable[Sent]) -> str:
    found = blake2b(digest_size=16)
    # What the same bytes mean depends on these, too.
    found.update(f"{VERSION} {work.first_language} {work.winter}".encode())
    for sent in sorted((entry, *rows), key=_place):
        found.update(repr(_content(sent)).encode())
    return found.hexdigest()


def _place(sent: Sent) -> tuple[str, str]:
    return sent.table.name, str(sent.id)


def _content(sent: Sent) -> tuple[object, ...]:
    references = [
        (name, str(reference.id if isinstance(reference, Sent) else reference))
        for name, reference in sorted(sent.references.items())
    ]
    return (
        *(sent.table.name, str(sent.id), sent.key, sent.language, references),
        *(sorted(cells.items()) for cells in (sent.values, sent.beside, sent.kept)),
        sent.closings,
    )
