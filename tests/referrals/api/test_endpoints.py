"""The answers of both endpoints: section 1 of the inbound contract, row by row."""

import base64
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import IO, Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from standardwebhooks import Webhook

from core.web import ratelimit
from integrations.models import Organization, Source, SourceCredential
from integrations.sources import auth
from integrations.sources.auth import hash_secret
from referrals.api import urls, views
from referrals.api.partner import PartnerView
from referrals.models import Delivery, InboundEvent
from tests.referrals.api.sender import FHIR, SECRET, SIGNING, add_signing_secret, basic, get, post
from tests.world import World, example, plain

FHIR_ENDPOINTS = [FHIR, "/fhir/MessageHeader/$process-message"]


def webhook(body: bytes, at: datetime | None = None, secret: str = SIGNING) -> dict[str, str]:
    """Return the headers that the library of Standard Webhooks makes."""
    at = at or datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


# -- plain JSON ----------------------------------------------------------------------------------


def test_a_new_event_is_accepted(world: World):
    answer = post(example("event-plain.json"))
    event = InboundEvent.objects.get()
    assert (answer.status_code, answer.json()) == (
        202,
        {"id": str(event.pk), "status": "accepted", "duplicate": False},
    )


def test_the_same_event_again_is_a_duplicate(world: World):
    first = post(plain())
    again = post(plain())
    assert (again.status_code, again.json()) == (
        200,
        {"id": first.json()["id"], "status": "accepted", "duplicate": True},
    )


def test_the_same_id_with_another_body_is_a_conflict(world: World):
    post(plain())
    answer = post(plain(priority="urgent"))
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json()["title"] == "Conflict"


def test_an_unusable_body_states_which_field_and_why(world: World):
    answer = post({"event_type": "referral.received", "referral": {}})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["field"] == "referral.reference"
    assert error["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"event_type": 1e999999}',
        b'{"event_type": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize("path", ["/api/v1/events", FHIR_ENDPOINTS[0]])
def test_hostile_json_gets_400(world: World, body: bytes, path: str):
    assert post(body, path).status_code == 400
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize(
    "event",
    [
        plain("referral.sneezed"),
        plain() | {"service_listing": {"id": "9999"}},
        plain() | {"organization": {"id": "9999"}, "service_listing": None},
        plain(registrant=None),
        plain(status="paused", substatus={"classification": "paused"}),
    ],
)
def test_every_other_problem_is_accepted_and_stored(world: World, event: dict[str, Any]):
    assert post(event).status_code == 202


def test_a_suspended_organization_is_not_the_senders_problem(world: World):
    Organization.objects.update(active=False)
    assert post(plain()).status_code == 202


def test_other_content_types_are_refused(world: World):
    assert post(plain(), content_type="text/plain").status_code == 415
    assert post(plain(), content_type="application/fhir+json").status_code == 415
    assert post(plain(), content_type="application/json; charset=utf-8").status_code == 202


def test_a_body_over_the_limit_is_refused(world: World, settings: Any):
    settings.MAX_BODY_BYTES = 100
    answer = post(plain())
    assert answer.status_code == 413
    assert "100 bytes" in answer.json()["detail"]


def test_too_many_requests_get_a_time_to_come_back(world: World, settings: Any):
    settings.RATE_LIMIT_PER_MINUTE = 1
    post(plain())
    answer = post(plain(number=2))
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_a_database_that_does_not_answer_is_503(world: World):
    with mock.patch(
        "referrals.intake.receiving._store", side_effect=OperationalError("DETAIL: Mireille")
    ):
        answer = post(plain())
    assert answer.status_code == 503
    assert "Mireille" not in answer.content.decode()


def test_other_methods_are_refused_as_problem_documents(world: World):
    answer = Client().put("/api/v1/events")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")


# -- FHIR ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FHIR_ENDPOINTS)
@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/json"])
def test_a_fhir_message_is_stored(world: World, path: str, content_type: str):
    answer = post(example("fhir-full-referral.json"), path, content_type)
    event = InboundEvent.objects.get()
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/fhir+json")
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["diagnostics"]) == ("information", str(event.pk))


def test_the_same_fhir_message_again_names_the_first(world: World):
    first = post(example("fhir-full-referral.json"), FHIR_ENDPOINTS[0]).json()
    again = post(example("fhir-full-referral.json"), FHIR_ENDPOINTS[1])
    assert again.status_code == 200
    assert again.json()["issue"][0]["diagnostics"] == first["issue"][0]["diagnostics"]


