"""A migrated database is kept for the next run as long as nothing that it was made by differs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import migrated


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(migrated, "ROOT", tmp_path)
    for name in ("referrals/migrations/0001_initial.py", "core/text/words.py", "core/fields.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def test_what_migrating_depends_on_decides_which_is_taken(tree: Path):
    names = {migrated.kept().name}
    for name in ("referrals/migrations/0001_initial.py", "core/fields.py"):
        (tree / name).write_text("x = 2\n")
        names.add(migrated.kept().name)
    for name in ("referrals/migrations/0002_more.py", "directory/fields.py", "requirements.txt"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
        names.add(migrated.kept().name)
    assert len(names) == 6
    (tree / "referrals/views.py").touch()
    assert migrated.kept().name in names


def test_tables_are_kept_without_rows_and_earlier_files_are_not(tmp_path: Path):
    source, kept = tmp_path / "source.sqlite3", tmp_path / "kept" / "new.sqlite3"
    kept.parent.mkdir()
    (kept.parent / "old.sqlite3").touch()
    with closing(sqlite3.connect(source)) as database:
        database.execute("CREATE TABLE django_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        database.execute("CREATE TABLE auth_group (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        for table in ("django_migrations", "auth_group"):
            database.execute(f"INSERT INTO {table} VALUES (7)")
        database.commit()
    migrated.keep(str(source), kept)
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute("SELECT id FROM django_migrations").fetchall() == [(7,)]
        assert database.execute("INSERT INTO auth_group DEFAULT VALUES").lastrowid == 1
    assert list(kept.parent.iterdir()) == [kept]
