"""What differs since a referral was imported, told in the words of its summary."""

from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.urls import reverse

from access.roles import SUPPORT
from integrations.models import Destination
from referrals import delivering
from referrals.answers.differences import Difference, differences
from referrals.models import Delivery, Version
from tests.people import client_of
from tests.rows import write
from tests.world import World, make_world, options, plain

TORONTO = ZoneInfo("America/Toronto")


def edit(world: World, number: int = 2, **registrant: object) -> None:
    before = plain()["referral"]["registrant"]
    world.send(plain("referral.edited", number=number, registrant={**before, **registrant}))


def page_of(world: World) -> str:
    client = client_of(SUPPORT, world.organization, name=f"support {User.objects.count()}")
    url = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    return client.get(url).content.decode()


def test_each_thing_that_is_stated_otherwise_is_reported_with_before_and_now() -> None:
    before = {
        "registrant": {"first_name": "Mireille", "date_of_birth": "1991-06-29"},
        "messages": [{"id": "1", "text": "Bonjour"}],
    }
    now = {
        "registrant": {"first_name": "Mireille", "date_of_birth": "1991-06-30", "gender": "female"},
        "messages": [{"id": "0", "text": "Allô"}, {"id": "1", "text": "Bonjour"}],
    }
    assert differences(before, now, TORONTO)[:3] == [
        Difference("Registrant", "Date of birth", "June 29, 1991", "June 30, 1991"),
        Difference("Registrant", "Gender", "", "Female"),
        Difference("Messages", "Message", "", "Allô"),
    ]
    assert differences(now, now, TORONTO) == []


def test_an_edit_after_the_import_is_shown_on_the_page(world: World) -> None:
    world.send(plain())
    world.run()
    assert "what was sent are the same" in page_of(world)

    edit(world, date_of_birth="1992-01-31")

    page = page_of(world)
    assert "takes no updates: enter there by hand what matters." in page
    assert "<td>June 29, 1991</td><td>January 31, 1992</td>" in page


def kept() -> QuerySet[Version]:
    """Return the versions of which it is known what was sent."""
    return Version.objects.filter(document__isnull=False)


@pytest.mark.django_db
def test_what_counts_is_what_was_sent_first() -> None:
    world = make_world(behaviour="unconfirmed")
    world.send(plain())
    world.run()
    edit(world, date_of_birth="1992-01-31")
    write(Destination.objects.all(), options=options("demo"))
    Delivery.objects.update(due_at=world.referral.changed_at)
    for _ in range(3):
        world.run()
    (sent,) = Version.objects.all()
    assert sent.document["registrant"]["date_of_birth"] == "1991-06-29"


@pytest.mark.django_db
def test_what_never_arrived_is_not_kept() -> None:
    world = make_world(behaviour="reject")
    world.send(plain())
    world.run()
    assert not kept().exists()


@pytest.mark.django_db
def test_what_a_person_did_not_find_there_is_forgotten() -> None:
    world = make_world(behaviour="unconfirmed", look_up=False)
    world.send(plain())
    world.run()
    assert kept().exists()

    delivering.confirm_absent(world.delivery)

    assert not kept().exists()


def test_it_goes_with_the_person(world: World) -> None:
    world.send(plain())
    world.run()
    assert kept().exists()

    world.send(plain("referral.revoked", number=2))

    assert not kept().exists()
    assert "June 29, 1991" not in page_of(world)


def test_a_connection_that_is_made_again_sends_what_waited(world: World) -> None:
    world.send(plain())
    world.config.delete()
    assert world.run().reason == "disconnected"

    world.connect_again()

    assert world.run().state == "imported"
