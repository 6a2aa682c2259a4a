"""The units of systemd start what the Procfile starts, and wait long enough."""

import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings

from tests.flow.portal import COMMANDS
from tests.services import ROOT

UNITS = ROOT / "deploy" / "systemd"
INSTALLED = "/opt/dovetail/.venv/bin/"
PROGRAM = {"web": "web", "public": "web", "worker": "worker", "dispatcher": "dispatcher"}


def unit(name: str) -> ConfigParser:
    parsed = ConfigParser(interpolation=None, strict=True)
    parsed.optionxform = str  # type: ignore[method-assign,assignment]
    parsed.read_string((UNITS / name).read_text())
    return parsed


def services() -> list[Path]:
    return sorted(UNITS.glob("*.service"))


def words(command: str) -> list[str]:
    """Return the words of a command, but for where it listens: a socket says that."""
    found = shlex.split(command.removeprefix(INSTALLED))
    if "--bind" in found:
        at = found.index("--bind")
        del found[at : at + 2]
    return found


def test_there_is_a_unit_for_each_program():
    assert {path.stem.removeprefix("dovetail-") for path in services()} == set(PROGRAM)
    assert set(PROGRAM.values()) == set(COMMANDS)


@pytest.mark.parametrize("name", PROGRAM)
def test_a_unit_starts_what_the_procfile_starts(name: str):
    service = unit(f"dovetail-{name}.service")["Service"]
    assert words(service["ExecStart"]) == words(COMMANDS[PROGRAM[name]])


@pytest.mark.parametrize("name", ["worker", "dispatcher"])
def test_a_unit_waits_longer_than_its_program_takes_to_end(name: str):
    waits = int(unit(f"dovetail-{name}.service")["Service"]["TimeoutStopSec"])
    assert settings.STOP_SECONDS < 90 <= waits


@pytest.mark.parametrize("name", ["web", "public"])
def test_a_web_server_has_a_port_that_outlives_it(name: str):
    assert unit(f"dovetail-{name}.service")["Unit"]["Requires"] == f"dovetail-{name}.socket"
    assert unit(f"dovetail-{name}.socket")["Socket"]["ListenStream"].startswith("127.0.0.1:")


@pytest.mark.parametrize("path", services(), ids=lambda path: path.stem)
def test_a_unit_may_write_nothing_but_its_own_folder(path: Path):
    service = unit(path.name)["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["User"] != "root"
    assert service["ReadWritePaths"] == "/opt/dovetail/var"
