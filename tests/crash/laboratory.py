"""One referral on its way, in processes that die where they are told to.

Every process here is forked from this one, which has everything loaded, and works on a database
and a folder of its own. Time passes by moving the portal's clock, not by waiting.
"""

import json
import os
import shutil
import signal
import sys
import time
import traceback
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from core.database import clock
from integrations import sources
from integrations.capabilities import Capability, Finding
from integrations.models import Destination, Source
from referrals import delivering
from referrals.intake import opening, receiving
from referrals.models import Delivery, InboundEvent, Referral, Step
from referrals.running.dispatcher import Dispatcher
from tests import databases
from tests.clocks import clock_set
from tests.crash.points import Point, Points
from tests.flow.crms import TOKEN, Crms
from tests.flow.fileserver import PASSWORD, USERNAME, FileServer
from tests.world import REFERENCE, World, make_world, options, plain

ROUNDS = 30  # of the dispatcher, each an hour later; far more than any death can cost
SETTLE = 0.05  # seconds in which the sandbox takes what a dead process had sent
INLINE = b"%PDF-1.4\n%%EOF\n"
BY_URL = bytes(range(256)) * 700
KILLED = -9

Declared = dict[str, bool | None]
STATED: Declared = {"look_up": True, "repeat_files": False}  # what the stand-in can do
NOTHING_DECLARED: Declared = {"look_up": None, "repeat_files": None}  # and nothing is proved

Report = Callable[[Any], None]  # writes one line of JSON to the parent
Work = Callable[[Report], None]

_now = clock.now


@dataclass(frozen=True)
class Ended:
    """How a forked process ended, as `subprocess` says it, and the lines that it reported."""

    status: int
    lines: list[Any]


class Laboratory:
    """Makes a fresh world for each experiment."""

    def __init__(self, template: str, folder: Path, crms: Crms, files: FileServer) -> None:
        self.template = template
        self.database = databases.beside(template, "cell")
        self.folder = folder
        self.crms = crms
        self.files = files
        self.declared = STATED
        self.event = event(files.put("/files/phq9.png", BY_URL))

    # -- An experiment -----------------------------------------------------------------------

    def begin(self, declared: Declared = STATED) -> None:
        """Forget every earlier experiment; `declared` is what is declared of the CRMS."""
        databases.copy(self.template, self.database)
        self.crms.clear()
        self.declared = declared
        self.media = self.folder / f"media-{time.monotonic_ns()}"
        self.state = self.folder / f"state-{time.monotonic_ns()}"
        shutil.copytree(self.folder / "state", self.state)

    def receive_open_run(self, fatal: int | None = None) -> Ended:
        """Receive the event and bring the referral to CRMS; killed at the fatal point.

        Reports that the event was accepted, and the points that were reached.
        """
        return self._forked(lambda report: self._receive_open_run(Points(fatal), report))

    @contextmanager
    def frozen(self, point: int) -> Iterator[None]:
        """Begin the same, and freeze the process there for longer than its lease.

        It goes on, and ends, after the block.
        """
        points = Points(point, signal.SIGSTOP)
        child, reader = self._fork(lambda report: self._receive_open_run(points, report))
        assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
        time.sleep(settings.LEASE_TIME.total_seconds())
        yield
        os.kill(child, signal.SIGCONT)
        assert self._ended(child, reader).status == 0

    def _receive_open_run(self, points: Points, report: Report) -> None:
        with points.watched():
            receive(self.event, report)
            opening.open_deliveries(InboundEvent.objects.get().pk)
            delivering.run(Delivery.objects.get().pk)
        for point in points.reached:
            report([point.number, point.kind, point.name])

    def points(self, declared: Declared = STATED) -> list[Point]:
        """Return the points of a run in which nobody dies."""
        self.begin(declared)
        ended = self.receive_open_run()
        assert ended.status == 0
        return [Point(*line) for line in ended.lines if isinstance(line, list)]

    def resume(self, *, accepted: bool, fatal: int | None = None) -> dict[str, Any]:
        """Let a new process go on, hour by hour, until nothing is due; return what became of it.

        A sender that was not answered sends again.
        """

        def work(report: Report) -> None:
            if not accepted:
                receive(self.event, report)
            with Points(fatal).watched() if fatal else _nothing():
                until_settled()
            report(outcome())

        ended = self._forked(work)
        if fatal and ended.status == KILLED:
            return {"accepted": accepted or "accepted" in ended.lines}
        assert ended.status == 0
        found: dict[str, Any] = ended.lines[-1]
        return found

    def unknown_step(self) -> str:
        """Return the step that was begun and has no answer; empty where there is none."""
        step = Step.objects.filter(done_at=None).values_list("name", flat=True)
        ended = self._forked(lambda report: report(step.first() or ""))
        assert ended.status == 0
        return str(ended.lines[-1])

    def answer_as_a_person(self) -> dict[str, Any]:
        """Look into CRMS, say truthfully whether the open step is there, and let it go on."""
        seen = self.crms.referrals()

        def work(report: Report) -> None:
            look_and_answer(seen)
            until_settled()
            report(outcome())

        ended = self._forked(work)
        assert ended.status == 0
        found: dict[str, Any] = ended.lines[-1]
        return found

    # -- Processes ---------------------------------------------------------------------------

    def _forked(self, work: Work) -> Ended:
        return self._ended(*self._fork(work))

    def _fork(self, work: Work) -> tuple[int, int]:
        """Let a new process work; return its id, and where to read what it reports."""
        databases.close_all()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            self._child(work, writer)
        os.close(writer)
        return child, reader

    def _ended(self, child: int, reader: int) -> Ended:
        with open(reader, encoding="utf-8") as lines:
            reported = [json.loads(line) for line in lines]
        _, status = os.waitpid(child, 0)
        time.sleep(SETTLE)
        return Ended(os.waitstatus_to_exitcode(status), reported)

    def _child(self, work: Work, writer: int) -> None:
        status = 1
        try:
            with open(writer, "w", encoding="utf-8") as out, databases.using(self.database):
                settings.MEDIA_ROOT = str(self.media)
                settings.STATE_ROOT = str(self.state)
                settings.CELERY_BROKER_URL = ""
                declare(self.declared, self.crms.url)
                databases.close_all()
                work(_reporter(out))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)


