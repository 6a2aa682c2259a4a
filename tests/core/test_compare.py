"""What was shown is what is done: two states compared, agreed to, and compared again."""

import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
from django.db import connections

from core.compare import (
    Comparison,
    Difference,
    Effect,
    Outdated,
    Row,
    agreed,
    differences,
    in_words,
)
from integrations.models import Organization

ROW = Row(
    "4417",
    Effect.CHANGED,
    "Adult Counselling",
    "Service listing",
    differences=(Difference("Name", "Old", "New"),),
    basis={"mapping": 1},
)


# -- What is shown ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (8000, "8000"),
        ("Youth", "Youth"),
        *((nothing, "(empty)") for nothing in (None, "", [], {})),
    ],
)
def test_a_value_is_shown_in_words(value: object, words: str):
    assert in_words(value) == words


def test_only_what_differs_is_shown_in_the_order_of_the_labels():
    before = {"Name": "Old", "Category": "", "Active": True, "Limit": None}
    after = {"Limit": None, "Active": False, "Category": "Youth", "Name": "Old"}
    assert list(differences(before, after)) == [
        Difference("Category", "(empty)", "Youth"),
        Difference("Active", "yes", "no"),
    ]


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (Difference("Name", "Old", "New"), "Name: Old → New"),
        (Difference("Name", now="New"), "Name: added: New"),
        (Difference("Name", was="Old"), "Name: removed"),
    ],
)
def test_a_difference_names_what_it_is(difference: Difference, sentence: str):
    assert str(difference) == sentence


# -- What tells it apart ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        replace(ROW, key="4418"),
        replace(ROW, effect=Effect.CREATED),
        replace(ROW, name="Youth"),
        replace(ROW, sort="Destination"),
        replace(ROW, differences=()),
        replace(ROW, differences=(Difference("Name", "Older", "New"),)),
        replace(ROW, differences=(Difference("Name", "Old", "Newer"),)),
        replace(ROW, differences=(*ROW.differences, Difference("Active", "yes", "no"))),
        replace(ROW, basis={"mapping": 2}),
    ],
)
def test_what_would_do_something_else_has_another_digest(other: Row):
    assert other.digest() != ROW.digest()
    assert Comparison([other]).digest() != Comparison([ROW]).digest()
    assert Comparison([ROW, other]).digest() != Comparison([ROW]).digest()


def test_the_same_has_the_same_digest_wherever_it_stands():
    same = replace(ROW, place="row 9", differences=list(ROW.differences))
    assert same.digest() == ROW.digest()


@pytest.mark.parametrize("effect", [Effect.UNCHANGED, Effect.REFUSED])
def test_what_changes_nothing_does_not_count(effect: Effect):
    idle = Row("9", effect)
    both = Comparison([ROW, idle])
    assert both.changes == [ROW]
    assert both.of(effect) == [idle]
    assert both.digest() == Comparison([ROW]).digest()


# -- What is done ----------------------------------------------------------------------------------


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(caredove_id="812", name="Old")


def renaming(to: str) -> Comparison[Row]:
    was = Organization.objects.get().name
    effect = Effect.UNCHANGED if was == to else Effect.CHANGED
    return Comparison([Row("812", effect, differences=(Difference("Name", was, to),))])


def rename(shown: str, to: str) -> None:
    with agreed(shown, partial(renaming, to), Organization.objects.all()):
        Organization.objects.update(name=to)


def name() -> str:
    return Organization.objects.get().name


def test_what_was_agreed_to_is_done(organization: Organization):
    rename(renaming("New").digest(), "New")
    assert name() == "New"


def test_what_somebody_has_changed_meanwhile_is_left_alone(organization: Organization):
    shown = renaming("New").digest()
    Organization.objects.update(name="Theirs")
    with pytest.raises(Outdated):
        rename(shown, "New")
    assert name() == "Theirs"


def test_what_is_done_twice_is_done_once(organization: Organization):
    shown = renaming("New").digest()
    rename(shown, "New")
    with pytest.raises(Outdated):
        rename(shown, "New")


@pytest.mark.parametrize("shown", ["", "0" * 64])
def test_what_nobody_has_seen_is_not_done(organization: Organization, shown: str):
    with pytest.raises(Outdated):
        rename(shown, "New")
    assert name() == "Old"


def test_what_fails_halfway_is_not_done_at_all(organization: Organization):
    def broken() -> None:
        shown = renaming("New").digest()
        with agreed(shown, partial(renaming, "New"), Organization.objects.all()):
            Organization.objects.update(name="New")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        broken()
    assert name() == "Old"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_several_who_agreed_at_the_same_moment_one_is_not_outdated(transactional_db: None):
    Organization.objects.create(caredove_id="812", name="Old")
    names = [f"Name {number}" for number in range(4)]
    shown = {to: renaming(to).digest() for to in names}
    everybody = threading.Barrier(len(names))
    done: list[str] = []

    def one(to: str) -> None:
        everybody.wait()
        with suppress(Outdated):
            rename(shown[to], to)
            done.append(to)
        connections.close_all()

    threads = [threading.Thread(target=one, args=(to,)) for to in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [name()]
