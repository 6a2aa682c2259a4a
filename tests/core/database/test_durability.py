"""The check names a database that confirms what is not on disk yet."""

from typing import Any

import pytest
from django.db import connection

from core.database import durability


def named() -> list[str]:
    return [found.msg for found in durability.commits_are_on_disk(["default"])]


@pytest.mark.django_db(transaction=True)
def test_sqlite_below_full_is_named():
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's setting")
    for level, expected in (
        ("OFF", ["SQLite's synchronous is 0, below FULL."]),
        ("NORMAL", ["SQLite's synchronous is 1, below FULL."]),
        ("FULL", []),
        ("EXTRA", []),
    ):
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA synchronous={level}")
        assert named() == expected
        shown = [found.msg for found in durability.commits_are_on_disk_in_production()]
        assert shown == expected
    connection.close()  # the next one is as the tests have it


class Answers:
    """A cursor of a PostgreSQL with these settings."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def execute(self, statement: str) -> None:
        self.asked = statement.removeprefix("SHOW ")

    def fetchone(self) -> tuple[Any]:
        return (self.values.get(self.asked, "on"),)


def test_postgresql_that_does_not_wait_for_its_disk_is_named():
    for values, expected in (
        ({}, []),
        ({"synchronous_commit": "local"}, []),
        ({"synchronous_commit": "remote_apply"}, []),
        ({"fsync": "off"}, ["PostgreSQL's fsync is off"]),
        ({"synchronous_commit": "off"}, ["PostgreSQL's synchronous_commit is off"]),
        (
            {"fsync": "off", "full_page_writes": "off"},
            ["PostgreSQL's fsync is off", "PostgreSQL's full_page_writes is off"],
        ),
    ):
        assert durability._of_postgresql(Answers(**values)) == expected
