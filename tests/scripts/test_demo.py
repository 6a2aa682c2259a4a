"""The demonstration as `make run` and `make demo` start it: the real programs, in a directory of
their own.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from scripts.demo.story import EVENTS
from tests.services import PATIENCE, ROOT, Program, free_port, prints

pytestmark = pytest.mark.programs

# What a .env or a shell may hold, and what a demonstration of its own has to do without.
ELSEWHERE = {
    "DEBUG": "true",
    "SECRET_KEY": "",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "portal.example.org",
    "ALLOW_LOOPBACK": "false",
    "HTTPS_ONLY": "true",
    "RETRY_SCHEDULE": "3600",
}


class Demonstration(Program):
    """A running demonstration whose state is in a directory."""

    def __init__(self, state: Path, *arguments: str, **env: str) -> None:
        self.state = state
        self.port, self.crms_port = free_port(), free_port()
        command = [sys.executable, "-m", "scripts.demo", f"--state={state}", *arguments]
        command += [f"--port={self.port}", f"--crms-port={self.crms_port}"]
        command += [f"--deadline={PATIENCE}"]
        super().__init__(command, {**_environment(), **env}, name="demo")

    def wait(self) -> int:
        """Return its exit status."""
        return self.process.wait(PATIENCE)

    def children(self) -> dict[str, int]:
        """Return the process ids of its programs, by their commands."""
        listed = subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,args="],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line.split() for line in listed.stdout.splitlines()]
        return {" ".join(words[1:]): int(words[0]) for words in lines}

    def pid_of(self, program: str) -> int:
        return next(pid for command, pid in self.children().items() if program in command)


def _environment() -> dict[str, str]:
    """Return a shell's environment, without what the tests themselves have set."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


@contextmanager
def demonstration(state: Path, *arguments: str, **env: str) -> Iterator[Demonstration]:
    running = Demonstration(state, *arguments, **env)
    try:
        yield running
    finally:
        running.stop(seconds=60)
        running.log.unlink()


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> tuple[int, str, Path]:
    """Return exit status, output and directory of a demonstration that ended by itself."""
    state = tmp_path_factory.mktemp("demo") / "state"
    with demonstration(state, **ELSEWHERE) as running:
        return running.wait(), running.output(), state


def test_every_event_comes_to_its_expected_end(ended):
    status, output, _ = ended

    assert status == 0, output
    assert f"{len(EVENTS)} of {len(EVENTS)} events came to the expected end." in output
    assert re.search(r"CRMS has each of \d+ referrals once, with \d+ files in all", output)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.key)
def test_the_table_states_what_became_of_each_event(ended, event):
    table = ended[1].rpartition("What became of it")[2]

    (line,) = (line for line in table.splitlines() if line[3:].startswith(f"{event.title}  "))
    assert line.startswith("✓")
    assert line.count(event.expected) >= 2  # expected, and became


def test_it_states_whose_turn_it_is(ended):
    assert "Whose turn: whoever looks after the referral in Caredove." in ended[1]
    assert "Date of birth is required" in ended[1]


def test_nothing_of_the_programs_is_left_running(ended):
    state = ended[2]

    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(state) not in listed.stdout


def test_what_it_leaves_is_for_its_owner_alone(ended):
    state = ended[2]

    assert {path.name for path in state.iterdir()} >= {"web.log", "dispatcher.log", "crms.log"}
    assert state.stat().st_mode & 0o077 == 0
    assert not [path for path in state.rglob("*") if path.stat().st_mode & 0o077]


def test_no_log_names_a_person(ended):
    logs = "".join(path.read_text() for path in ended[2].glob("*.log"))

    for name in ("Oluwaseun", "Adeyemi", "Beauséjour", "Kilabuk", "@example.org", "705-555"):
        assert name not in logs


@pytest.mark.whole
def test_nothing_has_to_be_stated_that_a_test_event_can_prove(tmp_path):
    with demonstration(tmp_path / "state", "--prove") as running:
        assert running.wait() == 0, running.output()
        output = running.output()

    assert f"{len(EVENTS)} of {len(EVENTS)} events came to the expected end." in output


@pytest.mark.whole
def test_an_event_with_another_end_is_named_and_makes_it_fail(tmp_path):
    with demonstration(tmp_path / "state", "--fail=create:422:always") as running:
        assert running.wait() == 1
        output = running.output()

    assert "✗ Complete, with a letter and a picture: expected “in CRMS”, but “refused" in output
    assert "“Postal code is not valid”" in output  # what the sandbox CRMS was told to say


@pytest.mark.whole
def test_a_program_that_does_not_start_is_shown_with_its_words(tmp_path):
    with demonstration(tmp_path / "state", "--fail=everything") as running:
        assert running.wait() == 1
        output = running.output()

    assert "crms has ended, with exit status 1. The end of " in output
    assert "a fault is written step:mode" in output


@pytest.mark.whole
def test_a_program_that_dies_is_named_and_the_others_are_ended(tmp_path):
    with demonstration(tmp_path / "state") as running:
        running.wait_until(prints("Stand-in CRMS: "))
        programs = running.children()
        subprocess.run(["kill", "-KILL", str(running.pid_of("dispatch"))], check=True)

        assert running.wait() == 1
        output = running.output()

    assert "dispatcher has ended, with exit status -9." in output
    assert len(programs) == 3


@pytest.mark.whole
def test_it_stays_up_until_it_is_asked_to_end(tmp_path):
    with demonstration(tmp_path / "state", "--stay") as running:
        running.wait_until(prints("stays up until you press Ctrl-C"))
        output = running.output()
        for url in re.findall(r"http://[\d.:]+/\S*", output):
            assert urlopen(url, timeout=30).status == 200

        running.process.send_signal(signal.SIGTERM)
        assert running.wait() == 0

    assert re.search(r"administrator +\S{16}\n", output)
    with pytest.raises(URLError):
        urlopen(f"http://127.0.0.1:{running.port}/", timeout=5)


def test_it_is_started_by_both_make_commands():
    makefile = (ROOT / "Makefile").read_text()

    assert "-m scripts.demo --stay\n" in makefile
    assert "-m scripts.demo\n" in makefile
