"""Views of the work list are kept by a person, or shared by an organization; columns are chosen."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from integrations.models import Organization
from referrals.admin.work_list.saved_views import MOST
from referrals.models import SavedView
from tests.people import client_of
from tests.referrals.delivering.test_bulk import failed
from tests.world import World

DELIVERIES = reverse("admin:referrals_delivery_changelist")
SAVE = reverse("admin:referrals_delivery_save_view")


@pytest.fixture
def ana(world: World) -> Client:
    return client_of(SUPPORT, world.organization, name="ana")


@pytest.fixture
def ben(world: World) -> Client:
    return client_of(SUPPORT, world.organization, name="ben")


def save(client: Client, name: str, query: dict[str, Any], **more: Any) -> str:
    given = {"name": name, "query": urlencode(query, doseq=True), **more}
    return client.post(SAVE, given, follow=True).content.decode()


def tabs(client: Client, **asked: Any) -> list[str]:
    page = client.get(DELIVERIES, asked, follow=True)
    return [view.label for view in page.context["views"]]


def test_a_view_keeps_filters_and_columns_under_a_name(world: World, ana: Client, ben: Client):
    failed(world)
    page = save(ana, "Used up", {"reason": "gave_up", "error": "all", "columns": ["turn", "code"]})
    assert "The view is saved." in page
    assert tabs(ana) == ["Used up"]
    assert tabs(ben) == []
    view = SavedView.objects.get()
    shown = ana.get(f"{DELIVERIES}?{view.query}")
    assert shown.context["cl"].list_display[-2:] == ["turn", "code"]
    assert len(shown.context["cl"].result_list) == 1
    assert (
        len(re.findall(r'<a href="[^"]*" aria-current="page">Used up', shown.content.decode())) == 1
    )


def test_a_view_is_shared_with_one_organization(world: World, ana: Client, ben: Client):
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    save(ana, "Ours", {"work": "unassigned"}, organization=world.organization.pk)
    assert tabs(ben) == ["Ours"]
    assert tabs(client_of(SUPPORT, elsewhere, name="foreign")) == []
    assert tabs(client_of(ADMINISTRATOR, name="boss")) == ["Ours"]


def test_no_view_is_shared_with_somebody_elses_organization(world: World, ana: Client):
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    save(ana, "Theirs", {}, organization=elsewhere.pk)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("asked", [{"q": "Mireille"}, {"name": "sealed"}, {"reason": "x" * 41}])
def test_what_was_searched_for_is_not_kept(world: World, ana: Client, asked: dict[str, str]):
    save(ana, "Found", {**asked, "state": "queued"})
    assert SavedView.objects.get().query == "state=queued"


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\0b"])
def test_a_view_needs_a_name(world: World, ana: Client, name: str):
    assert "give it a name" in save(ana, name, {})
    assert not SavedView.objects.exists()


def test_a_name_is_used_again_and_views_have_an_end(world: World, ana: Client):
    for number in range(MOST + 1):
        save(ana, f"View {number}", {})
    save(ana, "View 0", {"work": "mine"})
    assert SavedView.objects.count() == MOST
    assert SavedView.objects.get(name="View 0").query == "work=mine"


def delete(client: Client, view: SavedView) -> None:
    client.post(reverse("admin:referrals_delivery_delete_view", args=[view.pk]))


def test_a_view_is_deleted_by_its_owner_or_who_sees_all(world: World, ana: Client, ben: Client):
    boss = client_of(ADMINISTRATOR, name="boss")
    save(ana, "Mine", {"work": "mine"})
    save(ana, "Ours", {"work": "snoozed"}, organization=world.organization.pk)
    mine, ours = SavedView.objects.order_by("name")
    for one in (mine, ours):
        delete(ben, one)
    delete(boss, mine)
    assert SavedView.objects.count() == 2
    assert "Delete the view" not in ben.get(f"{DELIVERIES}?{ours.query}").content.decode()
    assert "Delete the view" in ana.get(f"{DELIVERIES}?{mine.query}").content.decode()
    delete(boss, ours)
    delete(ana, mine)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("columns", ["", "nonsense", "pk,password", ["turn", "nonsense"]])
def test_only_columns_that_are_offered_are_shown(world: World, ana: Client, columns: Any):
    failed(world)
    shown = ana.get(DELIVERIES, {"columns": columns}).context["cl"].list_display
    usual = ["going_to", "problem", "turn", "shown_state", "since"]
    expected = ["turn"] if columns == ["turn", "nonsense"] else usual
    assert shown == ["action_checkbox", "shown_reference", *expected]


def test_every_column_can_be_shown_within_few_queries(world: World, ana: Client):
    failed(world, 3)
    save(ana, "View", {})
    names = [name for name, *_ in ana.get(DELIVERIES).context["columns"]]
    with CaptureQueriesContext(connection) as queries:
        page = ana.get(DELIVERIES, {"columns": names, "organization": world.organization.pk})
    assert page.status_code == 200
    assert len(queries) <= 15


def test_who_may_not_see_imports_keeps_no_view(world: World):
    assert client_of(LIAISON, world.organization).post(SAVE, {"name": "x"}).status_code == 403
