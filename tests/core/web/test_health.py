from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from core.database import clock
from core.web import health


@pytest.fixture(autouse=True)
def _set_up(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.CELERY_BROKER_URL = ""
    check, _ = health._checks["migrations"]
    check.cache_clear()
    health.not_delivering._again_at = float("inf")  # no thread of its own
    yield
    health.not_delivering._again_at = 0.0
    check.cache_clear()


@pytest.fixture
def checks(monkeypatch):
    monkeypatch.setattr(health, "_checks", dict(health._checks))
    monkeypatch.setattr(health, "_of_delivery", dict(health._of_delivery))


@pytest.mark.parametrize("path", ["/health/live", "/healthz"])
def test_alive_needs_no_database(client, path):
    assert client.get(path).content == b"ok\n"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/health/ready", "/readyz"])
def test_ready(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    built_in = {"database": "ok", "migrations": "ok", "storage": "ok", "broker": "none"}
    assert built_in.items() <= answer.json()["checks"].items()


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_migration_that_is_not_applied_takes_us_out_of_service(client):
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("core")
    MigrationRecorder(connection).record_unapplied(*newest)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "not applied"
    MigrationRecorder(connection).record_applied(*newest)
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_a_storage_that_cannot_be_written_takes_us_out_of_service(client, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = str(tmp_path / "file" / "media")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["storage"] == "failed"


@pytest.mark.django_db
def test_a_broker_that_is_away_is_shown_and_does_not_stop_us(client, settings, free_port):
    settings.CELERY_BROKER_URL = f"redis://:s3cret@127.0.0.1:{free_port}/0"
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["broker"] == "failed"
    assert "s3cret" not in answer.text


@pytest.mark.django_db
def test_another_app_can_add_a_check(client, checks):
    def late():
        raise health.NotReady("oldest due 3 h")

    health.register("deliveries", late, essential=False)
    assert client.get("/readyz").json()["checks"]["deliveries"] == "oldest due 3 h"
    health.register("deliveries", late)
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_a_database_that_is_away_is_asked_once(client, checks):
    asked = []

    def away():
        asked.append(1)
        raise OperationalError("postgres://secret@10.0.0.1 is away")

    health.register("database", away)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    shown = answer.json()["checks"]
    assert (shown["database"], shown["migrations"], shown["storage"]) == (
        "failed",
        "not asked",
        "ok",
    )
    assert asked == [1]
    assert "secret" not in answer.text


@pytest.mark.django_db
def test_work_that_is_not_done_makes_delivery_red_and_takes_nobody_out_of_service(client, checks):
    assert client.get("/health/delivery").json()["delivering"] is True

    def stopped():
        raise health.NotReady("3 due, and none begun")

    health.register_for_delivery("dispatching", stopped)
    answer = client.get("/health/delivery")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json()["checks"]["dispatching"] == "3 due, and none begun"
    assert client.get("/health/ready").status_code == 200


@pytest.mark.django_db
def test_a_clock_that_is_a_minute_off_is_shown(client, monkeypatch):
    for seconds, expected in ((59, 200), (-59, 200), (61, 503), (-61, 503)):
        monkeypatch.setattr(clock, "offset", lambda s=seconds: timedelta(seconds=s))
        answer = client.get("/health/delivery")
        assert answer.status_code == expected, seconds
        if expected == 503:
            assert answer.json()["checks"]["clock"] == f"{seconds:+} s off the database's clock"


def test_whoever_wants_to_know_is_told_beside_the_answer_and_once_a_minute():
    called = []
    beside = health.Beside()
    beside.bind(lambda: 1 / 0)  # which keeps nobody else from being told
    beside.bind(lambda: called.append(1))
    beside.begin().join()
    assert beside.begin() is None
    assert called == [1]


@pytest.mark.parametrize(
    "path",
    ["/health/live", "/health/ready", "/health/delivery", "/healthz", "/readyz", "/metrics"],
)
def test_nothing_is_changed_here(client, path):
    assert client.post(path).status_code == 405


# -- Figures ----------------------------------------------------------------------------------


def test_figures_are_for_this_machine_alone(db, client, settings):
    settings.METRICS_TOKEN = ""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b"python_info" in answer.content
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_figures_are_for_whoever_holds_the_token(db, client, settings):
    settings.METRICS_TOKEN = "t0ken"
    for given in ("", "Bearer", "Bearer wrong", "t0ken", "Bearer t0kené"):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 403
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer t0ken"}, REMOTE_ADDR="192.0.2.7"
    )
    assert answer.status_code == 200
