"""The work list as a file: what is filtered, without names unless they may be seen, on record."""

import csv
import io
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.models import Membership
from access.roles import LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import Destination, Organization
from referrals.admin.work_list import exporting
from referrals.models import Referral
from tests.people import client_of, person
from tests.referrals.delivering.test_bulk import failed
from tests.world import World, make_world, plain

EXPORT = reverse("admin:referrals_delivery_export")
NAMED = {"first_name": "=Mireille", "last_name": "Okafor"}


@pytest.fixture
def rejected(db: None) -> World:
    world = make_world(behaviour="reject")
    world.send(plain(registrant=NAMED))
    world.run()
    return world


@pytest.fixture
def support(rejected: World) -> Client:
    return client_of(SUPPORT, rejected.organization, name="ana")


def rows(client: Client, **asked: Any) -> list[dict[str, str]]:
    response = client.get(EXPORT, asked)
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="work-list-')
    if asked.get("format") == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(response.content))
        heading, *lines = book.active.iter_rows(values_only=True)
        return [dict(zip(heading, line, strict=True)) for line in lines]
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_it_holds_what_the_list_shows_and_names_nobody(rejected: World, support: Client, kind: str):
    (row,) = rows(support, format=kind)
    assert row["Reference"] == rejected.referral.reference
    assert row["What is wrong"] == "The destination refused the referral"
    assert row["Destination"] == str(rejected.destination)
    assert "Registrant" not in row
    assert "What was said" not in row
    assert "Okafor" not in str(row)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_names_come_when_asked_for_and_are_no_formulas(support: Client, kind: str):
    (row,) = rows(support, format=kind, with_names="1")
    assert row["Registrant"] == "'=Mireille Okafor"
    assert row["What was said"]


def test_names_are_withheld_from_who_may_not_open_referrals(rejected: World):
    watcher = person("", rejected.organization, name="watcher")
    group = Group.objects.create(name="Watcher")
    group.permissions.set(Permission.objects.filter(codename="view_delivery"))
    watcher.groups.add(group)
    client = Client()
    client.force_login(watcher)
    (row,) = rows(client, with_names="1")
    assert "Registrant" not in row
    assert (
        "With names"
        not in client.get(reverse("admin:referrals_delivery_changelist")).content.decode()
    )


def test_who_took_which_rows_is_on_record(rejected: World, support: Client):
    rows(support, format="xlsx", with_names="1")
    taken = AuditEvent.objects.get(action="export imports")
    assert taken.detail == {
        "format": "xlsx",
        "names": True,
        "imports": [str(rejected.delivery.pk)],
    }
    assert taken.username == "ana"


def test_it_is_filtered_searched_and_of_the_own_organizations(rejected: World, support: Client):
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    there = Destination.objects.create(organization=elsewhere, name="CRMS", kind="demo")
    failed(rejected, destination=there)
    failed(rejected, reason="bug")
    assert len(rows(support)) == 2
    assert len(rows(support, reason="bug", error="all")) == 1
    assert len(rows(support, q=Referral.objects.earliest("created_at").reference)) == 1
    assert rows(support, work="snoozed") == []
    assert support.get(EXPORT, {"name": "made-up"}).status_code == 302
    Membership.objects.all().delete()
    assert rows(support) == []


def test_it_takes_few_queries_and_an_end(
    rejected: World, support: Client, monkeypatch: pytest.MonkeyPatch
):
    failed(rejected, 4)
    with CaptureQueriesContext(connection) as queries:
        rows(support, with_names="1")
    assert len(queries) <= 15
    monkeypatch.setattr(exporting, "MOST", 3)
    assert len(rows(support)) == 3


def test_who_may_not_see_imports_exports_none(rejected: World):
    assert client_of(LIAISON, rejected.organization).get(EXPORT).status_code == 403
