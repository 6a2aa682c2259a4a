"""The page of a referral: its head, its parts, the way to Caredove, and good news in one click."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import SUPPORT
from integrations.models import Source
from referrals.models import Referral
from tests.people import client_of
from tests.world import World, make_world, options, plain


@pytest.fixture
def rejected(db: None) -> World:
    world = make_world(behaviour="reject")
    world.send(plain(registrant={"first_name": "Mireille", "last_name": "Okafor"}))
    world.run()
    return world


@pytest.fixture
def support(rejected: World) -> Client:
    return client_of(SUPPORT, rejected.organization, name="ana")


def page(client: Client, referral: Referral) -> str:
    url = reverse("admin:referrals_referral_change", args=[referral.pk])
    return client.get(url).content.decode()


def test_its_head_states_who_what_and_whether_it_is_there(rejected: World, support: Client):
    shown = page(support, rejected.referral)
    assert "<h1>Mireille Okafor</h1>" in shown
    assert f"Not in {rejected.destination}" in shown
    title = re.search(r"<title>([^<]*)", shown)
    assert title
    assert "Okafor" not in title[1]  # it is kept by browsers
    for part in ("summary", "story", "files", "differs"):
        assert shown.count(f'href="#part-{part}"') == shown.count(f'id="part-{part}"') == 1


def test_it_leads_to_caredove_where_the_address_is_known(rejected: World, support: Client):
    assert "Open in Caredove" not in page(support, rejected.referral)
    Source.objects.update(referral_url="https://caredove.example/r/{reference}")
    shown = page(support, rejected.referral)
    assert f'href="https://caredove.example/r/{rejected.referral.reference}"' in shown


def test_a_later_success_is_good_news_that_one_click_clears(rejected: World, support: Client):
    assert "It later succeeded" not in page(support, rejected.referral)
    rejected.destination.options = options("demo")
    rejected.destination.save()
    rejected.send(plain("referral.edited", number=2))
    rejected.run()

    shown = page(support, rejected.referral)

    assert f"In {rejected.destination}" in shown
    assert "Error not cleared" not in shown
    (form,) = re.findall(r'class="good-news".*?(<form.*?</form>)', shown, re.DOTALL)
    data = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    (url,) = re.findall(r'action="([^"]+)"', form)
    done = support.post(url, data, follow=True).content.decode()
    assert "1 import was cleared." in done
    assert not rejected.delivery.has_uncleared_error
    assert "It later succeeded" not in done
