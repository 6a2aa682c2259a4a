"""Where CPU time goes: the stack of the main thread, looked at every three milliseconds.

A look stands for the CPU time used since the last one. The moments are random: the kernel's own
ticks of CPU time (SIGPROF) fall again and again on the same spot of a program that waits for the
disk in a regular rhythm. What the looking costs is taken out.
"""

import random
import signal
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from tests.services import ROOT

PAUSE = 0.003  # seconds between two looks, on average
OURS, PYTHON, SYSTEM = "ours", "python", "system"
SITE_PACKAGES = "/site-packages/"
STANDARD_LIBRARY = sysconfig.get_path("stdlib")

# The stage of a sample is that of the innermost file named here, else the phase under way.
STAGES = (
    ("core/encryption.py", "encryption"),
    ("core/fields.py", "encryption"),
    ("core/database/clock.py", "database"),
    ("django/db/", "database"),
    ("core/encryption/sealed.py", "files"),
    ("core/storage.py", "files"),
    ("referrals/summary/rendering/text.py", "page"),
    ("referrals/summary/rendering/fonts.py", "page"),
    ("referrals/summary/rendering/", "rendering"),
    ("referrals/summary/pdf.py", "page"),
    ("referrals/summary/layout.py", "page"),
    ("django/template/", "page"),
    ("core/outbound/", "upload"),
    ("integrations/destinations/", "upload"),
    ("mapping/engine/engine.py", "mapping"),
    ("mapping/models.py", "mapping"),
)

# Functions of ours whose own time is a system call's: to wait for the disk, to send, to receive.
# The bare libraries make the same calls.
SYSTEM_CALLS = {
    ("core/storage.py", "_sync_directory"),
    ("core/storage.py", "_written_to"),
    ("core/outbound/session.py", "recv_into"),
    ("core/outbound/session.py", "sendall"),
}


class Sample(NamedTuple):
    """Which stage was under way, and whose code: ours, Python's or the system's when called by
    ours, or that of a library."""

    stage: str
    owner: str


class Sampler:
    """Adds up the CPU time of samples while a phase is open."""

    def __init__(self, seed: int = 0) -> None:
        self.spent: Counter[Sample] = Counter()  # nanoseconds
        self.looks = 0
        self.cost = 0  # of looking, in nanoseconds
        self._phase = ""
        self._since = 0
        self._is_running = False
        self._random = random.Random(seed)

    @contextmanager
    def running(self) -> Iterator[None]:
        before = signal.signal(signal.SIGALRM, self._alarm)
        self._is_running = True
        self._wind()
        try:
            yield
        finally:
            self._is_running = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._phase, self._since = name, time.process_time_ns()
        try:
            yield
        finally:
            self._phase = ""

    @contextmanager
    def clocked(self, sample: Sample) -> Iterator[None]:
        """Take the time of the block by the clock alone: it waits, and each look would wake it."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        start = time.process_time_ns()
        try:
            yield
        finally:
            self._since = time.process_time_ns()
            self.spent[sample] += self._since - start
            self._wind()

    def share(self, stage: str | None = None, owner: str | None = None) -> float:
        """Return the share of the CPU time that a stage, an owner or both of them have."""
        found = sum(
            spent
            for sample, spent in self.spent.items()
            if stage in (None, sample.stage) and owner in (None, sample.owner)
        )
        return found / max(self.spent.total(), 1)

    def _wind(self) -> None:
        if self._is_running:
            signal.setitimer(signal.ITIMER_REAL, self._random.uniform(0.5, 1.5) * PAUSE)

    def _alarm(self, _number: int, frame: FrameType | None) -> None:
        now = time.process_time_ns()
        if self._phase:
            files = [_place(frame.f_code.co_filename) for frame in _outward(frame)]
            owner = _owner(files, frame.f_code.co_name if frame else "")
            self.spent[Sample(_stage(files) or self._phase, owner)] += now - self._since
            self.looks += 1
            self._since = time.process_time_ns()
            self.cost += self._since - now
        self._wind()


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _place(file: str) -> str:
    """Return a file as `core/compare.py`, `django/db/…`, or empty in the standard library."""
    if SITE_PACKAGES in file:
        return file.rpartition(SITE_PACKAGES)[2]
    if file.startswith((STANDARD_LIBRARY, "<")):
        return ""
    return file.removeprefix(f"{ROOT}/")


def _stage(files: list[str]) -> str:
    return next((stage for file in files for start, stage in STAGES if file.startswith(start)), "")


def _owner(files: list[str], function: str) -> str:
    if (files[0], function) in SYSTEM_CALLS:
        return SYSTEM
    package = next((file.partition("/")[0] for file in files if file), PYTHON)
    if package not in ("config", "core", "mapping", "integrations", "referrals"):
        return package
    return OURS if files[0] else PYTHON
