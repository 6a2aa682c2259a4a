"""The programs of the Procfile start as it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT, answers, prints, spawn

COMMANDS = dict(
    line.split(": ", maxsplit=1) for line in (ROOT / "Procfile").read_text().splitlines()
)


@pytest.fixture
def shell_env(portal_env):
    """The environment of a shell in which the virtual environment is activated."""
    programs = Path(sys.executable).parent
    return portal_env | {"PATH": f"{programs}:{portal_env['PATH']}"}


def test_the_web_server_answers(shell_env, free_port):
    url = f"http://127.0.0.1:{free_port}/admin/login/"
    command = ["sh", "-c", f"exec {COMMANDS['web']}"]
    with spawn(command, shell_env | {"PORT": f"{free_port}"}, answers(url)) as web:
        assert "gthread" in web.output()


def test_a_worker_is_ready(shell_env, redis_url):
    command = ["sh", "-c", f"exec {COMMANDS['worker']}"]
    with spawn(command, shell_env | {"CELERY_BROKER_URL": redis_url}, prints("ready.")) as worker:
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("program", "has_screens"),
    [
        ("config.wsgi", True),
        ("referrals.running.tasks", False),  # a worker
        ("referrals.management.commands.dispatch", False),
    ],
)
def test_the_screens_of_the_admin_are_loaded_by_the_web_server_alone(
    portal_env, program, has_screens
):
    code = "import sys, config, django; from importlib import import_module; django.setup(); "
    code += f"import_module('{program}'); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(
        command, cwd=ROOT, env=portal_env, capture_output=True, text=True, check=True
    )
    loaded = modules.stdout.split()
    assert ("referrals.admin" in loaded) == has_screens
    # A kind of destination, and what it needs, is loaded where it is used.
    assert "sqlalchemy" not in loaded
