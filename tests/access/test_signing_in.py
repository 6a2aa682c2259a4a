"""Signing in takes a password and, where it is required, a second factor."""

import re
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from allauth.account import views
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import Resolver404, URLResolver, get_resolver, path, resolve, reverse
from django.urls.resolvers import RoutePattern

from access.roles import ADMINISTRATOR, SUPPORT
from access.signing_in import factor_secrets
from config.urls import urlpatterns
from core import encryption
from core.models import AuditEvent
from tests.people import client_of, person

PASSWORD = "a long walk by the river"
LOGIN, HOME = reverse("account_login"), reverse("admin:index")
SET_UP, ENTER = reverse("mfa_activate_totp"), reverse("mfa_authenticate")


@pytest.fixture
def ada(db: None) -> User:
    cache.clear()
    user = person(SUPPORT, name="ada")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def required(settings) -> None:
    settings.REQUIRE_SECOND_FACTOR = True


def sign_in(client: Client, password: str = PASSWORD, username: str = "ada"):
    return client.post(LOGIN, {"login": username, "password": password})


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def set_up(client: Client) -> str:
    """Set an authenticator app up and return its secret."""
    secret = client.get(SET_UP).context["form"].secret
    assert client.post(SET_UP, {"code": code(secret)}).url == reverse("mfa_view_recovery_codes")
    cache.clear()  # a code opens once, and it is still the same half minute
    return secret


def audited() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_the_admin_leads_there_and_back(client: Client, ada: User):
    asked = client.get(reverse("admin:referrals_delivery_changelist"), follow=True)
    assert asked.redirect_chain[-1][0].startswith(LOGIN)
    assert "delivery" in asked.redirect_chain[-1][0]
    assert sign_in(client).url == HOME
    assert client.get(HOME).status_code == 200


def test_whoever_may_not_work_here_is_informed(client: Client, ada: User):
    User.objects.filter(pk=ada.pk).update(is_staff=False)
    sign_in(client)
    assert client.get(HOME, follow=True).status_code == 403


def test_nobody_signs_up(client: Client, ada: User):
    assert client.get(reverse("account_signup")).url == LOGIN


def test_sign_ins_and_failures_are_in_the_audit_trail(client: Client, ada: User):
    sign_in(client, "wrong")
    sign_in(client, "wrong", "nobody")
    sign_in(client)
    client.post(reverse("admin:logout"))
    assert audited() == ["sign-in failed", "sign-in failed", "sign in", "sign out"]
    failed, unknown, came, _went = AuditEvent.objects.order_by("pk")
    assert (failed.object_label, failed.ip) == ("ada", "127.0.0.1")
    assert unknown.object_label == ""
    assert came.username == "ada"


@pytest.mark.postgres
def test_guessing_is_slowed_down(client: Client, ada: User):
    for _ in range(5):
        sign_in(client, "wrong")
    refused = sign_in(client)
    assert refused.status_code == 200
    assert "Too many failed" in refused.content.decode()


def sign_in_from(address: str, password: str = PASSWORD) -> Any:
    return sign_in(Client(REMOTE_ADDR=address), password)


def test_whoever_guesses_keeps_nobody_elsewhere_out(ada: User):
    for guesser, neighbor, elsewhere in (
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("2001:db8:1::7", "2001:db8:1::ffff", "2001:db8:2::7"),
    ):
        for _ in range(5):
            assert "Too many" not in sign_in_from(guesser, "wrong").content.decode()
        # From this line even the right password is refused for a while, by whatever name.
        assert "Too many failed" in sign_in_from(guesser).content.decode()
        assert "Too many failed" in sign_in_from(neighbor).content.decode()
        assert sign_in_from(elsewhere).url == HOME


