"""A portal of an earlier version goes on: nothing that was merged or sent then is doubled."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from referrals import delivering
from referrals.intake import rereading
from referrals.models import InboundEvent, Referral, ReferralFile
from referrals.record import snapshot
from tests.reading import saying
from tests.world import World, plain

ROOT = Path(__file__).resolve().parents[3]
FIXTURE = ROOT / "tests" / "fixtures" / "earlier" / "portal.tar.xz"
KEY = base64.urlsafe_b64encode(b"the key of a fixture, 32 bytes..").decode()
DELIVERED, CUT = "8069760500", "8069760501"
WRONG, RIGHT = "9000818800", "8069818800"

# To look for garbage would take a quarter of the time.
MIGRATE = (
    "import django, gc; django.setup(); from django.core.management import call_command; "
    "gc.disable(); call_command('migrate', verbosity=0)"
)

GoOn = Callable[[str, str], dict[str, Any]]

# With other keys than an earlier version's, whatever the readers do; and with those of today.
every_reading = pytest.mark.parametrize(
    "how", ["other", pytest.param("today", marks=pytest.mark.whole)]
)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portal of an earlier version, with its database migrated."""
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(FIXTURE) as packed:
        packed.extractall(folder, filter="data")
    ran("-c", MIGRATE, folder=folder)
    return folder


