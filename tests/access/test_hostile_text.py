"""What others have written is shown as text on every page of the admin, never as markup.

Generated from the models and from the admin's URLs: every column that holds words holds markup,
and every page is opened.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from core.fields import EncryptedTextField
from integrations.models import Destination, Organization
from integrations.transport import Misconfigured
from referrals.models import Attempt, Delivery, InboundEvent, Referral, ReferralFile
from tests.access.test_matrix import body, undone
from tests.addresses import View, row_of, views
from tests.rows import write

pytestmark = pytest.mark.long

MARKUP = "<zq a=\"'>"
WORDS = (models.CharField, models.TextField, EncryptedTextField)
OURS = ("integrations", "mapping", "referrals", "workplace")
# Columns whose words the portal itself reads, or that name something: they hold none of others'.
READ_BY_US = {
    "integrations.Organization": {"time_zone", "caredove_id"},
    "integrations.ServiceListing": {"caredove_id"},
    "integrations.Source": {"fetch_token", "fetch_password", "listings_password"},
    "integrations.Destination": {"kind"},
    "integrations.SourceCredential": {"secret_hash", "signing_secret"},
    "mapping.Mapping": {"destination_kind"},
    "mapping.FieldRule": {"target"},
    "mapping.MappingTest": {"time_zone"},
    "referrals.InboundEvent": {"dedup_key", "reference", "body_sha256"},
    "referrals.ReferralAlias": {"source_kind", "value"},
    "referrals.RegistrantName": {"key_id", "digest"},
    "referrals.ReferralFile": {"stored_as", "sha256", "key"},
    "referrals.StoredSummary": {"stored_as", "sha256", "fingerprint"},
    "workplace.AlertRecipient": {"secret"},
    "workplace.Trouble": {"what", "place"},
    "workplace.Alert": {"cause"},
}


def columns_with_words() -> Iterator[tuple[type[models.Model], models.Field]]:
    for model in apps.get_models():
        if model._meta.app_label not in OURS or model.__name__.startswith("Historical"):
            continue
        read = READ_BY_US.get(model._meta.label, set())
        for field in model._meta.concrete_fields:
            words = isinstance(field, WORDS) and not field.choices and not field.primary_key
            if words and field.name not in read:
                yield model, field


def write_markup_everywhere() -> None:
    numbers = count()
    for model, field in columns_with_words():
        for row in model._base_manager.exclude(**{f"{field.name}__isnull": True}).only("pk"):
            text = f"{MARKUP}{next(numbers)}"
            write(model._base_manager.filter(pk=row.pk), **{field.name: text})
    write(
        Delivery.objects.all(),
        missing_files={MARKUP: MARKUP},
        lacks_files=True,
        external_url=f"https://x/{MARKUP}",
    )
    Attempt.objects.update(headers={MARKUP: MARKUP})
    write(InboundEvent.objects.all(), warnings=[MARKUP], body=f"{MARKUP} and no JSON".encode())
    ReferralFile.objects.update(content_type=MARKUP)
    for referral in Referral.objects.all():
        new_snapshot = {
            path: [at, marked(value), *rest]
            for path, (at, value, *rest) in referral.snapshot.items()
        }
        write(Referral.objects.filter(pk=referral.pk), snapshot=new_snapshot)


def marked(value: Any) -> Any:
    """Return a part of a snapshot with markup in each of its texts, but for times."""
    if isinstance(value, dict):
        return {key: marked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [marked(part) for part in value]
    if not isinstance(value, str) or is_time(value):
        return value
    return f"{MARKUP}{value}"


def is_time(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


@pytest.fixture(scope="module")
def hostile(planted: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        write_markup_everywhere()


def shows_markup(response: HttpResponse) -> bool:
    kind = response.get("Content-Type", "")
    return kind.startswith("text/html") and "<zq" in body(response)


def shows_words(response: HttpResponse) -> bool:
    return "&lt;zq" in body(response)


def page_of(view: View, organization: Organization) -> str:
    return view.address(organization, row_of(view, organization) if view.takes_a_key else None)


VIEWS = [view for view in views() if view.name not in ("login", "logout")]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_no_page_shows_words_as_markup(
    view: View, hostile: None, own: Organization, clients: dict[str, Client], whole: bool
) -> None:
    """What an empty form is answered with is the same page, mostly: a sample only looks at it."""
    client = clients["administrator"]
    client.raise_request_exception = False
    for method in (client.get, client.post) if whole else (client.get,):
        with undone():
            response = method(page_of(view, own))
            assert not shows_markup(response)
            assert response.status_code < 500
            assert "/login/" not in response.get("Location", "")


@pytest.mark.parametrize(
    "model", [Delivery, Referral, InboundEvent, Destination], ids=lambda model: model.__name__
)
def test_the_words_are_on_the_pages(
    model: type[models.Model], hostile: None, own: Organization, clients: dict[str, Client]
) -> None:
    """Or the test above would see nothing."""
    for view in views():
        named = f"{model._meta.app_label}_{model._meta.model_name}"
        if view.name in (f"{named}_change", f"{named}_changelist", f"{named}_answer"):
            with undone():
                assert shows_words(clients["administrator"].get(page_of(view, own))), view.name


@pytest.mark.parametrize(
    "model", [Delivery, Referral, InboundEvent], ids=lambda model: model.__name__
)
def test_nor_does_the_page_of_any_case(
    model: type[models.Model], hostile: None, db: None, clients: dict[str, Client], whole: bool
) -> None:
    """Of each import, referral and event that is planted: what is shown depends on its state.

    Without `--whole`, of some of them.
    """
    opts = model._meta
    for row in model._base_manager.order_by("pk")[:: 1 if whole else 3]:
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
        with undone():
            page = clients["administrator"].get(address)
            assert page.status_code == 200
            assert not shows_markup(page), address


ACTIONS = [
    (model, getattr(action, "__name__", action))
    for model in (Delivery, Destination)
    for action in admin.site._registry[model].actions
]


@pytest.mark.parametrize(
    ("model", "action"), ACTIONS, ids=lambda one: getattr(one, "__name__", one)
)
def test_no_action_shows_words_as_markup(
    model: type[models.Model],
    action: str,
    hostile: None,
    own: Organization,
    clients: dict[str, Client],
) -> None:
    opts = model._meta
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    rows = [str(row.pk) for row in model._base_manager.all()[:50]]
    refused = mock.patch.object(Destination, "test_connection", side_effect=Misconfigured(MARKUP))
    with undone(), refused:
        data = {"action": action, ACTION_CHECKBOX_NAME: rows}
        response = clients["administrator"].post(address, data, follow=True)
        assert response.status_code == 200
        assert not shows_markup(response)
        assert shows_words(response)
