"""Lists of referrals, from an event to a file in a folder: by a schedule, again, and removed."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from core.database import clock
from integrations.models import Destination
from integrations.transport import TryAgain
from mapping.models import FieldRule
from referrals import delivering
from referrals.models import Delivery, Run, Version
from referrals.record.removal import retention
from tests.reading import saying
from tests.world import World, make_world, options, plain

pytestmark = pytest.mark.django_db
FOLDER = "housing"


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path / FOLDER


@pytest.fixture
def world(folder: Path) -> World:
    return set_up()


def set_up(**given: Any) -> World:
    """Return a world with a destination that gets no files: what they are is not the point here."""
    world = make_world("sftp", ["received"], protocol="local", folder=FOLDER, **given)
    Destination.objects.update(allowed_files=[])
    world.destination.refresh_from_db()
    return world


def change(world: World, **given: Any) -> None:
    world.destination.options = options("sftp", protocol="local", folder=FOLDER, **given)
    world.destination.save()


def carry(world: World) -> bool:
    return delivering.carry_due(world.destination.pk)


def edit(world: World, number: int, **referral: Any) -> None:
    world.send(plain("referral.edited", number=number, **referral))


def lists(folder: Path) -> list[list[dict[str, str]]]:
    """Return the rows of each list, the earliest first."""
    names = Run.objects.exclude(name="").order_by("until").values_list("name", flat=True)
    return [rows(folder / name) for name in names]


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))


def let_it_be_time() -> None:
    """Let the next run of each schedule be due since a week ago."""
    past = clock.now() - timedelta(days=7)
    Destination.objects.filter(runs_at__isnull=False).update(runs_at=past)
    Delivery.objects.filter(due_at__isnull=False).update(due_at=F("opened_at"))


def command(name: str, *args: Any) -> Any:
    output = io.StringIO()
    call_command(name, *args, "--json", stdout=output)
    return json.loads(output.getvalue())


# -- Lists ---------------------------------------------------------------------------------------


def test_what_is_due_is_one_list_and_each_change_a_later_one(world: World, folder: Path) -> None:
    world.send(plain(form_answers=[{"key": "q1", "label": "Rent?", "value": "no"}]))
    world.send(plain(number=2, reference="3502768697"))
    assert carry(world)
    edit(world, 3, reason="another")
    assert carry(world)
    first, second = lists(folder)
    assert [(one["reference"], one["version"], one["trigger"]) for one in first] == [
        ("3502768696", "1", "received"),
        ("3502768697", "1", "received"),
    ]
    assert (first[0]["client.first_name"], first[0]["Rent?"]) == ("Mireille", "no")
    assert [(one["reference"], one["version"]) for one in second] == [("3502768696", "2")]
    assert list(first[0]) == list(second[0])[: len(first[0])]
    run = Run.objects.latest("until")
    name = f"referrals-812-{run.until:%Y%m%dT%H%M%SZ}-{run.pk}.csv"
    sha256 = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert (run.name, run.sha256) == (name, sha256)
    assert (folder / f"{name}.sha256").read_text() == f"{sha256}  {name}\n"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"imported"}


def test_the_columns_of_the_mapping_come_before_the_questions(world: World, folder: Path) -> None:
    world.send(plain(form_answers=[{"key": "q1", "label": "Rent?", "value": "no"}]))
    carry(world)
    ((row,),) = lists(folder)
    rules = FieldRule.objects.filter(mapping=world.config.mapping).order_by("position")
    fields = list(rules.values_list("target", flat=True))
    assert list(row)[9:] == [*fields, "note", "Rent?"]


def test_a_mapping_names_columns_by_their_headings(world: World, folder: Path) -> None:
    mapping = world.config.mapping
    mapping.rules.all().delete()
    for position, heading in enumerate(["Prénom du client", "Née le"], start=1):
        source = ["registrant.first_name", "registrant.date_of_birth"][position - 1]
        FieldRule.objects.create(
            mapping=mapping, target=heading, sources=[source], position=position
        )
    world.send(plain())
    carry(world)
    ((row,),) = lists(folder)
    assert list(row)[9:11] == ["Prénom du client", "Née le"]
    assert (row["Prénom du client"], row["Née le"]) == ("Mireille", "1991-06-29")


def test_a_removal_is_a_row_and_staff_hear_which_lists_lie_there(
    world: World, folder: Path
) -> None:
    world.send(plain())
    carry(world)
    first = Run.objects.get().name
    (folder / "files" / "3502768696").mkdir(parents=True)
    world.send(plain("referral.revoked", number=2))
    carry(world)
    (row,) = lists(folder)[-1]
    assert (row["reference"], row["action"], row["client.first_name"]) == (
        "3502768696",
        "remove",
        "",
    )
    assert not (folder / "files" / "3502768696").exists()
    assert first in str(world.delivery.corrections[0])
    assert world.delivery.needs_correction


@pytest.mark.slow  # renders a summary
def test_summaries_lie_beside_the_list_and_go_with_a_removal(folder: Path) -> None:
    world = make_world("sftp", ["received"], protocol="local", folder=FOLDER, format="jsonl")
    world.send(plain())
    carry(world)
    run = Run.objects.get()
    ((line,),) = [(folder / run.name).read_text().splitlines()]
    (named,) = json.loads(line)["files"]
    file = folder / named["path"]
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    assert (named["sha256"], named["category"]) == (sha256, "referral_summary")
    assert file.name == f"referral-3502768696-summary-{sha256[:8]}.pdf"
    assert content.startswith(b"%PDF")
    world.send(plain("referral.revoked", number=2))
    carry(world)
    assert not file.exists()


def test_a_withdrawn_attachment_is_deleted_by_the_next_version(world: World, folder: Path) -> None:
    Destination.objects.update(allowed_files=["attachment"], allowed_fields=["all"])
    letter = {"id": "letter-4711", "filename": "letter.txt", "data": "aGVsbG8="}
    results = {"id": "results-4712", "filename": "results.txt", "data": "d29ybGQ="}
    world.send(plain(attachments=[letter, results]))
    assert carry(world)
    files = folder / "files" / "3502768696"
    assert sorted(file.read_text() for file in files.iterdir()) == ["hello", "world"]
    with saying(withdrawn=[{"part": "attachments", "key": "letter-4711"}]):
        edit(world, 2, reason="another")
    assert carry(world)
    assert "hello" not in [file.read_text() for file in files.iterdir()]
    assert "world" in [file.read_text() for file in files.iterdir()]


def test_what_may_not_leave_makes_no_version(world: World, folder: Path) -> None:
    world.destination.allowed_fields = ["registrant.last_name"]
    world.destination.save()
    world.send(plain())
    carry(world)
    edit(world, 2, reason="of no concern there")
    assert not carry(world)
    ((row,),) = lists(folder)
    assert (row["client.last_name"], row["client.first_name"]) == ("Tremblay-Okafor", "")
    assert "Mireille" not in (folder / Run.objects.get().name).read_text()


# -- By a schedule -------------------------------------------------------------------------------


@pytest.mark.postgres  # claims
def test_a_schedule_gathers_and_catches_up_once(folder: Path) -> None:
    world = set_up(schedule="0 6 * * *")
    destination = world.destination
    assert destination.runs_at.astimezone(destination.organization.zone).hour == 6
    world.send(plain())
    assert not delivering.due_destinations()
    let_it_be_time()
    assert delivering.due_destinations()
    assert carry(world)
    assert len(lists(folder)) == 1
    destination.refresh_from_db()
    assert destination.runs_at > clock.now()  # not once for each day that was missed
    assert not delivering.due_destinations()


def test_no_run_with_nothing_to_report_writes_a_file(folder: Path) -> None:
    world = set_up(schedule="hourly")
    let_it_be_time()
    assert not carry(world)
    assert not Run.objects.exists()
    assert not delivering.due_destinations()  # until its next time
    world.send(plain())
    assert not delivering.due_destinations()


@pytest.mark.postgres  # locks, and versions made in bulk
def test_all_referrals_are_listed_again_each_time(folder: Path) -> None:
    world = set_up(schedule="daily", content="all")
    let_it_be_time()
    carry(world)
    world.send(plain())
    world.send(plain(number=2, reference="3502768697"))
    for _ in range(2):
        let_it_be_time()
        assert carry(world)
    empty, first, second = lists(folder)
    assert empty == []
    assert [one["version"] for one in first] == ["1", "1"]
    assert [(one["version"], one["trigger"]) for one in second] == [("2", "schedule")] * 2
    assert set(Version.objects.values_list("run__name", flat=True)) == {
        *Run.objects.order_by("until").values_list("name", flat=True)[1:]
    }


def test_a_scheduled_run_that_failed_does_not_wait_for_its_next_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = set_up(schedule="0 6 1 1 *")
    world.send(plain())
    let_it_be_time()

    def fails(*_: object) -> None:
        raise TryAgain("Not now.")

    with monkeypatch.context() as patched:
        patched.setattr("integrations.destinations.sftp.transport.InFolder.check_folder", fails)
        carry(world)
    assert Run.objects.get().state == "failed"
    world.destination.refresh_from_db()
    assert world.destination.runs_at < clock.now() + timedelta(days=2)
    let_it_be_time()
    assert carry(world)
    assert len(lists(folder)) == 1


def test_another_schedule_counts_from_now_on(world: World) -> None:
    assert world.destination.runs_at is None
    change(world, schedule="0 6 * * *")
    world.destination.refresh_from_db()
    assert world.destination.runs_at is not None
    change(world, schedule="at_once")
    world.destination.refresh_from_db()
    assert (world.destination.runs_at, world.destination.schedule) == (None, "")


# -- Commands ------------------------------------------------------------------------------------


def test_a_list_that_lies_there_is_named_until_a_person_has_deleted_it(world: World) -> None:
    world.send(plain())
    carry(world)
    (put,) = Run.objects.all()
    world.send(plain("referral.revoked", number=2))
    carry(world)
    with transaction.atomic():  # as the removal at another destination does when it settles
        retention.purge(world.referral, clock.now(), why=world.referral.purged_why)
    delivery = world.delivery
    assert delivery.needs_correction
    assert put.name in "".join(delivery.corrections)


def test_run_exports_carries_what_is_due_and_with_now_all(folder: Path) -> None:
    world = set_up(schedule="daily")
    world.send(plain())
    assert command("run_exports") == {"runs": []}
    (run,) = command("run_exports", str(world.destination), "--now")["runs"]
    assert (run["state"], run["rows"]) == ("done", 1)
    assert (folder / run["file"]).exists()
    with pytest.raises(CommandError):
        command("run_exports", "no such destination")


def test_a_run_is_repeated_with_the_same_bytes(world: World, folder: Path) -> None:
    world.send(plain(form_answers=[{"key": "q1", "label": "Rent?", "value": "no"}]))
    carry(world)
    edit(world, 2, form_answers=[{"key": "q2", "label": "Heat?", "value": "yes"}])
    carry(world)
    first = Run.objects.earliest("until")
    before = (folder / first.name).read_bytes()
    (folder / first.name).unlink()
    rule = FieldRule.objects.get(mapping=world.config.mapping, target="client.first_name")
    rule.delete()
    FieldRule.objects.create(mapping=world.config.mapping, target="Reason", sources=["reason"])
    done = command("repeat_run", str(first.pk))
    assert (folder / first.name).read_bytes() == before
    assert done == {"file": first.name, "sha256": first.sha256, "rows": 1}
    assert set(Delivery.objects.values_list("state", "done")) == {("imported", 2)}


def test_a_run_is_not_repeated_once_some_of_it_may_not_leave(world: World, folder: Path) -> None:
    world.send(plain())
    world.send(plain(number=2, reference="3502768697"))
    carry(world)
    run = Run.objects.get()
    (folder / run.name).unlink()
    world.destination.allowed_fields = ["registrant.last_name"]
    world.destination.save()
    with pytest.raises(delivering.NotRepeated) as narrower:
        delivering.repeat(run)
    assert len(narrower.value.refused) == 2
    world.destination.allowed_fields = ["all"]
    world.destination.save()
    world.send(plain("referral.revoked", number=3))
    with pytest.raises(delivering.NotRepeated) as revoked:
        delivering.repeat(run)
    assert [one.reference for one in revoked.value.refused] == ["3502768696"]
    assert not (folder / run.name).exists()


def test_a_run_whose_list_would_be_another_is_not_repeated(world: World, folder: Path) -> None:
    world.send(plain())
    carry(world)
    run = Run.objects.get()
    change(world, safe_for_spreadsheets=True)
    before = (folder / run.name).read_bytes()
    with pytest.raises(CommandError, match="changed since"):
        command("repeat_run", str(run.pk))
    assert (folder / run.name).read_bytes() == before


@pytest.fixture
def export(world: World, tmp_path: Path) -> Any:
    def written(*args: str, format: str = "csv") -> tuple[dict[str, Any], str]:
        file = tmp_path / f"out.{format}"
        given = ["--organization", "812", "--format", format, "--output", str(file)]
        done = command("export_referrals", *given, *args)
        assert done["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        return done, file.read_text("utf-8")

    return written


def test_a_person_exports_what_they_choose(world: World, export: Any) -> None:
    world.send(plain(status="booked"))
    world.send(plain(number=2, reference="3502768697", status="submitted"))
    done, text = export()
    assert done["rows"] == 2
    first = next(csv.DictReader(io.StringIO(text)))
    assert (first["version"], first["trigger"], first["action"]) == ("", "", "put")
    assert export("--state", "booked")[0]["rows"] == 1
    assert export("--listing", "4417")[0]["rows"] == 2
    assert export("--to", "2001-01-01")[0]["rows"] == 0
    assert export("--from", "2001-01-01", "--to", "2101-01-01T00:00")[0]["rows"] == 2
    assert '"reference":"3502768696"' in export(format="jsonl")[1]
    assert '<referral reference="3502768696" version="" action="put"' in export(format="xml")[1]
    for wrong in (["--listing", "1"], ["--from", "yesterday"]):
        with pytest.raises(CommandError):
            export(*wrong)
