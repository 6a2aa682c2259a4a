"""Entries that their supplier no longer lists."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from directory import changes, documents
from directory.changes import in_parts
from directory.importing.applying import revision
from directory.importing.comparing.differences import Import
from directory.models import NUMBERED, Entry, Revision

_FEW = 5  # may go without a word, and so may
_PART = 0.1  # of a kind's entries, unless that is all


def no_longer_listed(work: Import) -> dict[str, list[int]]:
    """Return the keys of the supplier's entries that the file does not list, by kind.

    Terms and taxonomies are shared, so none is withdrawn. A kind of which a row had no readable id
    loses nothing: that row may have been any of them.
    """
    found: dict[str, list[int]] = {}
    for kind in NUMBERED:
        if kind in work.batch.unlisted:
            continue
        listed = work.batch.listed[kind]
        rows = _listed_before(work, kind).values_list("pk", "hsds_id")
        found[kind.value] = [key for key, hsds_id in rows if hsds_id not in listed]
    return found


def too_many(work: Import, gone: dict[str, list[int]]) -> Iterator[str]:
    """Yield a sentence for each kind of which too many entries would be withdrawn."""
    for kind, keys in gone.items():
        before = _listed_before(work, kind).count()
        # A file that was cut off reads like one that lists less: nothing tells them apart.
        if keys and (len(keys) == before or (len(keys) > _FEW and len(keys) > before * _PART)):
            yield (
                f"The file does not list {len(keys)} of {before} entries of the kind {kind}, so "
                "nothing was changed. Is the file whole? If it is, allow withdrawals."
            )


def withdraw(work: Import, gone: dict[str, list[int]]) -> None:
    """Withdraw entries, if the import writes, and count them."""
    for kind, keys in gone.items():
        work.report.count(kind, "withdrawn", len(keys))
        for some in in_parts(keys, 500) if work.row is not None else ():
            with changes.writing():
                _withdraw(work, some)


def _listed_before(work: Import, kind: str) -> "QuerySet[Entry]":
    # What is withdrawn already stays as it is: it may be staff who withdrew it.
    return Entry.objects.filter(supplier=work.supplier, kind=kind, withdrawn_by="")


def _withdraw(work: Import, keys: list[int]) -> None:
    now = timezone.now()
    before = documents.read(keys)
    Entry.objects.filter(pk__in=keys).update(
        withdrawn_by=Entry.WithdrawnBy.SUPPLIER, withdrawn_at=now, last_import=work.row
    )
    Revision.objects.bulk_create(
        revision(work, key, now, document) for key, document in before.items()
    )
    changes.changed(keys)