def test_a_fhir_conflict_is_an_outcome(world: World):
    message = example("fhir-full-referral.json")
    post(message, FHIR_ENDPOINTS[0])
    answer = post(message | {"timestamp": "2026-03-09T16:00:00Z"}, FHIR_ENDPOINTS[0])
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (409, "conflict")


def test_an_unusable_fhir_body_states_where(world: World):
    answer = post({"resourceType": "Bundle", "type": "message", "entry": []}, FHIR_ENDPOINTS[0])
    assert answer.status_code == 400
    (issue, *_) = answer.json()["issue"]
    assert issue["severity"] == "error"
    assert issue["details"]["text"]
    assert issue["expression"]


def test_fhir_refusals_are_outcomes(world: World):
    answer = post(example("fhir-full-referral.json"), FHIR_ENDPOINTS[0], Authorization="Basic eDp5")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (401, "login")


# -- credentials ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !!!", "Bearer abc", basic("caredove", "wrong"), basic("nobody", SECRET)],
)
def test_without_valid_credentials_nothing_is_stored(world: World, authorization: str):
    answer = post(plain(), Authorization=authorization)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert not InboundEvent.objects.exists()


def test_an_address_that_guesses_credentials_is_not_listened_to(world: World):
    assert post(plain()).status_code == 202
    guesses = [basic("nobody", f"guess {n}") for n in range(ratelimit.REFUSALS_PER_MINUTE + 5)]
    assert {post(plain(), Authorization=guess).status_code for guess in guesses} == {401, 429}
    assert post(plain(number=2)).status_code == 202  # who was right before is heard


def test_several_basic_credentials_are_valid_at_once(world: World):
    SourceCredential.objects.create(source=world.source, key="new", secret_hash=hash_secret("b"))
    assert post(plain()).status_code == 202
    assert post(plain(number=2), Authorization=basic("new", "b")).status_code == 202
    SourceCredential.objects.filter(key="caredove").update(active=False)
    assert post(plain(number=3)).status_code == 401


def test_a_source_that_is_off_is_forbidden(world: World):
    Source.objects.update(active=False)
    assert post(plain()).status_code == 403


def test_another_organization_is_forbidden(world: World):
    world.source.organizations.add(Organization.objects.create(caredove_id="900", name="Elsewhere"))
    assert post(plain()).status_code == 403
    assert post(example("fhir-full-referral.json"), FHIR_ENDPOINTS[0]).status_code == 403


def test_a_signature_is_enough(world: World):
    add_signing_secret(world.source)
    body = json.dumps(plain()).encode()
    assert post(body, Authorization="", **webhook(body)).status_code == 202


def test_with_a_signing_secret_basic_alone_is_refused(world: World):
    add_signing_secret(world.source)
    body = json.dumps(plain()).encode()
    assert post(body).status_code == 401
    assert post(body, **webhook(body)).status_code == 202


@pytest.mark.parametrize("authorization", [basic(), ""], ids=["with Basic", "alone"])
def test_a_signing_secret_that_is_switched_off_beside_one_that_is_on_signs_nothing(
    world: World, authorization: str
):
    old = "whsec_" + base64.b64encode(b"the-secret-that-was-taken-back-0").decode()
    add_signing_secret(world.source, old)
    SourceCredential.objects.filter(scheme="signature").update(active=False)
    add_signing_secret(world.source)
    body = json.dumps(plain()).encode()
    headers = {"Authorization": authorization}
    assert post(body, **headers, **webhook(body, secret=old)).status_code == 401
    assert post(body, **headers, **webhook(body)).status_code == 202


def test_a_signing_secret_that_is_switched_off_alone_signs_nothing(world: World):
    add_signing_secret(world.source)
    SourceCredential.objects.filter(scheme="signature").update(active=False)
    body = json.dumps(plain()).encode()
    assert post(body, Authorization="", **webhook(body)).status_code == 401
    assert post(body).status_code == 202


def test_a_signature_of_another_source_does_not_go_with_our_basic(world: World):
    add_signing_secret(world.source)
    theirs = "whsec_" + base64.b64encode(b"the-secret-of-another-source-000").decode()
    add_signing_secret(Source.objects.create(name="another"), theirs)
    body = json.dumps(plain()).encode()
    assert post(body, **webhook(body, secret=theirs)).status_code == 401


