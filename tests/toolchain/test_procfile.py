"""The programs of the Procfile start as it says."""

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
