"""The programs of the demonstration, each started here and ended here, and the host of files."""

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

from scripts.env_file import ROOT

READY_SECONDS = 180
STOP_SECONDS = 15
TAIL = 25  # lines


class Failed(Exception):
    """A program did not start, or ended; `str()` says which, and shows the end of its log."""


class Program:
    """A child process in a group of its own, so that a Ctrl-C reaches us alone."""

    def __init__(self, name: str, command: Sequence[str], log: Path, **env: str) -> None:
        self.name, self.log = name, log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def check(self) -> None:
        """Raise Failed if it has ended."""
        status = self._process.poll()
        if status is not None:
            raise Failed(f"{self.name} has ended, with exit status {status}. {self._tail()}")

    def wait_for(self, is_ready: Callable[[], bool]) -> None:
        """Return when it is ready; raises Failed."""
        end = time.monotonic() + READY_SECONDS
        while not is_ready():
            self.check()
            if time.monotonic() > end:
                raise Failed(f"{self.name} is not ready after {READY_SECONDS} s. {self._tail()}")
            time.sleep(0.05)

    def ask_to_end(self) -> None:
        self._send(signal.SIGTERM)

    def end(self) -> None:
        """Wait for it to end as asked; kill what does not."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._send(signal.SIGKILL)
        self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return "\n".join([f"The end of {self.log}:", *(f"    {line}" for line in lines)])


class Stage:
    """Programs that run together; what each prints goes to `logs`."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._programs: list[Program] = []

    def start(self, name: str, command: Sequence[str], **env: str) -> Program:
        program = Program(name, command, self.logs / f"{name}.log", **env)
        self._programs.append(program)
        return program

    def start_from_procfile(self, name: str, **env: str) -> Program:
        """Start one program as the Procfile says, with this Python's own commands."""
        lines = (ROOT / "Procfile").read_text().splitlines()
        command = dict(line.split(": ", maxsplit=1) for line in lines)[name]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return self.start(name, ["sh", "-c", f"exec {command}"], PATH=path, **env)

    def check(self) -> None:
        """Raise Failed if a program has ended."""
        for program in self._programs:
            program.check()

    def clear(self) -> None:
        """End all programs."""
        for program in self._programs:
            program.ask_to_end()
        for program in self._programs:
            program.end()


def answers(url: str) -> Callable[[], bool]:
    """Return whether the URL is answered with success, as a question to ask again and again."""

    def is_answered() -> bool:
        try:
            with urlopen(url, timeout=5):
                return True
        except OSError:
            return False

    return is_answered


def choose_port(wanted: int | None, usual: int) -> int:
    """Return the port that is wanted; else the usual one, or any free one. Raises Failed."""
    if wanted is not None and not _is_free(wanted):
        raise Failed(f"Port {wanted} is taken by another program.")
    if wanted is not None or _is_free(usual):
        return wanted if wanted is not None else usual
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@contextmanager
def file_host(content: bytes, user: str, password: str) -> Iterator[str]:
    """Run a host that gives this PNG, under any path, to whoever has the credentials.

    Yields its host name with the port.
    """
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = compare_digest(self.headers.get("Authorization", ""), expected)
            body = content if known else b""
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: the screen is for the table."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
