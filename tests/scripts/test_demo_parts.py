"""What the demonstration is made of, piece by piece."""

import io
import json
import re
import stat

import pytest

from config.checks import unsafe
from integrations.models import Organization
from scripts.demo import environment, portal, report, state
from scripts.demo.inbox import Holdings
from scripts.demo.sending import Portal, Row, Sending
from scripts.demo.stage import Failed, choose_port
from scripts.demo.story import EVENTS, Run
from scripts.demo.table import Table

RUN = Run("http://127.0.0.1:1/files")


# -- The story ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.key)
def test_every_event_can_be_made_from_its_fixture(event):
    assert isinstance(json.loads(RUN.body(event)), dict)


def test_no_two_runs_share_an_id():
    def ids(run: Run) -> set[str]:
        text = b"".join(run.body(event) for event in EVENTS).decode()
        return set(re.findall(r"evt_\w+|[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{10}\b", text))

    shared = ids(RUN) & ids(Run(RUN.files_url))
    assert not [id_ for id_ in shared if id_.startswith("evt_") or "-" in id_]
    assert {RUN.reference(event) for event in EVENTS}.isdisjoint(shared)


def test_events_follow_earlier_events_only():
    for position, event in enumerate(EVENTS):
        earlier = {other.key for other in EVENTS[:position]}
        assert not event.after or event.after in earlier


def test_what_is_not_in_time_makes_it_fail(capsys):
    sending = Sending(EVENTS[:2], RUN, Portal("http://127.0.0.1:1", "key", "secret"))
    sending.rows[0].stop(sending.rows[0].event.expected)

    sending.give_up()

    assert not report.verdict(sending.rows, Holdings(1, 1, (), ""))
    assert "1 of 2 events came to the expected end." in capsys.readouterr().out
    assert sending.rows[1].end == "not in time: not sent"


def test_what_is_wrong_in_crms_makes_it_fail(rows, capsys):
    for row in rows:
        row.stop(row.event.expected)

    assert report.verdict(rows, Holdings(3, 9, (), ""))
    assert not report.verdict(rows, Holdings(4, 9, ("CRMS has 2 referrals 4.",), ""))
    assert "✗ CRMS has 2 referrals 4." in capsys.readouterr().out


# -- Settings ----------------------------------------------------------------------------------


def test_a_new_env_file_is_safe_and_for_its_owner_alone(tmp_path):
    path = tmp_path / ".env"

    environment.write(path)

    written = dict(
        line.split("=", maxsplit=1) for line in path.read_text().splitlines() if "=" in line
    )
    settings = {
        "SECRET_KEY": written["SECRET_KEY"],
        "ENCRYPTION_KEYS": [written["ENCRYPTION_KEYS"]],
        "ALLOWED_HOSTS": written["ALLOWED_HOSTS"].split(","),
    }
    problems = [problem for check in _checks(settings) for problem in check]
    assert problems == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _checks(settings):
    from django.conf import settings as current

    times = {
        name: getattr(current, name)
        for name in (
            "RETRY_SCHEDULE",
            "SETTLE_TIME",
            "LEASE_TIME",
            "STOP_SECONDS",
            "MAX_BODY_BYTES",
            "OIDC_ISSUER",
            "SESSION_IDLE_SECONDS",
            "SESSION_COOKIE_AGE",
            "AUDIT_DAYS",
        )
    }
    yield unsafe(settings | times)


def test_an_env_file_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / ".env"
    path.write_text("DEBUG=true\n")

    environment.write(path)

    assert path.read_text() == "DEBUG=true\n"


# -- The directory -----------------------------------------------------------------------------


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(state.NotOurs, match="left alone"), state.taken(tmp_path, fresh=True):
        pass

    assert (tmp_path / "thesis.txt").exists()


def test_a_fresh_directory_holds_nothing_of_the_last_demonstration(tmp_path):
    for _ in range(2):
        with state.taken(tmp_path / "demo", fresh=True) as directory:
            assert [path.name for path in directory.iterdir()] == [state.LOCK]
            (directory / "media").mkdir()
            (directory / "web.log").touch()


def test_a_kept_directory_keeps_what_it_has(tmp_path):
    with state.taken(tmp_path / "run", fresh=False) as directory:
        (directory / "crms-ledger.jsonl").touch()

    with state.taken(tmp_path / "run", fresh=False) as directory:
        assert (directory / "crms-ledger.jsonl").exists()


def test_two_demonstrations_do_not_share_a_directory(tmp_path):
    with (
        state.taken(tmp_path / "demo", fresh=True),
        pytest.raises(state.NotOurs, match="Another"),
        state.taken(tmp_path / "demo", fresh=True),
    ):
        pass


# -- The portal --------------------------------------------------------------------------------


def test_a_portal_in_use_is_left_alone(db):
    Organization.objects.create(caredove_id="77", name="Somebody's agency")

    with pytest.raises(portal.InUse, match="Nothing was changed"):
        portal.prepare("http://127.0.0.1:1", "127.0.0.1:2")

    assert Organization.objects.count() == 1


# -- Ports -------------------------------------------------------------------------------------


def test_a_taken_port_is_refused_when_it_is_wanted_and_avoided_when_not(free_port):
    import socket

    with socket.create_server(("127.0.0.1", free_port)):
        with pytest.raises(Failed, match=f"Port {free_port} is taken"):
            choose_port(free_port, 8000)
        assert choose_port(None, free_port) != free_port

    assert choose_port(None, free_port) == free_port


# -- The table ---------------------------------------------------------------------------------


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def rows() -> list[Row]:
    return [Row(event, RUN.reference(event), b"") for event in EVENTS[:3]]


def test_on_a_terminal_it_is_drawn_over_itself(rows, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("LINES", "40")
    table = Table(screen := Screen())

    table.show(rows)
    rows[0].now = "being sent"
    table.end(rows)

    drawings = screen.getvalue().split("\x1b[4F\x1b[J")
    assert [drawing.count("\n") for drawing in drawings] == [4, 4]
    assert "being sent" in drawings[1]
    assert "Expected" in drawings[1]


@pytest.mark.parametrize("width", [60, 80, 100, 126, 200])
def test_no_line_is_longer_than_the_screen(rows, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", f"{width}")
    monkeypatch.setenv("LINES", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    rows[0].stop("needs attention: something that takes very many words to be said whole")
    table = Table(screen := Screen())

    table.show(rows)

    assert max(len(line) for line in screen.getvalue().splitlines()) < width


def test_on_a_screen_too_short_each_change_is_a_line(rows, monkeypatch):
    monkeypatch.setenv("LINES", "5")
    table = Table(screen := Screen())
    rows[0].now = "sent"

    table.show(rows)
    table.show(rows)
    rows[0].now = "being sent"
    table.show(rows)

    assert [line.rpartition(": ")[2] for line in screen.getvalue().splitlines()] == [
        "sent",
        "being sent",
    ]


def test_an_unexpected_end_is_marked(rows):
    rows[0].stop(rows[0].event.expected)
    rows[1].stop("needs attention: bug")
    table = Table(out := io.StringIO())

    table.end(rows)

    lines = out.getvalue().splitlines()
    assert [line[0] for line in lines if line] == [" ", "✓", "✗", " "]