@pytest.mark.parametrize("authorization", [basic("nobody", "x"), basic("caredove", "wrong")])
def test_an_unknown_key_costs_one_hash_as_a_wrong_secret_does(
    world: World, authorization: str, monkeypatch: pytest.MonkeyPatch
):
    hashed: list[str] = []
    monkeypatch.setattr(auth, "_verified", auth._Verified())
    monkeypatch.setattr(auth, "_is_hash_of", lambda _, stored: bool(hashed.append(stored)))
    assert post(plain(), Authorization=authorization).status_code == 401
    (stored,) = hashed
    assert stored.split("$")[:2] == auth.NO_SECRET.split("$")[:2]  # at the same cost


def test_a_signature_of_another_body_is_refused(world: World):
    add_signing_secret(world.source)
    assert post(plain(), Authorization="", **webhook(b"{}")).status_code == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_timestamp_that_is_off_is_refused(world: World, minutes: int):
    add_signing_secret(world.source)
    body = json.dumps(plain()).encode()
    headers = webhook(body, datetime.now(UTC) + timedelta(minutes=minutes))
    assert post(body, Authorization="", **headers).status_code == 401


def test_several_signatures_and_several_secrets_are_allowed(world: World):
    other = "whsec_" + base64.b64encode(b"another-secret-another-secret-00").decode()
    add_signing_secret(world.source)
    add_signing_secret(world.source, other)
    body = json.dumps(plain()).encode()
    headers = webhook(body, secret=other)
    headers["webhook-signature"] = "v1,bm90IGl0 " + headers["webhook-signature"]
    assert post(body, Authorization="", **headers).status_code == 202


def test_a_malformed_signature_list_is_refused(world: World):
    add_signing_secret(world.source)
    body = json.dumps(plain()).encode()
    headers = webhook(body) | {"webhook-signature": "v1 , ,,v1,%%%"}
    assert post(body, Authorization="", **headers).status_code == 401


# -- the sender's questions ----------------------------------------------------------------------


def test_a_sender_learns_what_became_of_an_event(world: World):
    event = world.send(plain())
    world.run()
    answer = get(f"/api/v1/events/{event.pk}")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["status"], found["outcome"], found["reference"], found["triggers"]) == (
        "opened",
        "import_opened",
        "3502768696",
        ["received"],
    )
    assert found["imports"] == [
        {
            "destination": "Birchwood CRMS",
            "state": "imported",
            "reason": "",
            "reason_code": "",
            "external_id": "DEMO-3502768696-referral",
        }
    ]


@pytest.mark.parametrize("code", ["connection", "mapping", "disconnected"])
def test_three_reasons_keep_the_name_that_senders_know_and_have_their_own_beside(
    world: World, code: str
):
    event = world.send(plain())
    Delivery.objects.update(state="needs_attention", reason=code, due_at=None)
    (found,) = get(f"/api/v1/events/{event.pk}").json()["imports"]
    assert (found["reason"], found["reason_code"]) == ("misconfigured", code)
    (found,) = get("/api/v1/referrals/3502768696").json()["imports"]
    assert (found["reason"], found["reason_code"]) == ("misconfigured", code)


def test_every_other_reason_is_called_the_same_twice(world: World):
    world.send(plain())
    Delivery.objects.update(state="needs_attention", reason="rejected", due_at=None)
    (found,) = get("/api/v1/referrals/3502768696").json()["imports"]
    assert (found["reason"], found["reason_code"]) == ("rejected", "rejected")


def test_a_sender_learns_whether_a_referral_is_imported(world: World):
    world.send(plain())
    world.run()
    found = get("/api/v1/referrals/3502768696").json()
    assert found["imported"] is True
    assert found["sentence"] == "It is in Birchwood CRMS as DEMO-3502768696-referral."


def test_a_sender_learns_why_a_referral_is_not_imported(world: World):
    world.send(plain("message.from_provider"))
    found = get("/api/v1/referrals/3502768696").json()
    assert found["imported"] is False
    assert "Message from Provider" in found["sentence"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/referrals/0000000000",
        "/api/v1/events/00000000-0000-0000-0000-000000000000",
    ],
)
def test_what_is_not_known_is_404_with_the_reason(world: World, path: str):
    answer = get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"]


