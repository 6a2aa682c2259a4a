"""One migrated database for all of pytest's workers: the first makes it, the others copy it.

On SQLite, the next run copies it too, as long as no migration has changed, unless `--create-db`
asks for a new one: migrating from nothing takes longer than the tests of most folders.
"""

import fcntl
import os
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import IO

from django.db import connection

from tests import databases
from tests.services import ROOT

KEPT = ROOT / ".pytest_cache" / "migrated"
# What decides what migrating makes, but for what `post_migrate` adds; that, nobody keeps.
SOURCES = ("*/migrations/*.py", "core/**/*.py", "*/fields.py", "requirements.txt")


class Migrated:
    """The part of one worker in it. `folder` is the workers' own."""

    def __init__(self, folder: Path, *, may_be_kept: bool) -> None:
        self._made = folder / "migrated"
        self._lock: IO[str] = (folder / "migrated.lock").open("w")
        self._kept = kept() if may_be_kept and connection.vendor == "sqlite" else None
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
        if not (template := self._there()):
            return False
        databases.copy(template, connection.creation._get_test_db_name())
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        return True

    def give(self) -> None:
        """Let the others copy this worker's test database, if any test here needs one."""
        name = str(connection.settings_dict["NAME"])
        if name == connection.creation._get_test_db_name():
            databases.close_all()
            databases.copy(name, self._template)
            self._made.touch()
            if self._kept:
                keep(self._template, self._kept)
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def copy_to(self, file: Path) -> None:
        """Put a copy there for another portal, if there is one of SQLite to copy."""
        if connection.vendor == "sqlite":
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if template := self._there():
                databases.copy(template, str(file))
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def forget(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._made.unlink(missing_ok=True)
        databases.drop(self._template)
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _there(self) -> str:
        """Return the name of a migrated database to copy; "" where there is none yet."""
        if self._made.exists():
            return self._template
        is_kept = self._kept and self._kept.exists() and self._kept.stat().st_size
        return str(self._kept) if is_kept else ""


def kept() -> Path:
    """Return the file of a database that was migrated by what there is now, if it was kept."""
    digest = sha256()
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return KEPT / f"{digest.hexdigest()[:16]}.sqlite3"


def keep(database: str, file: Path) -> None:
    """Keep a migrated database for later runs, without any row but what was migrated.

    `post_migrate` fills it again with what belongs into an empty one. Earlier files are deleted.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for earlier in set(file.parent.glob("*.sqlite3")) - {file}:  # which others may be copying
        earlier.unlink(missing_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    databases.copy(database, str(part))
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
        tables = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if table not in ("django_migrations", "sqlite_stat1"):
                copy.execute(f'DELETE FROM "{table}"')
    part.rename(file)
