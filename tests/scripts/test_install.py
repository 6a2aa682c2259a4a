"""One command sets a portal up for real: keys, database, and what is left to do."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import env_file
from tests.migrated import Migrated
from tests.project import copy_project
from tests.services import ROOT

pytestmark = pytest.mark.programs


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project, as a person has it who has just cloned it, but compiled."""
    return copy_project(tmp_path / "project")


def install(checkout: Path) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "scripts.install"]
    return subprocess.run(
        command, cwd=checkout, env=bare, capture_output=True, text=True, check=False
    )


def assert_installed(checkout: Path, ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 0, ended.stderr
    assert "createsuperuser" in ended.stdout
    assert (checkout / "var" / "dovetail.sqlite3").exists()
    assert (checkout / "var" / "static" / "collected.sha256").exists()
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_a_portal_is_installed(checkout: Path, migrated: Migrated, django_db_setup: None) -> None:
    """Its database is there already, which saves migrating: the demonstration does that."""
    (checkout / "var").mkdir()
    migrated.copy_to(checkout / "var" / "dovetail.sqlite3")

    assert_installed(checkout, install(checkout))


@pytest.mark.whole
def test_it_is_installed_from_nothing_and_installing_it_again_keeps_its_keys(
    checkout: Path,
) -> None:
    assert_installed(checkout, install(checkout))
    written = (checkout / ".env").read_text()

    assert_installed(checkout, install(checkout))
    assert (checkout / ".env").read_text() == written


def test_an_env_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    assert env_file.write_new(file, "SECRET_KEY=one\n")
    assert not env_file.write_new(file, "SECRET_KEY=two\n")

    assert file.read_text() == "SECRET_KEY=one\n"


def test_a_database_that_cannot_be_reached_is_a_failure(checkout: Path) -> None:
    example = (checkout / ".env.example").read_text()
    unreachable = "DATABASE_URL=postgres://nobody@127.0.0.1:1/none"
    (checkout / ".env.example").write_text(f"{example}\n{unreachable}\n")

    assert install(checkout).returncode != 0


def test_every_required_key_is_filled_in() -> None:
    text = env_file.filled((ROOT / ".env.example").read_text())

    assert "\nSECRET_KEY=\n" not in text
    assert "\nENCRYPTION_KEYS=\n" not in text


def test_an_example_without_a_line_for_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="SECRET_KEY"):
        env_file.filled("ENCRYPTION_KEYS=\n")
