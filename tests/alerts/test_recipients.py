"""Who is told is set in the admin: by liaisons for their own organizations, with a test."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from alerts import watching
from alerts.models import AlertKind, AlertRecipient
from core.models import AuditEvent
from integrations.models import Organization
from tests.alerts.test_alerts import SECRET, failed, hook, mail, recipient
from tests.forms import form_on
from tests.hooks import HookServer
from tests.mail import MailServer
from tests.people import client_of
from tests.world import World

__all__ = ["hook", "mail"]

ADD = "admin:workplace_alertrecipient_add"


@pytest.fixture
def liaison(world: World) -> Client:
    return client_of(LIAISON, world.organization)


@pytest.fixture
def administrator(world: World) -> Client:
    return client_of(ADMINISTRATOR)


@pytest.fixture
def world(db: None) -> World:
    from tests.world import make_world

    return make_world()


def url(name: str, row: AlertRecipient) -> str:
    return reverse(f"admin:workplace_alertrecipient_{name}", args=[row.pk])


def add(client: Client, world: World, **given: Any) -> Any:
    data = form_on(client.get(reverse(ADD)))
    return client.post(
        reverse(ADD), {**data, "organization": world.organization.pk, **given}, follow=True
    )


def test_a_liaison_adds_a_colleague(world: World, liaison: Client):
    add(liaison, world, channel="email", address="bo@clinic.example", kinds=["failure", "digest"])
    added = AlertRecipient.objects.get()
    assert (added.address, added.kinds) == ("bo@clinic.example", ["failure", "digest"])


@pytest.mark.parametrize("address", ["nobody", "https://hooks.example.org"])
def test_an_address_is_checked(world: World, liaison: Client, address: str):
    page = add(liaison, world, channel="email", address=address)
    assert "Enter a valid email address." in page.content.decode()
    assert not AlertRecipient.objects.exists()


def test_a_webhook_is_an_administrators(world: World, liaison: Client):
    page = add(liaison, world, channel="webhook", address="https://hooks.example.org/a")
    assert "Select a valid choice" in page.content.decode()
    row = recipient(world, channel="webhook", address="https://hooks.example.org/a")
    assert liaison.get(url("secret", row)).status_code == 403
    shown = liaison.get(url("change", row)).content.decode()
    assert "hooks.example.org" in shown
    assert "hooks.example.org/a" not in shown


@pytest.mark.parametrize("address", ["ftp://hooks.example.org", "https://user@example.org/", "x"])
def test_the_address_of_a_webhook_is_checked(world: World, administrator: Client, address: str):
    add(administrator, world, channel="webhook", address=address)
    assert not AlertRecipient.objects.exists()


def test_the_secret_of_a_webhook_is_shown_once(world: World, administrator: Client):
    page = add(administrator, world, channel="webhook", address="https://hooks.example.org/a")
    row = AlertRecipient.objects.get()
    assert page.redirect_chain[-1][0] == url("secret", row)
    made = administrator.post(url("secret", row)).content.decode()
    row.refresh_from_db()
    assert row.secret
    assert row.secret in made
    history = reverse("admin:workplace_alertrecipient_history", args=[row.pk])
    for again in (url("secret", row), url("change", row), history):
        assert row.secret not in administrator.get(again).content.decode()
    assert AuditEvent.objects.filter(action="new webhook secret").exists()


def test_a_test_mail_is_sent_at_once(world: World, liaison: Client, mail: MailServer):
    row = recipient(world)
    page = liaison.post(url("test", row), follow=True)
    assert "The test was sent." in page.content.decode()
    assert "This is a test" in mail.mails[0].get_content()


def test_a_second_test_right_away_is_not_sent(world: World, liaison: Client, mail: MailServer):
    row = recipient(world)
    liaison.post(url("test", row))
    page = liaison.post(url("test", row), follow=True)
    assert "Wait half a minute" in page.content.decode()
    assert len(mail.mails) == 1


def test_a_test_that_fails_gives_the_reason(world: World, administrator: Client, hook: HookServer):
    row = recipient(world, channel="webhook", address=hook.url, secret=SECRET)
    hook.status = 404
    page = administrator.post(url("test", row), follow=True)
    assert "The webhook answered HTTP 404." in page.content.decode()


@pytest.mark.parametrize("role", [LIAISON, SUPPORT])
def test_recipients_of_elsewhere_are_not_there(world: World, role: str):
    row = recipient(world)
    stranger = client_of(role, Organization.objects.create(caredove_id="9", name="Other"))
    assert stranger.get(url("change", row)).status_code == 302  # the admin's "does not exist"
    assert stranger.post(url("test", row)).status_code == 404
    listed = stranger.get(reverse("admin:workplace_alertrecipient_changelist"))
    assert "ana@clinic.example" not in listed.content.decode()


def test_support_sees_who_is_notified_and_changes_nothing(world: World):
    row = recipient(world)
    support = client_of(SUPPORT, world.organization)
    assert "ana@clinic.example" in support.get(url("change", row)).content.decode()
    assert support.post(url("test", row)).status_code == 403


def test_what_was_reported_is_listed_with_what_became_of_it(world: World, liaison: Client):
    failed(world)
    recipient(world, *AlertKind.values)
    watching.look()
    page = liaison.get(reverse("admin:workplace_alert_changelist")).content.decode()
    assert "Birchwood CRMS: All automatic retries failed" in page
    assert "To 0 of 1" in page
