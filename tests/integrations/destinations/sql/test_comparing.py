"""What is there is compared with what was written, and put right by hand."""

import base64
import json
import re
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from core.database import clock
from integrations.models import TriggerConfig
from referrals import delivering
from referrals.delivering import resyncing
from referrals.models import Delivery, Run, Version
from referrals.record.removal import retention
from tests.world import REFERENCE, World, make_world, plain

pytestmark = pytest.mark.django_db

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NAMES = ["event", "answer", "referral", "file", "delivery", "partner_update", "listing", "removed"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def world() -> World:
    encrypt = "referral.client_last_name referral.note answer.value"
    made = make_world(
        "sql", on=["received"], url="sqlite:///copy.db", encrypt=encrypt, encryption_key=KEY
    )
    made.destination.allowed_fields = ["all", "events", "deliveries", "partner_updates"]
    made.destination.save()
    return made


def there(folder: Path, *statements: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "copy.db")) as connection, connection:
        for statement in statements:
            found = connection.execute(statement).fetchall()
    return found


def called(command: str, world: World) -> dict[str, Any]:
    output = StringIO()
    call_command(command, world.destination.name, organization="812", json=True, stdout=output)
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def unequal(world: World) -> list[str]:
    tables = called("sql_check", world)["tables"]
    return sorted(name for name, one in tables.items() if not one["equal"])


def three_copies(world: World) -> None:
    answers = [{"form": "intake", "question": "Alone?", "key": "q1", "value": "yes"}]
    for number, reference in enumerate((REFERENCE, "3502768602", "3502768603"), start=1):
        world.send(plain(number=number, reference=reference, form_answers=answers))
    delivering.carry_due(world.destination.pk)


def test_what_was_written_is_equal_and_what_somebody_changed_is_not(
    world: World, folder: Path
) -> None:
    three_copies(world)
    world.send(plain("referral.revoked", number=9, reference="3502768603"))
    assert called("sql_check", world)["behind"] == 1
    delivering.carry_due(world.destination.pk)
    found = called("sql_check", world)
    assert found["behind"] == 0
    assert sorted(found["tables"]) == sorted(NAMES)
    assert all(one["equal"] for one in found["tables"].values())
    assert found["tables"]["referral"]["there"]["rows"] == 2
    assert found["tables"]["event"]["there"]["rows"] == 2
    assert found["tables"]["removed"]["there"]["rows"] == 1
    there(folder, "UPDATE dovetail_referral SET status_label = 'x' WHERE reference = '3502768602'")
    there(folder, "DELETE FROM dovetail_listing")
    assert unequal(world) == ["listing", "referral"]


def test_another_mapping_makes_no_difference_until_something_is_written(world: World) -> None:
    three_copies(world)
    world.config.mapping.rules.filter(target="client.first_name").delete()
    assert unequal(world) == []


def test_what_our_retention_has_forgotten_is_no_difference(world: World) -> None:
    three_copies(world)
    with transaction.atomic():
        retention.purge(world.referral_of("3502768602"), clock.now())
    assert unequal(world) == []


def test_a_resync_puts_right_what_is_there_and_removes_what_is_not_ours(
    world: World, folder: Path
) -> None:
    three_copies(world)
    there(
        folder,
        "UPDATE dovetail_meta SET value = 'another' WHERE name = 'writer'",
        "UPDATE dovetail_referral SET version = 40, note = 'x' WHERE reference = '3502768602'",
        "DELETE FROM dovetail_referral WHERE reference = '3502768603'",
        "INSERT INTO dovetail_referral (reference, version, changed_at) "
        "VALUES ('another', 7, '2026-01-01 00:00:00.000000')",
        "INSERT INTO dovetail_answer (reference, position) VALUES ('another', 1)",
    )
    with pytest.raises(CommandError, match="Another destination"):
        called("sql_check", world)
    done = called("sql_resync", world)
    assert done == {"written": 3, "removed": 1, "raised": 1, "behind": 0}
    found = there(folder, "SELECT reference, version FROM dovetail_referral ORDER BY reference")
    assert found == [("3502768602", 41), ("3502768603", 2), (REFERENCE, 2)]
    assert there(folder, "SELECT * FROM dovetail_answer WHERE reference = 'another'") == []
    assert unequal(world) == []
    world.send(plain("referral.edited", number=8, reference="3502768602", reason="more"))
    delivering.carry_due(world.destination.pk)
    asked = "SELECT version FROM dovetail_referral WHERE reference = '3502768602'"
    assert there(folder, asked) == [(42,)]


