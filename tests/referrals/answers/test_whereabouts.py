"""Where a person's data has gone, on the page of a referral and on that of a destination."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import SUPPORT
from core.database import clock
from core.models import AuditEvent
from integrations.models import Destination, Organization
from integrations.transport import Down
from referrals import delivering
from referrals.admin.onward.whereabouts import _lines
from referrals.answers import whereabouts
from referrals.models import Referral, Run
from referrals.record.removal import retention
from referrals.summary import pdf
from tests.integrations.sources.partner.partners import AT_LOOPBACK, deliver
from tests.people import client_of
from tests.world import REFERENCE, World, make_world, plain

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world("webhook", ["received", "edited"], **AT_LOOPBACK)


def pages(world: World) -> tuple[str, str]:
    referral = reverse("admin:referrals_referral_whereabouts", args=[world.referral.pk])
    return referral, reverse("admin:referrals_sent_to", args=[world.destination.pk])


def exported(client: Client, url: str) -> list[dict[str, str]]:
    answer: Any = client.get(f"{url}?export=csv")
    assert answer["Content-Disposition"].startswith("attachment")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_each_version_that_left_is_there_with_its_fields(world: World) -> None:
    Destination.objects.update(allowed_fields=["registrant.first_name", "status"])
    world.send(plain())
    deliver(world)
    Destination.objects.update(allowed_fields=["all"])
    world.send(plain("referral.edited", number=2))
    deliver(world)
    newest, first = whereabouts.of_referral(world.referral)
    assert (newest.version.number, newest.fields) == (2, whereabouts.EVERYTHING)
    assert (newest.now, first.now) == (whereabouts.THERE, whereabouts.OLDER)
    assert "First name" in first.fields
    assert "Last name" not in first.fields
    assert newest.accepted_at
    assert newest.sent_at <= newest.accepted_at
    assert whereabouts.newest_of_destination(world.destination, 1) == [newest]
    assert list(whereabouts.of_destination(world.destination)) == [newest, first]


def test_what_went_in_runs_has_its_files_and_the_name_of_its_own_list(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXPORT_ROOT = str(tmp_path)
    page = pdf.Summary(b"%PDF-1.4\n%%EOF\n", False, ())
    monkeypatch.setattr(pdf, "pdf", lambda *_: page)
    world = make_world("sftp", ["received"], protocol="local", folder="housing")
    world.send(plain())
    delivering.carry_due(world.destination.pk)
    Destination.objects.update(allowed_files=[])
    world.send(plain("referral.edited", number=2, reason="Rent"))
    delivering.carry_due(world.destination.pk)
    newest, first = whereabouts.of_referral(world.referral)
    assert (first.files, newest.files) == ("Summary", "")
    assert {first.id_there, newest.id_there} == {one.name for one in Run.objects.all()}
    assert (first.is_newest, newest.is_newest) == (False, True)
    assert newest.why == whereabouts.CHANGED, "no trigger of this destination has fired"


def test_what_surely_did_not_leave_is_not_there(world: World) -> None:
    world.send(plain())
    deliver(world, side_effect=Down("no", cause="no connection", remedy="look"))
    assert whereabouts.of_referral(world.referral) == []


def test_after_a_revocation_it_states_what_became_of_it(world: World) -> None:
    world.send(plain())
    deliver(world)
    retention.revoke(Referral.objects.get(), clock.now())
    (put,) = whereabouts.of_referral(world.referral)
    assert put.now == whereabouts.REMOVING
    deliver(world)
    removal, put = whereabouts.of_referral(world.referral)
    assert (removal.now, put.now) == (whereabouts.REMOVED, whereabouts.OLDER)
    Destination.objects.update(kind="crms")  # a kind that removes nothing
    removal.version.delete()
    assert whereabouts.of_referral(world.referral)[0].now == whereabouts.LOOK


def test_both_pages_show_and_export_it_and_that_is_on_record(world: World) -> None:
    world.send(plain())
    deliver(world)
    person = client_of(SUPPORT, world.organization)
    for url in pages(world):
        page = person.get(url)
        assert page.status_code == 200
        text = page.content.decode()
        assert str(whereabouts.THERE) in text
        assert "Tremblay" not in text
        (row,) = exported(person, url)
        assert (row["Reference"], row["ID there"]) == (REFERENCE, "P-1")
    actions = AuditEvent.objects.filter(action__endswith="whereabouts")
    assert sorted(actions.values_list("action", flat=True)) == [
        "download whereabouts",
        "download whereabouts",
        "view whereabouts",
        "view whereabouts",
    ]


def test_nobody_sees_them_for_another_organization(world: World) -> None:
    world.send(plain())
    other = Organization.objects.create(caredove_id="900", name="Other")
    person = client_of(SUPPORT, other)
    for url in pages(world):
        assert person.get(url).status_code == 404
        assert person.get(f"{url}?export=csv").status_code == 404


def test_an_export_holds_no_formula() -> None:
    left: Any = SimpleNamespace(cells=lambda: ["=1+1", " =1", "plain"])
    _heading, line = _lines([left])
    assert line == "'=1+1,' =1,plain\r\n"