def ran(*arguments: str, folder: Path) -> str:
    """Run a Python program of that portal; return what it prints."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": KEY,
        "ALLOWED_HOSTS": "localhost",
        "ALLOW_LOOPBACK": "true",
        "DATABASE_URL": f"sqlite:///{folder}/portal.sqlite3",
        "CELERY_BROKER_URL": "",
        "MEDIA_ROOT": str(folder / "media"),
        "STATE_ROOT": str(folder / "state"),
    }
    command = [sys.executable, *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def go_on(upgraded: Path, tmp_path: Path) -> GoOn:
    """Let a scenario happen in a copy of the upgraded portal; return what is then."""
    folder = tmp_path / "portal"
    shutil.copytree(upgraded, folder)

    def happen(scenario: str, how: str) -> dict[str, Any]:
        printed = ran("-m", "tests.referrals.earlier", str(folder), scenario, how, folder=folder)
        found: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return found

    return happen


@pytest.mark.programs
@every_reading
@pytest.mark.parametrize("scenario", ["sent again, then run", "run, then sent again"])
def test_the_same_messages_again_double_no_answer_and_no_file(
    go_on: GoOn, scenario: str, how: str
) -> None:
    found = go_on(scenario, how)
    assert found["crms"][DELIVERED] == [["bloods", "letter", "referral_summary", "results"]]
    referral = found["referrals"][DELIVERED]
    assert referral["answers"] == ["Booked", "Parents", "Penicillin"]
    assert referral["listed"] == ["bloods.txt", "letter.txt", "results.txt"]
    assert referral["rows"] == [[name, "stored"] for name in referral["listed"]]
    assert [DELIVERED, "imported", {}, []] in found["deliveries"]


@pytest.mark.programs
def test_files_that_were_still_to_follow_go_without_a_message(go_on: GoOn) -> None:
    found = go_on("run", "other")
    assert found["crms"][DELIVERED] == [["bloods", "letter", "referral_summary", "results"]]
    assert found["referrals"][DELIVERED]["reading"] == 2


@pytest.mark.programs
@every_reading
def test_an_upload_that_was_cut_leaves_one_file(go_on: GoOn, how: str) -> None:
    found = go_on("cut", how)
    assert found["crms"][CUT] == [["consent", "referral_summary"]]
    assert [CUT, "imported", {}, []] in found["deliveries"]
    assert found["referrals"][CUT]["answers"] == ["Latex"]
    assert found["steps"][CUT] == ["referral", "summary", "attachment:consent-81"]


@pytest.mark.programs
@every_reading
def test_a_referral_that_was_split_by_a_foreign_number_is_joined_and_staff_are_notified(
    go_on: GoOn, how: str
) -> None:
    found = go_on("split", how)
    assert WRONG not in found["referrals"]
    assert found["crms"][RIGHT] == [["referral_summary"]]
    assert found["crms"][WRONG] == [["referral_summary"]]
    corrected = [corrections for *_, corrections in found["deliveries"] if corrections]
    assert len(corrected) == 1
    assert any("a second time" in sentence for sentence in corrected[0])


# -- one referral at a time ------------------------------------------------------------------------

LETTER = {"id": "letter-4711", "filename": "letter.txt", "data": "aGVsbG8="}
ANSWERS = [{"key": "q1", "label": "Allergies", "value": "Penicillin"}]


def made_earlier(world: World) -> Referral:
    """Give the referral a snapshot as an earlier version made it: without senders, key by key."""
    referral = world.referral
    known = {}
    for path, entry in referral.snapshot.items():
        head, slash, rest = path.partition("/")
        part = head.partition("@")[0]
        key = entry[2]["key"] if part == "form_answers" else rest
        known[f"{part}/{key}" if slash else path] = entry
    referral.snapshot, referral.reading = known, 0
    referral.save()
    return referral


def answers(referral: Referral) -> list[str]:
    shown = snapshot.view(referral.snapshot)["form_answers"]
    return sorted(answer["value"] for answer in shown)


def test_the_first_event_reads_the_earlier_ones_again(world: World) -> None:
    world.send(plain(form_answers=ANSWERS, attachments=[LETTER]))
    made_earlier(world)
    with saying(form_answers=[{"form": "intake", **ANSWERS[0]}]):
        world.send(plain("referral.edited", number=2))
    referral = world.referral
    assert referral.reading == snapshot.READING
    assert snapshot.view(referral.snapshot)["form_answers"] == [{"form": "intake", **ANSWERS[0]}]
    assert not any(path.startswith("form_answers/") for path in referral.snapshot)
    assert referral.files.get().state == "stored"


def test_further_events_read_nothing_again(world: World) -> None:
    world.send(plain())
    made_earlier(world)
    world.send(plain("referral.edited", number=2))
    with mock.patch.object(rereading, "read") as read:
        world.send(plain("referral.edited", number=3))
    read.assert_not_called()


def test_an_import_reads_again_what_it_sends(world: World) -> None:
    world.send(plain(form_answers=ANSWERS))
    made_earlier(world)
    with saying(form_answers=[{"form": "intake", **ANSWERS[0]}]):
        assert world.run().state == "imported"
    assert answers(world.referral) == ["Penicillin"]
    assert world.referral.reading == snapshot.READING


def test_what_no_stored_body_states_any_more_stays(world: World) -> None:
    world.send(plain(form_answers=ANSWERS))
    world.send(plain("referral.edited", number=2, priority="urgent"))
    made_earlier(world)
    InboundEvent.objects.filter(dedup_key="id:evt_1").update(body=None)
    world.send(plain("referral.edited", number=3, form_answers=[{"key": "q2", "value": "b"}]))
    assert answers(world.referral) == ["Penicillin", "b"]
    assert snapshot.view(world.referral.snapshot)["priority"] == "urgent"


@pytest.mark.parametrize("failure", [rereading.Unusable([]), KeyError("x"), RecursionError()])
def test_what_cannot_be_read_again_stays(world: World, failure: Exception) -> None:
    world.send(plain(form_answers=ANSWERS))
    referral = made_earlier(world)
    with mock.patch("integrations.sources.caredove.plain.parse", side_effect=failure):
        rereading.refresh(referral)
    assert answers(world.referral) == ["Penicillin"]
    assert world.referral.reading == snapshot.READING


def test_what_an_earlier_version_overlooked_is_withdrawn_and_reported(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    world.run()
    referral = made_earlier(world)
    with saying(withdrawn=[{"part": "attachments", "key": "letter-4711"}]):
        rereading.refresh(referral)
    assert ReferralFile.objects.get().state == "withdrawn"
    assert "letter.txt" in world.delivery.corrections[0]


def test_an_import_whose_request_was_withdrawn_before_is_not_sent_any_more(world: World) -> None:
    world.send(plain())
    made_earlier(world)
    with saying(request_status="entered-in-error"):
        delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "withdrawn")
    assert not delivery.steps.exists()
    delivering.retry(delivery)
    assert world.run().state == "imported"


def test_staff_hear_of_a_request_that_was_withdrawn_before_and_imported(world: World) -> None:
    world.send(plain())
    world.run()
    referral = made_earlier(world)
    with saying(request_status="revoked"):
        rereading.refresh(referral)
    assert world.delivery.state == "imported"
    assert world.delivery.corrections[0].startswith("Caredove marked the referral as revoked")


def test_a_referral_without_a_person_has_nothing_to_read_again(world: World) -> None:
    world.send(plain())
    world.send(plain("referral.revoked", number=2))
    Referral.objects.update(reading=0)
    world.send(plain("referral.edited", number=3))
    assert world.referral.snapshot == {}


def test_the_bytes_of_a_file_are_stored_once_more_only_where_they_were_lost(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    before = ReferralFile.objects.get().stored_as
    made_earlier(world)
    with mock.patch.object(rereading.files.storage, "save_for") as save:
        world.send(plain("referral.edited", number=2))
    save.assert_not_called()
    assert ReferralFile.objects.get().stored_as == before
    assert delivering.run(world.delivery.pk)