def test_another_sources_events_and_referrals_are_not_shown(world: World):
    event = world.send(plain())
    other = Source.objects.create(name="another")
    other.organizations.add(Organization.objects.create(caredove_id="900", name="Elsewhere"))
    SourceCredential.objects.create(source=other, key="another", secret_hash=hash_secret("x"))
    theirs = basic("another", "x")
    assert get(f"/api/v1/events/{event.pk}", theirs).status_code == 404
    assert get("/api/v1/referrals/3502768696", theirs).status_code == 404


def test_a_referral_of_nobody_knows_which_organization_is_shown_to_its_sender_alone(world: World):
    event = plain()
    del event["organization"], event["service_listing"]
    world.send(event)
    other = Source.objects.create(name="another")
    other.organizations.add(Organization.objects.create(caredove_id="900", name="Elsewhere"))
    SourceCredential.objects.create(source=other, key="another", secret_hash=hash_secret("x"))
    assert get("/api/v1/referrals/3502768696").status_code == 200
    assert get("/api/v1/referrals/3502768696", basic("another", "x")).status_code == 404


# Every GET of the API that is about somebody, with something to ask it for. What a partner asks is
# tried in tests/integrations/sources/partner.
QUESTIONS = [
    str(pattern.pattern)
    for pattern in urls.urlpatterns
    if issubclass(getattr(pattern.callback, "cls", object), views.SenderView)
    and not issubclass(pattern.callback.cls, PartnerView)
    and hasattr(pattern.callback.cls, "get")
]


def address_of(question: str, world: World) -> str:
    event = world.send(plain())
    asked = {"<uuid:event_id>": str(event.pk), "<str:reference>": "3502768696"}
    for parameter, value in asked.items():
        question = question.replace(parameter, value)
    assert "<" not in question, "Say here what this one asks for."
    return f"/{question}"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_of_a_source_that_signs_is_signed_too(world: World, question: str):
    add_signing_secret(world.source)
    address = address_of(question, world)
    assert get(address).status_code == 401
    both = {"Authorization": basic(), **webhook(b"")}
    assert Client().get(address, headers=both).status_code == 200
    assert Client().get(address, headers=webhook(b"")).status_code == 200
    assert Client().get(address, headers={**both, **webhook(b"{}")}).status_code == 401
    assert Client().get(address).status_code == 401


def test_the_questions_are_known() -> None:
    assert QUESTIONS == ["api/v1/events/<uuid:event_id>", "api/v1/referrals/<str:reference>"]


def post_in_chunks(body: bytes | IO[bytes]) -> Any:
    """Post a body as gunicorn hands one on that came in chunks: its length is not announced."""
    stream = BytesIO(body) if isinstance(body, bytes) else body
    environ: dict[str, Any] = {"wsgi.input": stream, "wsgi.input_terminated": True}
    environ |= {"CONTENT_TYPE": "application/json", "HTTP_TRANSFER_ENCODING": "chunked"}
    return Client().generic("POST", "/api/v1/events", headers={"Authorization": basic()}, **environ)


def test_a_body_in_chunks_is_read(world: World):
    assert post_in_chunks(json.dumps(plain()).encode()).status_code == 202


def test_a_body_in_chunks_is_limited_too(world: World, settings: Any):
    settings.MAX_BODY_BYTES = 1000
    assert post_in_chunks(b" " * 1001).status_code == 413


def test_of_a_body_in_chunks_no_more_is_read_than_the_limit(world: World, settings: Any):
    settings.MAX_BODY_BYTES = 1000

    class WithoutEnd(BytesIO):
        """Goes on for as long as somebody reads; nobody may ask for all of it."""

        given = 0

        def read(self, size: int | None = -1) -> bytes:
            assert size in range(1002)
            self.given += size
            assert self.given <= 1001
            return b" " * size

        def readline(self, size: int | None = -1) -> bytes:
            return self.read(size)

    assert post_in_chunks(WithoutEnd()).status_code == 413


def test_a_body_that_breaks_off_is_refused(world: World):
    class Broken(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError("Invalid chunk size")

    assert post_in_chunks(Broken()).status_code == 400


def test_questions_need_credentials(world: World):
    assert get("/api/v1/referrals/3502768696", "Basic eDp5").status_code == 401


def test_the_schema_and_its_page_are_open(client: Client, db: None):
    schema = client.get("/api/v1/schema", headers={"Accept": "application/json"}).json()
    assert schema["openapi"].startswith("3.1")
    assert "/fhir/$process-message" in schema["paths"]
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "https://cdn" not in page.content.decode()
