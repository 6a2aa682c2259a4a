"""Long work on a destination: asked for once, done by whoever wins it, begun anew when lost."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User

from core.database import clock
from referrals import delivering
from referrals.delivering import jobs, resyncing
from referrals.models import DestinationJob, Run
from referrals.running.dispatcher import WORK
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db
What = DestinationJob.What


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def copy(folder: Path) -> World:
    """A world with a database that has one referral."""
    world = make_world("sql", on=["received"], url="sqlite:///copy.db")
    world.destination.allowed_fields = ["all"]
    world.destination.save()
    world.send(plain())
    delivering.carry_due(world.destination.pk)
    return world


@pytest.fixture
def ada() -> User:
    return User.objects.create(username="ada")


def worked(job: DestinationJob) -> DestinationJob:
    assert jobs.work(job.pk)
    job.refresh_from_db()
    return job


def test_a_comparison_finds_what_is_equal_and_what_is_not(copy: World, ada: User) -> None:
    job = worked(jobs.ask(What.COMPARE, copy.destination, ada))
    assert (job.state, job.done, job.result["behind"]) == ("done", 1, 0)
    assert all(one["equal"] for one in job.result["tables"].values())
    copy.destination.transport().discard([copy.referral.reference])
    job = worked(jobs.ask(What.COMPARE, copy.destination, ada))
    assert not job.result["tables"]["referral"]["equal"]


def test_a_resync_makes_a_version_of_what_belongs_there(copy: World, ada: User) -> None:
    copy.destination.transport().discard([copy.referral.reference])
    job = worked(jobs.ask(What.RESYNC, copy.destination, ada))
    assert (job.state, job.result["written"]) == ("done", 1)
    assert resyncing.behind(copy.destination) == 1
    delivering.carry_due(copy.destination.pk)
    job = worked(jobs.ask(What.COMPARE, copy.destination, ada))
    assert all(one["equal"] for one in job.result["tables"].values())


def test_a_run_is_repeated_and_why_one_is_not_is_kept(folder: Path, ada: User) -> None:
    world = make_world("sftp", ["received"], protocol="local", folder="housing")
    world.destination.allowed_files = []
    world.destination.save()
    world.send(plain())
    delivering.carry_due(world.destination.pk)
    run = Run.objects.get()
    listed = folder / "housing" / run.name
    before = listed.read_bytes()
    listed.unlink()
    job = worked(jobs.ask(What.REPEAT, world.destination, ada, run))
    assert (job.state, job.result["rows"], listed.read_bytes()) == ("done", 1, before)
    world.send(plain("referral.revoked", number=2))
    job = worked(jobs.ask(What.REPEAT, world.destination, ada, run))
    (refused,) = job.result["refused"]
    assert (job.state, refused["reference"]) == ("failed", world.delivery.reference)
    assert job.message


def test_what_is_asked_for_twice_is_one_job(copy: World, ada: User) -> None:
    first = jobs.ask(What.COMPARE, copy.destination, ada)
    assert jobs.ask(What.RESYNC, copy.destination, ada) == first
    worked(first)
    assert jobs.ask(What.RESYNC, copy.destination, ada) != first


def test_a_job_is_one_worker_s_until_its_lease_ends(copy: World, ada: User) -> None:
    job = jobs.ask(What.COMPARE, copy.destination, ada)
    assert WORK["jobs"]().exists()
    with (
        mock.patch.object(resyncing, "compare", side_effect=SystemExit),
        pytest.raises(SystemExit),
    ):
        jobs.work(job.pk)
    assert not jobs.work(job.pk)
    assert not WORK["jobs"]().exists()
    DestinationJob.objects.update(due_at=clock.now() - timedelta(seconds=1))
    assert worked(job).state == "done"
    assert not jobs.work(job.pk)


def test_a_database_that_is_gone_and_a_mistake_of_ours_are_said(copy: World, ada: User) -> None:
    with mock.patch.object(resyncing, "compare", side_effect=RuntimeError("Mireille")):
        job = worked(jobs.ask(What.COMPARE, copy.destination, ada))
    assert job.state == "failed"
    assert "Mireille" not in str(job.message)
    (Path(copy_file(copy))).unlink()
    job = worked(jobs.ask(What.COMPARE, copy.destination, ada))
    assert (job.state, bool(job.message)) == ("failed", True)


def copy_file(world: World) -> Path:
    from django.conf import settings

    return Path(settings.EXPORT_ROOT) / "copy.db"
