"""What every page shares: places for those who may open them, the one box, and no inline code."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from tests.people import client_of
from tests.world import World, make_world

TEMPLATES = Path(settings.BASE_DIR) / "templates" / "admin"
HOME = reverse("admin:index")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def places(client: Client) -> list[str]:
    return [place.label for place in all_places(client)]


def all_places(client: Client) -> list[Any]:
    groups = client.get(HOME).context["shell"]["groups"]
    return [place for group in groups for place in group.places]


def test_each_role_is_led_to_what_it_may_open(world: World) -> None:
    daily = ["Work list", "Referrals", "Events", "Bulk retries", "Runs"]
    set_up = ["Listings", "Mappings", "Destinations"]
    alerts = ["Alerts", "Alert recipients", "Alert settings"]
    liaison = ["Home", *set_up, *alerts, "Organizations", "Onboarding"]
    support = ["Home", *daily, *liaison[1:]]
    also = ["Sources", "People", "Roles", "API tokens", "Retention", "Audit", "Configuration"]

    for role, led_to in (
        (SUPPORT, support),
        (ADMINISTRATOR, [*support, *also]),
        (LIAISON, liaison),
    ):
        client = client_of(role, world.organization)
        assert places(client) == led_to
        for place in all_places(client):
            assert client.get(place.url).status_code == 200


def test_somebody_without_a_role_is_led_home_and_asks_nothing(world: World) -> None:
    page = client_of().get(HOME)

    assert places(client_of(name="other")) == ["Home"]
    assert page.status_code == 200


def test_a_page_has_a_title_a_link_past_the_bar_and_states_where_one_is(world: World) -> None:
    client = client_of(SUPPORT, world.organization)
    page = client.get(reverse("admin:referrals_delivery_changelist")).content.decode()

    assert "<title>Work list – Dovetail</title>" in page
    assert 'class="skip-to-content-link"' in page
    assert re.search(r'aria-current="page"[^>]*>Work list<', page)
    assert "dovetail/icon.svg" in page


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.html")), ids=lambda file: file.name)
def test_no_template_has_code_or_style_of_its_own(file: Path) -> None:
    text = file.read_text()

    assert not re.search(r"\sstyle=|<style|\son[a-z]+=[\"']|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