def test_a_portal_that_was_restored_pauses_until_it_is_resynced(world: World, folder: Path) -> None:
    three_copies(world)
    later = "UPDATE dovetail_referral SET version = 5, note = 'later'"
    there(folder, f"{later}, changed_at = '2026-12-24 00:00:00.000000'")
    there(folder, "UPDATE dovetail_referral SET changed_at = '2020-01-01 00:00:00.000000'")
    world.send(plain("referral.edited", number=7, reason="more"))
    delivering.carry_due(world.destination.pk)
    world.destination.refresh_from_db()
    assert "may have been restored" in world.destination.paused
    called("sql_resync", world)
    world.destination.refresh_from_db()
    assert world.destination.paused_at is None
    assert unequal(world) == []


def test_a_resync_opens_what_stored_triggers_ask_for(world: World, folder: Path) -> None:
    TriggerConfig.objects.update(enabled=False)
    three_copies(world)
    assert Delivery.objects.count() == 0
    TriggerConfig.objects.update(enabled=True)
    assert called("sql_resync", world)["written"] == 3
    assert len(there(folder, "SELECT * FROM dovetail_referral")) == 3
    assert unequal(world) == []


def test_what_was_removed_is_removed_again_and_not_written(world: World, folder: Path) -> None:
    three_copies(world)
    kept = there(folder, "SELECT * FROM dovetail_referral WHERE reference = '3502768603'")
    world.send(plain("referral.revoked", number=9, reference="3502768603"))
    delivering.carry_due(world.destination.pk)
    columns = ", ".join("?" for _ in kept[0])
    with closing(sqlite3.connect(folder / "copy.db")) as connection, connection:
        connection.execute(f"INSERT INTO dovetail_referral VALUES ({columns})", kept[0])
        connection.execute("DELETE FROM dovetail_removed")
    called("sql_resync", world)
    found = there(folder, "SELECT reference FROM dovetail_referral ORDER BY reference")
    assert found == [("3502768602",), (REFERENCE,)]
    assert there(folder, "SELECT reference FROM dovetail_removed") == [("3502768603",)]
    assert Version.objects.filter(state="open").count() == 0


def test_a_resync_states_how_far_it_is_and_carries_as_it_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_copies(world)
    monkeypatch.setattr(resyncing, "YIELD_EVERY", 2)
    output = StringIO()
    call_command("sql_resync", world.destination.name, stdout=output)
    printed = output.getvalue().splitlines()
    assert printed == [
        "2 prepared",
        "3 prepared",
        "3 written anew, 0 removed, 0 still waiting.",
    ]
    assert Run.objects.filter(state="done").count() == 3
    output = StringIO()
    call_command("sql_resync", world.destination.name, no_wait=True, stdout=output)
    assert output.getvalue().splitlines()[-1] == "3 written anew, 0 removed, 3 still waiting."


def test_files_that_may_leave_are_listed_by_names_of_ours(world: World, folder: Path) -> None:
    pdf = base64.b64encode(b"%PDF-1.7 a letter\n%%EOF").decode()
    letter = {"id": "a1", "filename": "Mireille.pdf", "data": pdf}
    world.destination.allowed_files = ["attachment"]
    world.destination.save()
    world.send(plain(attachments=[letter]))
    delivering.carry_due(world.destination.pk)
    ((position, name, category),) = there(
        folder, "SELECT position, name, category FROM dovetail_file"
    )
    assert (position, category) == (1, "attachment")
    assert re.fullmatch(rf"referral-{REFERENCE}-attachment-1-[0-9a-f]{{8}}\.pdf", name)
    assert unequal(world) == []


def test_a_destination_that_cannot_be_read_is_not_compared() -> None:
    world = make_world("demo")
    for command in ("sql_check", "sql_resync"):
        with pytest.raises(CommandError):
            called(command, world)
