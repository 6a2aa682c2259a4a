"""Which passwords people may choose, and that the one they chose is the one that opens."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.roles import ADMINISTRATOR
from tests.access.test_signing_in import PASSWORD, sign_in
from tests.people import client_of, person


@pytest.mark.parametrize(
    "password",
    [
        *("elevenchars", "", "short", "passwordpassword", "1q2w3e4r5t6y", "1234567890123"),
        *("dovetail-1234", "Dovetail2026!", "CaredoveCRMS1", "portalportal", "mon-portail-7"),
    ],
)
def test_what_is_easily_guessed_is_refused(password: str):
    with pytest.raises(ValidationError):
        validate_password(password)


@pytest.mark.parametrize(
    "password",
    [
        *("twelve chars", "only lower case letters", "ONLY UPPER CASE", "été à la plage 😀"),
        *("kf7-dovetail-wx92-q", "a" * 5 + "b" * 7 + "c" * 200, " spaces around it "),
    ],
)
def test_what_is_long_enough_may_be_of_any_letters(password: str):
    validate_password(password)


def test_it_opens_exactly_as_it_was_chosen_and_for_as_long_as_nobody_changes_it(db: None):
    chosen = " Été " + "long " * 30 + "end "
    ada = person(ADMINISTRATOR, name="ada")
    ada.set_password(chosen)
    ada.save()
    for other in (chosen.strip(), chosen[:-1], chosen.lower(), chosen[:72], chosen + "x"):
        cache.clear()
        assert sign_in(Client(), other).status_code == 200, other
    cache.clear()
    with time_machine.travel(timezone.now() + timedelta(days=3650)):
        assert sign_in(Client(), chosen).status_code == 302


@pytest.mark.parametrize("name", ["account_login", "admin:password_change", "admin:auth_user_add"])
def test_each_field_for_one_hides_it_and_takes_what_is_pasted(name: str, db: None):
    client = Client() if name == "account_login" else client_of(ADMINISTRATOR)
    page = client.get(reverse(name), follow=True).content.decode()
    assert 'type="password"' in page
    for forbidding in ("onpaste", 'autocomplete="off"', "maxlength"):
        for field in (part.partition(">")[0] for part in page.split('type="password"')[1:]):
            assert forbidding not in field


def test_a_session_is_a_long_random_key_and_a_new_one_at_each_sign_in(db: None):
    ada = person(ADMINISTRATOR, name="ada")
    ada.set_password(PASSWORD)
    ada.save()
    keys = set()
    for _ in range(3):
        client = Client()
        before = client.session  # of a stranger; somebody else may know its key
        before["language"] = "fr"
        before.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = before.session_key
        sign_in(client)
        cache.clear()
        assert not before.exists(before.session_key)
        keys.add(client.session.session_key)
    assert len(keys) == 3
    assert all(len(key) == 32 and key.isalnum() for key in keys)
    forged = Client()
    forged.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    assert forged.get(reverse("admin:index")).status_code == 302


def test_when_somebody_signs_out_the_browser_forgets_and_the_session_opens_nothing(db: None):
    client = client_of(ADMINISTRATOR)
    kept = client.session.session_key
    left = client.post(reverse("admin:logout"))
    assert left.headers["Clear-Site-Data"] == '"storage"'
    assert not client.get(reverse("account_login")).has_header("Clear-Site-Data")
    assert User.objects.exists()
    assert not client.session.exists(kept)
