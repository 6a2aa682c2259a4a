"""Where CPU time goes: the stack of the main thread, looked at on every tick of CPU time.

The kernel ticks every 1 to 4 ms of CPU time that this process uses, so a stage that takes a tenth
of the time gets a tenth of the samples, and code that is not looked at is not slowed down.
"""

import signal
import sysconfig
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from tests.services import ROOT

TICK = 0.001  # seconds; the kernel may make it longer
OURS, PYTHON = "ours", "python"
SITE_PACKAGES = "/site-packages/"
STANDARD_LIBRARY = sysconfig.get_path("stdlib")

# The stage of a sample is that of the innermost file named here, else the phase under way.
STAGES = (
    ("core/encryption.py", "encryption"),
    ("core/fields.py", "encryption"),
    ("core/clock.py", "database"),
    ("django/db/", "database"),
    ("core/sealed.py", "files"),
    ("core/storage.py", "files"),
    ("referrals/rendering/text.py", "page"),
    ("referrals/rendering/fonts.py", "page"),
    ("referrals/rendering/", "rendering"),
    ("referrals/summary.py", "page"),
    ("referrals/sections.py", "page"),
    ("django/template/", "page"),
    ("core/outbound/", "upload"),
    ("integrations/destinations/", "upload"),
    ("mapping/engine.py", "mapping"),
    ("mapping/models.py", "mapping"),
)


class Sample(NamedTuple):
    """Which stage was under way, and whose code: ours, Python's own for us, or a library's."""

    stage: str
    owner: str


class Sampler:
    """Counts samples while a phase is open."""

    def __init__(self) -> None:
        self.samples: Counter[Sample] = Counter()
        self._phase = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the clock tick; it is not restarted for each phase, or short ones would be missed."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._phase = name
        try:
            yield
        finally:
            self._phase = ""

    def share(self, stage: str | None = None, owner: str | None = None) -> float:
        """Return the share of all samples that a stage, an owner or both of them have."""
        found = sum(
            count
            for sample, count in self.samples.items()
            if stage in (None, sample.stage) and owner in (None, sample.owner)
        )
        return found / max(self.samples.total(), 1)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if self._phase:
            files = [_place(frame.f_code.co_filename) for frame in _outward(frame)]
            self.samples[Sample(_stage(files) or self._phase, _owner(files))] += 1


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _place(file: str) -> str:
    """Return a file as `referrals/intake.py`, `django/db/…`, or empty in the standard library."""
    if SITE_PACKAGES in file:
        return file.rpartition(SITE_PACKAGES)[2]
    if file.startswith((STANDARD_LIBRARY, "<")):
        return ""
    return file.removeprefix(f"{ROOT}/")


def _stage(files: list[str]) -> str:
    return next((stage for file in files for start, stage in STAGES if file.startswith(start)), "")


def _owner(files: list[str]) -> str:
    package = next((file.partition("/")[0] for file in files if file), PYTHON)
    if package not in ("config", "core", "mapping", "integrations", "referrals"):
        return package
    return OURS if files[0] else PYTHON
