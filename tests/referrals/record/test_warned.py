"""Warnings of reading: what came is quoted to those who may read the person, and to nobody else."""

import io
import json
from base64 import b64encode
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.credentials import hash_secret
from integrations.models import Organization, Source
from mapping.source.unreadable import CAUSES
from referrals.answers.explain import asker, explain
from referrals.models import InboundEvent
from referrals.record import snapshot, warned
from tests.people import client_of, person
from tests.referrals import fhir_messages
from tests.world import REFERENCE, World, plain

CAME = "03/04/1991"
QUOTED = f"Date of birth came as “{CAME}”, which can be read two ways: correct it in Caredove."
BARE = "Date of birth can be read as two dates: correct it in Caredove."
WARNING = {
    "field": "referral.registrant.date_of_birth",
    "cause": "ambiguous_date",
    "message": BARE,
}


def born(text: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """Return a message with this date of birth."""
    people = {"first_name": "Mireille", "last_name": "Okafor", "date_of_birth": text}
    return plain(number=number, registrant=people, **more)


@pytest.fixture
def ambiguous(world: World) -> World:
    """A referral whose date of birth cannot be read."""
    world.send(born(CAME))
    return world


def why(client: Client, world: World) -> str:
    return shown(client, reverse("admin:why_answer", args=[world.referral.pk]))


def page(client: Client, world: World) -> str:
    return shown(client, reverse("admin:referrals_referral_change", args=[world.referral.pk]))


def shown(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def asked_by_the_sender(world: World, url: str) -> Any:
    world.source.credentials.create(key="key", secret_hash=hash_secret("secret"))
    basic = "Basic " + b64encode(b"key:secret").decode()
    response = Client().get(url, headers={"Authorization": basic})
    assert response.status_code == 200
    return response.json()


def printed(*options: str) -> str:
    out = io.StringIO()
    call_command("explain", REFERENCE, *options, stdout=out)
    return out.getvalue()


# -- Who sees what ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [SUPPORT, ADMINISTRATOR])
def test_who_reads_people_sees_what_came_in_why_and_on_the_referral(
    ambiguous: World, role: str
) -> None:
    client = client_of(role, ambiguous.organization)
    assert QUOTED in why(client, ambiguous)
    assert QUOTED in page(client, ambiguous)


def test_a_liaison_sees_field_and_cause_in_why_and_not_what_came(ambiguous: World) -> None:
    liaison = client_of(LIAISON, ambiguous.organization)
    answer = why(liaison, ambiguous)
    assert BARE in answer
    assert CAME not in answer
    url = reverse("admin:referrals_referral_change", args=[ambiguous.referral.pk])
    assert liaison.get(url).status_code == 403


def test_other_organizations_hear_nothing_of_it(ambiguous: World) -> None:
    elsewhere = Organization.objects.create(caredove_id="901", name="Elsewhere")
    stranger = client_of(SUPPORT, elsewhere)
    url = reverse("admin:why_answer", args=[ambiguous.referral.pk])
    assert stranger.get(url).status_code == 404
    assert (
        explain(REFERENCE, asker=asker.person(person(SUPPORT, elsewhere, name="s"))).warnings == ()
    )


def test_the_page_of_the_event_shows_field_and_cause(ambiguous: World) -> None:
    """Whoever sees events need not be one who reads people."""
    user = person("", ambiguous.organization)
    user.user_permissions.add(Permission.objects.get(codename="view_inboundevent"))
    client = Client()
    client.force_login(user)
    event = InboundEvent.objects.get()
    answer = shown(client, reverse("admin:referrals_inboundevent_change", args=[event.pk]))
    assert BARE in answer
    assert CAME not in answer


@pytest.mark.parametrize("what", ["referrals/" + REFERENCE, "events/{event}"])
def test_the_api_gives_field_and_cause(ambiguous: World, what: str) -> None:
    url = f"/api/v1/{what.format(event=InboundEvent.objects.get().pk)}"
    answer = asked_by_the_sender(ambiguous, url)
    assert answer["warnings"] == [WARNING]
    assert CAME not in json.dumps(answer)


def test_the_command_gives_field_and_cause(ambiguous: World) -> None:
    assert f"Warning: {BARE}" in printed()
    assert json.loads(printed("--json"))["warnings"] == [WARNING]
    assert CAME not in printed() + printed("--json")


def test_without_warnings_nothing_is_stated_of_any(world: World) -> None:
    world.send(plain())
    assert "warning" not in printed().lower()
    assert "about what Caredove sent" not in page(client_of(SUPPORT, world.organization), world)


def test_what_came_stands_in_no_column_that_is_not_encrypted(ambiguous: World) -> None:
    assert InboundEvent.objects.get().warnings == [
        {"field": WARNING["field"], "cause": WARNING["cause"]}
    ]
    page(client_of(SUPPORT, ambiguous.organization), ambiguous)
    kept = "".join(f"{e.action}{e.object_label}{e.detail}" for e in AuditEvent.objects.all())
    assert CAME not in kept + repr(warned.of_referral(ambiguous.referral))


@pytest.mark.parametrize("hostile", ["<s/p 3>", "3/4/91 & <4", 'May "3"'])
def test_what_came_is_text(world: World, hostile: str) -> None:
    world.send(born(hostile))
    for of in (why, page):
        answer = of(client_of(SUPPORT, world.organization, name=of.__name__), world)
        assert "1 warning about what Caredove sent" in answer
        assert hostile not in answer
        assert hostile in unescape(answer)


@pytest.mark.parametrize("link", ["https://www.caredove.com/launch?token=abc123secret"])
def test_a_sign_in_link_is_not_quoted(world: World, link: str) -> None:
    world.send(born(link))
    client = client_of(SUPPORT, world.organization)
    assert "abc123secret" not in why(client, world) + page(client, world)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            born("soon"),
            "Date of birth came as “soon”, which is not a date: correct it in Caredove.",
        ),
        (born("31/31/1991"), "came as “31/31/1991”, which is not a date: correct it in Caredove."),
        (
            born("1991-06-29", submitted_at="yesterday-ish"),
            "Submitted at came as “yesterday-ish”, which is not a date and time: correct it",
        ),
        (
            plain(
                registrant={
                    "first_name": "Mireille",
                    "email": {"address": "m@example.org", "may_email": "perhaps"},
                }
            ),
            "which is neither yes nor no: correct it in Caredove.",
        ),
    ],
)
def test_each_states_who_can_fix_it(world: World, message: Any, sentence: str) -> None:
    world.send(message)
    assert sentence in " ".join(explain(REFERENCE).remarks)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_a_sentence_with_the_text_and_without(cause: str) -> None:
    warning = warned.Warned("referral.registrant.date_of_birth", cause, "SOON")
    for sentence in (warning.sentence, warning.quoting):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "{" not in sentence
    assert "SOON" in warning.quoting
    assert "SOON" not in warning.sentence


