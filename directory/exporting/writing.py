"""Makes a file of a view: with its name, checksum, and what the format could not carry."""

import hashlib
import os
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any

from core.database import clock
from directory.exporting.content import refused
from directory.exporting.content.carried import Tally
from directory.exporting.formats import FORMATS
from directory.exporting.kind import Format
from directory.listing.pages import one_snapshot
from directory.models import Directory, View
from directory.taking_in import take_in

__all__ = ["FORMATS", "Format", "Written", "file_name", "write"]

_CHUNK = 1 << 20


@dataclass(slots=True)
class Written:
    """A file that was written: how many rows each table has, and what it could not carry."""

    path: Path
    sha256: str
    rows: Counter[str] = field(default_factory=Counter)
    not_carried: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "sha256": self.sha256,
            "rows": dict(self.rows),
            "not_carried": dict(sorted(self.not_carried.items())),
        }


def file_name(format: Format, language: str, day: date) -> str:
    """Return the name of a file, such as `directory-hsds-3.1-json-en-20261130.zip`."""
    return f"directory-{format.name}-{language}-{day:%Y%m%d}.{format.extension}"


def write(
    format: Format, view: View, language: str, output: Path, tally: Tally | None = None
) -> Written:
    """Write what the view sees into a file; a folder gets a file with the format's own name.

    It is there whole or not at all: written beside it, and renamed at the end. A caller that wants
    to see how far it is gives its own tally.
    """
    take_in()  # before the snapshot, which would not see what it stores
    if output.is_dir():
        output = output / file_name(format, language, today())
    tally = tally or Tally()
    # In the same folder: only within one file system is a rename a single step.
    handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            into(file, format, view, language, tally)
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the name with half of the content
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)  # what failed leaves nothing behind
    return Written(output, _digest(output), tally.rows, tally.not_carried)


def into(file: IO[bytes], format: Format, view: View, language: str, tally: Tally) -> None:
    """Write what the view sees, as of one moment, and count it. Take in before.

    Raises NothingToWrite.
    """
    with one_snapshot():
        format.write(file, view, language, tally)
        tally.finish()
        # In the same snapshot: counts of another moment would not belong to these rows.
        refused.count(view, language, tally)


def today() -> date:
    """Return the day on the calendar of the directory."""
    return clock.now().astimezone(Directory.objects.get().zone).date()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
