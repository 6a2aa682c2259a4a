"""`manage.py crms_sandbox` as a process of its own."""

import json
import os
import re
import sys
from contextlib import contextmanager

import pytest

from tests import services
from tests.sandbox.sender import Sender, changed, eventually

pytestmark = pytest.mark.programs

URL = re.compile(r"http://127\.0\.0\.1:\d+")
REFERENCE = "3502768696"


@contextmanager
def running(*arguments, **env):
    """Run the command on a free port; yield the program and its sender."""
    command = [sys.executable, "manage.py", "crms_sandbox", "--port", "0", *arguments]
    with services.spawn(command, {**os.environ, **env}, _is_listening) as program:
        yield program, Sender(URL.search(program.output())[0])


def _is_listening(program):
    return URL.search(program.output())


def test_it_serves_and_ends_at_once_when_asked():
    with running() as (program, sender):
        assert sender.create().status_code == 201
        assert program.stop() == 0


def test_a_time_out_under_way_does_not_keep_it_from_ending():
    with running("--fail", "create:late", "--hang", "3600") as (program, sender):
        sender.timeout = 0.5
        with pytest.raises(OSError, match="timed out"):
            sender.create()
        assert program.stop() == 0


def test_killed_and_started_again_it_knows_what_it_applied(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    with running("--ledger", str(ledger), "--fail", "create:timeout-after") as (program, sender):
        sender.timeout = 0.5
        with pytest.raises(OSError, match="timed out"):
            sender.create(key="k")
        eventually(lambda: ledger.read_text())
        program.kill()
    with running("--ledger", str(ledger)) as (_, sender):
        known = json.loads(ledger.read_text())["id"]
        assert sender.look_up(REFERENCE).json()["results"][0]["id"] == known
        assert sender.create(key="k").json()["id"] == known


@pytest.mark.whole
def test_the_token_can_come_from_the_environment():
    with running(CRMS_TOKEN="right") as (_, sender):
        assert sender.get("/api/v1/ping").status_code == 401
        assert Sender(sender.url, token="right").get("/api/v1/ping").status_code == 200


def test_it_prints_nothing_of_a_referral():
    with running() as (program, sender):
        sender.attach(sender.created(), name="Mireille.pdf")
        sender.look_up(REFERENCE)
        sender.get("/")
        assert program.stop() == 0
        printed = program.output()
    assert not [word for word in ("Mireille", REFERENCE, "RF-") if word in printed]


def test_the_options_reach_the_sandbox():
    options = ["--no-look-up", "501", "--no-idempotency", "--allow-duplicates"]
    options += ["--max-file-mb", "0.001", "--fail", "ping:429", "--retry-after", "7"]
    with running(*options) as (_, sender):
        assert sender.get("/api/v1/ping").headers["Retry-After"] == "7"
        assert sender.look_up(REFERENCE).status_code == 501
        ids = [sender.create(key="k").json()["id"] for _ in range(2)]
        assert len(set(ids)) == 2
        assert sender.attach(ids[0], b"x" * 2_000).status_code == 413


@pytest.mark.whole
def test_the_options_of_a_search_reach_the_sandbox():
    options = ["--nameless-look-up", "--unfiltered-look-up", "--look-up-page", "1"]
    with running(*options) as (_, sender):
        sender.create(changed("external_reference", "1"))
        sender.create(changed("external_reference", "2"))
        found = sender.look_up("3").json()
        assert (len(found["results"]), "next" in found) == (1, True)
        assert "external_reference" not in found["results"][0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--fail", "create:nonsense"], "mode must be one of"), (["--ledger", "/dev/null/x"], "x")],
)
def test_what_it_cannot_do_it_states(arguments, complaint):
    command = [sys.executable, "manage.py", "crms_sandbox", "--port", "0", *arguments]
    program = services.Program(command, dict(os.environ))
    assert program.process.wait(services.PATIENCE) == 1
    assert complaint in program.output()
    assert "Traceback" not in program.output()
