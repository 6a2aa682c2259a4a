"""Whoever hides a match and whoever edits it do not wait for each other for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from directory import changes, secrecy
from directory.models import Entry
from directory.taking_in import take_in
from tests.directory import make

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scaled_out,
    pytest.mark.usefixtures("directory"),
]
SECONDS = 60


def lock(row):
    Entry.objects.select_for_update().get(pk=row.pk)


def test_a_writer_who_has_locked_the_match_and_wants_the_confidential_one_gets_it(monkeypatch):
    shelter, other = make.location(), make.location("Church hall")
    make.address(shelter)
    make.address(other)
    take_in()
    Entry.objects.filter(pk=shelter.pk).update(secrecy="yes")
    changes.changed([shelter.pk])
    match_is_locked, shelter_is_locked = threading.Event(), threading.Event()
    hold_back = secrecy.hold_back

    def noted(keys, **options):
        shelter_is_locked.set()  # taking in has locked what it builds
        return hold_back(keys, **options)

    def edit():
        try:
            with changes.writing():
                lock(other)
                match_is_locked.set()
                assert shelter_is_locked.wait(SECONDS)
                lock(shelter)
                changes.changed([other.pk])
        finally:
            connections.close_all()

    monkeypatch.setattr(secrecy, "hold_back", noted)
    with ThreadPoolExecutor() as pool:
        edited = pool.submit(edit)
        assert match_is_locked.wait(SECONDS)
        take_in()
        edited.result(SECONDS)
    assert Entry.objects.get(pk=other.pk).secrecy == "matches"
