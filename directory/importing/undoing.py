"""Putting back what an import changed, where nobody has changed it since."""

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from directory import changes, documents
from directory.models import NUMBERED, Entry, Revision, SupplierImport

REASON = "undo of an import"
_PART = 100  # entries in a transaction


class NotUndone(Exception):
    """Nothing was changed. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Undone:
    """What was put back, and which entries were left as they are, with the reason."""

    put_back: int = 0
    withdrawn: int = 0  # entries that the import had brought
    left: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"put_back": self.put_back, "withdrawn": self.withdrawn, "left": self.left}


def undo(number: int, by: str) -> Undone:
    """Put back what an import changed; raises NotUndone.

    An entry that somebody has changed since stays as it is. What the import brought is withdrawn,
    except terms and taxonomies, which are shared. What is confidential stays so.
    """
    row = SupplierImport.objects.filter(pk=number).first()
    if row is None:
        raise NotUndone(f"There is no import {number}.")
    # RUNNING, too: an import whose program was killed has written some of its parts.
    if row.state not in (SupplierImport.State.APPLIED, SupplierImport.State.RUNNING):
        raise NotUndone(f"Import {number} is {row.get_state_display()}, so nothing can be undone.")
    undone = Undone()
    firsts: dict[int, Revision] = {}
    # An entry that the import changed in several parts goes back to before the first of them.
    for revision in row.revisions.order_by("pk").select_related("entry"):
        firsts.setdefault(revision.entry_id, revision)
    # What the import brought last goes first: a service at a location before its service.
    order = sorted(firsts.values(), key=lambda revision: -revision.pk)
    for start in range(0, len(order), _PART):
        with changes.writing():
            _undo(row, order[start : start + _PART], undone, by)
    row.state = SupplierImport.State.UNDONE
    row.save(update_fields=["state"])
    return undone


def _undo(row: SupplierImport, revisions: list[Revision], undone: Undone, by: str) -> None:
    now = timezone.now()
    keys = [revision.entry_id for revision in revisions]
    later = Revision.objects.filter(entry__in=keys).exclude(brought_by=row)
    changed = {
        key: max(pk for entry, pk in later.values_list("entry", "pk") if entry == key)
        for key in set(later.values_list("entry", flat=True))
    }
    current = documents.read(keys)
    touched = set()
    for revision in revisions:
        entry = revision.entry
        if changed.get(entry.pk, 0) > revision.pk:
            message = "Somebody has changed the entry since, so it stays as it is."
            undone.left.append({"record": f"{entry.kind} {entry.hsds_id}", "message": message})
            continue
        if not _put_back(revision, now, undone):
            continue
        touched.add(entry.pk)
        # A revision of its own: an undo can be looked at, and put back, like any other change.
        Revision.objects.create(entry=entry, at=now, by=by, reason=REASON, before=current[entry.pk])
    changes.changed(touched)


def _put_back(revision: Revision, now: Any, undone: Undone) -> bool:
    """Undo one change; return whether there was anything to do."""
    if revision.before is not None:
        documents.put_back(revision.entry_id, revision.before)
        undone.put_back += 1
        return True
    if revision.entry.kind not in NUMBERED:  # shared: other suppliers may use it by now
        return False
    # Withdrawn, not deleted: its number and its history stay.
    Entry.objects.filter(pk=revision.entry_id).update(
        withdrawn_by=Entry.WithdrawnBy.UNDO, withdrawn_at=now
    )
    undone.withdrawn += 1
    return True
