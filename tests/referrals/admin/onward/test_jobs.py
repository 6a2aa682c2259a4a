"""Compare, resync and repeat, from the pages: asked for, confirmed, and how far they are."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON
from referrals import delivering
from referrals.delivering import jobs
from referrals.models import DestinationJob, Run
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def copy() -> World:
    world = make_world("sql", on=["received"], url="sqlite:///copy.db")
    world.send(plain())
    delivering.carry_due(world.destination.pk)
    return world


def start(world: World, what: str) -> str:
    return reverse("admin:referrals_start_job", args=[world.destination.pk, what])


def page_of(world: World) -> str:
    return reverse("admin:integrations_destination_change", args=[world.destination.pk])


@pytest.mark.parametrize("what", ["compare", "resync"])
def test_it_is_confirmed_done_and_shown(admin_client: Client, copy: World, what: str) -> None:
    assert start(copy, what) in admin_client.get(page_of(copy)).text
    assert admin_client.get(start(copy, what)).status_code == 200
    assert not DestinationJob.objects.exists()
    page = admin_client.post(start(copy, what)).url
    assert "data-progress" in admin_client.get(page).text
    job = DestinationJob.objects.get()
    assert jobs.work(job.pk)
    progress = reverse("admin:referrals_destinationjob_progress", args=[job.pk])
    found = admin_client.get(progress).json()
    assert found["state"] == "done"
    assert found["sentence"] in admin_client.get(page).text


def test_a_kind_that_cannot_be_read_has_no_such_buttons(admin_client: Client) -> None:
    world = make_world()
    assert start(world, "compare") not in admin_client.get(page_of(world)).text
    for what, code in (("compare", 302), ("resync", 302), ("repeat", 404), ("other", 404)):
        assert admin_client.post(start(world, what)).status_code == code, what
    assert not DestinationJob.objects.exists()


def test_a_run_is_repeated_from_its_page(admin_client: Client, folder: Path) -> None:
    world = make_world("sftp", ["received"], protocol="local", folder="housing")
    world.destination.allowed_files = []
    world.destination.save()
    world.send(plain())
    delivering.carry_due(world.destination.pk)
    run = Run.objects.get()
    page = admin_client.get(reverse("admin:referrals_run_change", args=[run.pk]))
    repeat = reverse("admin:referrals_run_repeat", args=[run.pk])
    assert repeat in page.text
    assert "+00:00" not in page.text, "times are those of a person's zone"
    assert admin_client.get(repeat).status_code == 405
    (folder / "housing" / run.name).unlink()
    answer = admin_client.post(repeat)
    assert jobs.work(DestinationJob.objects.get().pk)
    assert run.name in admin_client.get(answer.url).text
    assert (folder / "housing" / run.name).exists()


def test_who_may_not_decide_begins_nothing(copy: World) -> None:
    liaison = User.objects.create_user("lou", is_staff=True)
    liaison.groups.add(Group.objects.get(name=LIAISON))
    client = Client()
    client.force_login(liaison)
    for what in ("compare", "resync"):
        assert client.post(start(copy, what)).status_code in (302, 403)
    assert not DestinationJob.objects.exists()
