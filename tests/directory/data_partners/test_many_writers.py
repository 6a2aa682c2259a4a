"""The change feed while many write at once: nothing is skipped, nothing is removed that never was.

Each writer marks its change before it commits, and takes a while, so that numbers are given while
others are about to commit. The reader fetches what the feed names, as a copy does.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connection, connections

from directory import changes
from directory.editing.recording import edit
from directory.models import Entry, Location, Secrecy, Service
from tests.directory import agreed, make
from tests.directory.data_partners.test_feed import Follower, listed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scaled_out,
    pytest.mark.usefixtures("directory"),
]


class Copy(Follower):
    """A reader that fetches what is put, and so has its content."""

    def __init__(self, client, limit):
        super().__init__(client, limit)
        self.content = {}

    def page(self):
        found, more = super().page()
        for one in found:
            key = one["type"], one["id"]
            self.content.pop(key, None)
            if key in self.has:
                answer = self.client.get(self.has[key])
                assert answer.status_code in (200, 404)  # it may have left since
                self.content[key] = answer.content if answer.status_code == 200 else None
        return found, more


def write(seed, number_of_changes, services, location):
    """Create, rename, hide, and close services, and rename their location, as staff do."""
    dice = random.Random(seed)
    try:
        for number in range(number_of_changes):
            text = {"en": f"Written {seed} {number}"}
            if dice.random() < 0.3:
                with changes.writing():
                    changes.changed([make.service(text).pk])
                    time.sleep(dice.random() / 50)
            else:
                key = location if dice.random() < 0.3 else dice.choice(services)
                with edit([key], None, "test"):
                    change(key, dice, text, is_location=key == location)
                    time.sleep(dice.random() / 50)
    finally:
        connections.close_all()


def change(key, dice, text, *, is_location):
    if is_location:
        Location.objects.filter(pk=key).update(name=text)
        return
    match dice.randrange(3):
        case 0:
            Service.objects.filter(pk=key).update(name=text)
        case 1:
            hidden = dice.choice([Secrecy.NO, Secrecy.YES])
            Entry.objects.filter(pk=key).update(secrecy=hidden)
        case 2:
            status = dice.choice(["active", "inactive"])
            Service.objects.filter(pk=key).update(status=status)


@pytest.mark.parametrize(
    ("writers", "number_of_changes"), [(6, 3), pytest.param(40, 5, marks=pytest.mark.whole)]
)
def test_no_change_is_skipped_while_many_write_at_once(writers, number_of_changes):
    agency, location = make.agency(), make.location()
    made = [make.service(f"Service {number}", organization=agency) for number in range(10)]
    for service in made:
        make.at(service, location)
    services = [service.pk for service in made]
    client = agreed.reader()
    copies = [Copy(client, limit) for limit in (3, 1000)]
    connection.close()
    finished = threading.Event()
    with ThreadPoolExecutor(writers + 1) as pool:
        reading = pool.submit(read_until, finished, copies)
        writing = [
            pool.submit(write, seed, number_of_changes, services, location.pk)
            for seed in range(writers)
        ]
        wait(writing)
        finished.set()
        for one in (*writing, reading):
            one.result()
    for copy in copies:
        copy.catch_up()
        assert copy.ids() == listed(client)
        assert copy.content == {key: client.get(url).content for key, url in copy.has.items()}


def read_until(finished, copies):
    try:
        while not finished.is_set():
            for copy in copies:
                copy.page()
    finally:
        connections.close_all()
