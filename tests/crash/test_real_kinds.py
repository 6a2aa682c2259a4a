"""Killed at any point on the way to a real counterpart: what every kind promises holds.

A referral is received, edited, sent again by hand where that may be, and revoked. A partner gets
each push at least once, under a stable id and in order; of files, each row is in exactly one
finished run; no message goes twice; a database has what was last written. In the end nothing of the
person is left anywhere, except where staff are notified.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from smtplib import SMTP
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from paramiko import SFTPFile
from sqlalchemy.engine.default import DefaultDialect

from core.database import clock
from integrations import destinations
from integrations.destinations.sftp.places.over_ssh import OverSsh
from integrations.models import Destination, TriggerConfig
from mapping.editing.exchange import install_shipped
from referrals import delivering
from referrals.delivering import resyncing
from referrals.intake import opening
from referrals.models import Delivery, InboundEvent, Referral, Run, Version
from referrals.record.removal.retention import storage, sweep
from tests import counterparts
from tests.counterparts import PUT, REMOVE, Counterpart, Files
from tests.crash.cells import Cells
from tests.crash.laboratory import KILLED, Laboratory, Report, receive, until_settled
from tests.crash.points import CALL, Points
from tests.world import REFERENCE, options, plain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long, pytest.mark.programs]

ONE_OF = 20  # points is in a sample
PERSONS_TURNS = 4
MESSAGES = [
    json.dumps(message).encode()
    for message in (
        plain(),
        plain("referral.edited", number=2, reason="another"),
        plain("referral.revoked", number=3),
    )
]
# What is done there, beside HTTP: before and after each of these is a point.
ELSEWHERE: tuple[tuple[type, str], ...] = (
    (SMTP, "send"),
    (SMTP, "getreply"),
    (OverSsh, "make_folder"),
    (OverSsh, "remove_folder"),
    (OverSsh, "rename"),
    (SFTPFile, "write"),
    (DefaultDialect, "do_commit"),
)


@contextmanager
def watched_elsewhere(points: Points) -> Iterator[None]:
    """Watch what a process does by other protocols than HTTP."""
    with ExitStack() as stack:
        for of, name in ELSEWHERE:
            stack.enter_context(patch.object(of, name, _with_points(points, of, name)))
        yield


def _with_points(points: Points, of: type, name: str) -> Callable[..., Any]:
    original: Callable[..., Any] = getattr(of, name)

    def done(*args: Any, **kwargs: Any) -> Any:
        with points.around(CALL, f"{of.__name__}.{name}"):
            return original(*args, **kwargs)

    return done


class OneKind:
    """A destination of one kind and its counterpart, tried in the laboratory."""

    def __init__(self, laboratory: Laboratory, counterpart: Counterpart) -> None:
        self.laboratory, self.counterpart = laboratory, counterpart
        self.is_once = counterpart.kind == "email"

    def killed_at(self, fatal: int | None) -> list[Any]:
        """Bring all versions, killed at the fatal point; return the points that were reached."""
        self.laboratory.begin()
        self.counterpart.clear()

        def work(report: Report) -> None:
            self._set_up()
            points = Points(fatal)
            with points.watched(), watched_elsewhere(points):
                for body in MESSAGES:
                    self._send_by_hand(body)
                    receive(body, lambda _: None)
                    unopened = InboundEvent.objects.filter(state="received")
                    opening.open_deliveries(unopened.values_list("pk", flat=True).get())
                    self._bring()
            report([(point.number, point.name) for point in points.reached])

        ended = self.laboratory._forked(work)
        assert ended.status == (KILLED if fatal else 0)
        return ended.lines[-1] if ended.lines else []

    def resume(self) -> dict[str, Any]:
        """Let all be sent again and go on until nothing is due; return what the portal says."""

        def work(report: Report) -> None:
            self._set_up()  # the laboratory has set up its own kind again
            differs: list[str] = []
            for body in MESSAGES:
                if self._send_by_hand(body):
                    self._settle()
                receive(body, lambda _: None)
                self._settle()
                differs += self._differs()
            report({**known_of_it(), "differs": differs})

        ended = self.laboratory._forked(work)
        assert ended.status == 0
        found: dict[str, Any] = ended.lines[-1]
        return found

    # -- What the processes do -------------------------------------------------------------

    def _set_up(self) -> None:
        kind = self.counterpart.kind
        shipped = destinations.default_mapping(kind)
        assert shipped
        mapping = install_shipped(kind, shipped)
        TriggerConfig.objects.update(mapping=mapping, on=["received", "edited"])
        destination = Destination.objects.get()
        destination.kind = kind
        destination.options = options(kind, **self.counterpart.options)
        destination.save()
        User.objects.get_or_create(username="person")

    def _bring(self) -> None:
        destination = Destination.objects.get()
        if destination.batches:
            delivering.carry_due(destination.pk)
        else:
            delivering.run(Delivery.objects.get().pk)

    def _send_by_hand(self, before: bytes) -> bool:
        """Let a person send it again before it is revoked; False where that was done, or is not."""
        if not self.is_once or before != MESSAGES[-1] or Version.objects.count() > 1:
            return False
        person = User.objects.get()
        delivering.send_by_hand(Referral.objects.get(), Destination.objects.get(), person)
        self._bring()
        return True

    def _settle(self) -> None:
        until_settled()
        for _ in range(PERSONS_TURNS):
            delivery = Delivery.objects.get()
            if delivery.reason != "unconfirmed":
                return
            self._look_and_answer(delivery)
            until_settled()

    def _look_and_answer(self, delivery: Delivery) -> None:
        """Look at what came, and say truthfully whether the version in doubt did."""
        step = delivering.decisions.deciding._open_step(delivery)
        assert step
        version = str(step.version_id)
        if version in self._seen():
            assert delivering.confirm_present(delivery, version)
        else:
            assert delivering.confirm_absent(delivery)

    def _seen(self) -> set[str]:
        """Return the versions that came; the counterpart is in the process that this one left."""
        file = self.laboratory.folder / "came"
        return set(file.read_text().split()) if file.exists() else set()

    def _differs(self) -> list[str]:
        """Return the tables of a database that are not as they were last written."""
        destination = Destination.objects.get()
        if not destination.transport().comparable:
            return []
        return [name for name, one in resyncing.compare(destination).items() if not one.equal]


def known_of_it() -> dict[str, Any]:
    """Return what the portal says of the delivery, and what it has of the person."""
    sweep(clock.now() + timedelta(days=1))  # what is written and not committed lies until then
    delivery = Delivery.objects.get()
    numbers = Version.objects.values_list("pk", "number")
    runs = Run.objects.filter(state=Run.State.DONE).exclude(name="")
    return {
        "state": delivery.state,
        "is_flagged": delivery.error_at is not None,
        "notices": [*delivery.corrections, delivery.message],
        "numbers": {str(pk): number for pk, number in numbers},
        "runs": dict(runs.values_list("name", "sha256")),
        "running": Run.objects.filter(state=Run.State.RUNNING).count(),
        "kept": [*counterparts.kept_of([REFERENCE]), *storage.names()],
    }


@pytest.fixture(params=counterparts.KINDS)
def one_kind(
    request: pytest.FixtureRequest, laboratory: Laboratory, tmp_path: Path, settings: Any
) -> Iterator[OneKind]:
    settings.EXPORT_ROOT = str(tmp_path)
    with counterparts.running(request.param, tmp_path) as counterpart:
        yield OneKind(laboratory, counterpart)


@pytest.mark.postgres
def test_a_death_anywhere_breaks_no_promise_of_a_kind(
    one_kind: OneKind, cells: Cells, subtests: pytest.Subtests
) -> None:
    points = one_kind.killed_at(None)
    assert len(points) > 30
    assert_promises_hold(one_kind.counterpart, one_kind.resume())
    for number, name in cells.one_of(ONE_OF, points):
        with subtests.test(killed=f"{number:03} {name}"):
            one_kind.killed_at(number)
            note_what_came(one_kind)
            assert_promises_hold(one_kind.counterpart, one_kind.resume())


def note_what_came(one_kind: OneKind) -> None:
    """Write down what the counterpart has, for a person who is asked in another process."""
    came = " ".join(one.version for one in one_kind.counterpart.came())
    (one_kind.laboratory.folder / "came").write_text(came)


def assert_promises_hold(counterpart: Counterpart, found: dict[str, Any]) -> None:
    came = counterpart.came()
    match counterpart.kind:
        case "webhook":
            assert_at_least_once_and_in_order(counterpart)
        case "email":
            assert [found["numbers"][one.version] for one in came] == [1, 2]
        case "sftp":
            assert sorted((one.number, one.action) for one in came) == [
                (1, PUT),
                (2, PUT),
                (3, REMOVE),
            ]
        case "sql":
            assert [(one.reference, one.action) for one in came] == [(REFERENCE, REMOVE)]
    assert found["differs"] == []
    assert found["running"] == 0
    assert counterpart.left_of(REFERENCE) == []
    assert found["kept"] == []
    if isinstance(counterpart, Files):
        assert_lists_are_those_of_finished_runs(counterpart, found)
    assert found["state"] == ("dismissed" if counterpart.removes else "imported")
    assert found["is_flagged"] or counterpart.removes, "staff are notified where the data is"


def assert_at_least_once_and_in_order(counterpart: Counterpart) -> None:
    came = counterpart.came()
    assert [one.number for one in came] == sorted(one.number for one in came)
    by_id = {one.version: one for one in came}
    assert [(one.number, one.action) for one in by_id.values()] == [
        (1, PUT),
        (2, PUT),
        (3, REMOVE),
    ]
    assert all(one.content == by_id[one.version].content for one in came), "the same on each try"


def assert_lists_are_those_of_finished_runs(files: Files, found: dict[str, Any]) -> None:
    """Every list is that of a finished run; staff know of those that still name the person."""
    assert files.hashes() == found["runs"]
    assert files.unfinished() == []
    put = {name for name, rows in files.rows().items() if any(one.action == PUT for one in rows)}
    assert all(any(name in sentence for sentence in found["notices"]) for name in put)
