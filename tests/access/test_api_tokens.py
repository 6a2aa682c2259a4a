"""Administrators make tokens for scripts; each is shown once."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import ApiToken
from access.roles import ADMINISTRATOR, LIAISON
from core.models import AuditEvent
from integrations.models import Organization
from tests.people import client_of

ADD = reverse("admin:access_apitoken_add")


@pytest.fixture
def agency(db: None) -> Organization:
    return Organization.objects.create(caredove_id="831", name="Agency")


def form(agency: Organization, **ends: float) -> dict[str, Any]:
    at = timezone.localtime(timezone.now() + timedelta(**ends))
    return {
        "organization": agency.pk,
        "name": "report",
        "expires_at_0": f"{at:%Y-%m-%d}",
        "expires_at_1": f"{at:%H:%M:%S}",
    }


def test_a_token_is_shown_once_and_kept_as_a_hash(agency: Organization):
    administrator = client_of(ADMINISTRATOR)
    answer = administrator.post(ADD, form(agency, days=30))
    secret = answer.context["token"].secret
    assert secret in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    token = ApiToken.objects.get()
    assert secret not in str(ApiToken.objects.values().get())
    page = administrator.get(reverse("admin:access_apitoken_change", args=[token.pk]))
    assert page.status_code == 200
    assert secret not in page.content.decode()
    assert token.digest not in page.content.decode()
    administrator.post(reverse("admin:access_apitoken_delete", args=[token.pk]), {"post": "yes"})
    assert not ApiToken.objects.exists()
    trail = AuditEvent.objects.filter(object_type="access.apitoken").order_by("pk")
    assert [event.action for event in trail] == ["add", "delete"]
    assert secret not in str(list(trail.values()))


@pytest.mark.parametrize("ends", [{"days": -1}, {"days": 400}, {"seconds": -5}])
def test_it_ends_within_a_year(agency: Organization, ends: dict[str, float]):
    answer = client_of(ADMINISTRATOR).post(ADD, form(agency, **ends))
    assert "Choose a time within the next year." in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_others_make_none(agency: Organization):
    liaison = client_of(LIAISON, agency)
    assert liaison.post(ADD, form(agency, days=30)).status_code == 403
    assert not ApiToken.objects.exists()
