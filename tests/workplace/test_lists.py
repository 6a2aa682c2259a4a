"""Every list page of the admin takes few queries, however many rows it shows."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

import config.urls  # noqa: F401 - with them, every list is there
from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core import audit
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from tests.people import client_of
from tests.world import World, example, make_world, plain

MOST = 15
ROWS = 12


@pytest.fixture
def world(db: None) -> World:
    """Several rows of everything, those of one list on different rows of another."""
    world = make_world()
    for number in range(1, ROWS):
        organization = Organization.objects.create(caredove_id=f"o{number}", name=f"O {number}")
        listing = ServiceListing.objects.create(
            organization=organization, caredove_id=f"l{number}", name=f"Listing {number}"
        )
        destination = Destination.objects.create(
            organization=organization,
            name="CRMS",
            kind="demo",
            options={**world.destination.options, "behaviour": "reject"},
        )
        TriggerConfig.objects.create(
            listing=listing, destination=destination, on=["received"], mapping=world.config.mapping
        )
        event = plain(number=number, reference=str(1_000_000_000 + number))
        event |= {"organization": {"id": f"o{number}"}, "service_listing": {"id": f"l{number}"}}
        world.send(event)
        audit.record("a test", "something")
    world.send(example("event-plain.json"))
    return world


def lists() -> list[str]:
    return sorted(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        for model in admin.site._registry
    )


def client(role: str) -> Client:
    return client_of(role, *Organization.objects.all())


@pytest.mark.slow
@pytest.mark.parametrize("role", [LIAISON, SUPPORT, ADMINISTRATOR])
def test_every_list_takes_few_queries(
    world: World, role: str, django_assert_max_num_queries: Any
) -> None:
    visitor = client(role)
    seen = 0
    for name in lists():
        with django_assert_max_num_queries(MOST, info=name):
            response = visitor.get(reverse(name), {"error": "all"} if "delivery" in name else {})
        assert response.status_code in (200, 403), name
        seen += response.status_code == 200
    assert seen > 4


@pytest.mark.long
def test_the_work_list_takes_few_queries_with_each_filter(
    world: World, whole: bool, django_assert_max_num_queries: Any
) -> None:
    visitor = client(SUPPORT)
    url = reverse("admin:referrals_delivery_changelist")
    specs = visitor.get(url, {"error": "all"}).context["cl"].filter_specs

    for spec in specs:
        choices = list(getattr(spec, "lookup_choices", []))
        for value, _ in choices if whole else choices[-2:]:
            params = {"error": "all", spec.parameter_name: value}
            with django_assert_max_num_queries(MOST, info=str(params)):
                assert visitor.get(url, params).status_code == 200
