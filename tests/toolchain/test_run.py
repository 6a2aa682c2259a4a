"""The tiers: no failure is hidden, nothing passes that did not run, and the matrix is whole."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import delivery_path, marks, run
from tests.run import Case, Session, faults, is_whole

GOOD = Session("embedded", 0, [Case("a", 0.1, "passed")])
EMPTY = Session("services", 5)


def cell(tried: str, outcome: str = "passed") -> Case:
    return Case("cell", 0.1, outcome, tried)


# -- What fails a run ------------------------------------------------------------------------------


def test_two_good_sessions_have_no_fault():
    assert faults([GOOD, GOOD]) == []


@pytest.mark.parametrize(
    "session",
    [
        Session("one failed", 1, [Case("a", 0, "passed"), Case("b", 0, "failed")]),
        Session("the status alone says so", 1, [Case("a", 0, "passed")]),
        Session("the report alone says so", 0, [Case("a", 0, "failed")]),
        Session("no report", 3),
        Session("interrupted", 2, [Case("a", 0, "passed")]),
        Session("nothing but skipped", 0, [Case("a", 0, "skipped")]),
        EMPTY,
    ],
    ids=lambda session: session.name,
)
def test_a_bad_session_fails_the_run_wherever_it_stands(session: Session):
    for sessions in ([session, GOOD], [GOOD, session], [session]):
        (fault,) = faults(sessions)
        assert fault.startswith(session.name)


def test_a_part_may_have_nothing_to_run_in_one_session_but_not_in_all():
    assert faults([GOOD, EMPTY], is_part=True) == []
    assert faults([EMPTY, EMPTY], is_part=True) == ["No test ran."]


def test_a_part_that_fails_fails():
    assert faults([GOOD, Session("services", 1)], is_part=True)


def test_a_run_without_sessions_fails():
    assert faults([])


# -- What pytest says ------------------------------------------------------------------------------


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Session]:
    """Run a file of tests in a directory of its own, as a session."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "AT_ONCE", 1)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # it begins sooner
    (tmp_path / "pytest.ini").write_text("[pytest]\nxfail_strict = true\n")

    def session(content: str, *arguments: str) -> Session:
        (tmp_path / "test_it.py").write_text(content)
        return run.run_pytest("it", {}, ["-p", "xdist.plugin", *arguments])

    return session


PASSES = "def test_passes(): pass\n"


@pytest.mark.programs
@pytest.mark.parametrize(
    "failing",
    [
        "def test_fails(): assert False\n",
        "import pytest\n@pytest.fixture\ndef broken(): raise OSError\ndef test_it(broken): pass\n",
        "import pytest\n@pytest.fixture\ndef broken():\n yield\n raise OSError\n"
        "def test_it(broken): pass\n",
        "def test_it(subtests):\n for n in (1, 2):\n  with subtests.test(n=n): assert n > 1\n",
        "import os\ndef test_it(): os._exit(0)\n",
        "syntax error\n",
        pytest.param(
            "import pytest\n@pytest.mark.xfail\ndef test_it(): pass\n", marks=pytest.mark.whole
        ),
        pytest.param("import sys\nsys.exit(0)\n", marks=pytest.mark.whole),
    ],
)
def test_a_failure_of_any_sort_fails_the_run(ran: Callable[..., Session], failing: str):
    session = ran(PASSES + failing)
    assert faults([session])
    assert faults([session], is_part=True)


@pytest.mark.programs
def test_tests_that_pass_are_counted(ran: Callable[..., Session]):
    session = ran(PASSES + "import pytest\n@pytest.mark.skip\ndef test_not(): pass\n")
    assert f"{session}" == "it: 1 passed, 0 failed, 1 skipped"
    assert faults([session]) == []


