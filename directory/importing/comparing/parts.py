"""The parts of a file that are written together: whole organizations, in a useful order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from directory.importing import checking
from directory.importing.comparing.here import ROW_TABLES
from directory.importing.rows import Batch, Sent

PART = 500  # entries in a transaction, if one organization has no more


def parts(batch: Batch) -> Iterator[list[Sent]]:
    """Yield entries that are written together, each after those that it refers to."""
    for kind in ("taxonomy", "taxonomy_term"):
        for level in _levels(batch, kind, "parent_id"):
            yield from _in_parts([[entry] for entry in level])
    whole: dict[UUID, list[Sent]] = defaultdict(list)
    alone: list[Sent] = []
    users: dict[UUID, set[UUID | None]] = defaultdict(set)
    for at in _taken(batch, "service_at_location"):
        users[_id(at, "location_id")].add(checking.owner(batch, at))
    for kind in ("location", "service", "service_at_location"):
        for entry in _taken(batch, kind):
            owner = checking.owner(batch, entry)
            shared = kind == "location" and users[entry.id] - {owner}
            if owner in batch.entries["organization"] and owner is not None and not shared:
                whole[owner].append(entry)
            else:
                alone.append(entry)
    places = [entry for entry in alone if entry.table.name == "location"]
    yield from _in_parts([[entry] for entry in places])
    for level in _levels(batch, "organization", "parent_organization_id"):
        yield from _in_parts([[entry, *whole.pop(entry.id, ())] for entry in level])
    rest = [entry for entry in alone if entry.table.name != "location"]
    rest += [entry for left in whole.values() for entry in left]  # under another's organization
    order = ("location", "service", "service_at_location")
    for kind in order:
        yield from _in_parts([[entry] for entry in rest if entry.table.name == kind])


def _taken(batch: Batch, kind: str) -> list[Sent]:
    entries = batch.entries.get(kind, {}).values()
    return [entry for entry in entries if not entry.rejected and not entry.is_foreign]


def _levels(batch: Batch, kind: str, column: str) -> Iterator[list[Sent]]:
    """Yield entries without a parent in the file, then those below them, and so on."""
    left = {entry.id: entry for entry in _taken(batch, kind)}
    while left:
        level = [e for e in left.values() if e.references.get(column) not in left]
        level = level or list(left.values())  # never: loops have been broken
        for entry in level:
            del left[entry.id]
        yield level


def _in_parts(groups: Iterable[list[Sent]]) -> Iterator[list[Sent]]:
    part: list[Sent] = []
    for group in groups:
        if part and len(part) + len(group) > PART:
            yield part
            part = []
        part += group
    if part:
        yield part


def _id(row: Sent, column: str) -> UUID:
    reference = row.references[column]
    return reference.id if isinstance(reference, Sent) else reference


class Rows:
    """The rows of a file by the entries that they belong to."""

    def __init__(self, batch: Batch) -> None:
        self._by_entry: dict[tuple[str, UUID], list[Sent]] = defaultdict(list)
        for name in (*ROW_TABLES, "attribute"):
            for same in batch.rows.get(name, {}).values():
                for row in same:
                    if not row.rejected:
                        for entry in set(row.belongs_to()):
                            self._by_entry[entry].append(row)

    def own(self, entry: Sent) -> list[Sent]:
        """Return the rows that belong to an entry."""
        return self._by_entry.get((entry.table.name, entry.id), [])

    def of(self, entries: Iterable[Sent]) -> dict[str, list[Sent]]:
        """Return the rows that belong to one of the entries, by table."""
        found: dict[str, dict[int, Sent]] = defaultdict(dict)
        for entry in entries:
            for row in self.own(entry):
                found[row.table.name][id(row)] = row
        return {name: list(rows.values()) for name, rows in found.items()}
