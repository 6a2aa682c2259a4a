"""A database of an earlier version, with a referral in every state, goes on in this one."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests import seeds, services

EARLIER = services.ROOT / "tests" / "fixtures" / "earlier"
# What a permission was called, and what it is called now.
RENAMED = {"importjob": "delivery", "importattempt": "attempt", "importstep": "step"}
STATES = {"waiting", "queued", "running", "imported", "needs_attention", "dismissed"}
LEFT = "Zebulon Quince"  # as `make_every_state` calls who was to be forgotten
VERSIONS = [
    # On SQLite, `test_rereading` upgrades an earlier portal for every change.
    pytest.param("613ff02", marks=pytest.mark.whole),
    pytest.param("7be4ad2", marks=pytest.mark.whole),
    pytest.param("7be4ad2-postgresql", marks=pytest.mark.scaled_out),
]

pytestmark = [pytest.mark.programs, pytest.mark.long]


@contextmanager
def earlier(folder: Path, name: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Unpack a portal of an earlier version; yield its facts, and the settings that run it."""
    with tarfile.open(EARLIER / f"every-state-{name}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    facts = json.loads((folder / "facts.json").read_text())
    environment = {**os.environ, **seeds.environment(folder)}
    if not (folder / "portal.sql").exists():
        yield facts, environment
        return
    with services.own_postgres() as url:
        url = _of_a_role(url)
        load = ["psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", folder / "portal.sql", url]
        load[0] = services.postgres_program("psql")
        subprocess.run(load, check=True, capture_output=True)
        yield facts, {**environment, "DATABASE_URL": url}


def _of_a_role(url: str) -> str:
    """Return the URL of a database for a role that may make tables there, and nothing else.

    It may create no schema and no extension: that takes CREATE on the database.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE portal LOGIN")
        connection.execute("CREATE DATABASE portal")
    own = urlsplit(url)._replace(path="/portal")
    with psycopg.connect(urlunsplit(own), autocommit=True) as connection:
        connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO portal")
        right = connection.execute("SELECT has_database_privilege('portal', 'portal', 'CREATE')")
        assert right.fetchone() == (False,)
    return urlunsplit(own._replace(netloc=own.netloc.replace("postgres@", "portal@")))


def upgraded(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.flow.upgraded", str(folder)]
    ended = subprocess.run(
        command, cwd=services.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def renamed(codename: str) -> str:
    action, _, model = codename.partition("_")
    return f"{action}_{RENAMED.get(model, model)}"


@pytest.fixture(scope="module", params=VERSIONS)
def upgraded_portal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the version, the facts of then, and those of now."""
    folder = tmp_path_factory.mktemp("portal")
    with earlier(folder, request.param) as (before, environment):
        return request.param, before, upgraded(folder, environment)


def test_everything_is_there_as_it_was(upgraded_portal: Any) -> None:
    name, before, after = upgraded_portal
    assert {one["state"] for one in before["deliveries"].values()} == STATES
    assert len(before["deliveries"]) > 30
    if name == "613ff02":
        before, after = without_what_goes_again(before), without_what_goes_again(after)
    for part in ("deliveries", "referrals", "bodies", "options", "sources", "history", "factors"):
        assert after[part] == before[part], part
    assert after["trail"] == before["trail"]


def test_what_a_purge_of_then_has_left_of_a_person_is_deleted(upgraded_portal: Any) -> None:
    name, before, after = upgraded_portal
    if name == "613ff02":  # the later ones had been upgraded before
        assert json.dumps(before).count(LEFT) == 7
    assert LEFT not in json.dumps(after)


def test_permissions_are_carried_over(upgraded_portal: Any) -> None:
    _, before, after = upgraded_portal
    assert after["groups"]["Night shift"] == ["decide_delivery", "view_delivery"]
    assert after["people"]["liaison"] == ["decide_delivery"]
    for group, codenames in before["groups"].items():
        assert set(after["groups"][group]) >= {renamed(one) for one in codenames}, group


def test_what_was_stored_of_a_crms_is_kept_as_declared_at_upgrade(upgraded_portal: Any) -> None:
    _, before, after = upgraded_portal
    assert after["declared"]
    for name, declared in after["declared"].items():
        assert sorted(declared) == ["look_up", "repeat_files"]
        for option in declared:
            assert after["options"][name][option] is before["options"][name][option]


def without_what_goes_again(facts: dict[str, Any]) -> dict[str, Any]:
    """Leave out what an upgrade sets right: a mapping of ours, leftovers of a purge."""
    set_right = {seeds.reference("misconfigured_mapping"), seeds.reference("revoked"), ""}
    kept = {
        key: one for key, one in facts["deliveries"].items() if one["reference"] not in set_right
    }
    gone = {key for key, body in facts["bodies"].items() if body in (None, LEFT)}
    bodies = {key: body for key, body in facts["bodies"].items() if key not in gone}
    referrals = {key: one for key, one in facts["referrals"].items() if one[0] != "4199999999"}
    return {**facts, "deliveries": kept, "bodies": bodies, "referrals": referrals}


def test_nothing_that_had_arrived_is_sent_again(upgraded_portal: Any) -> None:
    _, before, after = upgraded_portal
    brought = after["brought"]
    assert brought, "what waited goes on"
    assert set(brought.values()) == {1}
    had_arrived = {
        one["reference"] for one in before["deliveries"].values() if one["external_id"] is not None
    }
    assert not had_arrived & set(brought)
    for key, was in before["deliveries"].items():
        if was["external_id"] is not None:
            assert after["afterward"][key]["external_id"] == was["external_id"]
        elif was["state"] in ("needs_attention", "dismissed", "waiting"):
            if was["reason"] == "misconfigured":
                continue  # the destinations were opened again
            assert after["afterward"][key]["state"] == was["state"]
