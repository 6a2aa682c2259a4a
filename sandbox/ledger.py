"""What the sandbox applied, one JSON line each, on disk before the sender hears of it."""

import json
import os
from pathlib import Path
from typing import Any

REFERRAL, ATTACHMENT = "referral", "attachment"


class BrokenLedger(Exception):
    """A line of the ledger cannot be read."""


class Ledger:
    """An append-only file; without a path nothing is written.

    A line names ids, the external reference, category and hash: no other personal data.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, creating it where there is none.

        A last line without its newline was cut off by a crash before anybody was told of it: it
        never happened, and is removed.
        """
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
            self._file.seek(0)  # a sandbox that was killed may have left half a line
            written = self._file.read()
            self._file.truncate(written.rfind(b"\n") + 1)

    def entries(self) -> list[dict[str, Any]]:
        """Return all lines, oldest first; raises BrokenLedger."""
        if self._path is None:
            return []
        self._file.seek(0)
        return [self._entry(number, line) for number, line in enumerate(self._file, start=1)]

    def _entry(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line)
            if entry["applied"] in (REFERRAL, ATTACHMENT):
                return dict(entry)
        except (ValueError, TypeError, KeyError):
            pass
        raise BrokenLedger(f"{self._path}, line {number}: not a line of a sandbox ledger")

    def append(self, entry: dict[str, Any]) -> None:
        """Write one line and wait until the disk has it."""
        if self._path is None:
            return
        self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._sync()

    def clear(self) -> None:
        if self._path is None:
            return
        self._file.truncate(0)
        self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        if self._path is not None:
            self._file.close()
