"""The directory of one demonstration: its logs, its ledger and, unless it stays, its portal."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "demonstration.lock"  # also the mark by which a directory is known to be ours to empty


class NotOurs(Exception):
    """The directory cannot be used; `str()` says why."""


@contextmanager
def taken(directory: Path, *, fresh: bool) -> Iterator[Path]:
    """Yield the directory, for this demonstration alone; a fresh one is emptied first.

    Raises NotOurs.
    """
    lock = directory / LOCK
    if fresh and directory.exists() and any(directory.iterdir()) and not lock.exists():
        raise NotOurs(f"{directory} holds something else than a demonstration. It is left alone.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("w") as locked:
        try:
            fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotOurs(f"Another demonstration is running in {directory}.") from None
        if fresh:
            _empty(directory)
        yield directory


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
