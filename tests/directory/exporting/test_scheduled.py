"""Files on a schedule: whole or not there, the last good one always; old ones go."""

import errno
import hashlib
import json
import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.utils import timezone

from directory.exporting import scheduled
from directory.models import ExportRun, ScheduledExport
from integrations.destinations.sftp.places import in_folder
from integrations.destinations.sftp.places.in_folder import InFolder
from integrations.transport import TryAgain
from tests.directory import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]


@pytest.fixture
def folder(settings, tmp_path):
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path / "public"


def export(**fields):
    fields = {
        "name": "public",
        "format": "icarol-csv",
        "language": "en",
        "schedule": "0 6 * * *",
        "folder": "public",
        "due_at": timezone.now() - timedelta(minutes=1),
    } | fields
    return ScheduledExport.objects.create(**fields)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_with_its_checksum_and_comes_again_at_its_time(folder):
    make.service()
    row = export()
    run = scheduled.run(row.pk)
    assert run.state == ExportRun.State.DONE
    assert files(folder) == [run.file, f"{run.file}.sha256"]
    content = (folder / run.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == run.sha256
    assert (folder / f"{run.file}.sha256").read_text() == f"{run.sha256}  {run.file}\n"
    assert (run.size, run.rows["service"]) == (len(content), 1)
    row.refresh_from_db()
    assert row.due_at > timezone.now()
    assert scheduled.run(row.pk) is None  # it is not due
    assert scheduled.run(row.pk, now=True).state == ExportRun.State.DONE


@pytest.mark.parametrize("step", ["write", "rename"])
def test_a_run_that_fails_leaves_the_last_good_file_and_is_tried_again(folder, step, monkeypatch):
    make.service()
    row = export()
    good = scheduled.run(row.pk)
    before = (folder / good.file).read_bytes()
    make.service("Another")

    def fail(*args, **kwargs):
        raise TryAgain("The folder is full.")

    monkeypatch.setattr(InFolder, step, fail)
    run = scheduled.run(row.pk, now=True)
    assert (run.state, run.message) == (ExportRun.State.FAILED, "The folder is full.")
    assert (folder / good.file).read_bytes() == before
    row.refresh_from_db()
    assert row.failures == 1
    assert row.due_at <= timezone.now() + timedelta(minutes=16)
    monkeypatch.undo()


def test_a_full_folder_leaves_the_last_good_file_and_is_named(folder, monkeypatch):
    make.service()
    row = export()
    good = scheduled.run(row.pk)
    before = (folder / good.file).read_bytes()
    make.service("Another")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(in_folder, "os", SimpleNamespace(**{**vars(os), "fsync": full}))
    run = scheduled.run(row.pk, now=True)
    assert run.state == ExportRun.State.FAILED
    assert "No space left" in run.message
    assert (folder / good.file).read_bytes() == before
    monkeypatch.undo()
    assert scheduled.run(row.pk, now=True).state == ExportRun.State.DONE
    assert (folder / good.file).read_bytes() != before


def test_only_the_newest_files_are_kept_and_nothing_else_is_touched(folder):
    folder.mkdir()
    for day in range(1, 6):
        (folder / f"directory-icarol-csv-en-2026010{day}.csv").write_text("old")
        (folder / f"directory-icarol-csv-en-2026010{day}.csv.sha256").write_text("old")
    for other in ("directory-icarol-csv-fr-20260101.csv", "referrals.csv", "notes.txt"):
        (folder / other).write_text("other")
    run = scheduled.run(export(keep=2).pk)
    assert files(folder) == sorted(
        [
            "directory-icarol-csv-en-20260105.csv",
            "directory-icarol-csv-en-20260105.csv.sha256",
            run.file,
            f"{run.file}.sha256",
            "directory-icarol-csv-fr-20260101.csv",
            "notes.txt",
            "referrals.csv",
        ]
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"partner": "Nobody"}, "no data partner"),
        ({"format": "airs-3.0"}, "needs an agency"),
        ({"folder": "../elsewhere"}, ""),
    ],
)
def test_why_a_file_was_not_written(folder, fields, words):
    run = scheduled.run(export(**fields).pk)
    assert run.state == ExportRun.State.FAILED
    assert words in run.message
    assert run.message


def test_the_command_runs_what_is_due_or_one_by_name(folder, capsys):
    export(due_at=timezone.now() + timedelta(days=1))
    call_command("run_directory_exports", json=True)
    assert json.loads(capsys.readouterr().out) == {"runs": []}
    call_command("run_directory_exports", "public", now=True, json=True)
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["export"], run["state"]) == ("public", "done")


def test_the_command_fails_where_a_file_failed(folder):
    export(partner="Nobody")
    with pytest.raises(SystemExit) as left:
        call_command("run_directory_exports")
    assert left.value.code == 1
