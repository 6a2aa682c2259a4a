"""A database that was restored from a backup: what may have arrived is looked for first."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from core.database import clock
from core.models import AuditEvent
from integrations.destinations.demo import transport as demo
from referrals import delivering, sentences
from referrals.delivering.restore import looking, marks
from referrals.models import Attempt, Delivery, Host, Restore
from referrals.running.dispatcher import Dispatcher
from sandbox import Sandbox, running_sandbox
from tests import databases
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "token-of-the-tests"
LETTER = {
    "id": "a1",
    "filename": "letter.txt",
    "content_type": "text/plain",
    "data": "Qm9uam91cg==",
}
UNCONFIRMED = ("needs_attention", "unconfirmed")
IMPORTED = ("imported", "")

Go = Callable[[], None]


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    settings.SETTLE_TIME = timedelta()
    settings.RETRY_SCHEDULE = [timedelta()] * 8


@pytest.fixture(autouse=True)
def _nothing_delivered() -> Iterator[None]:
    demo.delivered.clear()
    demo.misbehaved.clear()
    yield
    demo.delivered.clear()
    demo.misbehaved.clear()


class Backup:
    """A copy of the database, made and put back as an operator does it.

    With SQLite by its own means: beside a file there may be a log of what was written last, as long
    as any thread of this process is connected.
    """

    def __init__(self) -> None:
        self.database = str(connections["default"].settings_dict["NAME"])
        self.copy = databases.beside(self.database, "backup")

    def make(self) -> None:
        self._copy(self.database, self.copy)

    def restore(self) -> None:
        self._copy(self.copy, self.database)

    def _copy(self, name: str, new: str) -> None:
        databases.close_all()
        if connections["default"].vendor != "sqlite":
            databases.copy(name, new)
            return
        with closing(sqlite3.connect(name)) as old, closing(sqlite3.connect(new)) as copied:
            old.backup(copied)


@pytest.fixture
def backup() -> Iterator[Backup]:
    made = Backup()
    yield made
    databases.close_all()
    databases.drop(made.copy)


def restart() -> None:
    """Forget what this process has found out, as a program that is started again."""
    looking._admitted.clear()


def as_it_runs() -> None:
    """The programs go on while the database is restored."""


def work() -> None:
    """Do what is due until nothing is."""
    for _ in range(30):
        due = delivering.due_deliveries(1000)
        if not [run for run in map(delivering.run, due) if run]:
            return
    raise AssertionError("It is never done.")


def event(number: int, **more: Any) -> dict[str, Any]:
    """Return an event on a referral of its own, with a file."""
    return {**plain(number=number % 60, reference=f"77{number:08}", attachments=[LETTER]), **more}


def now() -> dict[str, str]:
    """Return what lets an event be one of this moment."""
    return {"occurred_at": clock.now().isoformat()}


def asked(delivery: Delivery) -> str:
    """Return what a person has to look for."""
    return delivering.decisions.deciding.open_step_name(delivery).partition(":")[0]


def send(world: World, numbers: range, **more: Any) -> None:
    for number in numbers:
        world.send(event(number, event_id=f"evt_{number}", **more))


def standing(numbers: range) -> Counter[tuple[str, str]]:
    """Count how the deliveries of these events stand."""
    references = [f"77{number:08}" for number in numbers]
    rows = Delivery.objects.filter(reference__in=references).values_list("state", "reason")
    return Counter(rows)


def doubled(crms: Sandbox) -> list[str]:
    """Return what CRMS has twice: references, and files of one."""
    referrals = Counter(one.external_reference for one in crms.referrals)
    files = Counter(
        f"{one.external_reference} {file.category} {file.sha256}"
        for one in crms.referrals
        for file in one.attachments
    )
    return [what for what, count in (*referrals.items(), *files.items()) if count > 1]


@pytest.fixture
def crms() -> Iterator[Sandbox]:
    """A CRMS that takes whatever it is sent: a thing sent twice is there twice."""
    with running_sandbox(token=TOKEN, idempotency=False, allow_duplicates=True) as sandbox:
        yield sandbox


def into(crms: Sandbox, **options: Any) -> World:
    return make_world(kind="crms", base_url=crms.url, token=TOKEN, **options)


# -- In the midst of work --------------------------------------------------------------------------

scenes = pytest.mark.parametrize(
    ("program", "again", "many"),
    [
        pytest.param(restart, False, 3, id="restarted"),
        pytest.param(restart, False, 20, id="restarted, many", marks=pytest.mark.whole),
        pytest.param(as_it_runs, False, 3, id="going on"),
        pytest.param(restart, True, 3, id="restarted, sent again"),
        pytest.param(as_it_runs, True, 3, id="going on, sent again"),
    ],
)


def deliver_and_restore(world: World, backup: Backup, program: Go, old: range, *, again: bool):
    """Deliver what is only queued in the backup, or not in it at all, and restore it."""
    send(world, range(1000, 1001))
    work()  # something was sent before the backup too
    if not again:
        send(world, old)
    backup.make()
    if again:
        send(world, old)
    work()
    assert standing(old) == {IMPORTED: len(old)}
    backup.restore()
    program()
    work()
    delivering.look()  # as the dispatcher does before it opens anything
    if again:
        send(world, old)


@pytest.mark.postgres
@scenes
def test_nothing_is_doubled_where_the_search_finds(
    crms: Sandbox, backup: Backup, program: Go, again: bool, many: int
):
    world = into(crms)
    old, new = range(1, many + 1), range(101, many + 101)
    deliver_and_restore(world, backup, program, old, again=again)
    send(world, new, **now())
    work()
    assert standing(old) == standing(new) == {IMPORTED: many}
    assert len(crms.referrals) == 2 * many + 1
    assert {len(one.attachments) for one in crms.referrals} == {2}
    assert doubled(crms) == []
    assert Restore.objects.count() == 1
    looked_up = Counter(call.step for call in crms.calls)["look-up"]
    assert looked_up


@scenes
def test_a_person_decides_where_nothing_can_be_searched(
    crms: Sandbox, backup: Backup, program: Go, again: bool, many: int
):
    world = into(crms, look_up=False)
    old, new = range(1, many + 1), range(101, many + 101)
    deliver_and_restore(world, backup, program, old, again=again)
    send(world, new, **now())
    work()
    assert standing(old) == {UNCONFIRMED: many}
    assert standing(new) == {IMPORTED: many}
    assert len(crms.referrals) == 2 * many + 1
    assert doubled(crms) == []
    for delivery in Delivery.objects.filter(reason="unconfirmed"):
        assert delivery.message.startswith(sentences.RESTORED().removesuffix("."))
        assert asked(delivery) == "referral"


# -- Files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True], ids=["in the backup", "sent again"])
def test_files_go_again_under_their_keys_only_if_they_are_the_same_keys(
    backup: Backup, again: bool
):
    with running_sandbox(token=TOKEN, attachment_listing=False, allow_duplicates=True) as crms:
        world = into(crms)
        deliver_and_restore(world, backup, restart, range(1, 3), again=again)
        work()
        # An event that comes again opens another delivery, whose keys CRMS has never seen.
        assert standing(range(1, 3)) == {UNCONFIRMED if again else IMPORTED: 2}
        assert doubled(crms) == []
        for delivery in Delivery.objects.filter(reason="unconfirmed"):
            assert delivery.message.startswith(sentences.RESTORED().removesuffix("."))
            assert asked(delivery) == "summary"


def test_where_neither_keys_nor_lists_help_a_person_decides_about_each_file(backup: Backup):
    options = {"idempotency": False, "attachment_listing": False, "allow_duplicates": True}
    with running_sandbox(token=TOKEN, **options) as crms:
        world = into(crms, repeat_files=False)
        deliver_and_restore(world, backup, restart, range(1, 3), again=False)
        work()
        assert standing(range(1, 3)) == {UNCONFIRMED: 2}
        for step in ("summary", "attachment"):
            for delivery in Delivery.objects.filter(reason="unconfirmed"):
                assert asked(delivery) == step
                assert delivering.confirm_present(delivery, f"FILE-{step}")
            work()
        assert standing(range(1, 3)) == {IMPORTED: 2}
        assert doubled(crms) == []


# -- What a person says ----------------------------------------------------------------------------


@pytest.fixture
def lost(backup: Backup) -> World:
    """A referral that was delivered after the backup, to a destination that cannot be searched."""
    world = make_world(look_up=False)
    send(world, range(1, 2))
    backup.make()
    work()
    assert len(demo.delivered) == 3
    backup.restore()
    restart()
    work()
    assert (world.delivery.state, world.delivery.reason) == UNCONFIRMED
    assert len(demo.delivered) == 3
    return world


def test_what_is_there_is_not_sent(lost: World):
    for step in ("referral", "summary", "attachment"):
        assert asked(lost.delivery) == step
        assert delivering.confirm_present(lost.delivery, f"THERE-{step}")
        work()
    assert (lost.delivery.state, lost.delivery.external_id) == ("imported", "THERE-referral")
    assert len(demo.delivered) == 3


def test_where_the_referral_is_not_there_neither_are_its_files(lost: World):
    assert delivering.confirm_absent(lost.delivery)
    work()
    assert lost.delivery.state == "imported"
    assert len(demo.delivered) == 6


def test_a_person_is_asked_once_about_each_step(lost: World):
    delivering.confirm_present(lost.delivery, "THERE")
    work()
    delivering.confirm_absent(lost.delivery)
    work()
    assert asked(lost.delivery) == "attachment"
    delivering.confirm_absent(lost.delivery)
    work()
    assert lost.delivery.state == "imported"
    steps = [effect.step.partition(":")[0] for effect in demo.delivered]
    assert Counter(steps) == {"referral": 1, "summary": 2, "attachment": 2}


def test_who_was_asked_is_not_asked_again_when_sending_fails(lost: World):
    lost.destination.options["behaviour"] = "try_again"
    lost.destination.options["times"] = 3  # counted from before the restore
    lost.destination.save()
    delivering.confirm_absent(lost.delivery)
    work()
    assert lost.delivery.state == "imported"
    outcomes = Attempt.objects.values_list("outcome", flat=True)
    assert Counter(outcomes) == {"unconfirmed": 1, "try_again": 2, "imported": 1}


# -- Kinds that may send again ---------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True], ids=["in the backup", "sent again"])
def test_a_repeatable_kind_sends_again_under_the_same_ids(backup: Backup, again: bool):
    world = make_world(look_up=False, repeatable=True)
    deliver_and_restore(world, backup, restart, range(1, 3), again=again)
    work()
    # What comes again has other ids: its receiver could not tell that it has it.
    assert standing(range(1, 3)) == {UNCONFIRMED if again else IMPORTED: 2}


# -- What comes in later ---------------------------------------------------------------------------

BEFORE = {"occurred_at": "2026-03-11T10:01:00Z"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "may_have_arrived"),
    [
        (lambda: BEFORE, True),
        (lambda: {"occurred_at": None}, True),
        (lambda: {"occurred_at": (clock.now() - timedelta(hours=1)).isoformat()}, True),
        (now, False),
        (lambda: {"occurred_at": (clock.now() + timedelta(hours=1)).isoformat()}, False),
    ],
    ids=["long before", "no time", "an hour before", "now", "by a clock that is ahead"],
)
def test_an_events_own_time_states_whether_it_may_have_arrived(
    values: Callable[[], dict[str, Any]], may_have_arrived: bool
):
    world = make_world(look_up=False)
    delivering.restored()
    event_ = event(1, **values())
    world.send({key: value for key, value in event_.items() if value is not None})
    work()
    assert (world.delivery.restore is not None) is may_have_arrived
    assert (world.delivery.state, world.delivery.reason) == (
        UNCONFIRMED if may_have_arrived else IMPORTED
    )


@pytest.mark.parametrize(
    ("submitted", "may_have_arrived"),
    [
        (lambda: {"submitted_at": "2026-03-11T09:58:00-04:00"}, True),
        (lambda: {"submitted_at": "2026-03-11T09:58:00"}, True),
        (lambda: {"submitted_at": "2026-03-11"}, True),
        (lambda: {"submitted_at": clock.now().isoformat()}, False),
        (lambda: {"submitted_at": "the other day"}, False),
        (dict, False),
    ],
    ids=["before", "in local time", "on a day", "since", "unreadable", "not said"],
)
def test_an_edit_may_be_of_a_referral_that_was_sent_before(
    submitted: Callable[[], dict[str, str]], may_have_arrived: bool
):
    world = make_world(on=["edited"])
    delivering.restored()
    world.send({**plain("referral.edited", **submitted()), **now()})
    assert (world.delivery.restore is not None) is may_have_arrived


def test_a_new_referral_is_new_whatever_else_it_states():
    world = make_world()
    delivering.restored()
    world.send({**plain(submitted_at="2026-03-11T09:58:00-04:00"), **now()})
    assert world.delivery.restore is None


def test_what_comes_of_a_referral_that_the_backup_held_may_have_come_before():
    world = make_world(on=["edited"])
    world.send(plain())
    delivering.restored()
    world.send({**plain("referral.edited", number=2), **now()})
    assert world.delivery.restore is not None


EACH, LATEST = {"updates": "each"}, {"updates": "latest", "repeatable": True}


def deliver_an_update_and_restore(world: World, backup: Backup) -> dict[str, Any]:
    """Restore a backup that holds the first version of a referral alone; return the update."""
    world.send(plain())
    work()
    backup.make()
    update = plain("referral.edited", number=2, reason="another")
    world.send(update)
    work()
    backup.restore()
    restart()
    return update


def taken() -> list[int]:
    """Return the numbers of the versions whose referral was taken."""
    return [effect.number for effect in demo.delivered if effect.step == "referral"]


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "stands", "there"),
    [
        (EACH, IMPORTED, [1, 2]),
        ({**EACH, "repeatable": True}, IMPORTED, [1, 2]),
        ({**EACH, "look_up": False}, UNCONFIRMED, [1, 2]),
        # It goes under another id, by which nobody there could tell that it is the same.
        ({**EACH, "look_up": False, "repeatable": True}, UNCONFIRMED, [1, 2]),
        (LATEST, IMPORTED, [1, 2, 2]),
        ({**LATEST, "look_up": False}, IMPORTED, [1, 2, 2]),
    ],
    ids=str,
)
def test_an_update_that_the_backup_does_not_hold_may_have_arrived(
    backup: Backup, given: dict[str, Any], stands: tuple[str, str], there: list[int]
):
    world = make_world(on=["received", "edited"], **given)
    world.send(deliver_an_update_and_restore(world, backup))
    work()
    assert (world.delivery.state, world.delivery.reason) == stands
    assert taken() == there


def test_what_comes_after_all_doubt_is_sent_at_once(backup: Backup):
    world = make_world(on=["received", "edited"], look_up=False, **EACH)
    world.send(deliver_an_update_and_restore(world, backup))
    work()
    for step in ("referral", "summary"):
        assert asked(world.delivery) == step
        assert delivering.confirm_present(world.delivery, "there")
        work()
    assert (world.delivery.state, world.delivery.restore) == ("imported", None)
    world.send({**plain("referral.edited", number=3, reason="a third"), **now()})
    work()
    assert (world.delivery.state, taken()) == ("imported", [1, 2, 3])


def test_an_update_of_now_was_not_sent_before(backup: Backup):
    world = make_world(on=["received", "edited"], look_up=False, **EACH)
    deliver_an_update_and_restore(world, backup)
    delivering.look()
    world.send({**plain("referral.edited", number=3, reason="a third"), **now()})
    work()
    assert (world.delivery.state, world.delivery.restore) == ("imported", None)


def test_without_a_restore_nothing_is_looked_for(backup: Backup):
    world = make_world(look_up=False)
    for number in range(1, 4):
        send(world, range(number, number + 1))
        work()
        restart()
        delivering.look()
    assert standing(range(1, 4)) == {IMPORTED: 3}
    assert not Restore.objects.exists()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("state", "fields", "may_have_arrived"),
    [
        ("waiting", {"due_at": None}, True),
        ("queued", {}, True),
        ("needs_attention", {"reason": "rejected"}, True),
        ("imported", {"external_id": "RF-1", "due_at": None}, False),
        ("imported", {"external_id": "RF-1"}, True),
        ("dismissed", {"due_at": None}, False),
    ],
    ids=["waiting", "queued", "rejected", "imported", "files to follow", "dismissed"],
)
def test_all_that_is_unfinished_may_have_arrived(
    state: str, fields: dict[str, Any], may_have_arrived: bool
):
    world = make_world()
    world.send(event(1))
    Delivery.objects.update(state=state, **fields)
    delivering.restored()
    assert (world.delivery.restore is not None) is may_have_arrived


# -- Hosts -----------------------------------------------------------------------------------------


@pytest.fixture
def host(settings: Any, tmp_path: Path) -> Callable[[str], None]:
    """Go on as a program of the host of this name."""

    def become(name: str) -> None:
        settings.STATE_ROOT = str(tmp_path / name)
        restart()

    return become


def run(command: str) -> str:
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


def test_the_first_host_needs_nobody(host: Callable[[str], None]):
    host("a")
    world = make_world()
    send(world, range(1, 2))
    work()
    assert standing(range(1, 2)) == {IMPORTED: 1}


def test_another_host_delivers_nothing_until_somebody_lets_it(host: Callable[[str], None]):
    world = make_world(look_up=False)
    host("a")
    delivering.look()
    host("b")
    send(world, range(1, 3))
    for _ in range(2):  # however often it asks
        work()
        assert not delivering.look()
    assert standing(range(1, 3)) == {("queued", ""): 2}
    assert demo.delivered == []
    assert delivering.asking().count() == 1
    assert run("new_host") == "This host may deliver.\n"
    assert run("new_host") == "This host could deliver already.\n"
    work()
    assert standing(range(1, 3)) == {IMPORTED: 2}
    assert not delivering.asking().exists()


def test_a_restore_onto_a_new_host_is_stated_by_a_person(
    host: Callable[[str], None], backup: Backup
):
    world = make_world(look_up=False)
    host("old")
    delivering.look()
    send(world, range(1, 3))
    backup.make()
    work()
    backup.restore()
    host("new")
    work()
    assert len(demo.delivered) == 6  # nothing more
    assert run("restored").startswith("2 unfinished imports may have arrived.")
    work()
    assert standing(range(1, 3)) == {UNCONFIRMED: 2}
    send(world, range(101, 103), **now())
    work()
    assert standing(range(101, 103)) == {IMPORTED: 2}
    assert AuditEvent.objects.filter(action="restored").exists()


@pytest.mark.postgres
@pytest.mark.parametrize("notices", [delivering.look, lambda: work()], ids=["a look", "an intent"])
def test_a_host_notices_that_what_another_one_did_is_lost(
    host: Callable[[str], None], backup: Backup, notices: Go
):
    world = make_world(look_up=False)
    host("a")
    delivering.look()
    host("b")
    delivering.admit()
    send(world, range(1, 3))
    backup.make()
    work()
    host("a")
    delivering.look()
    backup.restore()
    notices()
    work()
    assert standing(range(1, 3)) == {UNCONFIRMED: 2}
    assert len(demo.delivered) == 6


@pytest.mark.postgres
def test_a_restore_is_noticed_once_by_whichever_host(host: Callable[[str], None], backup: Backup):
    world = make_world(look_up=False)
    host("a")
    delivering.look()
    host("b")
    delivering.admit()
    send(world, range(1, 3))
    backup.make()
    work()
    host("a")
    delivering.look()
    backup.restore()
    for name in ("a", "b", "a", "b"):
        host(name)
        assert delivering.look()
    assert Restore.objects.count() == 1
    send(world, range(101, 102), **now())
    work()
    assert standing(range(101, 102)) == {IMPORTED: 1}


def test_a_second_restore_of_the_same_backup_is_noticed_too(backup: Backup):
    world = make_world(look_up=False)
    send(world, range(1, 2))
    backup.make()
    work()
    for _ in range(2):
        backup.restore()
        restart()
        work()
        assert standing(range(1, 2)) == {UNCONFIRMED: 1}
        assert Restore.objects.count() == 1
    assert len(demo.delivered) == 3


@pytest.mark.parametrize("content", [b"", b"\0" * 128, b"no mark at all", b"\xff" * 40])
def test_with_a_mark_that_cannot_be_read_nothing_is_sent(content: bytes):
    world = make_world()
    send(world, range(1, 2))
    work()
    marks.path().write_bytes(content)
    restart()
    send(world, range(2, 3))
    work()
    assert standing(range(2, 3)) == {("queued", ""): 1}
    assert delivering.asking().count() == 1


def test_a_mark_that_is_deleted_under_a_program_stops_it():
    world = make_world()
    send(world, range(1, 2))
    work()
    marks.path().unlink()
    send(world, range(2, 3))
    work()
    assert standing(range(2, 3)) == {("queued", ""): 1}


# -- Numbers ---------------------------------------------------------------------------------------


def test_the_mark_is_the_number_of_the_latest_intent():
    world = make_world()
    send(world, range(1, 3))
    work()
    mark = marks.read()
    assert mark
    assert mark.number == Host.objects.get().number == len(demo.delivered) == 6


@pytest.mark.postgres
def test_an_intent_costs_one_statement_on_its_host():
    world = make_world()
    send(world, range(1, 2))
    work()
    send(world, range(2, 3))
    delivery = Delivery.objects.get(state="queued")
    with CaptureQueriesContext(connection) as captured:
        delivering.run(delivery.pk)
    numbered = [query for query in captured if "referrals_host" in query["sql"]]
    assert len(numbered) == delivery.steps.count() == 3


def test_where_the_mark_cannot_be_kept_events_are_opened_and_nothing_is_sent(
    settings: Any, tmp_path: Path
):
    (tmp_path / "file").touch()
    settings.STATE_ROOT = str(tmp_path / "file" / "state")
    world = make_world()
    world.receive(event(1))
    dispatcher = Dispatcher(1)
    for _ in range(2):
        dispatcher.round()
        dispatcher._openers.submit(int).result()
        dispatcher._pool.submit(int).result()
    assert world.delivery.state == "queued"
    dispatcher.close()
    assert demo.delivered == []
    settings.STATE_ROOT = str(tmp_path / "state")
    work()
    assert world.delivery.state == "imported"


def test_a_crash_before_a_new_host_is_known_costs_nothing():
    marks.create()
    assert delivering.look()


@pytest.mark.postgres
def test_an_intent_whose_mark_cannot_be_raised_is_taken_back(monkeypatch: pytest.MonkeyPatch):
    world = make_world(look_up=False)
    send(world, range(1, 2))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(marks, "raise_to", full)
        work()
    assert demo.delivered == []
    assert not world.delivery.steps.exists()
    assert world.delivery.reason == "bug"
    delivering.retry(world.delivery)
    work()
    assert standing(range(1, 2)) == {IMPORTED: 1}


@pytest.mark.postgres
def test_a_crash_between_an_intent_and_its_mark_is_no_restore(monkeypatch: pytest.MonkeyPatch):
    world = make_world()
    send(world, range(1, 2))

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(marks, "raise_to", killed)
        delivering.run(world.delivery.pk)
    restart()
    assert delivering.look()
    assert not Restore.objects.exists()
