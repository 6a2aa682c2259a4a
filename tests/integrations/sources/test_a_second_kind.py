"""A second kind of source goes the whole way, and nothing outside its folder is touched for it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from core.web import ratelimit
from integrations import sources
from integrations.configuration import ConfigurationError
from integrations.credentials import add_basic
from integrations.models import Source, SourceCredential
from integrations.sources.auth import hash_secret
from referrals.answers.explain import explain
from referrals.models import Delivery, InboundEvent, Referral
from referrals.running import test_events
from tests.integrations.configuration.test_apply import apply
from tests.integrations.sources import web_form
from tests.integrations.sources.web_form import ADDRESS, KIND, NUMBER
from tests.referrals.api.sender import (
    FHIR,
    PLAIN,
    SECRET,
    SIGNING_KEY,
    add_signing_secret,
    basic,
    get,
    post,
    signed,
)
from tests.world import World, example, make_world, plain

THEIRS = basic("form")
CAREDOVES = basic()


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "_buckets", ratelimit.TokenBuckets(lambda: 0.0))


@pytest.fixture(autouse=True)
def _second_kind(tmp_path: Path) -> Iterator[None]:
    with web_form.added(tmp_path):
        yield


@pytest.fixture
def world(db: None) -> World:
    """A connected listing, for which Caredove and a web form may send."""
    world = make_world(on=["received", "edited"])
    credential(world.source, "caredove")
    return world


@pytest.fixture
def form(world: World) -> Source:
    source = Source.objects.create(name="form", kind=KIND)
    credential(source, "form")
    return source


def credential(source: Source, key: str) -> None:
    SourceCredential.objects.create(source=source, key=key, secret_hash=hash_secret(SECRET))


def enter(authorization: str = THEIRS, path: str = ADDRESS, **changed: Any) -> Any:
    return post(web_form.body(**changed), path, Authorization=authorization)


def opened(answer: Any) -> InboundEvent:
    from referrals.intake import opening

    assert answer.status_code == 202, answer.json()
    opening.open_deliveries(answer.json()["id"])
    return InboundEvent.objects.get(pk=answer.json()["id"])


# -- The whole way ---------------------------------------------------------------------------------


def test_what_was_entered_is_imported(world: World, form: Source) -> None:
    event = opened(enter())

    assert (event.outcome, event.triggers) == ("import_opened", ["received"])
    assert world.run().state == Delivery.State.IMPORTED
    assert (world.referral.reference, world.referral.listing) == (NUMBER, world.listing)
    assert get(f"/api/v1/events/{event.pk}", THEIRS).json()["imports"][0]["state"] == "imported"
    assert get(f"/api/v1/referrals/{NUMBER}", THEIRS).json()["imported"] is True
    assert explain(NUMBER).imported


def test_a_second_entry_is_merged_into_the_first(world: World, form: Source) -> None:
    opened(enter())

    event = opened(enter(last_name="Tremblay", best_time="mornings"))

    assert event.triggers == ["edited"]
    assert Referral.objects.count() == 1
    from referrals.record.documents import document_of

    document = document_of(world.referral)
    assert document["registrant"] == {"first_name": "Mireille", "last_name": "Tremblay"}
    assert [one["text"] for one in document["also_sent"]] == ["mornings"]


def test_the_same_entry_again_is_stored_once(world: World, form: Source) -> None:
    first, again = enter(), enter()

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"number": ""}, ["number"]),
        ({"number": "W 1", "agency": None}, ["number", "agency"]),
        ({"service": "x" * 65}, ["service"]),
    ],
)
def test_an_unusable_entry_is_refused_field_by_field(
    world: World, form: Source, changed: dict[str, Any], fields: list[str]
) -> None:
    answer = enter(**changed)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == fields


def test_an_entry_for_an_organization_that_it_may_not_send_for_is_refused(
    world: World, form: Source
) -> None:
    form.organizations.set([world.organization])

    assert enter(agency="900").status_code == 403
    assert enter().status_code == 202


def test_the_same_id_from_two_kinds_names_two_referrals(world: World, form: Source) -> None:
    world.send(plain(reference=NUMBER))
    opened(enter())

    assert Referral.objects.filter(reference=NUMBER).count() == 2
    explained = get(f"/api/v1/referrals/{NUMBER}", THEIRS).json()
    assert "1 event received" in explained["checks"][0]["sentence"]


# -- Whose credentials are good where --------------------------------------------------------------


@pytest.mark.parametrize("path", [PLAIN, FHIR, "/fhir/MessageHeader/$process-message"])
def test_its_credential_is_none_at_another_kinds_addresses(
    world: World, form: Source, path: str
) -> None:
    body = example("event-plain.json" if path == PLAIN else "fhir-full-referral.json")

    assert post(body, path, Authorization=THEIRS).status_code == 401
    assert not InboundEvent.objects.exists()
    assert post(body, path, Authorization=CAREDOVES).status_code in (200, 202)


def test_another_kinds_credential_is_none_at_its_address(world: World, form: Source) -> None:
    answer = enter(CAREDOVES)

    assert answer.status_code == 401
    assert answer.json()["detail"] == enter(basic("nobody")).json()["detail"]
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize(("path", "signers"), [(ADDRESS, ["form"]), (PLAIN, ["caredove"])])
def test_a_signature_is_good_for_its_kind_alone(
    world: World, form: Source, path: str, signers: list[str]
) -> None:
    keys = {"form": SIGNING_KEY, "caredove": SIGNING_KEY[::-1]}
    for name, key in keys.items():
        secret = "whsec_" + base64.b64encode(key).decode()
        add_signing_secret(Source.objects.get(name=name), secret)
    body = web_form.body() if path == ADDRESS else json.dumps(plain()).encode()

    stored = [
        name
        for name, key in keys.items()
        if Client()
        .generic("POST", path, body, content_type="application/json", headers=signed(body, key=key))
        .status_code
        == 202
    ]

    assert stored == signers


def test_a_kind_may_take_its_credentials_from_another_form_of_the_header(
    world: World, form: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bearer(_: object, header: str) -> tuple[str, str] | None:
        scheme, _, rest = header.partition(" ")
        key, _, secret = rest.partition(":")
        return (key, secret) if scheme == "Bearer" else None

    monkeypatch.setattr(type(sources.source_kind(KIND)), "read_authorization", bearer)

    assert enter(f"Bearer form:{SECRET}").status_code == 202
    assert enter(f"Bearer form:{SECRET}x").status_code == 401
    assert enter(THEIRS).status_code == 401
    assert post(plain(), Authorization=f"Bearer caredove:{SECRET}").status_code == 401
    assert get(f"/api/v1/referrals/{NUMBER}", f"Bearer form:{SECRET}").status_code == 200


def test_a_kind_that_may_not_ask_gets_no_answer(
    world: World, form: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = opened(enter())
    addresses = [f"/api/v1/events/{event.pk}", f"/api/v1/referrals/{NUMBER}"]
    assert [get(path, THEIRS).status_code for path in addresses] == [200, 200]

    monkeypatch.setattr(type(sources.source_kind(KIND)), "asks_questions", False)

    assert [get(path, THEIRS).status_code for path in addresses] == [401, 401]
    assert enter(last_name="Roy").status_code == 202


def test_a_source_that_is_off_is_403_where_its_credentials_are_good(
    world: World, form: Source
) -> None:
    Source.objects.filter(pk=form.pk).update(active=False)

    assert enter().status_code == 403
    assert enter(path=PLAIN).status_code == 401


# -- The screens, the files, the commands ----------------------------------------------------------


def test_its_events_are_shown(admin_client: Client, world: World, form: Source) -> None:
    event = opened(enter())
    page = reverse("admin:referrals_inboundevent_change", args=[event.pk])
    account = reverse("admin:referrals_inboundevent_account", args=[event.pk])
    body = reverse("admin:referrals_inboundevent_body", args=[event.pk])
    listed = reverse("admin:referrals_inboundevent_changelist") + "?endpoint__exact="

    assert "Entry" in admin_client.get(page).content.decode()
    assert "after 4 pm" in admin_client.get(account).content.decode()
    assert "after 4 pm" in admin_client.get(body).content.decode()
    assert str(event.pk) in admin_client.get(f"{listed}entries").content.decode()
    assert str(event.pk) not in admin_client.get(f"{listed}plain").content.decode()


def test_it_is_chosen_for_a_new_source_and_stays(admin_client: Client, world: World) -> None:
    add = reverse("admin:integrations_source_add")
    assert f'value="{KIND}">Web form' in admin_client.get(add).content.decode()

    answer = admin_client.post(add, {"name": "website", "kind": KIND, "active": "on"})

    source = Source.objects.get(name="website")
    assert (answer.status_code, source.kind) == (302, KIND)
    change = reverse("admin:integrations_source_change", args=[source.pk])
    management = {"credentials-TOTAL_FORMS": "0", "credentials-INITIAL_FORMS": "0"}
    admin_client.post(change, {"name": "site", "kind": "caredove", "active": "on", **management})
    source.refresh_from_db()
    assert (source.name, source.kind) == ("site", KIND)


def test_it_is_named_in_the_configuration_file(world: World) -> None:
    named = {"name": "website", "kind": KIND, "basic": [{"key": "form", "secret": SECRET}]}
    apply({"sources": [named]})
    opened(enter())

    with pytest.raises(ConfigurationError) as refused:
        apply({"sources": [named | {"kind": "caredove"}]})
    assert "use a new name" in str(refused.value.problems[0].message)
    apply({"sources": [{"name": "website", "active": False}]})  # a kind that is not said stays
    assert Source.objects.get(name="website").kind == KIND


def test_what_came_is_still_shown_when_its_folder_is_gone(
    admin_client: Client, world: World, form: Source
) -> None:
    event = opened(enter())
    Source.objects.filter(pk=form.pk).update(kind="gone")
    event.referral.aliases.update(source_kind="gone")  # type: ignore[union-attr]
    pages = [
        reverse("admin:integrations_source_change", args=[form.pk]),
        reverse("admin:onboarding_credentials", args=[world.organization.pk]),
        reverse("admin:why_answer", args=[event.referral_id]),
        *(
            reverse(f"admin:referrals_inboundevent_{name}", args=[event.pk])
            for name in ("change", "body", "account")
        ),
    ]

    assert [admin_client.get(page).status_code for page in pages] == [200] * len(pages)
    assert enter().status_code == 401


@pytest.mark.parametrize("kind", ["ocean", "", "values", "web-form"])
def test_no_source_is_of_a_kind_without_a_folder(db: None, kind: str) -> None:
    with pytest.raises(ValidationError):
        Source(name="odd", kind=kind).full_clean()


def test_the_letter_to_its_sender_has_its_address(
    admin_client: Client, world: World, form: Source
) -> None:
    url = reverse("admin:onboarding_credentials", args=[world.organization.pk])

    letter = admin_client.post(url, {"source": form.pk}).content.decode()

    assert "The text for Web form" in letter
    assert ADDRESS in letter
    assert "/fhir/" not in letter


def test_onboarding_tests_with_a_kind_that_has_test_events(
    admin_client: Client, world: World, form: Source
) -> None:
    form.organizations.set([world.organization])  # the narrowest source, but not able
    url = reverse("admin:onboarding_test", args=[world.organization.pk])

    admin_client.post(url, {"listing": world.listing.pk, "sure": "on"})

    assert InboundEvent.objects.get().source == world.source
    with pytest.raises(LookupError):
        test_events.send(form, world.listing)


def test_the_document_of_the_api_describes_its_endpoint(db: None) -> None:
    document = Client().get("/api/v1/schema", headers={"Accept": "application/json"}).json()

    described = document["paths"][ADDRESS]["post"]
    assert described["summary"] == "Send what was entered"
    assert set(described["responses"]) > {"200", "202", "400", "401"}


def test_an_entry_is_posted_by_command(
    live_server: Any, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    created, secret = add_basic(Source.objects.create(name="website", kind=KIND))
    file = tmp_path / "entry.json"
    file.write_bytes(web_form.body())

    call_command(
        "send_event",
        str(file),
        f"--url={live_server.url}",
        f"--key={created.key}",
        f"--secret={secret}",
        f"--kind={KIND}",
    )

    assert InboundEvent.objects.get().endpoint_name == "entries"
    assert "202 Stored." in capsys.readouterr().out
