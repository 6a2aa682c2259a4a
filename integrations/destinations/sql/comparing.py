"""What was last written against what is there, by a count and a checksum of each table.

Both are over values as they are read back, decrypted, in one canonical text, and in no order: so
both sides are read once, a few rows at a time.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from integrations.destinations.sql.database.tables import SHAPES, as_key
from integrations.destinations.sql.reading import ROWS_AT_ONCE, Reader
from integrations.destinations.sql.rows import Checksum, Row, Unfit, content_of, fitted
from integrations.transport import Action, Batch, Parcel

COMPARED = tuple(name for name in SHAPES if name != "meta")
LISTING = "listing"
Sums = Mapping[str, Checksum]


def written(batch: Batch) -> Sums:
    """Sum up what the versions of a batch write."""
    sums = {name: Checksum() for name in COMPARED}
    for parcel in batch.parcels:
        for name, row in _rows(parcel):
            sums[name].add(name, row)
    for listing in batch.listings:
        sums[LISTING].add(LISTING, fitted(LISTING, listing))
    return sums


def _rows(parcel: Parcel) -> Iterator[tuple[str, Row]]:
    if parcel.action is Action.REMOVE:
        at = {"reference": parcel.reference, "removed_at": parcel.made_at}
        yield "removed", fitted("removed", at)
        return
    try:
        content = content_of(parcel)
    except Unfit:
        return  # it was never written
    for name, found in content.rows.items():
        for row in found:
            yield name, row


def read(reader: Reader, forgotten: Callable[[Sequence[str]], Collection[str]]) -> Sums:
    """Sum up what is there, but for what nobody knows any more how it was written."""
    sums = {name: Checksum() for name in COMPARED}
    for name in COMPARED:
        for rows in _few(reader.all(name)):
            references = sorted({row["reference"] for row in rows if "reference" in row})
            left_out = {as_key(one) for one in forgotten(references)} if references else set()
            for row in rows:
                if row.get("reference") not in left_out:
                    sums[name].add(name, row)
    return sums


def _few(rows: Iterator[Row]) -> Iterator[list[Row]]:
    found: list[Row] = []
    for row in rows:
        found.append(row)
        if len(found) == ROWS_AT_ONCE:
            yield found
            found = []
    if found:
        yield found
