"""Attempts and reasons of earlier versions, once they are migrated."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests import databases

Node = tuple[str, str]

BEFORE, AFTER = ("referrals", "0013_event_door"), ("referrals", "0015_shown_codes")
# The newest of integrations that can stand below both: the next one needs later referrals.
BELOW = ("integrations", "0008_row_key")
NOW = timezone.now()

# No migration is edited once it stands, so every change need not try these again.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.whole]


@pytest.fixture
def earlier() -> Iterator[Any]:
    """The models as they were before, in a database that was migrated no further.

    That takes half as long as to take back, in a copy of the usual one, what came since.
    """
    empty = databases.beside(str(connection.settings_dict["NAME"]), "earlier")
    if connection.vendor == "sqlite":
        databases.drop(empty)  # it is made when somebody connects
    else:
        databases.copy("template0", empty)
    with databases.using(empty):
        executor = MigrationExecutor(connection)
        executor.migrate(nodes(executor, BEFORE))
        yield models_at(executor, BEFORE)
    databases.drop(empty)


def go_on() -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([AFTER])
    return models_at(executor, AFTER)


def models_at(executor: MigrationExecutor, node: Node) -> Any:
    return executor.loader.project_state(nodes(executor, node)).apps


def nodes(executor: MigrationExecutor, node: Node) -> list[Node]:
    """Return the migrations with which there are all tables that a state of referrals needs."""
    return [*executor.loader.graph.leaf_nodes("mapping"), BELOW, node]


def attempted(earlier: Any, number: int, attempt: dict[str, Any], **delivery: Any) -> Any:
    referral = earlier.get_model("referrals", "Referral").objects.create(
        reference=str(number), created_at=NOW, changed_at=NOW
    )
    row = earlier.get_model("referrals", "Delivery").objects.create(
        referral=referral,
        opened_at=NOW,
        last_status_code=attempt.get("status_code") or 0,
        **{"state": "needs_attention", "reason": "gave_up", **delivery},
    )
    version = row.versions.create(asked_at=NOW)
    # An earlier try, which the last one has overtaken.
    for place, one in enumerate(({"outcome": "try_again", "status_code": 429}, attempt)):
        row.attempts.create(
            version=version,
            number=place + 1,
            lease_token=uuid4(),
            started_at=NOW - timedelta(minutes=2 - place),
            ended_at=NOW - timedelta(minutes=1 - place),
            **one,
        )
    return row.pk


KINDS = [
    ({"outcome": "imported", "status_code": 201}, "", "HTTP 201"),
    ({"outcome": "rejected", "status_code": 422}, "refused", "HTTP 422"),
    ({"outcome": "misconfigured", "status_code": 401}, "credentials", "HTTP 401"),
    ({"outcome": "misconfigured", "status_code": 403}, "credentials", "HTTP 403"),
    ({"outcome": "misconfigured", "status_code": 302}, "misaddressed", "HTTP 302"),
    ({"outcome": "misconfigured", "status_code": 200}, "misaddressed", "HTTP 200"),
    ({"outcome": "misconfigured"}, "bad_mapping", ""),
    ({"outcome": "try_again", "status_code": 429}, "throttled", "HTTP 429"),
    ({"outcome": "try_again", "status_code": 503}, "failing", "HTTP 503"),
    ({"outcome": "try_again"}, "silent", ""),
    ({"outcome": "unconfirmed", "doubt": "gone", "status_code": 404}, "gone", "HTTP 404"),
    ({"outcome": "unconfirmed", "doubt": "no_id", "status_code": 201}, "conflict", "HTTP 201"),
    ({"outcome": "unconfirmed", "doubt": "not_searchable"}, "conflict", ""),
    ({"outcome": "unconfirmed"}, "silent", ""),
    ({"outcome": "down"}, "down", ""),
    ({"outcome": "bug"}, "bug", ""),
    ({"outcome": "lost"}, "", ""),
]


def test_earlier_attempts_get_kinds_and_codes_and_misconfigured_becomes_three_reasons(
    earlier: Any,
) -> None:
    attempts, reasons = make_attempts(earlier), make_misconfigured(earlier)
    now = go_on()
    assert_each_attempt_has_its_kind_and_its_code(now, *attempts)
    assert_each_has_the_reason_that_it_was(now, reasons)


def make_attempts(earlier: Any) -> Any:
    place = make_place(earlier)
    made = {
        attempted(earlier, number, attempt, destination=place): (kind, code)
        for number, (attempt, kind, code) in enumerate(KINDS)
    }
    never_tried = attempted(earlier, 99, {"outcome": "lost"}, destination=place)
    deliveries = earlier.get_model("referrals", "Delivery").objects
    deliveries.filter(pk=never_tried).update(last_status_code=None)
    return made, never_tried


def assert_each_attempt_has_its_kind_and_its_code(now: Any, made: Any, never_tried: Any) -> None:
    deliveries = now.get_model("referrals", "Delivery").objects
    assert deliveries.get(pk=never_tried).last_code is None
    rows = deliveries.filter(pk__in=made)
    found = {
        row.pk: (row.attempts.get(number=2).kind, row.attempts.get(number=2).code) for row in rows
    }
    assert found == made
    assert {row.pk: (row.last_kind, row.last_code) for row in rows} == made
    assert {row.attempts.get(number=1).kind for row in rows} == {"throttled"}


def make_misconfigured(earlier: Any) -> Any:
    place = make_place(earlier)
    paused = make_place(earlier, held_at=NOW, held_reason="Token.")
    theirs = {"reason": "misconfigured", "trigger_config_id": connect(earlier, place)}
    mapping, page = {"outcome": "misconfigured"}, {"outcome": "misconfigured", "status_code": 401}
    made = {
        attempted(earlier, 201, page, destination=paused, **theirs): "connection",
        attempted(earlier, 202, mapping, destination=paused, **theirs): "mapping",
        attempted(earlier, 203, mapping, destination=place, **theirs): "mapping",
        attempted(earlier, 204, mapping, destination=place, reason="misconfigured"): "disconnected",
        attempted(earlier, 205, {"outcome": "rejected"}, destination=place, reason="bug"): "bug",
    }
    cleared = earlier.get_model("referrals", "ClearedError")
    for pk in list(made)[:4]:
        cleared.objects.create(delivery_id=pk, error_at=NOW, cleared_at=NOW, reason="misconfigured")
    return made


def assert_each_has_the_reason_that_it_was(now: Any, made: Any) -> None:
    rows = now.get_model("referrals", "Delivery").objects.filter(pk__in=made)
    assert {row.pk: row.reason for row in rows} == made
    seen = now.get_model("referrals", "ClearedError").objects.order_by("pk")
    assert [row.reason for row in seen] == ["connection", "mapping", "mapping", "mapping"]


def make_place(earlier: Any, **standing: Any) -> Any:
    """Return a destination as it was then."""
    organization, _ = earlier.get_model("integrations", "Organization").objects.get_or_create(
        caredove_id="812"
    )
    return earlier.get_model("integrations", "Destination").objects.create(
        organization=organization, name=f"CRMS {uuid4()}", kind="demo", **standing
    )


def connect(earlier: Any, place: Any) -> int:
    """Return the key of a trigger config that leads to a destination."""
    listing = earlier.get_model("integrations", "ServiceListing").objects.create(
        organization=place.organization, caredove_id="4417"
    )
    mapping = earlier.get_model("mapping", "Mapping").objects.create(
        name="Rules", destination_kind="demo"
    )
    config = earlier.get_model("integrations", "TriggerConfig").objects.create(
        listing=listing, destination=place, on=["received"], mapping=mapping
    )
    return int(config.pk)
