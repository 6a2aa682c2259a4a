"""Scheduled files on a real SFTP server: whole, or the last good one, wherever a run is killed."""

import hashlib
from contextlib import ExitStack, suppress
from datetime import timedelta
from io import BytesIO
from unittest.mock import patch
from zipfile import ZipFile

import paramiko
import pytest
from django.utils import timezone

from directory.exporting import scheduled
from directory.models import ScheduledExport
from integrations.models import Destination, Organization
from tests.directory import make
from tests.services import sshd
from tests.world import options

pytestmark = [
    pytest.mark.programs,
    pytest.mark.django_db,
    pytest.mark.usefixtures("directory"),
]

# Before and after each of these a run is killed.
STEPS = (
    (paramiko.SFTPFile, "write"),
    (paramiko.SFTPFile, "close"),
    (paramiko.SFTPClient, "posix_rename"),
    (paramiko.SFTPClient, "remove"),
)
OLD = "directory-hsds-1.1-en-20200101.zip"


class Killed(BaseException):
    """Nothing of ours treats it as a failure: what is written down stays as a kill leaves it."""


@pytest.fixture(scope="module")
def server():
    with sshd() as started:
        yield started


@pytest.fixture
def export(server, settings, tmp_path):
    settings.ALLOW_LOOPBACK = True
    chosen = options(
        "sftp",
        host="127.0.0.1",
        port=server.port,
        username=server.user,
        private_key=server.private_key,
        host_key=server.host_key,
        folder=str(tmp_path),
    )
    organization = Organization.objects.create(name="North")
    destination = Destination.objects.create(
        name="files", kind="sftp", organization=organization, options=chosen
    )
    return ScheduledExport.objects.create(
        name="nightly",
        format="hsds-1.1",
        language="en",
        schedule="0 3 * * *",
        destination=destination,
        keep=1,
        due_at=timezone.now() - timedelta(minutes=1),
    )


def run(export):
    return scheduled.run(export.pk, now=True)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_is_whole(folder, done):
    assert (done.state, done.message) == ("done", "")
    content = (folder / done.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == done.sha256
    assert (folder / f"{done.file}.sha256").read_text() == f"{done.sha256}  {done.file}\n"
    assert names(folder) == [done.file, f"{done.file}.sha256"]


def dying_at(fatal, reached):
    """Kill a run at a point of the steps, counted from 1; note the points that it comes to."""
    stack = ExitStack()

    def point(name):
        reached.append(name)
        if len(reached) == fatal:
            raise Killed(name)

    def watch(of, name):
        original = getattr(of, name)

        def done(*args, **kwargs):
            point(f"before {name}")
            given = original(*args, **kwargs)
            point(f"after {name}")
            return given

        stack.enter_context(patch.object(of, name, done))

    for of, name in STEPS:
        watch(of, name)
    return stack


def test_killed_anywhere_a_run_leaves_the_last_good_file_or_the_new_one(export, tmp_path, subtests):
    make.service("Food bank")
    good = run(export)
    assert_is_whole(tmp_path, good)
    make.service("Shelter")
    fatal, done = 0, None
    while done is None:
        fatal += 1
        (tmp_path / OLD).write_bytes(b"of long ago")
        before = (tmp_path / good.file).read_bytes()
        reached = []
        with dying_at(fatal, reached), suppress(Killed):
            done = run(export)
        if done is not None:
            break
        with subtests.test(killed=f"{fatal:02} {reached[-1]}"):
            there = (tmp_path / good.file).read_bytes()
            assert there == before or is_a_package(there), "whole, whichever it is"
            again = run(export)
            assert_is_whole(tmp_path, again)
        make.service(f"Another, number {fatal}")
    assert_is_whole(tmp_path, done)
    assert fatal > 12
    assert {name.split()[1] for name in reached} == {name for _, name in STEPS}


def is_a_package(content):
    with ZipFile(BytesIO(content)) as package:
        return package.testzip() is None


def test_a_full_folder_leaves_the_last_good_file(export, tmp_path):
    make.service("Food bank")
    good = run(export)
    before = (tmp_path / good.file).read_bytes()
    make.service("Shelter")
    (tmp_path / f".{good.file}.part").symlink_to("/dev/full")
    failed = run(export)
    assert failed.state == "failed"
    assert "127.0.0.1" in failed.message
    assert (tmp_path / good.file).read_bytes() == before
    (tmp_path / f".{good.file}.part").unlink()
    assert_is_whole(tmp_path, run(export))


def test_what_may_not_be_replaced_stays_and_the_next_run_brings_the_new_file(export, tmp_path):
    make.service("Food bank")
    good = run(export)
    # A folder in the file's place: the server refuses the rename.
    (tmp_path / good.file).unlink()
    (tmp_path / good.file).mkdir()
    (tmp_path / good.file / "kept").write_text("kept")
    failed = run(export)
    assert failed.state == "failed"
    assert failed.message
    assert (tmp_path / good.file / "kept").read_text() == "kept"
    (tmp_path / good.file / "kept").unlink()
    (tmp_path / good.file).rmdir()
    assert_is_whole(tmp_path, run(export))


def refuses(*_):
    raise OSError("Failure")  # as Paramiko says it


@pytest.mark.parametrize("refusals", [0, 1, 2], ids=["takes it", "sets nothing aside", "no rename"])
def test_a_server_that_does_not_rename_over_a_file_keeps_the_last_good_one(
    export, tmp_path, monkeypatch, refusals
):
    make.service("Food bank")
    good = run(export)
    before = (tmp_path / good.file).read_bytes()
    make.service("Shelter")
    renames = []
    plainly = paramiko.SFTPClient.rename

    def rename(self, path, becomes):
        renames.append(becomes)
        if len(renames) == refusals:
            refuses()
        plainly(self, path, becomes)

    monkeypatch.setattr(paramiko.SFTPClient, "posix_rename", refuses)
    monkeypatch.setattr(paramiko.SFTPClient, "rename", rename)
    done = run(export)
    if not refusals:
        assert_is_whole(tmp_path, done)
        return
    assert done.state == "failed"
    assert (tmp_path / good.file).read_bytes() == before
    monkeypatch.undo()
    assert_is_whole(tmp_path, run(export))
