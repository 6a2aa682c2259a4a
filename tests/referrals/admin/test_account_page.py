"""What became of a message: every value of it, for those who may read bodies, on record."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import Organization
from integrations.sources.account import Fate
from referrals.models import InboundEvent
from referrals.record import account
from tests.people import client_of, person
from tests.world import World, example, plain

PAGES = ("referrals_inboundevent_account", "referrals_inboundevent_body")
LINK = "https://www.caredove.com/launch?token=abc123secret"
PURGED = "deleted with the person's data"


def url_of(event: InboundEvent) -> str:
    return reverse("admin:referrals_inboundevent_account", args=[event.pk])


def text(client: Client, event: InboundEvent) -> str:
    """Return the page as its source."""
    response = client.get(url_of(event))
    assert response.status_code == 200
    return response.content.decode()


def words_of(page: str) -> str:
    """Return the words of the page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def fates(event: InboundEvent) -> dict[str, tuple[Fate, str]]:
    """Return what became of each value, and where it went or why not, by where it stood."""
    parts = account.of(event)
    assert parts is not None
    return {row.where: (part.fate, row.what) for part in parts for row in part.rows}


def registrant(**more: Any) -> dict[str, Any]:
    born = "1991-06-29"
    return {"first_name": "Mireille", "last_name": "Okafor", "date_of_birth": born, **more}


# -- What it shows ---------------------------------------------------------------------------------


def test_each_value_stands_by_what_became_of_it(world: World) -> None:
    event = world.send(
        plain(
            registrant=registrant(date_of_birth="03/04/1991", shoe_size="41"),
            internal_notes=[{"text": "Ask Harleen"}],
            reason="",
        )
    )

    found = fates(event)

    assert found["referral › registrant › first_name"] == (Fate.USED, "Registrant › First name")
    assert found["referral › registrant › date_of_birth"][0] is Fate.UNREADABLE
    assert "correct it in Caredove" in found["referral › registrant › date_of_birth"][1]
    assert found["referral › registrant › shoe_size"][0] is Fate.ALSO_SENT
    assert found["referral › internal_notes 1 › text"] == (Fate.LEFT_OUT, "Internal note")
    assert found["referral › reason"] == (Fate.LEFT_OUT, "Empty")


def test_a_value_of_a_fhir_message_stands_under_its_resource(world: World) -> None:
    event = world.send(example("fhir-full-referral.json"), "fhir")

    found = fates(event)

    (family,) = [
        what for where, what in found.items() if re.match(r"Patient.*name 1 › family", where)
    ]
    assert family == (Fate.USED, "Registrant › Last name")
    assert not any(where.startswith("entry") for where in found if "fullUrl" not in where)


def test_the_counts_come_first_and_what_could_not_be_read_before_the_rest(
    admin_client: Client, world: World
) -> None:
    event = world.send(
        plain(reason="", registrant=registrant(date_of_birth="03/04/1991", pet="Cat"))
    )

    words = words_of(text(admin_client, event))

    in_order = [
        "1 Could not be read",
        "1 Also sent",
        "1 warning",
        "Date of birth came as “03/04/1991”, which can be read two ways",
        "Could not be read 1",
        "Also sent, in the note and the summary 1",
        "Used",
        "Left out",
    ]
    assert re.search(".*".join(map(re.escape, in_order)), words)


def test_many_values_are_counted_and_the_first_are_shown(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "SHOWN", 3)
    event = world.send(plain(registrant=registrant(**{f"pet{i}": f"Cat {i}" for i in range(1200)})))

    words = words_of(text(admin_client, event))

    assert "1 200 Also sent" in words
    assert "1 197 more are not shown here" in words
    assert "Cat 2" in words
    assert "Cat 3" not in words


@pytest.mark.parametrize("value", ["A" * 5_000, "a word " * 1_000, "é" * 301])
def test_a_long_value_is_cut_and_its_length_reported(
    admin_client: Client, world: World, value: str
) -> None:
    event = world.send(plain(registrant=registrant(pet=value)))

    page = text(admin_client, event)

    assert f"({len(value)} characters)" in page
    assert value.strip() not in page


