"""Settings of a person's own: language, time zone, shortcuts, and alerts at their own address."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import PersonalSettings
from access.roles import LIAISON, SUPPORT
from alerts.models import AlertRecipient
from core.models import AuditEvent
from integrations.models import Organization
from tests.people import client_of
from tests.world import World, make_world, plain

SETTINGS, HOME = reverse("admin:settings"), reverse("admin:index")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def save(client: Client, **given: Any) -> Any:
    return client.post(SETTINGS, {"single_keys": "on", **given}, follow=True)


def user_of(client: Client) -> Any:
    return client.get(HOME).wsgi_request.user


def test_times_are_shown_in_the_persons_zone_and_to_nobody_else(world: World) -> None:
    event = world.send(plain())
    page = reverse("admin:referrals_inboundevent_changelist")
    here, there = (client_of(SUPPORT, world.organization, name=name) for name in ("a", "b"))
    shown = {}
    for zone in ("America/Vancouver", "Asia/Kathmandu"):
        assert "Your settings are saved." in save(there, time_zone=zone).content.decode()
        shown[zone] = there.get(page).content
        assert there.get(page).content != here.get(page).content
        assert timezone.get_current_timezone_name() == "America/Toronto"  # of whoever comes next
    assert len(set(shown.values())) == 2
    assert event.pk

    again = Client()
    again.force_login(user_of(there))  # another session knows it as well
    assert again.get(page).content != here.get(page).content


def test_single_keys_are_turned_off_and_on(world: World) -> None:
    client = client_of(LIAISON, world.organization)
    assert b" data-off" not in client.get(HOME).content
    client.post(SETTINGS, {})
    assert b" data-off" in client.get(HOME).content
    save(client)
    assert b" data-off" not in client.get(HOME).content


def test_the_answer_is_in_the_language_that_was_just_chosen(world: World) -> None:
    client = client_of(SUPPORT, world.organization)
    assert 'lang="fr-ca"' in save(client, language="fr-ca").content.decode()
    assert 'lang="en-ca"' in save(client, language="").content.decode()


def test_what_is_no_choice_is_refused_beside_its_field(world: World) -> None:
    client = client_of(SUPPORT, world.organization)
    for given in (
        {"language": "de"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"language": "fr-ca\0"},
    ):
        page = save(client, **given).content.decode()
        name = next(iter(given))
        assert f'<a href="#id_{name}">' in page, given
    assert not PersonalSettings.objects.exists()


def test_alerts_go_to_the_persons_own_address_of_their_organizations_alone(world: World) -> None:
    other = Organization.objects.create(caredove_id="other", name="Other")
    client = client_of(SUPPORT, world.organization)
    user = user_of(client)
    assert "no e-mail address" in client.get(SETTINGS).content.decode()
    user.email = "s@agency.example"
    user.save()

    save(client, alerts=[world.organization.pk])
    (made,) = AlertRecipient.objects.all()
    assert (made.organization, made.address, made.active) == (
        world.organization,
        "s@agency.example",
        True,
    )
    save(client, alerts=[world.organization.pk])
    assert AlertRecipient.objects.count() == 1

    save(client)
    made.refresh_from_db()
    assert not made.active
    assert "Select a valid choice" in save(client, alerts=[other.pk]).content.decode()
    assert AlertRecipient.objects.count() == 1
    done = AuditEvent.objects.filter(object_type="workplace.alertrecipient")
    assert sorted(done.values_list("action", flat=True)) == ["add", "change"]
