"""`manage.py backup` while the portal has content, and `manage.py restore` on an empty machine."""

import io
import os
import secrets
import sqlite3
import subprocess
import sys
import tarfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from core import audit, backup
from core.audit import chain as audit_chain
from core.database import clock
from core.encryption import age
from referrals.models import Delivery, Referral
from referrals.record.removal import journal, retention
from tests import environment
from tests.services import ROOT
from tests.world import World, make_world, plain

pytestmark = [pytest.mark.programs, pytest.mark.long]

FILE = {"id": "a1", "filename": "letter.txt", "data": "QSBsZXR0ZXI="}
REFERENCES = [f"36{number:08}" for number in range(4)]


class Machine:
    """An empty machine: a database, directories, and the keys of the portal."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.env = {
            **os.environ,
            "DATABASE_URL": url,
            "MEDIA_ROOT": str(folder / "media"),
            "STATE_ROOT": str(folder / "state"),
            "DELETIONS_JOURNAL": str(folder / "none"),
            "AUDIT_HEADS": str(folder / "audit.heads"),
        }

    def manage(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.env | env, capture_output=True, text=True, check=False
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if urlsplit(self.url).scheme == "sqlite":
            with closing(sqlite3.connect(urlsplit(self.url).path)) as database:
                return database.execute(sql).fetchall()
        with psycopg.connect(self.url) as database:
            return database.execute(sql).fetchall()

    def count(self, table: str, condition: str = "1=1") -> int:
        ((count,),) = self.rows(f"SELECT COUNT(*) FROM {table} WHERE {condition}")
        return int(count)

    @property
    def files(self) -> dict[str, bytes]:
        return files_of(self.folder / "media")


def files_of(media: Path) -> dict[str, bytes]:
    stored = [path for path in media.rglob("*") if path.is_file() and path.name[0] != "."]
    return {str(path.relative_to(media)): path.read_bytes() for path in stored}


@pytest.fixture
def machine(transactional_db: None, tmp_path: Path) -> Iterator[Machine]:
    if connection.vendor == "sqlite":
        yield Machine(tmp_path, f"sqlite:///{tmp_path}/restored.sqlite3")
        return
    name = f"restored_{secrets.token_hex(4)}"
    server = environment.database_url("postgres")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield Machine(tmp_path, environment.database_url(name))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def world(transactional_db: None, tmp_path: Path, settings: Any) -> World:
    """Four referrals with a file each, all still to be sent; and a person is signed in."""
    settings.MEDIA_ROOT = str(tmp_path / "original")
    settings.STATE_ROOT = str(tmp_path / "original-state")
    settings.DELETIONS_JOURNAL = str(tmp_path / "deletions.journal")
    settings.AUDIT_HEADS = str(tmp_path / "original.heads")
    journal._noted_until = journal._LONG_AGO
    journal._noted.clear()
    world = make_world()
    for number, reference in enumerate(REFERENCES):
        world.send(plain(number=number, reference=reference, attachments=[FILE]))
    Session.objects.create(session_key="s", session_data="x", expire_date=clock.now())
    return world


@pytest.fixture
def key(tmp_path: Path, settings: Any) -> Path:
    private, settings.BACKUP_PUBLIC_KEY = age.new_key()
    (tmp_path / "key").write_text(private)
    return tmp_path / "key"


def purge(reference: str) -> None:
    with transaction.atomic():
        retention.purge(Referral.objects.get(reference=reference), clock.now())
    journal.note()


@pytest.mark.postgres  # by PostgreSQL's own tools
def test_an_empty_machine_becomes_the_portal_as_it_was(
    world: World, machine: Machine, key: Path, tmp_path: Path
):
    purge(REFERENCES[0])  # before the backup: it stays as it is
    stored = files_of(Path(settings.MEDIA_ROOT))
    audit.record("ada", "retried")
    audit_chain.seal()
    file = tmp_path / "backup.age"
    call_command("backup", str(file), stdout=io.StringIO())
    audit_chain.seal()  # what came after the backup: its head is kept outside
    assert (file.stat().st_mode & 0o777) == 0o600
    # Afterwards somebody's data is deleted, with the file; the backup still holds both.
    purge(REFERENCES[1])
    assert len(files_of(Path(settings.MEDIA_ROOT))) == len(stored) - 1 == 2

    refused = machine.manage("restore", str(file), "--key", str(key))
    assert refused.returncode != 0
    assert "--without-journal" in refused.stderr
    restored = machine.manage(
        "restore", str(file), "--key", str(key), "--journal", settings.DELETIONS_JOURNAL
    )
    assert restored.returncode == 0, restored.stderr
    assert "Deleted again: 1 referrals" in restored.stdout
    assert machine.count("referrals_referral") == 4
    assert machine.count("referrals_referral", "purged_at IS NOT NULL") == 2
    assert machine.count("django_session") == 0
    assert machine.count("referrals_restore") == 1
    assert machine.count("referrals_host", "admitted_at IS NOT NULL") == 1
    assert machine.count("referrals_delivery", "restore_id IS NOT NULL") == Delivery.objects.count()
    assert machine.files == files_of(Path(settings.MEDIA_ROOT))
    assert (machine.folder / "state" / "mark").is_file()
    checked = machine.manage("check_audit", "--heads", settings.AUDIT_HEADS)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Not in the backup that was restored" in checked.stdout
    # What is not empty is never written to.
    again = machine.manage("restore", str(file), "--key", str(key), "--without-journal")
    assert again.returncode != 0
    assert "not empty" in again.stderr
    # Its values are read with the keys, and it goes on as the portal.
    explained = machine.manage("explain", REFERENCES[2])
    assert explained.returncode == 0, explained.stderr


def test_a_backup_is_restored_whole_with_its_keys_or_not_at_all(
    world: World, machine: Machine, key: Path, tmp_path: Path
):
    file = tmp_path / "backup.age"
    call_command("backup", str(file), stdout=io.StringIO())
    cut = tmp_path / "cut.age"
    cut.write_bytes(file.read_bytes()[:-1])
    junk = tmp_path / "junk.age"
    junk.write_bytes(b"no backup")
    other = tmp_path / "other"
    other.write_text(age.new_key()[0])
    lacking = urlsafe_b64encode(os.urandom(32)).decode()
    for given, private, env, message in (
        (cut, key, {}, "its end is missing"),
        (junk, key, {}, "no file of age"),
        (file, other, {}, "another key"),
        (file, key, {"ENCRYPTION_KEYS": lacking}, "ENCRYPTION_KEYS lacks"),
    ):
        arguments = ("restore", str(given), "--key", str(private), "--without-journal")
        refused = machine.manage(*arguments, **env)
        assert refused.returncode != 0
        assert message in refused.stderr, refused.stderr
        assert not machine.files
        if urlsplit(machine.url).scheme == "sqlite":
            assert not machine.rows("SELECT name FROM sqlite_master")
    # The running portal is never the target.
    with pytest.raises(backup.NotRestored, match="not empty"):
        backup.restore(file, age.private_key(key.read_text()))


@pytest.mark.postgres
def test_a_backup_holds_neither_keys_nor_a_mark_nor_a_name_that_can_be_read(
    world: World, key: Path, tmp_path: Path
):
    file = tmp_path / "backup.age"
    call_command("backup", str(file), stdout=io.StringIO())
    with file.open("rb") as sealed:
        plain_bytes = age.Unsealing(sealed, age.private_key(key.read_text())).read()
    with tarfile.open(fileobj=io.BytesIO(plain_bytes)) as tar:
        names = tar.getnames()
    assert names[:2] == ["manifest.json", "database"]
    assert all(name.startswith("files/") for name in names[2:])
    assert len(names) == 2 + 4
    for secret in (*settings.ENCRYPTION_KEYS, settings.SECRET_KEY, "Tremblay-Okafor"):
        assert secret.encode() not in plain_bytes
    assert not list(Path(settings.MEDIA_ROOT).glob(".backup-*"))


def test_without_a_public_key_no_backup_is_made(world: World, tmp_path: Path, settings: Any):
    for given in ("", "age1wrong", "AGE-SECRET-KEY-1"):
        settings.BACKUP_PUBLIC_KEY = given
        with pytest.raises(CommandError):
            call_command("backup", str(tmp_path / "backup.age"))
    assert not list(tmp_path.glob("backup*"))
