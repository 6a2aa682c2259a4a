"""A full disk: events are refused for now, nothing half stored, and then it goes on."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from referrals.models import InboundEvent
from tests.referrals.api.sender import FHIR, PLAIN, post
from tests.world import World, example, plain


@pytest.fixture
def disk(transactional_db: None, world: World) -> Iterator[Any]:
    """SQLite's own limit of its file: what comes over it is what a full disk gives."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's limit")

    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what earlier tests have left free would take the event

    def set_limit(pages: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {pages}")

    yield set_limit
    set_limit(2**32 - 2)


def test_an_event_that_finds_no_room_is_refused_for_now_and_stored_later(world: World, disk: Any):
    long = {"more": "x" * 200_000}  # longer than what is free within the file
    for name, path, event, kind in (
        ("plain", PLAIN, plain() | long, "application/json"),
        ("fhir", FHIR, example("fhir-full-referral.json") | long, "application/fhir+json"),
    ):
        disk(1)  # it cannot shrink: no page more
        answer = post(event, path, kind)
        assert answer.status_code == 503, path
        assert int(answer["Retry-After"]) > 0
        assert not InboundEvent.objects.filter(endpoint_name=name).exists()
        disk(2**32 - 2)
        assert post(event, path, kind).status_code in (200, 202)
        assert InboundEvent.objects.filter(endpoint_name=name).count() == 1


def test_a_page_is_answered_503_while_the_database_is_away(db: None, monkeypatch: Any):
    from django.db import InterfaceError, OperationalError

    from core.web import views

    client = Client(raise_request_exception=False)
    for error, status in ((OperationalError, 503), (InterfaceError, 503), (ValueError, 500)):

        def fail(error: type[Exception] = error) -> None:
            raise error

        monkeypatch.setattr(views.health, "readiness", fail)
        answer = client.get("/health/ready")
        assert answer.status_code == status
        assert ("Retry-After" in answer) is (status == 503)