# -- What settles it -------------------------------------------------------------------------------


@pytest.mark.parametrize("later", ["1991-04-03", "1991-03-04"])
def test_a_later_message_settles_it(ambiguous: World, later: str) -> None:
    ambiguous.send(born(later, 2))
    assert explain(REFERENCE).warnings == ()
    assert "about what Caredove sent" not in why(
        client_of(SUPPORT, ambiguous.organization), ambiguous
    )


def test_an_earlier_message_does_not_settle_it(world: World) -> None:
    world.send(born(CAME, 2))
    world.send(born("1991-03-04", 1))
    assert explain(REFERENCE).remarks == [QUOTED]


def test_the_same_again_is_one_warning(ambiguous: World) -> None:
    ambiguous.send(born(CAME, 2))
    assert explain(REFERENCE).remarks == [QUOTED]


def warning_causes(world: World) -> list[str]:
    return [one.cause for one in warned.of_referral(world.referral)]


SILENT = {"extension": [{"url": "https://x.example/StructureDefinition/mark", "valueUri": "urn:x"}]}
NAMED = {"resourceType": "Patient", "id": "p-77001", "name": [{"family": "Okafor"}]}
BOOKED = {"resourceType": "Appointment", "id": "appt-88231", "status": "booked"}
LOCAL = {"start": "2026-03-19T14:30"}
LETTER, RESULTS = fhir_messages.document("letter", "doc-88231"), fhir_messages.document("results")
# What a message has that is warned of, and the same in order.
FAULTS = {
    "unknown_extension": ({**NAMED, **SILENT}, NAMED),
    "no_time_zone": ({**BOOKED, **LOCAL}, {**BOOKED, "start": "2026-03-19T14:30:00-04:00"}),
    "not_objects": ({**NAMED, "contact": ["Sister"]}, NAMED),
    "not_text": ({**BOOKED, "description": {"a": 1}}, BOOKED),
    "unknown_extension of a document": ({**LETTER, **SILENT}, LETTER),
}


