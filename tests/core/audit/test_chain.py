"""Whoever changes the audit trail, and has no key of the portal, is found out."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from core import audit
from core.audit import chain as audit_chain
from core.audit.chain import Head
from core.database import clock
from core.encryption import rotation
from core.models import AppendOnly, AuditEvent, AuditKey, AuditSeal
from tests.core.encryption.test_key_checks import new_key

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

EVENTS, SEALS = 24, 6


@pytest.fixture(autouse=True)
def heads_file(settings: Any, tmp_path: Path) -> Path:
    settings.AUDIT_HEADS = str(tmp_path / "audit.heads")
    return tmp_path / "audit.heads"


def write(count: int = 1, **detail: Any) -> None:
    for number in range(count):
        audit.record(f"program {number}", "retried", None, number=number, **detail)


@pytest.fixture
def trail() -> list[Head]:
    """A trail of several seals, of accounts, objects and programs; and its heads, kept outside."""
    heads = []
    ada = User.objects.create_user("ada")
    for number in range(SEALS):
        audit.record(ada, "view", ada, reason="asked")
        write(EVENTS // SEALS - 1, part=number)
        assert audit_chain.seal() == EVENTS // SEALS
        head = audit_chain.last_head()
        assert head is not None
        heads.append(head)
    return heads


def problems(*heads: Head) -> list[str]:
    return audit_chain.check(heads).problems


# -- Sealing ---------------------------------------------------------------------------------------


def test_a_trail_that_nobody_changed_is_whole(trail: list[Head]):
    write(3)
    found = audit_chain.check(trail)
    assert found.problems == []
    assert (found.sealed, found.seals, found.waiting, found.heads) == (EVENTS, SEALS, 3, SEALS)


def test_each_event_is_sealed_once_however_many_seals_it_takes(monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 4)
    write(10)
    assert (audit_chain.seal(), audit_chain.seal()) == (10, 0)
    assert [len(seal.entries) for seal in AuditSeal.objects.all()] == [4, 4, 2]
    assert problems() == []


def test_an_event_whose_transaction_ended_late_is_sealed(trail: list[Head]):
    # Its id is lower than one that is sealed: the ids of two transactions, in another order.
    late = AuditEvent(pk=AuditEvent.objects.first().pk + 1, username="late", action="retried")
    early = AuditEvent.objects.create(
        pk=late.pk + 1, username="early", action="retried", at=clock.now()
    )
    assert audit_chain.seal() == 1
    late.save()
    assert audit_chain.seal() == 1
    assert AuditSeal.objects.last().through == early.pk
    assert problems() == []


def test_two_processes_that_seal_at_once_seal_nothing_twice(trail: list[Head]):
    write(2)
    last = audit_chain._last()
    events = audit_chain._unsealed(last)
    assert audit_chain.seal() == 2
    assert audit_chain._append(last, AuditSeal.Why.WRITTEN, events) is None
    assert problems() == []


def test_a_dispatcher_seals_within_a_minute(settings: Any, monkeypatch):
    from referrals.running import dispatcher

    assert audit_chain.seal_regularly in dispatcher._beside
    assert settings.BESIDE_SECONDS + audit_chain.EVERY < 60
    write()
    monkeypatch.setattr(audit_chain, "_sealed_at", float("-inf"))
    audit_chain.seal_regularly()
    assert AuditSeal.objects.count() == 1


def test_seals_are_only_ever_added_to(trail: list[Head]):
    seal = AuditSeal.objects.first()
    for change in (seal.save, seal.delete, AuditSeal.objects.all().delete):
        with pytest.raises(AppendOnly):
            change()


def test_deleting_an_account_changes_no_row(trail: list[Head]):
    ada = User.objects.get()
    was = ada.pk
    ada.delete()
    assert problems(*trail) == []
    kept = AuditEvent.objects.filter(username="ada").values_list("user_id", flat=True)
    assert list(kept) == [was] * SEALS


def test_what_was_sealed_with_an_earlier_key_can_be_checked_when_that_key_is_gone(settings: Any):
    old, new = new_key(), new_key()
    settings.ENCRYPTION_KEYS = [old]
    write()
    audit_chain.seal()
    settings.ENCRYPTION_KEYS = [new, old]
    write()
    audit_chain.seal()
    list(rotation.rotate())
    settings.ENCRYPTION_KEYS = [new]
    assert problems() == []
    AuditKey.objects.exclude(key_id=AuditSeal.objects.last().key_id).delete()
    assert [one for one in problems() if "cannot be checked" in one]


# -- Attacks ---------------------------------------------------------------------------------------

EVENT_COLUMNS = {
    "at": lambda: clock.now() - timedelta(days=3),
    "user_id": lambda: 987,
    "username": lambda: "somebody else",
    "ip": lambda: "192.0.2.9",
    "action": lambda: "nothing",
    "object_type": lambda: "x.y",
    "object_id": lambda: "77",
    "object_label": lambda: "another",
    "detail": lambda: json.dumps({"reason": "another"}),
}


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def ids(table: str = "core_auditevent", key: str = "id") -> list[int]:
    return [pk for (pk,) in sql(f"SELECT {key} FROM {table} ORDER BY {key}")]


def edit(chance: random.Random) -> None:
    column = chance.choice(list(EVENT_COLUMNS))
    value = EVENT_COLUMNS[column]()
    sql(f"UPDATE core_auditevent SET {column} = %s WHERE id = %s", value, chance.choice(ids()))


def delete(chance: random.Random) -> None:
    gone = chance.sample(ids(), chance.choice([1, 1, 2, 5]))
    sql(f"DELETE FROM core_auditevent WHERE id IN ({', '.join(map(str, gone))})")


def swap(chance: random.Random) -> None:
    one, other = chance.sample(ids(), 2)
    for was, now in ((one, -1), (other, one), (-1, other)):
        sql("UPDATE core_auditevent SET id = %s WHERE id = %s", now, was)


def cut(chance: random.Random) -> None:
    """Cut the end off: events alone, or the seals that hold them too, or seals alone."""
    which = chance.choice(["events", "both", "seals"])
    first = chance.randint(2, SEALS)
    kept = AuditSeal.objects.get(pk=first - 1).through
    if which != "seals":
        sql("DELETE FROM core_auditevent WHERE id > %s", kept)
    if which != "events":
        sql("DELETE FROM core_auditseal WHERE number >= %s", first)


def rehash(chance: random.Random) -> None:
    """Change an event, and make all seals anew as the code does, with a key of one's own."""
    pk = chance.choice(ids())
    sql("UPDATE core_auditevent SET action = 'nothing' WHERE id = %s", pk)
    key, before = chance.randbytes(32), ""
    seals = list(AuditSeal.objects.order_by("number"))
    first = next(seal.number for seal in seals if pk in dict(seal.entries))
    alone = chance.random() < 0.3  # the event's own digest, and no seal
    for seal in seals:
        if seal.number >= first:
            events = AuditEvent.objects.in_bulk([pk for pk, _ in seal.entries])
            seal.entries = [
                [pk, audit_chain._digest(key, audit_chain._event(one))]
                for pk, one in events.items()
            ]
            if not alone:
                seal.digest = audit_chain._digest(key, audit_chain._seal(seal, before))
            entries = json.dumps(seal.entries)
            sql(
                "UPDATE core_auditseal SET entries = %s, digest = %s WHERE number = %s",
                entries,
                seal.digest,
                seal.number,
            )
        before = seal.digest


