"""The versions of a delivery and its runs on their pages; replaying one, and sending by hand."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON, SUPPORT
from integrations.destinations.demo import transport as demo
from referrals import delivering
from referrals.models import Delivery, Run
from tests.people import client_of
from tests.referrals.delivering.test_updates import (
    EACH,
    LATEST,
    brought,
    edit,
    keeps,
    run_all,
    states,
)
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    demo.delivered.clear()
    demo.misbehaved.clear()


def page_of(client: Client, delivery: Delivery) -> str:
    url = reverse("admin:referrals_delivery_change", args=[delivery.pk])
    return client.get(url).content.decode()


def replay_url(world: World, number: int) -> str:
    return reverse("admin:referrals_delivery_replay", args=[world.delivery.pk, number])


def two(**given: Any) -> World:
    """Let two versions be accepted."""
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    edit(world, 2)
    run_all(world)
    return world


def in_a_run(effects: Path) -> World:
    world = keeps(**LATEST, batches=True, effects_file=str(effects))
    world.send(plain())
    assert delivering.carry_due(world.destination.pk)
    return world


# -- What is listed --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [EACH, {**EACH, "repeatable": True}, LATEST])
def test_the_page_lists_the_versions(given: dict[str, Any]):
    world = two(**given)
    page = page_of(client_of(SUPPORT, world.organization), world.delivery)
    listed = page[page.index('id="versions"') : page.index('id="attempts"')]
    assert listed.count("<tr>") == 3  # with the head
    assert listed.count("Accepted by the destination") == 2
    assert ("Replay" in listed) is bool(given.get("repeatable"))


def test_a_destination_that_takes_one_version_lists_none(world: World):
    world.send(plain())
    world.run()
    assert 'id="versions"' not in page_of(client_of(SUPPORT, world.organization), world.delivery)


# -- Replay ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("given", [{**EACH, "repeatable": True}, LATEST])
@pytest.mark.parametrize("number", [1, 2])
def test_a_replay_is_asked_about_and_goes(given: dict[str, Any], number: int):
    world = two(**given)
    there, support = list(demo.delivered), client_of(SUPPORT, world.organization)
    question = support.get(replay_url(world, number)).content.decode()
    assert "once more" in question
    assert "knows each version by its ID" in question
    assert ("already has version 2" in question) is (number == 1)
    assert world.delivery.state == "imported", "a look changes nothing"
    answer = support.post(replay_url(world, number), follow=True)
    assert f"Version {number} is sent again." in answer.content.decode()
    assert world.delivery.state == "queued"
    run_all(world)
    assert demo.delivered == there, "it is known there by its id"
    assert states(world) == ["accepted", "accepted"]


def test_what_would_be_there_twice_is_not_replayed():
    world = two(**EACH)
    support = client_of(SUPPORT, world.organization)
    question = support.get(replay_url(world, 1)).content.decode()
    assert "twice" in question
    assert 'value="Replay"' not in question
    assert "twice" in support.post(replay_url(world, 1), follow=True).content.decode()
    assert world.delivery.state == "imported"


@pytest.mark.parametrize("role", ["", LIAISON])
def test_whoever_may_not_decide_replays_nothing(role: str):
    world = two(**LATEST)
    client = client_of(role, world.organization)
    for ask in (client.get, client.post):
        assert ask(replay_url(world, 1)).status_code in (302, 403)
    assert world.delivery.state == "imported"


# -- Runs ------------------------------------------------------------------------------------------


def test_a_run_has_a_page_to_which_its_deliveries_lead(tmp_path: Path):
    world = in_a_run(tmp_path / "effects.jsonl")
    support, run = client_of(SUPPORT, world.organization), Run.objects.get()
    url = reverse("admin:referrals_run_change", args=[run.pk])
    assert url in page_of(support, world.delivery)
    page = support.get(url).content.decode()
    assert run.name in page
    assert run.sha256 in page
    assert reverse("admin:referrals_delivery_change", args=[world.delivery.pk]) in page
    runs = support.get(reverse("admin:referrals_run_changelist")).content.decode()
    assert run.name in runs


def test_what_went_in_a_run_is_not_replayed_alone(tmp_path: Path):
    world = in_a_run(tmp_path / "effects.jsonl")
    support = client_of(SUPPORT, world.organization)
    assert "in one run only" in support.get(replay_url(world, 1)).content.decode()
    support.post(replay_url(world, 1))
    assert (world.delivery.state, states(world)) == ("imported", ["accepted"])


# -- By hand ---------------------------------------------------------------------------------------


def send_url(world: World) -> str:
    keys = [world.referral.pk, world.destination.pk]
    return reverse("admin:referrals_referral_send", args=keys)


def test_a_person_sends_a_referral_by_hand_and_again():
    world = make_world(on=["closed_any"], by_hand=True)
    world.send(plain())
    support = client_of(SUPPORT, world.organization)
    page = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    assert f"Send to {world.destination}<" in support.get(page).content.decode()
    assert "has it already" not in support.get(send_url(world)).content.decode()
    assert not Delivery.objects.exists(), "a look sends nothing"
    support.post(send_url(world))
    run_all(world)
    assert f"Send to {world.destination} again" in support.get(page).content.decode()
    assert f"Send to {world.destination} again" in page_of(support, world.delivery)
    assert "has it already" in support.get(send_url(world)).content.decode()
    support.post(send_url(world))
    run_all(world)
    assert brought() == [1, 2]


def test_whoever_sends_by_hand_is_reported_that_it_may_be_there_twice():
    world = make_world(by_hand=True, look_up=False, behaviour="unconfirmed")
    world.send(plain())
    run_all(world)
    question = client_of(SUPPORT, world.organization).get(send_url(world)).content.decode()
    assert "may then have it twice" in question


def test_nothing_is_sent_by_hand_where_that_is_not_offered(world: World):
    world.send(plain())
    support = client_of(SUPPORT, world.organization)
    page = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    assert "Send to" not in support.get(page).content.decode()
    question = support.get(send_url(world)).content.decode()
    assert "Nothing is sent to this destination by hand." in question
    assert 'value="Send"' not in question
    answer = support.post(send_url(world), follow=True).content.decode()
    assert "Not sent: Nothing is sent to this destination by hand." in answer
    assert world.delivery.versions.count() == 1


@pytest.mark.parametrize("role", ["", LIAISON])
def test_whoever_may_not_decide_sends_nothing_by_hand(role: str):
    world = make_world(on=["closed_any"], by_hand=True)
    world.send(plain())
    client = client_of(role, world.organization)
    for ask in (client.get, client.post):
        assert ask(send_url(world)).status_code in (302, 403)
    assert not Delivery.objects.exists()
