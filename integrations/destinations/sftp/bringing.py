"""One file, whole or not there: under a temporary name first, going on where it was cut."""

from collections.abc import Callable, Iterator
from contextlib import closing

from integrations.destinations.sftp import sentences
from integrations.destinations.sftp.places.place import Place
from integrations.transport import ErrorKind, TryAgain

Blocks = Callable[[int], Iterator[bytes]]  # the content of a file, from a place on


def bring(place: Place, path: str, size: int, blocks: Blocks, keep: Callable[[], object]) -> None:
    """Put a file there, in the place of another of its name; raises a DeliveryError."""
    folder, _, name = path.rpartition("/")
    part = f"{folder}/.{name}.part" if folder else f".{name}.part"
    start = _already_there(place, part, blocks)
    place.changed = True
    place.write(part, _keeping(blocks(start), keep), start)
    written = place.size(part)
    if written != size:  # not every server that has no room left says so
        reason = sentences.OF_BYTES(written=written or 0, size=size)
        raise TryAgain(sentences.CUT(host=place.host, reason=reason), kind=ErrorKind.SILENT)
    place.rename(part, path)


def _keeping(blocks: Iterator[bytes], keep: Callable[[], object]) -> Iterator[bytes]:
    for block in blocks:
        keep()
        yield block


def _already_there(place: Place, part: str, blocks: Blocks) -> int:
    """Return how much of the file an earlier try has left there; 0 where that is anything else."""
    there = place.size(part)
    if not there:
        return 0
    with closing(place.read(part)) as theirs:  # or its connection would stay open
        return there if _begins_with(blocks(0), theirs, there) else 0


def _begins_with(ours: Iterator[bytes], theirs: Iterator[bytes], size: int) -> bool:
    mine, left = b"", size
    for block in theirs:
        while len(mine) < len(block):
            more = next(ours, b"")
            if not more:
                return False
            mine += more
        if not mine.startswith(block):
            return False
        mine, left = mine[len(block) :], left - len(block)
    return left == 0
