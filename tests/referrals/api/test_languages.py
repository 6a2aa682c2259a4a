"""The API's messages follow Accept-Language, English by default; codes and keys never change."""

import gzip
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Source
from integrations.sources.partner import updates
from referrals.intake import opening
from referrals.models import InboundEvent
from tests.french import english_in
from tests.integrations.sources.partner.partners import AT_LOOPBACK, ONE, ROOT, deliver, partner_of
from tests.integrations.sources.partner.partners import SECRET as OF_PARTNER
from tests.referrals.api.sender import FHIR, PLAIN, basic
from tests.world import REFERENCE, World, make_world, plain

JSON, PATCH = "application/json", "application/merge-patch+json"
# What people read; everything else is for programs.
TEXTS = {"title", "detail", "message", "text", "sentence", "question"}


def ask(method: str, path: str, body: Any = None, language: str = "", **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    kind = headers.pop("Content-Type", JSON)
    sent = {"Authorization": basic(), **headers}
    if language:
        sent["Accept-Language"] = language
    return Client().generic(method, path, raw, content_type=kind, headers=sent)


def texts(answer: Any) -> list[str]:
    """Return what people read of an answer, each text once."""
    found: dict[str, None] = {}

    def look(value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, one in value.items():
                look(one, name)
        elif isinstance(value, list):
            for one in value:
                look(one, key)
        elif key in TEXTS and value:
            found[value] = None

    look(answer.json())
    return list(found)


def for_programs(value: Any, key: str = "") -> Any:
    """Return an answer without what people read."""
    if isinstance(value, dict):
        return {name: for_programs(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [for_programs(one, key) for one in value]
    return "" if key in TEXTS else value


def assert_follows_language(method: str, path: str, body: Any = None, **headers: str) -> None:
    english = ask(method, path, body, **headers)
    french = ask(method, path, body, "fr-CA,fr;q=0.9,en;q=0.5", **headers)
    where = f"{method} {path} {headers}: {french.content.decode()}"
    assert english.status_code == french.status_code >= 400, where
    assert for_programs(english.json()) == for_programs(french.json()), where
    assert not english_of(french), where
    assert not set(texts(english)) & set(texts(french)), where


def english_of(answer: Any) -> list[str]:
    """Return the texts of an answer that are English; a list of codes is none."""
    page = "\n".join(f"<p>{text}</p>" for text in texts(answer))
    return list(english_in(page, names=(", ".join(updates.STATUSES),)))


EVENT = plain()
TWICE = json.dumps(EVENT).replace('"reference"', '"reference": "3502768697", "reference"').encode()
REFUSED = [
    ("POST", PLAIN, b"", {}),
    ("POST", PLAIN, b"[1]", {}),
    ("POST", PLAIN, b'{"event_type": ', {}),
    ("POST", PLAIN, b"[" * 5000, {}),
    ("POST", PLAIN, {}, {}),
    ("POST", PLAIN, {"event_type": "referral.received", "referral": {"reference": "a b"}}, {}),
    ("POST", PLAIN, TWICE, {}),
    ("POST", PLAIN, EVENT, {"Content-Type": "text/plain"}),
    ("POST", PLAIN, EVENT, {"Content-Type": "application/json; charset=klingon"}),
    ("POST", PLAIN, EVENT, {"Content-Encoding": "br"}),
    ("POST", PLAIN, gzip.compress(b"{}")[:-1], {"Content-Encoding": "gzip"}),
    ("POST", PLAIN, EVENT, {"Content-Length": "many"}),
    ("POST", PLAIN, EVENT, {"Authorization": ""}),
    ("POST", PLAIN, EVENT, {"Authorization": "Digest x"}),
    ("POST", PLAIN, EVENT, {"Authorization": basic(secret="wrong")}),
    ("PUT", PLAIN, EVENT, {}),
    ("POST", FHIR, b"nonsense", {}),
    ("POST", FHIR, {"resourceType": "Patient"}, {}),
    ("POST", FHIR, {"resourceType": "Bundle", "type": "searchset"}, {}),
    ("POST", FHIR, {"resourceType": "Bundle", "type": "message", "entry": []}, {}),
    ("POST", FHIR, {}, {"Authorization": ""}),
    ("GET", "/api/v1/events/00000000-0000-4000-8000-000000000000", None, {}),
    ("GET", "/api/v1/referrals/9999999999", None, {}),
    ("GET", "/api/v1/referrals/9999999999", None, {"Authorization": "Bearer dovetail_x"}),
    ("GET", "/api/v1/nothing", None, {}),
    ("GET", "/fhir/nothing", None, {}),
]


def test_refusals_of_events_and_questions_follow_the_language(world: World) -> None:
    for method, path, body, headers in REFUSED:
        assert_follows_language(method, path, body, **headers)


def test_a_conflict_and_a_foreign_organization_follow_the_language(world: World) -> None:
    assert ask("POST", PLAIN, EVENT, "fr").status_code == 202
    assert_follows_language("POST", PLAIN, {**EVENT, "event_type": "referral.edited"})
    other = type(world.organization).objects.create(caredove_id="9", name="Another one")
    Source.objects.get().organizations.add(other)
    assert_follows_language("POST", PLAIN, plain(number=2))


@pytest.mark.parametrize(
    ("language", "is_french"),
    [
        ("", False),
        ("de", False),
        ("en-US,fr;q=0.5", False),
        ("*", False),
        ("fr", True),
        ("fr-FR, en;q=0.9", True),
        ("de, fr-ca;q=0.4, en;q=0.3", True),
    ],
)
def test_the_language_is_english_unless_french_is_preferred(
    world: World, language: str, is_french: bool
) -> None:
    answer = ask("GET", "/api/v1/referrals/9999999999", language=language)
    assert (answer.json()["title"] == "Introuvable") is is_french
    assert "Accept-Language" in answer["Vary"]


def test_a_person_signed_in_elsewhere_changes_nothing_for_programs(world: World) -> None:
    client = Client(headers={"Authorization": basic()})
    client.get(reverse("account_login"), headers={"Accept-Language": "fr"})
    assert client.get("/api/v1/referrals/9999999999").json()["title"] == "Not Found"


def test_an_explanation_follows_the_language(world: World) -> None:
    world.send(plain())
    world.run()
    path = f"/api/v1/referrals/{REFERENCE}"
    english, french = ask("GET", path), ask("GET", path, language="fr-CA")
    assert for_programs(english.json()) == for_programs(french.json())
    assert not english_of(french)
    assert french.json()["sentence"] != english.json()["sentence"]


def test_an_event_is_described_in_the_language_of_whoever_asks(
    world: World,
) -> None:
    event_id = ask("POST", PLAIN, plain(), "fr").json()["id"]
    opening.open_deliveries(event_id)
    english, french = (
        ask("GET", f"/api/v1/events/{event_id}", language=one).json() for one in ("", "fr")
    )
    assert english.pop("reason") == "Import into Birchwood CRMS started."
    assert french.pop("reason") == "L’importation dans Birchwood CRMS a commencé."
    assert english == french


# -- partners ------------------------------------------------------------------------------------

UPDATE = {"status": "accepted"}
REFUSED_TO_PARTNERS = [
    ("GET", f"{ROOT}?limit=0", None, {}),
    ("GET", f"{ROOT}?after=x", None, {}),
    ("GET", f"{ROOT}/nothing", None, {}),
    ("GET", f"{ONE}/files/nothing", None, {}),
    ("PATCH", ONE, UPDATE, {}),
    ("PATCH", ONE, UPDATE, {"If-Match": '"old"'}),
    ("PATCH", ONE, b"{", {"If-Match": '"old"'}),
    ("PATCH", ONE, b"[]", {"If-Match": '"old"'}),
    ("PATCH", ONE, {"colour": "red"}, {"If-Match": '"old"'}),
    ("PATCH", ONE, {"status": "entered-in-error"}, {"If-Match": '"old"'}),
    ("PATCH", ONE, {"status_label": 7}, {"If-Match": '"old"'}),
    ("PATCH", ONE, {"record_id": "x" * 201}, {"If-Match": '"old"'}),
    ("PATCH", ONE, {"record_id": "\0"}, {"If-Match": '"old"'}),
    ("PATCH", ONE, {"note": None}, {"If-Match": '"old"'}),
    ("PATCH", ONE, {"outcome": "good", "other": {}}, {"If-Match": '"old"'}),
    ("PATCH", ONE, UPDATE, {"If-Match": '"old"', "Idempotency-Key": "x" * 256}),
    ("PATCH", ONE, UPDATE, {"If-Match": '"old"', "Content-Type": "text/plain"}),
    ("PATCH", ONE, UPDATE, {"If-Match": '"old"', "Authorization": basic("partner", "wrong")}),
]


@pytest.fixture
def partner(db: Any) -> Source:
    world = make_world("webhook", ["received", "edited"], **AT_LOOPBACK)
    partner = partner_of(world)
    world.send(plain())
    deliver(world)
    return partner


def of_partner(headers: dict[str, str]) -> dict[str, str]:
    return {"Authorization": basic("partner", OF_PARTNER), "Content-Type": PATCH, **headers}


def test_refusals_of_partners_follow_the_language(partner: Source) -> None:
    for method, path, body, headers in REFUSED_TO_PARTNERS:
        assert_follows_language(method, path, body, **of_partner(headers))
    Source.objects.filter(pk=partner.pk).update(updates=Source.Updates.NONE)
    assert_follows_language("PATCH", ONE, UPDATE, **of_partner({"If-Match": '"old"'}))
    Source.objects.filter(pk=partner.pk).update(destination=None)
    assert_follows_language("GET", ROOT, **of_partner({}))


def test_what_a_partner_reads_and_what_is_sent_on_is_the_same_in_every_language(
    partner: Source,
) -> None:
    english, french = (ask("GET", ONE, language=one, **of_partner({})) for one in ("en", "fr"))
    assert (english.content, english["ETag"]) == (french.content, french["ETag"])
    headers = of_partner({"If-Match": french["ETag"]})
    assert ask("PATCH", ONE, UPDATE, "fr", **headers).status_code == 200
    assert InboundEvent.objects.latest("received_at").outcome == InboundEvent.Outcome.NO_TRIGGER
