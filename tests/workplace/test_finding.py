"""The box that finds anything: by reference, name or page; nothing that is not theirs."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON, SUPPORT
from integrations.models import Organization, ServiceListing
from tests.people import client_of
from tests.world import World, make_world, plain

FIND = reverse("admin:find")


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    world.send(plain())
    world.run()
    return world


@pytest.fixture
def support(world: World) -> Client:
    return client_of(SUPPORT, world.organization)


def find(client: Client, asked: str) -> Any:
    return client.post(FIND, {"reference": asked})


def labels(page: Any) -> list[str]:
    return [hit.label for group in page.context["found"] for hit in group.hits]


def test_a_reference_leads_to_its_answer(support: Client, world: World) -> None:
    reference = world.referral.reference
    for asked in (reference, f" {reference[:3]}-{reference[3:6]} {reference[6:]}"):
        answer = find(support, asked)
        assert answer.url == reverse("admin:why_answer", args=[world.referral.pk])


def test_one_page_or_name_leads_there_and_several_are_shown(support: Client, world: World) -> None:
    assert find(support, "work l").url == reverse("admin:referrals_delivery_changelist")
    listing = world.listing
    twin = ServiceListing.objects.create(
        organization=world.organization, caredove_id="other", name=f"{listing.name} 2"
    )
    page = find(support, listing.name.upper())
    assert labels(page) == [str(listing), str(twin)]
    assert listing.name not in page.request["QUERY_STRING"]


def test_what_is_of_another_organization_is_not_found(world: World) -> None:
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    for role in (SUPPORT, LIAISON):
        stranger = client_of(role, elsewhere)
        for asked in (world.listing.name, world.destination.name, world.organization.name):
            page = stranger.post(FIND, {"reference": asked}, follow=True)
            assert reverse("admin:integrations_servicelisting_changelist") not in (
                url for url, _ in page.redirect_chain
            )
            assert "/change/" not in page.request["PATH_INFO"]


def test_a_liaison_finds_no_person(world: World) -> None:
    liaison = client_of(LIAISON, world.organization)
    page = liaison.post(FIND, {"reference": "Mireille Tremblay"}, follow=True)
    assert f"/admin/referrals/referral/{world.referral.pk}" not in page.content.decode()


@pytest.mark.parametrize("asked", ["", " ", "\0", "x" * 3000, "9" * 50, "'\"%_", "Đặng 😀"])
def test_whatever_is_asked_is_answered(support: Client, asked: str) -> None:
    assert support.post(FIND, {"reference": asked}, follow=True).status_code == 200
