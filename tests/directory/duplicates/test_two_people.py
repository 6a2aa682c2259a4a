"""Two people merge the same pair at the same moment."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from directory.duplicates import merging
from directory.models import Entry, Merge
from directory.taking_in import take_in
from tests.directory import make

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scaled_out,
    pytest.mark.usefixtures("directory"),
]
SECONDS = 60
A_MOMENT = 0.5  # in which the second would go on, if nothing stopped it


@pytest.mark.parametrize("in_a_circle", [False, True], ids=["the same way", "each into the other"])
def test_the_first_merges_and_the_second_is_refused(monkeypatch, in_a_circle):
    pair = [make.agency("Helping Hands").pk, make.agency("Helping Hand").pk]
    take_in()
    first_is_inside = threading.Event()
    locked = merging._locked

    def slowly(*keys):
        found = locked(*keys)
        first_is_inside.set()
        time.sleep(A_MOMENT)
        return found

    def merge(survivor, other):
        try:
            return merging.merge(survivor, other, {}, None)
        except merging.NotMerged as refused:
            return refused
        finally:
            connections.close_all()

    monkeypatch.setattr(merging, "_locked", slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(merge, *pair)
        assert first_is_inside.wait(SECONDS)
        second = pool.submit(merge, *(reversed(pair) if in_a_circle else pair))
        merged, refused = first.result(SECONDS), second.result(SECONDS)
    assert isinstance(merged, Merge)
    assert isinstance(refused, merging.NotMerged)
    assert "merged already" in refused.message
    assert Merge.objects.count() == 1
    assert list(Entry.objects.filter(merged_into=pair[0]).values_list("pk", flat=True)) == pair[1:]
    assert not Entry.objects.filter(merged_into=pair[1]).exists()