@pytest.mark.programs
def test_nothing_from_outside_makes_fewer_tests_run(
    ran: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k test_passes")
    assert faults([ran(PASSES + "def test_fails(): assert False\n")])


@pytest.mark.programs
def test_the_command_ends_with_a_failure_when_nothing_ran():
    command = [sys.executable, "-m", "tests.run", "--quick", "-n0", "-k", "no_test_is_called_so"]
    command += ["tests/core/encryption/test_blind.py"]
    ended = subprocess.run(command, cwd=run.ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Failed: No test ran." in ended.stdout


# -- Which it runs ---------------------------------------------------------------------------------


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The sessions that a tier would run, each passed, with all cells of the matrix."""
    begun: list[tuple[str, list[str]]] = []

    def passed(name: str, _: object, arguments: list[str]) -> Session:
        begun.append((name, list(arguments)))
        whole = "--whole" in arguments
        return Session(name, 0, [cell("4/4" if whole else "1/4")])

    @contextmanager
    def started(name: str, _: object, arguments: list[str], *__: object) -> Iterator[Any]:
        yield partial(passed, name, _, arguments)

    monkeypatch.setattr(run, "run_pytest", passed)
    monkeypatch.setattr(run, "pytest_started", started)
    monkeypatch.setattr(run, "postgres", lambda: _given("postgres://"))
    monkeypatch.setattr(run, "redis", lambda: _given("redis://"))
    monkeypatch.setattr(run, "chaos", lambda *_: Session("chaos", 0, [Case("chaos", 1, "passed")]))
    return begun


class _given:
    def __init__(self, value: str) -> None:
        self.value = value

    def __enter__(self) -> str:
        return self.value

    def __exit__(self, *_: object) -> None:
        """Nothing was started."""


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    found: list[object] = []
    monkeypatch.setattr(delivery_path, "record", found.append)
    return found


def tries_the_whole_matrix(sessions: list[tuple[str, list[str]]]) -> bool:
    whole = [name for name, given in sessions if given[-2:] == ["--whole", "tests/crash"]]
    return whole == ["matrix, embedded", "matrix, services"]


def test_an_unchanged_delivery_path_has_a_sample_of_the_matrix(sessions, monkeypatch, capsys):
    monkeypatch.setattr(delivery_path, "changed", list)
    run.standard()
    assert [name for name, _ in sessions] == ["embedded", "services"]
    assert not any("--whole" in given for _, given in sessions)
    assert not any("--ignore=tests/crash" in given for _, given in sessions)
    assert "a sample" in capsys.readouterr().out


def test_every_test_for_services_is_in_a_file_that_names_its_mark(request):
    named = run.files_naming("postgres", "scaled_out")
    for item in request.session.items:
        if marks.has(item, "postgres", "scaled_out") and "tests/crash" not in item.location[0]:
            assert item.location[0] in named


@pytest.mark.programs
def test_a_session_beside_another_that_is_stopped_is_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "ROOT", tmp_path)
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, it is
    try:
        with pytest.raises(KeyboardInterrupt), run.started(["sleep", "600"], {}) as program:
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert program.returncode == -signal.SIGINT


def test_a_changed_delivery_path_has_all_of_the_matrix(sessions, monkeypatch, capsys, recorded):
    monkeypatch.setattr(delivery_path, "changed", lambda: ["referrals/delivering/claiming.py"])
    run.standard()
    assert tries_the_whole_matrix(sessions)
    printed = capsys.readouterr().out
    assert "all of it" in printed
    assert "referrals/delivering/claiming.py" in printed
    assert recorded == []  # that is for `make test-all`


def test_what_a_change_has_to_pass_never_depends_on_arguments_of_its_own(sessions, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["run", "-k", "something"])
    monkeypatch.setattr(delivery_path, "changed", lambda: ["x"])
    assert run.main([]) == 0
    assert tries_the_whole_matrix(sessions)
    assert not any("-k" in given for _, given in sessions)


def test_everything_has_all_of_the_matrix_and_its_digest_is_written(sessions, recorded):
    run.everything()
    assert tries_the_whole_matrix(sessions)
    assert recorded == [delivery_path.hashes()]


def test_a_part_of_everything_writes_no_digest(sessions, recorded):
    assert run.main(["--all", "tests/crash"]) == 0
    assert recorded == []


# -- When the matrix is whole ----------------------------------------------------------------------


WHOLE = Session("matrix", 0, [cell("9/9"), cell("8/8"), cell(""), cell("")])


def test_all_cells_passed_is_whole():
    assert is_whole([WHOLE, WHOLE])


@pytest.mark.parametrize(
    "session",
    [
        Session("a cell was not tried", 0, [cell("9/9"), cell("7/8")]),
        Session("there was no cell", 0, [cell("0/0")]),
        Session("nobody counted", 0, [cell("")]),
        Session("nothing ran", 5),
        Session("no report", 0),
        Session("one failed", 1, [cell("9/9"), cell("8/8", "failed")]),
        Session("one was skipped", 0, [cell("9/9"), cell("", "skipped")]),
        Session("pytest ended badly", 1, [cell("9/9")]),
    ],
    ids=lambda session: session.name,
)
def test_less_is_not_whole(session: Session, sessions, recorded, monkeypatch):
    assert not is_whole([WHOLE, session])
    assert not is_whole([session, WHOLE])
    monkeypatch.setattr(run, "whole_matrix", lambda: [WHOLE, session])
    run.everything()
    assert recorded == []


def test_no_matrix_is_not_whole():
    assert not is_whole([])
