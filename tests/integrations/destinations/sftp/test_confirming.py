"""A host key that “Test connection” has shown is confirmed by one click, and by nothing else."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON
from core.models import AuditEvent
from integrations.destinations.sftp.contract import StandIn, stand_in
from integrations.models import Destination
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StandIn]:
    with stand_in(tmp_path) as made:
        yield made


@pytest.fixture
def world(server: StandIn) -> World:
    return make_world("sftp", ["received"], **{**server.options, "host_key": ""})


def address(name: str, world: World) -> str:
    return reverse(f"admin:integrations_destination_{name}", args=[world.destination.pk])


def shown(client: Client, world: World) -> str:
    """Test the connection; return what the button would send, or nothing where there is none."""
    page = client.post(address("test", world), follow=True).text
    button = re.search(r'name="shown" value="([^"]+)"', page)
    return html.unescape(button[1]) if button else ""


def host_key() -> str:
    found: str = Destination.objects.get().options["host_key"]
    return found


def test_one_click_confirms_what_was_shown(
    admin_client: Client, world: World, server: StandIn
) -> None:
    value = shown(admin_client, world)
    page = admin_client.post(address("confirm", world), {"shown": value}, follow=True)
    assert host_key() == server.options["host_key"]
    assert "accepts the user name" in page.text
    assert Destination.objects.get().options["password"] == server.options["password"]
    (event,) = AuditEvent.objects.filter(action="confirm")
    assert server.options["host_key"] in str(event.detail)
    assert shown(admin_client, world) == ""


def test_nothing_else_is_confirmed(admin_client: Client, world: World) -> None:
    value = shown(admin_client, world)
    for other in ("", value[:-1], "SHA256:" + "A" * 43):
        admin_client.post(address("confirm", world), {"shown": other})
    assert host_key() == ""
    world.destination.options = {**world.destination.options, "port": 1}
    world.destination.save()
    admin_client.post(address("confirm", world), {"shown": value})
    assert host_key() == ""


def test_another_key_than_the_confirmed_one_is_no_matter_of_a_click(
    admin_client: Client, world: World
) -> None:
    world.destination.options = {**world.destination.options, "host_key": "SHA256:" + "A" * 43}
    world.destination.save()
    assert shown(admin_client, world) == ""


def test_who_may_not_change_destinations_confirms_nothing(
    admin_client: Client, world: World
) -> None:
    value = shown(admin_client, world)
    liaison = User.objects.create_user("lou", is_staff=True)
    liaison.groups.add(Group.objects.get(name=LIAISON))
    client = Client()
    client.force_login(liaison)
    client.post(address("confirm", world), {"shown": value})
    assert host_key() == ""
