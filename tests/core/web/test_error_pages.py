"""What people see where a page is not there, is not theirs, or has failed."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import translation

from access.roles import SUPPORT
from core.web import views
from tests.people import client_of

FRENCH = {"accept-language": "fr-CA"}


@pytest.mark.parametrize(
    ("headers", "title"), [({}, "Page not found"), (FRENCH, "Page introuvable")]
)
def test_an_address_without_a_page_leads_home(
    client: Client, db: None, headers: dict[str, str], title: str
) -> None:
    answer = client.get("/no/such/page/", headers=headers)

    page = answer.content.decode()
    assert answer.status_code == 404
    assert f"<h1>{title}</h1>" in page
    assert 'href="/admin/"' in page
    assert "no/such" not in page


def test_an_unknown_page_of_the_portal_leads_home_too(admin_client: Client) -> None:
    answer = admin_client.get("/admin/no/such/page/")

    assert answer.status_code == 404
    assert "<h1>Page not found</h1>" in answer.content.decode()


def test_a_page_that_a_role_does_not_include_shows_who_can_change_that(db: None) -> None:
    answer = client_of(SUPPORT).get("/admin/auth/user/")

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "<h1>You may not open this page</h1>" in page
    assert "An administrator can change that." in page


def test_a_form_without_its_token_was_not_saved(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "somebody"})

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "<h1>Nothing was saved</h1>" in page
    assert "somebody" not in page


@pytest.mark.parametrize(
    ("language", "title"), [("en-ca", "Something went wrong"), ("fr-ca", "Une erreur est survenue")]
)
def test_a_fault_of_ours_is_admitted_without_the_database(language: str, title: str) -> None:
    with translation.override(language):
        answer = views.server_error(HttpRequest())

    assert answer.status_code == 500
    assert f"<h1>{title}</h1>" in answer.content.decode()


@pytest.mark.parametrize(
    "page", ["password_reset_done", "password_reset_from_key_done", "account_inactive"]
)
def test_whoever_is_done_with_a_password_gets_back_to_signing_in(
    page: str, rf: RequestFactory
) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()

    shown = render_to_string(f"account/{page}.html", request=request)

    assert '<a href="/account/login/">Sign in</a>' in shown