def of_fhir(number: int, *resources: dict[str, Any]) -> dict[str, Any]:
    return fhir_messages.message(number, *resources)


@pytest.mark.parametrize(("wrong", "right"), FAULTS.values(), ids=FAULTS)
def test_a_warning_that_quotes_nothing_is_settled_when_its_part_comes_in_order(
    world: World, wrong: dict[str, Any], right: dict[str, Any], request: Any
) -> None:
    cause = request.node.callspec.id.split()[0]
    world.send(of_fhir(2, wrong, RESULTS), "fhir")
    assert cause in warning_causes(world)
    world.send(of_fhir(1, right), "fhir")
    assert cause in warning_causes(world), "an earlier message settles nothing"
    world.send(of_fhir(3, RESULTS), "fhir") if "Patient" not in str(wrong) else None
    assert cause in warning_causes(world), "without its part, a later message settles nothing"
    world.send(of_fhir(4, wrong), "fhir")
    assert cause in warning_causes(world), "the same again settles nothing"
    stranger = Source.objects.create(name="another")
    own, world.source = world.source, stranger
    if cause != "no_time_zone":  # the value itself is known then
        world.send(of_fhir(5, right), "fhir")
        assert cause in warning_causes(world), "another sender settles nothing"
    world.source = own
    world.send(of_fhir(6, right), "fhir")
    assert cause not in warning_causes(world)


def test_a_warning_is_settled_in_whatever_order_the_messages_come(world: World) -> None:
    wrong, right = FAULTS["unknown_extension of a document"]
    world.send(of_fhir(2, right), "fhir")
    world.send(of_fhir(1, wrong), "fhir")
    assert warning_causes(world) == []


def test_another_document_in_order_settles_nothing_of_the_first(world: World) -> None:
    wrong, _ = FAULTS["unknown_extension of a document"]
    world.send(of_fhir(1, wrong), "fhir")
    world.send(of_fhir(2, RESULTS), "fhir")
    assert warning_causes(world) == ["unknown_extension"]


REPAIRED = {
    "bad_characters": json.dumps(plain(reason="Low mood")).replace("Low ", "Low \\ud800"),
    "other_encoding": json.dumps(plain(reason="Déprimée"), ensure_ascii=False),
    "repeated_key": json.dumps(plain(reason="Low mood")).replace(
        '"reason": ', '"reason": "High", "reason": '
    ),
}


@pytest.mark.parametrize(("cause", "body"), REPAIRED.items())
def test_a_fault_of_the_whole_body_is_settled_when_what_it_touched_comes_again(
    world: World, cause: str, body: str
) -> None:
    world.send(body.encode("windows-1252"))
    assert warning_causes(world) == [cause]
    booked = plain("appointment.booked", 2, appointment={"id": "a-1", "status": "booked"})
    world.send({**booked, "referral": {**booked["referral"], "registrant": None}})
    assert warning_causes(world) == [cause], "a partial message settles nothing of it"
    world.send(plain("referral.edited", 3, reason="Low mood"))
    assert warning_causes(world) == []


def test_a_quoted_flag_is_settled_when_its_part_comes_in_order(world: World) -> None:
    def asked(number: int, may_email: Any) -> dict[str, Any]:
        email = {"address": "m@example.org", "may_email": may_email}
        return plain(number=number, registrant={"first_name": "Mireille", "email": email})

    world.send(asked(1, "perhaps"))
    assert warning_causes(world) == ["not_a_flag"]
    world.send(plain("referral.edited", 2, registrant={"first_name": "Mireille"}))
    assert warning_causes(world) == ["not_a_flag"]
    world.send(asked(3, True))
    assert warning_causes(world) == []
    assert "unreadable" not in snapshot.view(world.referral.snapshot)


def test_what_came_goes_with_the_person(ambiguous: World) -> None:
    ambiguous.send(plain("referral.revoked", number=2))
    assert list(InboundEvent.objects.values_list("warning_texts", flat=True)) == [None, None]
    assert explain(REFERENCE).warnings == ()
    assert "Warning" not in printed()