def change_a_seal(chance: random.Random) -> None:
    """Edit, delete or swap seals; or forge one that says that there was a purge or a restore."""
    number = chance.choice(ids("core_auditseal", "number"))
    deed = chance.choice(["edit", "delete", "forge", "forge"])
    if deed == "delete":
        sql("DELETE FROM core_auditseal WHERE number = %s", number)
    elif deed == "edit":
        column, value = chance.choice(
            [("entries", "[]"), ("entries", "7"), ("why", "restored"), ("digest", "é" * 64)]
        )
        sql(f"UPDATE core_auditseal SET {column} = %s WHERE number = %s", value, number)
    else:
        forge(chance, number)


def forge(chance: random.Random, number: int) -> None:
    last = AuditSeal.objects.last()
    detail = chance.choice([{"through": number, "digest": last.digest}, {}, {"through": "x"}, [7]])
    AuditSeal.objects.create(
        number=last.number + 1,
        at=clock.now(),
        why=chance.choice(["purged", "restored"]),
        detail=detail,
        through=last.through,
        until=clock.now(),
        key_id=last.key_id,
        digest=chance.randbytes(32).hex(),
    )
    sql("DELETE FROM core_auditseal WHERE number <= %s", number - 1)


ATTACKS: list[Callable[[random.Random], None]] = [edit, delete, swap, cut, rehash, change_a_seal]


def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def go_unnoticed(trail: list[Head], seed: int, each: int) -> list[str]:
    """Return the attacks that were not found, of so many random ones of each kind."""
    chance = random.Random(seed)
    unnoticed = []
    for attack in ATTACKS:
        for number in range(each):
            for _ in undone():
                attack(chance)
                if not problems(*trail):
                    unnoticed.append(f"{attack.__name__} {number}")
    return unnoticed


def test_each_kind_of_attack_is_found(trail: list[Head]):
    assert go_unnoticed(trail, seed=19, each=20) == []
    assert problems(*trail) == []  # each was undone: none was found because of another


@pytest.mark.whole
def test_a_thousand_attacks_of_each_kind_are_found(trail: list[Head]):
    seed = random.SystemRandom().randrange(10**6)
    assert (seed, go_unnoticed(trail, seed=seed, each=1000)) == (seed, [])


