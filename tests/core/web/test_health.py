import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from core.web import health


@pytest.fixture(autouse=True)
def _set_up(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.CELERY_BROKER_URL = ""
    check, _ = health._checks["migrations"]
    check.cache_clear()
    yield
    check.cache_clear()


@pytest.fixture
def checks(monkeypatch):
    monkeypatch.setattr(health, "_checks", dict(health._checks))


def test_alive_needs_no_database(client):
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_ready(client):
    answer = client.get("/readyz")
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


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
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
