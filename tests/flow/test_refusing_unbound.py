"""With REFUSE_UNBOUND, no program of the portal starts before everything is bound to its row."""

import os
import socket
from collections.abc import Sequence

import pytest
from django.core.management import call_command

from core.models import AuditEvent
from tests.conftest import Spawn
from tests.rows import of_before
from tests.world import World, make_world, plain

pytestmark = [pytest.mark.programs, pytest.mark.long]

REFUSED = "REFUSE_UNBOUND is set"
BROKER = os.environ.get("TEST_REDIS_URL") or "memory://"


def programs() -> dict[str, Sequence[str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {
        "web": ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"],
        "dispatcher": ["manage.py", "dispatch"],
        "worker": ["celery", "-A", "config", "worker", "--pool", "threads"],
    }


READY = {"web": "Booting worker", "dispatcher": "", "worker": "ready."}


@pytest.fixture
def world(transactional_db: None) -> World:
    """A referral that was imported before rows had keys."""
    world = make_world()
    world.send(plain())
    world.run()
    of_before(world.referral)
    return world


@pytest.mark.parametrize("name", ["web", "dispatcher", "worker"])
def test_a_program_does_not_start_before_it_is_so(world: World, spawn: Spawn, name: str) -> None:
    def ended(program: object) -> bool:
        return not program.is_running()  # type: ignore[attr-defined]

    refused = spawn(programs()[name], None, REFUSE_UNBOUND="true", CELERY_BROKER_URL=BROKER)
    refused.wait_until(ended)
    assert refused.process.returncode != 0
    assert REFUSED in refused.output()


def test_after_rotating_they_start(world: World, spawn: Spawn) -> None:
    call_command("rotate_keys", verbosity=0)
    assert AuditEvent.objects.filter(action="rotate keys", detail__unbound=0).exists()
    for name in ("web", "dispatcher"):
        started = spawn(programs()[name], None, REFUSE_UNBOUND="true", CELERY_BROKER_URL="")
        if READY[name]:
            started.wait_until(lambda program: READY[name] in program.output())  # noqa: B023
        assert REFUSED not in started.output()
        assert started.is_running()