def test_without_a_head_kept_outside_a_cut_end_is_not_seen(trail: list[Head]):
    # So the heads are what finds it, and not something else.
    sql("DELETE FROM core_auditevent WHERE id > %s", AuditSeal.objects.get(pk=2).through)
    sql("DELETE FROM core_auditseal WHERE number > 2")
    assert problems() == []
    assert len(problems(*trail)) == SEALS - 2
    # Nor does it help to go on from there.
    write(EVENTS)
    audit_chain.seal()
    assert len(problems(*trail)) == SEALS - 2


def test_what_was_slipped_in_with_an_early_time_is_found(trail: list[Head]):
    AuditEvent.objects.create(
        username="ada", action="view", at=clock.now() - timedelta(days=1), pk=-5
    )
    audit_chain.seal()
    assert problems(*trail) == ["Entry -5 is not sealed."]


# -- Heads, purges, restores -----------------------------------------------------------------------


def test_the_file_has_the_head_of_each_seal(heads_file, django_capture_on_commit_callbacks):
    for _ in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            write()
            audit_chain.seal()
    with django_capture_on_commit_callbacks(execute=False):  # a crash after the commit
        write()
        audit_chain.seal()
    heads_file.write_text(heads_file.read_text() + "4 2026-")  # or a full disk
    with django_capture_on_commit_callbacks(execute=True):
        write()
        audit_chain.seal()
    heads = audit_chain.read_heads(heads_file)
    assert [head.number for head in heads] == [1, 2, 3, 4, 5]
    assert audit_chain.check(heads).heads == 5
    assert audit_chain.last_head() == heads[-1]


def test_a_file_that_cannot_be_written_stops_no_seal(
    settings: Any, django_capture_on_commit_callbacks
):
    settings.AUDIT_HEADS = "/proc/none/heads"
    with django_capture_on_commit_callbacks(execute=True):
        write()
        assert audit_chain.seal() == 1


def older(seals: int) -> datetime:
    """Return a time after that of so many seals."""
    return AuditSeal.objects.get(pk=seals).until + timedelta(microseconds=1)


def test_what_is_left_of_a_purge_is_verifiable(trail: list[Head]):
    for until, left in ((2, 16), (2, 16), (4, 8)):
        if AuditSeal.objects.filter(pk=until).exists():
            audit_chain.purge(older(until))
        assert AuditEvent.objects.count() == left
        found = audit_chain.check(trail)
        assert found.problems == []
        assert found.heads == left // (EVENTS // SEALS)
    for attack in ATTACKS[:3]:
        for _ in undone():
            attack(random.Random(1))
            assert problems(*trail)


def test_a_purge_of_more_than_is_read_at_once_ends(trail: list[Head], monkeypatch):
    monkeypatch.setattr(audit_chain, "SEALS", 2)
    assert audit_chain.purge(clock.now() + timedelta(days=1)) == EVENTS
    assert problems(*trail) == []
    assert audit_chain.purge(clock.now() + timedelta(days=1)) == 0


def test_a_purge_asked_for_by_the_setting_alone_deletes(trail: list[Head], settings: Any):
    assert audit_chain.purge_expired() == 0
    with pytest.raises(CommandError, match="kept for good"):
        call_command("purge_audit")
    settings.AUDIT_DAYS = 30
    assert audit_chain.purge_expired() == 0
    assert AuditEvent.objects.count() == EVENTS


def test_a_restored_trail_is_verifiable(trail: list[Head]):
    sql("DELETE FROM core_auditevent WHERE id > %s", AuditSeal.objects.get(pk=3).through)
    sql("DELETE FROM core_auditseal WHERE number > 3")  # as it was when the backup was made
    audit.record("restore", "restored")
    audit_chain.restored()
    write()
    audit_chain.seal()
    found = audit_chain.check(trail)
    assert found.problems == []
    assert [note.rpartition("seal ")[2] for note in found.notes] == ["4.", "5.", "6."]
    # What is cut off after that is found as before.
    kept = audit_chain.last_head()
    sql("DELETE FROM core_auditevent WHERE id = %s", ids()[-1])
    sql("DELETE FROM core_auditseal WHERE number = %s", kept.number)
    assert len(problems(*trail, kept)) == 1


# -- Commands --------------------------------------------------------------------------------------


def test_the_commands_print_a_head_and_compare_with_it(trail: list[Head], tmp_path, capsys):
    call_command("audit_head")
    kept = tmp_path / "kept"
    kept.write_text(capsys.readouterr().out)
    call_command("check_audit", heads=[kept])
    assert f"as it was written: {EVENTS} entries in {SEALS} seals" in capsys.readouterr().out
    call_command("check_audit")
    assert "No head was kept outside" in capsys.readouterr().out
    sql("UPDATE core_auditevent SET action = 'x' WHERE id = %s", ids()[0])
    with pytest.raises(CommandError, match="was changed"):
        call_command("check_audit", heads=[kept])
    assert f"Entry {ids()[0]} was changed." in capsys.readouterr().out


def test_nothing_is_printed_of_an_empty_trail():
    with pytest.raises(CommandError, match="empty"):
        call_command("audit_head")
