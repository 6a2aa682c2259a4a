"""Supervises the renderers: starts them, bounds them, replaces them."""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from referrals.summary.rendering import frames

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one renderer may use. Seconds are per document; growth is above its first document."""

    wall_seconds: float = 60
    cpu_seconds: int = 20
    megabytes: int = 1024
    documents: int = 1000
    growth_megabytes: int = 128


class RenderingFailed(Exception):
    """A page was not rendered. `reason` is short and holds nothing of the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Renderer:
    """One child process. Not thread-safe: a thread has it to itself while it renders."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.folder = tempfile.mkdtemp(prefix="dovetail-renderer-")
        self.documents = self.memory = self.memory_at_first = 0
        self.overrun = False
        self.process = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "referrals.summary.rendering.child", *self._arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could quote the page
            cwd=self.folder,
            env=self._environment(),
            start_new_session=True,  # Ctrl-C is for us; it ends when we close its input
        )

    def render(self, html: str, families: tuple[str, ...]) -> bytes:
        """Return the PDF; raises RenderingFailed, after which the renderer must be closed."""
        watchdog = threading.Timer(self.limits.wall_seconds, self._end)
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._exchange(html, families)
        except (EOFError, OSError, ValueError) as error:
            raise RenderingFailed("too slow" if self.overrun else "renderer ended") from error
        finally:
            watchdog.cancel()
            watchdog.join()

    @property
    def is_fit(self) -> bool:
        """Whether it can take another document."""
        growth = self.memory - self.memory_at_first
        return (
            not self.overrun
            and self.documents < self.limits.documents
            and growth < self.limits.growth_megabytes
            and self.process.poll() is None
        )

    def close(self) -> None:
        """End the process and remove its folder."""
        self.process.kill()
        self.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _exchange(self, html: str, families: tuple[str, ...]) -> bytes:
        stdin, stdout = cast(IO[bytes], self.process.stdin), cast(IO[bytes], self.process.stdout)
        frames.send(stdin, json.dumps({"html": html, "families": families}).encode())
        error, content = frames.receive(stdout).decode(), frames.receive(stdout)
        if error:
            raise RenderingFailed(error if error.isidentifier() else "nonsense from the renderer")
        self.documents += 1
        self.memory = self._resident()
        self.memory_at_first = self.memory_at_first or self.memory
        return content

    def _resident(self) -> int:
        """Return the megabytes that the process has in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() // 1024**2

    def _arguments(self) -> list[str]:
        return [str(self.limits.megabytes), str(self.limits.cpu_seconds)]

    def _environment(self) -> dict[str, str]:
        """Return all that the child gets to know of our environment: no settings, no secrets."""
        return {
            "FONTCONFIG_FILE": str(HERE / "fonts.conf"),
            "HOME": self.folder,
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(ROOT),
            "PYTHONSAFEPATH": "1",
            "TMPDIR": self.folder,
        }

    def _end(self) -> None:
        self.overrun = True
        self.process.kill()


class Pool:
    """At most `size` renderers, started when needed and used again while they are fit."""

    def __init__(self, size: int, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._free = threading.BoundedSemaphore(size)
        self._idle: list[Renderer] = []

    def render(self, html: str, families: tuple[str, ...]) -> bytes:
        """Return the page as PDF; raises RenderingFailed. Safe to call from any thread."""
        if not self._free.acquire(timeout=self.limits.wall_seconds):
            raise RenderingFailed("all renderers are busy")
        try:
            return self._render(html, families)
        finally:
            self._free.release()

    def close(self) -> None:
        """End the idle renderers."""
        while self._idle:
            self._idle.pop().close()

    def _render(self, html: str, families: tuple[str, ...]) -> bytes:
        renderer = self._take()
        try:
            content = renderer.render(html, families)
        except BaseException:
            renderer.close()
            raise
        if renderer.is_fit:
            self._idle.append(renderer)
        else:
            renderer.close()
        return content

    def _take(self) -> Renderer:
        while True:
            try:
                renderer = self._idle.pop()
            except IndexError:
                return Renderer(self.limits)
            if renderer.is_fit:
                return renderer
            renderer.close()