def _reporter(out: IO[str]) -> Report:
    def report(line: Any) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    return report


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def event(url: str) -> bytes:
    """Return an event with one attachment inside it and one to fetch."""
    attachments = [
        {"id": "a1", "filename": "letter.pdf", "data": b64encode(INLINE).decode()},
        {"id": "a2", "filename": "phq9.png", "content_type": "image/png", "url": url},
    ]
    return json.dumps(plain(attachments=attachments)).encode()


# -- What the processes do ----------------------------------------------------------------------


def set_up(crms: Crms, files: FileServer) -> World:
    """Fill an empty database: a listing whose referrals go to the sandbox CRMS."""
    world = make_world("crms", base_url=crms.url, token=TOKEN, **STATED)
    world.source.attachment_hosts = [files.host]
    world.source.fetch_username, world.source.fetch_password = USERNAME, PASSWORD
    world.source.save()
    world.destination.test_connection()
    world.destination.prove({Capability.LISTS_FILES: Finding(True)}, clock.now())
    sources.endpoint(world.source.kind, "plain")  # loaded once, and not in every forked process
    return world


def declare(declared: Declared, url: str) -> None:
    destination = Destination.objects.get()
    destination.options = options("crms", base_url=url, token=TOKEN, **declared)
    destination.save()
    if declared == NOTHING_DECLARED:
        Destination.objects.update(capabilities={})


def receive(body: bytes, report: Report) -> None:
    receiving.receive(Source.objects.get(), "plain", body)
    report("accepted")


def until_settled() -> None:
    """Go round as the dispatcher does, an hour later each time, until nothing is due any more."""
    for hour in range(1, ROUNDS + 1):
        later = timedelta(hours=hour)
        with clock_set(lambda later=later: _now() + later):
            dispatcher = Dispatcher(threads=2)
            dispatcher.round()
            dispatcher.close()
        if _settled():
            return
    raise AssertionError("It is never settled.")


def _settled() -> bool:
    waiting = InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED)
    busy = Delivery.objects.filter(state__in=["queued", "running"])
    later = Delivery.objects.filter(due_at__isnull=False)
    return not (waiting.exists() or busy.exists() or later.exists())


def look_and_answer(seen: Sequence[dict[str, Any]]) -> None:
    """Do what a person is asked to do when a delivery is unconfirmed."""
    delivery = Delivery.objects.get()
    step = delivering.decisions.deciding.open_step_name(delivery)
    found = _in_crms(delivery, step, seen)
    answered = (
        delivering.confirm_present(delivery, found)
        if found
        else delivering.confirm_absent(delivery)
    )
    assert answered


def _in_crms(delivery: Delivery, step: str, seen: Sequence[dict[str, Any]]) -> str:
    """Return the id of what the step stands for, or an empty string."""
    if step == "referral":
        return next((r["id"] for r in seen), "")
    files = [file for referral in seen for file in referral["attachments"]]
    if step == "summary":
        return next((f["id"] for f in files if f["category"] == "referral_summary"), "")
    sha256 = delivery.referral.files.get(key=step.removeprefix("attachment:")).sha256
    return next((f["id"] for f in files if f["sha256"] == sha256), "")


def outcome() -> dict[str, Any]:
    """Return what became of the referral."""
    deliveries = [
        {
            "state": delivery.state,
            "reason": delivery.reason,
            "message": delivery.message,
            "external_id": delivery.external_id,
            "missing_files": delivery.missing_files,
            "steps": {step.name: step.external_id for step in delivery.steps.all()},
            "attempts": [attempt.outcome for attempt in delivery.attempts.all()],
        }
        for delivery in Delivery.objects.all()
    ]
    return {
        "referrals": Referral.objects.count(),
        "events": list(InboundEvent.objects.values_list("state", flat=True)),
        "deliveries": deliveries,
    }


# -- What must be so ---------------------------------------------------------------------------


def nothing_doubled(referrals: Sequence[dict[str, Any]]) -> bool:
    """Whether CRMS has at most one referral, and each of its files at most once."""
    return len(referrals) <= 1 and max(_files(referrals).values(), default=0) <= 1


def assert_exactly_one_of_everything(crms: Crms) -> str:
    """CRMS has the referral, its summary and both attachments, once; return the referral's id."""
    (referral,) = crms.referrals()
    assert referral["external_reference"] == REFERENCE
    files = _files([referral])
    assert sorted(category for category, _ in files) == [
        "attachment",
        "attachment",
        "referral_summary",
    ]
    assert set(files.values()) == {1}
    contents = {crms.content(file["id"]) for file in referral["attachments"]}
    assert {INLINE, BY_URL} < contents
    found: str = referral["id"]
    return found


def _files(referrals: Sequence[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Count files; a summary is a summary, whatever its bytes."""
    return Counter(
        (file["category"], "" if file["category"] == "referral_summary" else file["sha256"])
        for referral in referrals
        for file in referral["attachments"]
    )
