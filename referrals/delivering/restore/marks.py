"""The mark of this host: a small file in STATE_ROOT that says how far it has come.

It is raised after an intent is committed and before its effect, so a crash leaves the database at
or above it, and only a restored database is below it. It is raised for each effect, and not in
steps: a backup and its restore within one step could not be told from a crash.

All programs of a host share the file. Each raise is written at once, which no killed program takes
back, and costs microseconds; it is synced to disk once a second at most. What a power failure can
take back is that second (on a host of workers alone, what the kernel has not written yet), and only
a restored backup that was made within it would then go unnoticed.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings

SYNC_SECONDS = 1.0
SIZE = 128  # bytes: within one sector, so that no disk writes half of it
_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700

_synced_at = -SYNC_SECONDS  # by this process, on its own stopwatch
_kept: "Mark | None" = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How far this host has come.

    `number` is that of its latest intent; `total` adds up the numbers of all hosts, as it has last
    seen them; `at` is when either was raised, by the database's clock.
    """

    host: UUID
    number: int = 0
    total: int = 0
    at: datetime | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing was ever sent under it."""
        return not self.number and not self.total

    def _line(self) -> bytes:
        at = self.at.isoformat() if self.at else "-"
        return f"{self.host} {self.number} {self.total} {at}".ljust(SIZE - 1).encode() + b"\n"


def path() -> Path:
    return Path(settings.STATE_ROOT) / "mark"


def read() -> Mark | None:
    """Return the mark, or None when this host has none, or none that can be read."""
    try:
        with path().open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return _parse(file.read())
    except (FileNotFoundError, ValueError):
        return None


def create() -> Mark:
    """Make a blank mark for this host, whole and synced; return it, or the one that is there."""
    place = path()
    place.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    with locked():
        if there := read():
            return there
        made = Mark(uuid4())
        part = place.with_suffix(".part")
        part.touch(mode=_FILE_MODE)
        with part.open("wb") as file:
            file.write(made._line())
            file.flush()
            _sync(file.fileno())
        part.replace(place)
        with _directory() as directory:
            _sync(directory)
    return made


def raise_to(at: datetime, *, number: int = 0, total: int = 0) -> None:
    """Raise this host's mark; it is never lowered. Raises OSError when it cannot be written."""
    with path().open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        mark = _parse(file.read())
        raised = replace(
            mark,
            number=max(number, mark.number),
            total=max(total, mark.total),
            at=max(at, mark.at or at),
        )
        # In its place and by one call: whoever reads it sees all of it, and no sync is waited for.
        os.pwrite(file.fileno(), raised._line(), 0)
        if time.monotonic() - _synced_at >= SYNC_SECONDS:
            _sync_now(file.fileno())


def keep(mark: Mark) -> None:
    """Sync a mark that was raised since this process last synced one, by whichever program."""
    global _kept
    if mark != _kept and time.monotonic() - _synced_at >= SYNC_SECONDS:
        with suppress(FileNotFoundError), path().open("rb") as file:
            _sync_now(file.fileno())
        _kept = mark


@contextmanager
def locked() -> Iterator[None]:
    """Keep the other programs of this host from making a mark, or acting on it, meanwhile."""
    with _directory() as directory:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield


@contextmanager
def _directory() -> Iterator[int]:
    directory = os.open(path().parent, os.O_RDONLY)
    try:
        yield directory
    finally:
        os.close(directory)


def _sync_now(descriptor: int) -> None:
    global _synced_at
    _sync(descriptor)
    _synced_at = time.monotonic()


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _parse(content: bytes) -> Mark:
    """Raises ValueError for what is no mark."""
    host, number, total, at = content.decode().split()
    return Mark(
        UUID(host), int(number), int(total), None if at == "-" else datetime.fromisoformat(at)
    )