@pytest.mark.parametrize("key", ["reason", "pet", "hobby"])
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "See {} please",
        '<a href="{}">here</a>',
        "x" * 290 + " {}",
        "word " * 40 + "{}" + " word" * 40,
    ],
)
def test_a_sign_in_link_is_never_shown(
    admin_client: Client, world: World, key: str, around: str
) -> None:
    event = world.send(plain(**{key: around.format(LINK)}))
    assert "abc123secret" not in text(admin_client, event)


def test_a_sign_in_link_that_is_a_key_is_not_shown(admin_client: Client, world: World) -> None:
    event = world.send(plain(registrant=registrant(**{LINK: "Okafor"})))
    for name in PAGES:
        page = admin_client.get(reverse(f"admin:{name}", args=[event.pk])).content.decode()
        assert "abc123secret" not in page


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_a_sender_writes_is_text(admin_client: Client, world: World, hostile: str) -> None:
    event = world.send(
        plain(
            reason=f"x<y {hostile}",
            registrant=registrant(**{hostile: hostile, "date_of_birth": hostile}),
        )
    )
    page = text(admin_client, event)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "alert(1)" in page


@pytest.mark.parametrize("value", [r"\ud800", r"\u0000", r"a\u202eb", r"\ufffe"])
def test_odd_characters_do_no_harm(admin_client: Client, world: World, value: str) -> None:
    body = json.dumps(plain(reason="ODD")).replace("ODD", value).encode()
    assert "What became of this message" in text(admin_client, world.send(body))


# -- Bodies that are not in a referral -------------------------------------------------------------


def test_after_a_purge_the_page_shows_it(admin_client: Client, world: World) -> None:
    event = world.send(plain())
    world.send(plain("referral.revoked", number=2))

    words = words_of(text(admin_client, event))

    assert PURGED in words
    assert "Mireille" not in words


def test_a_body_that_cannot_be_read_is_kept_and_offered(admin_client: Client, world: World) -> None:
    event = world.send(plain())
    event.body = b"{ not JSON"
    event.save()

    words = words_of(text(admin_client, event))

    assert "cannot be read. It is kept as it came." in words
    assert "Read the body" in words


def test_of_a_conflict_nothing_is_in_the_referral(admin_client: Client, world: World) -> None:
    world.send(plain())
    world.receive(plain(reason="Quite another reason"))
    conflict = InboundEvent.objects.get(state=InboundEvent.State.CONFLICT)

    words = words_of(text(admin_client, conflict))

    assert "Nothing of this message is in the referral" in words
    assert "Quite another reason" in words


@pytest.mark.parametrize("kind", ["referral.frobnicated", "referral.received"])
def test_a_message_states_whether_it_is_in_the_referral(
    admin_client: Client, world: World, kind: str
) -> None:
    words = words_of(text(admin_client, world.send(plain(kind))))
    assert ("Nothing of this message" in words) is (kind == "referral.frobnicated")


# -- Who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [SUPPORT, ADMINISTRATOR])
def test_who_reads_bodies_sees_it_and_that_is_on_record(world: World, role: str) -> None:
    event = world.send(plain())
    text(client_of(role, world.organization), event)
    kept = AuditEvent.objects.get(action="read body")
    assert kept.object_id == str(event.pk)
    assert "Mireille" not in f"{kept.object_label}{kept.detail}"


def test_who_sees_events_but_reads_no_bodies_is_refused(world: World) -> None:
    event = world.send(plain())
    user = person("", world.organization)
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_inboundevent", "view_referral"])
    )
    client = Client()
    client.force_login(user)

    assert client.get(url_of(event)).status_code == 403
    shown = client.get(reverse("admin:referrals_inboundevent_change", args=[event.pk]))
    assert shown.status_code == 200
    assert url_of(event) not in shown.content.decode()
    assert not AuditEvent.objects.filter(action="read body").exists()


def test_a_liaison_is_refused(world: World) -> None:
    event = world.send(plain())
    assert client_of(LIAISON, world.organization).get(url_of(event)).status_code == 403


def test_to_other_organizations_it_does_not_exist(world: World) -> None:
    event = world.send(plain())
    elsewhere = Organization.objects.create(caredove_id="901", name="Elsewhere")
    assert client_of(SUPPORT, elsewhere).get(url_of(event)).status_code == 404
    assert not AuditEvent.objects.filter(action="read body").exists()


def test_who_has_not_signed_in_is_asked_to(client: Client, world: World) -> None:
    assert client.get(url_of(world.send(plain()))).status_code == 302
