"""The programs that tests run against start, answer, and are gone afterwards."""

import socket
import subprocess
import sys
from contextlib import suppress

import psycopg
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests import services
from tests.services import ROOT, answers, own_postgres, own_redis, prints, spawn

pytestmark = pytest.mark.programs


def test_postgresql_answers_and_is_gone_afterwards():
    with own_postgres() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_postgresql_is_stopped_after_a_failure_with_connections_open():
    with suppress(ZeroDivisionError), own_postgres() as url:
        connection = psycopg.connect(url)
        _ = 1 / 0
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_redis_answers_and_is_gone_afterwards():
    with own_redis() as url:
        client = Redis.from_url(url)
        client.set("key", "value")
        assert client.get("key") == b"value"
    with pytest.raises(RedisConnectionError):
        client.ping()


def test_servers_named_by_the_environment_are_used(monkeypatch):
    monkeypatch.setenv("TEST_DATABASE_URL", "postgres://elsewhere/database")
    monkeypatch.setenv("TEST_REDIS_URL", "redis://elsewhere/3")
    with services.postgres() as database, services.redis() as broker:
        assert (database, broker) == ("postgres://elsewhere/database", "redis://elsewhere/3")


def test_a_free_port_is_given_to_one_process_only(free_port):
    elsewhere = f"from tests import services; services.PORTS = ({free_port}, {free_port + 3}); "
    elsewhere += "print(services.free_port())"
    given = subprocess.run(
        [sys.executable, "-c", elsewhere], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert free_port < int(given.stdout) < free_port + 3


def test_a_port_that_something_listens_on_is_not_free(monkeypatch, free_port):
    monkeypatch.setattr(services, "PORTS", (free_port, free_port + 3))
    with socket.create_server(("127.0.0.1", free_port)):
        assert services.free_port() > free_port


def test_a_program_is_ready_when_it_answers(free_port):
    command = [sys.executable, "-m", "http.server", str(free_port), "--bind", "127.0.0.1"]
    with spawn(command, ready=answers(f"http://127.0.0.1:{free_port}/absent")) as program:
        assert program.is_running()
    assert not program.is_running()


def test_a_program_that_ends_too_early_shows_what_it_printed():
    command = [sys.executable, "-c", "print('the reason'); exit(3)"]
    with (
        pytest.raises(RuntimeError, match=r"ended with 3:\nthe reason"),
        spawn(command, ready=prints("ready")),
    ):
        pytest.fail("it never was ready")


def test_the_whole_process_group_ends(tmp_path):
    child = "import time; print('up', flush=True); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with spawn([sys.executable, "-c", parent], ready=prints("up")) as program:
        group = program.process.pid
        program.kill()
    listed = subprocess.run(["ps", "-o", "stat=", "-g", f"{group}"], capture_output=True, text=True)
    assert [state for state in listed.stdout.split() if not state.startswith("Z")] == []


@pytest.mark.django_db
def test_tests_and_their_children_share_a_database(spawn, django_user_model):
    django_user_model.objects.create_user("liaison")
    show = "from django.contrib.auth.models import User; print(User.objects.get(), flush=True)"
    program = spawn(["manage.py", "shell", "-c", show], prints("liaison"))
    assert program.process.wait(services.PATIENCE) == 0
