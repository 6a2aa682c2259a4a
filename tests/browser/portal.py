"""A copy of the planted portal: its programs, and its rows as tests look them up."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tests import seeds
from tests.flow import portal as flow
from tests.seeded_directory import EDITOR
from tests.services import ROOT

DATABASE = "dovetail.sqlite3"
_rows_of_a_portal = shutil.ignore_patterns(f"{DATABASE}*")


class Portal(flow.Portal):
    """Rows are read and written here without Django, whose settings are those of other tests."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        # Nothing of the tests' own settings: those of the planted portal.
        inherited = {"PATH", "HOME", "LANG", "TMPDIR"} & set(os.environ)
        env = {name: os.environ[name] for name in inherited} | seeds.environment(directory)
        super().__init__(env | {"PYTHONUNBUFFERED": "1"}, stack)
        # The URL of every view of the admin, by its name.
        self.addresses: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        self.verification_form = ""  # its path, once there is a directory

    @contextmanager
    def as_planted(self, planted: Path) -> Iterator[None]:
        """Be the planted portal for the length of the block, and end then what it has started.

        The web program begins with the first block, and goes on.
        """
        self._put_back(planted)
        if not self.programs:
            self.start("web")
        standing = self._stack, self.programs
        with ExitStack() as self._stack:
            self.programs = [*self.programs]
            yield
        self._stack, self.programs = standing

    def _put_back(self, planted: Path) -> None:
        """Let rows and files be as in the directory of a planted portal.

        Rows are written over, and not the file, which the web program has open.
        """
        for path in self.directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        shutil.copytree(planted, self.directory, dirs_exist_ok=True, ignore=_rows_of_a_portal)
        with (
            closing(sqlite3.connect(planted / DATABASE)) as good,
            closing(sqlite3.connect(self.directory / DATABASE, timeout=30)) as now,
        ):
            good.backup(now)
        self.addresses = json.loads((planted / "addresses.json").read_text())
        self._sessions = json.loads((planted / "sessions.json").read_text())

    def plant_directory(self) -> None:
        """Add a small directory, with an editor, whom `session_cookie` knows then."""
        command = [sys.executable, "-m", "tests.seeded_directory", str(self.directory)]
        subprocess.run(command, cwd=ROOT, check=True)
        known = json.loads((self.directory / "directory.json").read_text())
        self._sessions[EDITOR] = known["editor"]
        self.verification_form = known["verify"]

    def session_cookie(self, role: str) -> Any:
        """Return the cookie of a new session that a person of this role has signed in with."""
        key = os.urandom(16).hex()
        row = (key, self._sessions[role], f"{datetime.now(UTC) + timedelta(hours=12):%F %T}")
        self.execute("INSERT INTO django_session VALUES (?, ?, ?)", *row)
        return {"name": "sessionid", "value": key, "url": self.url}

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the database. Ids of referrals, events and deliveries are hexadecimal."""
        with closing(sqlite3.connect(self.directory / DATABASE, timeout=30)) as database:
            return database.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: Any) -> None:
        """Change rows of the database."""
        with closing(sqlite3.connect(self.directory / DATABASE, timeout=30)) as database:
            database.execute(sql, values)
            database.commit()

    def referral_page(self, case: str) -> str:
        """Return the address of the page of a case's referral."""
        return f"/admin/referrals/referral/{self._referral(case)}/change/"

    def delivery_page(self, case: str) -> str:
        """Return the address of the page of a case's import."""
        found = self.query(
            "SELECT id FROM referrals_delivery WHERE referral_id = ?", self._referral(case).hex
        )
        return f"/admin/referrals/delivery/{UUID(found[0][0])}/change/"

    def _referral(self, case: str) -> UUID:
        alias = "SELECT referral_id FROM referrals_referralalias WHERE value = ?"
        return UUID(self.query(alias, seeds.reference(case))[0][0])

    def manage(self, *arguments: str) -> str:
        """Run a management command on this portal; return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        ran = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def sends_to(self, url: str) -> None:
        """Let “Birchwood CRMS” be the sandbox CRMS at this address."""
        config = seeds.CONFIG.read_text().replace("http://127.0.0.1:9009", url)
        file = self.directory / "config.yaml"
        file.write_text(config)
        self.manage("apply_config", str(file))
