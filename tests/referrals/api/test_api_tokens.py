"""With a token, a script reads what became of its organization's referrals, and nothing else."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from access import tokens
from access.models import ApiToken
from integrations.models import Organization
from tests.referrals.api.sender import basic, get
from tests.world import World, plain


def token_of(organization: Organization, days: int = 30) -> str:
    token = ApiToken(
        organization=organization, name="report", expires_at=timezone.now() + timedelta(days=days)
    )
    secret = tokens.make(token)
    token.save()
    return f"Bearer {secret}"


def questions(world: World) -> list[str]:
    event = world.send(plain())
    world.run()
    return [f"/api/v1/events/{event.pk}", f"/api/v1/referrals/{world.referral.reference}"]


def test_it_reads_its_organization(world: World):
    token = token_of(world.organization)
    for address in questions(world):
        answer = get(address, token)
        assert answer.status_code == 200
        assert answer.json()["reference"] == world.referral.reference
    assert ApiToken.objects.get().used_at is not None


def test_another_organization_is_for_it_as_if_it_were_not_there(world: World):
    other = Organization.objects.create(caredove_id="999", name="Other")
    token = token_of(other)
    for address in questions(world):
        there = get(address, token)
        nowhere = get(address[:-4] + "0000", token)
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert "Birchwood" not in there.content.decode()


def test_it_expires_and_can_be_deleted(world: World):
    token = token_of(world.organization, days=2)
    address = questions(world)[0]
    with time_machine.travel(timezone.now() + timedelta(days=2, seconds=1), tick=False):
        refused = get(address, token)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert get(address, token).status_code == 200
    ApiToken.objects.all().delete()
    assert get(address, token).status_code == 401


@pytest.mark.parametrize("change", [str.upper, lambda t: t + "x", lambda t: t[:-1], lambda t: ""])
def test_a_wrong_token_opens_nothing(world: World, change):
    secret = token_of(world.organization).removeprefix("Bearer ")
    assert get(questions(world)[0], f"Bearer {change(secret)}").status_code == 401


def test_guessing_is_slowed_down(world: World):
    address, token = questions(world)[0], token_of(world.organization)
    assert get(address, basic()).status_code == 200
    answers = [get(address, f"Bearer dovetail_{n}").status_code for n in range(40)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert get(address, basic()).status_code == 200
    assert get(address, token).status_code == 200


def test_it_writes_nothing_and_reads_no_partner(world: World):
    headers = {"Authorization": token_of(world.organization)}
    stored = world.source.events.count()
    for method, address in [
        ("POST", "/api/v1/events"),
        ("POST", "/fhir/$process-message"),
        ("GET", "/api/v1/partner/referrals"),
        ("PATCH", "/api/v1/partner/referrals/1"),
    ]:
        asked = Client().generic(
            method, address, b"{}", content_type="application/json", headers=headers
        )
        assert asked.status_code in (401, 415), address
    for address in questions(world):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert Client().generic(method, address, headers=headers).status_code == 405
    assert world.source.events.count() == stored + 1
    assert Client().get("/admin/", headers=headers).status_code == 302
