"""The portal is restored from a backup that was made in the midst of work, as `docs/` says."""

import sqlite3
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from integrations.models import Destination
from referrals.models import Delivery, Restore
from tests import databases, services
from tests.flow.crms import Crms
from tests.flow.portal import Portal, eventually
from tests.world import plain

pytestmark = [pytest.mark.programs, pytest.mark.long]

BEFORE, AFTER, NEW = range(12), range(12, 20), range(20, 24)
SENT = range(20)


class Backup:
    """A backup of the database by its own tools, made while programs write to it."""

    def __init__(self, url: str, file: Path) -> None:
        self.url, self.file = url, file
        self.is_sqlite = urlsplit(url).scheme == "sqlite"

    def make(self) -> None:
        if not self.is_sqlite:
            self._run("pg_dump", "--format=custom", f"--file={self.file}", self.url)
            return
        source, copy = sqlite3.connect(self._database), sqlite3.connect(self.file)
        source.backup(copy)
        source.close()
        copy.close()

    def restore(self) -> None:
        databases.close_all()
        if self.is_sqlite:
            databases.copy(str(self.file), self._database)
        else:
            self._run("pg_restore", "--clean", "--if-exists", f"--dbname={self.url}", self.file)

    @property
    def _database(self) -> str:
        return urlsplit(self.url).path

    def _run(self, program: str, *arguments: object) -> None:
        command = [services.postgres_program(program), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def backup(portal_env: dict[str, str], tmp_path: Path) -> Backup:
    return Backup(portal_env["DATABASE_URL"], tmp_path / "backup")


def reference(number: int) -> str:
    return f"36{number:08}"


def send(portal: Portal, numbers: range, **more: object) -> None:
    for number in numbers:
        event = plain(reference=reference(number)) | {"event_id": f"evt_{number}"} | more
        assert portal.post(event).status_code in (200, 202)


def imported(numbers: range) -> int:
    references = [reference(number) for number in numbers]
    return Delivery.objects.filter(reference__in=references, state="imported").count()


def at_rest() -> bool:
    return not Delivery.objects.filter(state__in=["queued", "running"]).exists()


def doubled(crms: Crms) -> list[str]:
    found = crms.referrals()
    counted = Counter(r["external_reference"] for r in found)
    files = Counter(
        (r["external_reference"], f["category"], f["sha256"])
        for r in found
        for f in r["attachments"]
    )
    return [str(what) for what, count in (*counted.items(), *files.items()) if count > 1]


@pytest.mark.parametrize(
    "look_up",
    [
        pytest.param(True, id="searchable", marks=pytest.mark.scaled_out),
        pytest.param(False, id="not searchable", marks=[pytest.mark.whole, pytest.mark.postgres]),
    ],
)
def test_a_restore_in_the_midst_of_work_doubles_nothing(
    portal: Portal, crms: Crms, backup: Backup, look_up: bool
):
    destination = Destination.objects.get()
    destination.options |= {"look_up": look_up}
    destination.save()
    portal.env["LEASE_SECONDS"] = "10"  # what runs while the backup is made is lost by it
    portal.start_everything()
    send(portal, BEFORE)
    eventually(lambda: imported(BEFORE) >= 3, "the first imports")
    backup.make()
    send(portal, AFTER)
    eventually(lambda: imported(SENT) == len(SENT), "all imports")
    for program in portal.programs:
        program.kill()
    backup.restore()
    assert imported(SENT) < len(BEFORE)
    assert not Restore.objects.exists()
    portal.start_everything()
    eventually(Restore.objects.exists, "the restore noticed")
    send(portal, AFTER)  # Caredove is asked to
    now = datetime.now(UTC).isoformat()
    send(portal, NEW, occurred_at=now)
    eventually(lambda: Delivery.objects.count() == 24 and at_rest(), "the end")
    assert doubled(crms) == []
    assert len(crms.referrals()) == 24
    assert imported(NEW) == len(NEW)
    waiting = Delivery.objects.filter(state="needs_attention", reason="unconfirmed").count()
    assert imported(range(24)) + waiting == 24
    assert (waiting == 0) if look_up else (waiting >= len(AFTER))