def test_a_session_ends_when_nobody_uses_it_and_when_the_day_is_over(ada: User):
    start = 1_790_000_000.0
    hour = 3600
    for clicks, alive in (
        ([59 * 60], True),
        ([59 * 60, 118 * 60], True),
        ([60 * 60], False),
        ([30 * 60, 91 * 60], False),
        ([*range(hour // 2, 12 * hour, hour // 2)], True),
        ([*range(hour // 2, 12 * hour, hour // 2), 12 * hour], False),
    ):
        client = Client()
        with time_machine.travel(start, tick=False) as clock:
            sign_in(client)
            for click in clicks:
                clock.move_to(start + click)
                answer = client.get(HOME)
            assert (answer.status_code == 200) is alive, clicks
            if not alive:
                assert answer.url == f"{LOGIN}?next={HOME}"
                assert client.get(HOME).status_code == 302  # for good
        start += 7 * 24 * hour


def test_a_session_is_over_at_once_when_the_account_is_switched_off(client: Client, ada: User):
    sign_in(client)
    assert client.get(HOME).status_code == 200
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get(HOME).status_code == 302
    assert "Too many" not in sign_in(client).content.decode()
    assert client.get(HOME).status_code == 302


def test_the_count_of_guesses_is_shared_by_all_web_programs(settings, ada: User):
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


def test_whoever_has_no_second_factor_is_led_to_set_one_up(
    client: Client, ada: User, required: None
):
    sign_in(client)
    assert client.get(HOME).url == SET_UP
    assert client.post(reverse("admin:referrals_delivery_changelist")).url == SET_UP
    set_up(client)
    assert client.get(HOME).status_code == 200


# What a URL takes, by its converter: the request is answered before anything is looked up.
FILLED_IN = {"int": 1, "str": "x", "slug": "basic", "path": "x", "uuid": uuid.UUID(int=1)}


def every_path(patterns: Any, before: str = "/") -> Iterator[str]:
    """Yield an address for each URL of the portal, with or without a name."""
    for pattern in patterns:
        route = before + _route(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_path(pattern.url_patterns, route)
        else:
            yield route


def _route(pattern: Any) -> str:
    if isinstance(pattern, RoutePattern):
        return re.sub(
            r"<(?:(\w+):)?\w+>", lambda found: str(FILLED_IN[found[1] or "str"]), str(pattern)
        )
    return re.sub(r"\(\?P<\w+>[^)]*\)|\([^)]*\)", "1", str(pattern)).strip("^$").replace("\\", "")


def is_for_programs(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "for_programs", False)
    except Resolver404:
        return False


PATHS = sorted(set(every_path(urlpatterns)))
OF_SIGNING_IN = reverse("account_login").removesuffix("login/")


def test_without_a_second_factor_every_path_leads_to_setting_one_up(
    client: Client, ada: User, required: None
):
    """But for the pages of signing in, which are listed here so that nothing joins them unseen, and
    for what programs ask, which knows no session."""
    sign_in(client)
    beside = [one for one in PATHS if not (one.startswith(OF_SIGNING_IN) or is_for_programs(one))]
    assert len(beside) > 150
    for address in [*beside, "/admin/nowhere/", "/account-of/nobody/", "/staticky/"]:
        for method in (client.get, client.post):
            assert getattr(method(address), "url", "") == SET_UP, address


def test_what_programs_ask_knows_no_session(client: Client, ada: User, required: None) -> None:
    sign_in(client)
    asked = [one for one in PATHS if is_for_programs(one)]
    assert asked
    for address in asked:
        for method in (client.get, client.post):
            assert method(address).status_code in (401, 404, 405, 415), address


def test_without_a_second_factor_the_pages_of_signing_in_show_nothing_else(
    client: Client, ada: User, required: None
):
    sign_in(client)
    ours = {
        one.removeprefix(OF_SIGNING_IN).split("/")[0] for one in PATHS if one not in beside_it()
    }
    assert ours == {
        "inactive",
        "language",
        "login",
        "logout",
        "password",
        "provider",
        "reauthenticate",
        "second-factor",
        "signup",
    }


def beside_it() -> list[str]:
    return [one for one in PATHS if not one.startswith(OF_SIGNING_IN)]


def test_before_the_second_factor_is_given_no_path_is_open(client: Client, ada: User):
    sign_in(client)
    set_up(client)
    another = Client()
    sign_in(another)
    for address in beside_it():
        if address.startswith("/admin/") and "jsi18n" not in address:
            answer = another.get(address)
            if answer.status_code == HTTPStatus.MOVED_PERMANENTLY:  # an address of earlier
                answer = another.get(answer.url)
            led_to = getattr(answer, "url", "")
            assert "/login/" in led_to or led_to == HOME, address


# What shows, makes or takes away a secret of one's own.
SECRETS = [
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
]
NO_SECRETS = {
    "mfa_index": "says which factors there are",
    "mfa_authenticate": "asks for a factor",
    "mfa_reauthenticate": "asks for a factor again",
    "mfa_trust": "comes after a factor",
    "mfa_list_webauthn": "names of keys",
    "mfa_edit_webauthn": "the name of a key",
    "mfa_reauthenticate_webauthn": "asks for a factor again",
}


def test_of_each_page_of_second_factors_it_is_known_whether_it_shows_a_secret():
    names = {name for name in get_resolver().reverse_dict if str(name).startswith("mfa_")}
    assert names <= {*SECRETS, *NO_SECRETS}


@pytest.mark.parametrize("name", SECRETS)
def test_whoever_signed_in_long_ago_signs_in_again_before_secrets_are_shown(
    client: Client, ada: User, name: str, settings
):
    sign_in(client)
    if name != "mfa_activate_totp":
        set_up(client)
    arguments = []
    if name == "mfa_remove_webauthn":
        key = Authenticator.objects.create(user=ada, type="webauthn", data={"name": "key"})
        arguments = [key.pk]
    address = reverse(name, args=arguments)
    again = reverse("account_reauthenticate"), reverse("mfa_reauthenticate")
    assert not asked_again(client.get(address), again)
    with time_machine.travel(time.time() + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT - 60):
        assert not asked_again(client.get(address), again)
    with time_machine.travel(time.time() + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 60):
        assert asked_again(client.get(address), again)
        posted = client.post(address)
        assert posted.status_code == 405 or asked_again(posted, again)
        client.post(again[0], {"password": PASSWORD})
        assert not asked_again(client.get(address), again)


def test_a_session_of_which_nobody_knows_when_it_began_is_asked_too(client: Client, ada: User):
    client.force_login(ada)
    again = reverse("account_reauthenticate"), reverse("mfa_reauthenticate")
    assert asked_again(client.get(SET_UP), again)


def asked_again(response: Any, again: tuple[str, ...]) -> bool:
    return response.status_code == 302 and response.url.startswith(again)


def test_it_is_asked_for_at_the_next_sign_in(client: Client, ada: User):
    sign_in(client)
    secret = set_up(client)
    another = Client()
    assert sign_in(another).url == ENTER
    assert another.get(HOME).status_code == 302
    another.post(ENTER, {"code": "000000"})
    assert another.post(ENTER, {"code": code(secret)}).url == HOME
    assert another.get(HOME).status_code == 200
    assert "second factor failed" in audited()


def test_a_recovery_code_opens_once(client: Client, ada: User):
    sign_in(client)
    set_up(client)
    codes = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    for expected in (HOME, None):
        another = Client()
        sign_in(another)
        assert getattr(another.post(ENTER, {"code": codes[0]}), "url", None) == expected


def test_secrets_are_encrypted_and_renewed_with_a_new_key(client: Client, ada: User, settings):
    sign_in(client)
    secret = set_up(client)
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in stored
    assert decrypt(stored) == secret
    settings.ENCRYPTION_KEYS = ["A" * 43 + "=", *settings.ENCRYPTION_KEYS]
    (progress,) = factor_secrets.renew()
    assert (progress.renewed, progress.unreadable) == (2, [])
    again = Authenticator.objects.get(type="totp").data["secret"]
    assert encryption.is_current(again.encode())
    assert decrypt(again) == secret


def test_nobody_gives_the_last_factor_up_where_one_is_required(
    client: Client, ada: User, required: None
):
    sign_in(client)
    set_up(client)
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(type="totp").exists()


def test_an_administrator_resets_a_factor_that_was_lost(client: Client, ada: User):
    sign_in(client)
    set_up(client)
    administrator = client_of(ADMINISTRATOR)
    page = administrator.get(reverse("admin:auth_user_change", args=[ada.pk]))
    assert "Reset the second factor" in page.content.decode()
    administrator.post(reverse("admin:auth_user_reset_second_factor", args=[ada.pk]))
    assert not Authenticator.objects.filter(user=ada).exists()
    assert client.get(HOME).url.startswith(reverse("admin:login"))
    event = AuditEvent.objects.get(action="reset second factor")
    assert (event.username, event.object_label) == ("administrator", "ada")


def test_a_superusers_factor_is_reset_by_superusers_alone(ada: User):
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    reset = reverse("admin:auth_user_reset_second_factor", args=[ada.pk])
    assert client_of(ADMINISTRATOR).post(reset).status_code == 403
    assert client_of(SUPPORT).post(reset).status_code == 403


def test_people_change_their_own_password(client: Client, ada: User):
    sign_in(client)
    moved = client.get(reverse("admin:password_change"))
    fields = {
        "oldpassword": PASSWORD,
        "password1": "over hill and dale",
        "password2": "over hill and dale",
    }
    client.post(moved.url, fields)
    assert client.get(HOME).status_code == 200
    ada.refresh_from_db()
    assert ada.check_password("over hill and dale")
    assert audited()[-1] == "change password"


# As `access.signing_in.urls` has them where e-mail is set up.
WITH_MAIL = (
    path("reset/", views.password_reset, name="account_reset_password"),
    path("done/", views.password_reset_done, name="account_reset_password_done"),
    path(
        "reset/<uidb36>-<key>/",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    *urlpatterns,
)


def test_a_mail_leads_to_the_portal_whatever_host_was_asked(client: Client, ada: User, settings):
    settings.ROOT_URLCONF = WITH_MAIL
    settings.ALLOWED_HOSTS = ["portal.example", "old-name.example"]
    settings.PORTAL_URL = "https://portal.example"
    ada.email = "ada@example.org"
    ada.save()
    client.post("/reset/", {"email": "ada@example.org"}, headers={"host": "old-name.example"})
    (sent,) = mail.outbox
    assert "https://portal.example/reset/" in sent.body
    assert "old-name" not in sent.subject + sent.body
