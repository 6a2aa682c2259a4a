"""One migrated database for all of pytest's workers: the first makes it, the others copy it."""

import fcntl
import os
from pathlib import Path
from typing import IO

from django.db import connection

from tests import databases


class Migrated:
    """The part of one worker in it. `folder` is the workers' own."""

    def __init__(self, folder: Path) -> None:
        self._made = folder / "migrated"
        self._lock: IO[str] = (folder / "migrated.lock").open("w")
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "alone")[:8]
        if connection.vendor == "sqlite":
            self._template = str(folder / "migrated.sqlite3")
        else:
            self._template = f"dovetail_migrated_{run}"

    def take(self) -> bool:
        """Put a copy where the test database has to be; False where there is none to copy.

        Then nobody else goes on before this worker's `give`.
        """
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        if not self._made.exists():
            return False
        databases.copy(self._template, connection.creation._get_test_db_name())
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        return True

    def give(self) -> None:
        """Let the others copy this worker's test database, if any test here needs one."""
        name = str(connection.settings_dict["NAME"])
        if name == connection.creation._get_test_db_name():
            databases.close_all()
            databases.copy(name, self._template)
            self._made.touch()
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def copy_to(self, file: Path) -> None:
        """Put a copy there for another portal, if there is one of SQLite to copy."""
        if connection.vendor == "sqlite":
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if self._made.exists():
                databases.copy(self._template, str(file))
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def forget(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._made.unlink(missing_ok=True)
        databases.drop(self._template)
        fcntl.flock(self._lock, fcntl.LOCK_UN)
