"""What one test leaves behind keeps no other from its own database."""

import threading
from pathlib import Path

import pytest
from django.db import connection, connections

from tests import databases, leftovers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def left_open() -> list[object]:
    """A connection of a thread that has ended; whoever keeps it here keeps it open."""
    kept: list[object] = []

    def ask() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        kept.append(connections["default"])

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return kept


def test_a_connection_of_a_thread_that_has_ended_is_closed(left_open):
    (wrapper,) = left_open
    assert wrapper.connection
    leftovers.close()
    assert wrapper.connection is None


def test_the_database_can_be_copied_afterwards(left_open):
    name = str(connection.settings_dict["NAME"])
    copy = databases.beside(name, "copied")
    leftovers.close()
    connection.close()
    databases.copy(name, copy)
    databases.drop(copy)
    assert not Path(copy).exists()


def test_a_connection_of_a_thread_that_goes_on_stays_open():
    ready, end = threading.Event(), threading.Event()
    seen: list[bool] = []

    def ask() -> None:
        connections["default"].ensure_connection()
        ready.set()
        end.wait()
        seen.append(connections["default"].is_usable())
        connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    ready.wait()
    leftovers.close()
    end.set()
    thread.join()
    assert seen == [True]
