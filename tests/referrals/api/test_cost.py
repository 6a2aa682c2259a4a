"""What taking in an event costs: two statements, and nothing that only browsers need."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver

from integrations.models import Source
from tests.referrals.api.sender import PLAIN, add_signing_secret, basic, post
from tests.world import World, plain

pytestmark = pytest.mark.django_db


def statements_of_a_post(number: int) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        assert post(plain(number=number)).status_code == 202
    return [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]


@pytest.mark.postgres
def test_an_event_is_stored_by_two_statements(world: World):
    post(plain(number=1))  # the secret is hashed once
    found, stored = statements_of_a_post(2)
    assert found.startswith("SELECT")
    assert stored.startswith("INSERT")


def test_what_is_asked_of_a_source_is_asked_of_each_of_its_requests(world: World):
    assert post(plain(number=1)).status_code == 202
    Source.objects.get().organizations.add(
        type(world.organization).objects.create(caredove_id="9", name="Another one")
    )
    assert post(plain(number=2)).status_code == 403
    Source.objects.get().organizations.clear()
    add_signing_secret(world.source)
    assert post(plain(number=3)).status_code == 401
    world.source.credentials.filter(scheme="signature").update(active=False)
    assert post(plain(number=4)).status_code == 202
    world.source.credentials.update(active=False)
    assert post(plain(number=5)).status_code == 401


def test_an_answer_to_a_program_has_a_length_and_no_cookie(world: World):
    for answer in (post(plain()), post({}), Client().get(PLAIN)):
        assert int(answer["Content-Length"]) == len(answer.content)
        assert not answer.cookies
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_host_that_is_not_ours_is_refused(world: World):
    assert post(plain(), host="elsewhere.example").status_code == 400


def test_a_failure_of_ours_is_answered(world: World, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("referrals.intake.receiving.receive", fail)
    client = Client(raise_request_exception=False, headers={"Authorization": basic()})
    assert client.post(PLAIN, plain(), content_type="application/json").status_code == 500


def test_no_view_for_programs_waits_for_a_csrf_token():
    views = [
        pattern.callback
        for pattern in get_resolver().url_patterns[-1].url_patterns
        if isinstance(pattern, URLPattern)
    ]
    straight = [view for view in views if getattr(view, "for_programs", False)]
    assert straight
    assert all(getattr(view, "csrf_exempt", False) for view in straight)
