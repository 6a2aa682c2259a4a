"""Signing in at a provider of OpenID Connect gives what its claims give, for an hour."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from access.models import Membership
from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from access.signing_in import claims as reading
from access.signing_in import provider as rules
from core.models import AuditEvent
from integrations.models import Organization
from tests.access.provider import LOGIN, Provider, running
from tests.people import client_of, person

HOME, PASSWORD_LOGIN = reverse("admin:index"), reverse("account_login")
LINK = reverse("link_to_provider")
PASSWORD = "a long walk by the river"


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(there: Provider, db: None, settings: Any) -> Provider:
    cache.clear()
    settings.OIDC_ISSUER = there.issuer
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "dovetail", "secret"
    settings.OIDC_ROLES = {"helpers": [SUPPORT], "bosses": ADMINISTRATOR, "all": [SUPPORT, LIAISON]}
    settings.OIDC_ORGANIZATIONS = {}
    return there


def only_user() -> User:
    return User.objects.get()


def roles(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def ada_with_password() -> User:
    ada = person(SUPPORT, name="ada")
    ada.set_password(PASSWORD)
    ada.save()
    return ada


def with_password(client: Client) -> Any:
    return client.post(PASSWORD_LOGIN, {"login": "ada", "password": PASSWORD})


def message_of(response: Any, client: Client) -> str:
    return client.get(response.url).content.decode()


# -- who somebody is -------------------------------------------------------------------------------


def test_whoever_has_a_role_there_works_here(client: Client, provider: Provider):
    provider.knows("1", groups=["helpers"], preferred_username="ada", email="ada@example.org")
    assert provider.sign_in(client, "1").url == HOME
    assert client.get(HOME).status_code == 200
    ada = only_user()
    assert (ada.username, ada.email, ada.has_usable_password()) == ("ada", "", False)
    assert roles(ada) == {SUPPORT}
    assert not ada.is_superuser


@pytest.mark.parametrize("groups", [None, [], ["strangers"], 7, {"helpers": True}, [["helpers"]]])
def test_whoever_has_no_role_there_stays_outside(client: Client, provider: Provider, groups: Any):
    provider.knows("1", groups=groups, preferred_username="ada")
    assert "no role here" in message_of(provider.sign_in(client, "1"), client)
    assert not User.objects.exists()


def test_a_person_is_known_by_issuer_and_sub_alone(client: Client, provider: Provider):
    other = person(SUPPORT, name="ada")
    other.email = "ada@example.org"
    other.save()
    claims = {"preferred_username": "ada", "email": "ada@example.org", "email_verified": True}
    provider.knows("1", groups=["helpers"], **claims)
    provider.sign_in(client, "1")
    made = User.objects.exclude(pk=other.pk).get()
    assert int(client.session["_auth_user_id"]) == made.pk
    provider.knows("1", groups=["helpers"], preferred_username="renamed")
    provider.sign_in(Client(), "1")
    assert User.objects.count() == 2


def test_two_first_sign_ins_at_once_make_one_person(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    provider.knows("1", groups=["helpers"], preferred_username="ada")
    original = rules.ProviderAdapter.pre_social_login

    def meanwhile(adapter: Any, request: Any, sociallogin: Any) -> None:
        """Let the other window be done after this one has found nobody."""
        monkeypatch.setattr(rules.ProviderAdapter, "pre_social_login", original)
        assert provider.sign_in(Client(), "1").url == HOME
        original(adapter, request, sociallogin)

    monkeypatch.setattr(rules.ProviderAdapter, "pre_social_login", meanwhile)
    answer = provider.sign_in(client, "1")
    assert answer.url == PASSWORD_LOGIN
    assert "another window" in message_of(answer, client)
    assert only_user().username == "ada"
    assert provider.sign_in(client, "1").url == HOME


def test_the_same_sub_of_another_issuer_is_another_person(client: Client, provider: Provider):
    here = {"iss": provider.issuer, "sub": "1"}
    assert reading.identity(here) != reading.identity(here | {"iss": "https://other.example"})
    assert reading.identity(here) != reading.identity(here | {"sub": "2"})


def test_nothing_that_the_provider_says_of_a_person_is_stored(client: Client, provider: Provider):
    provider.knows("ada@example.org", groups=["helpers"], email="ada@example.org")
    provider.sign_in(client, "ada@example.org")
    linked = SocialAccount.objects.get()
    assert linked.extra_data == {"issuer": provider.issuer}
    assert "example" not in linked.uid


def test_another_issuer_than_the_one_that_is_set_is_refused(
    client: Client, provider: Provider, settings: Any
):
    provider.knows("1", groups=["helpers"])
    settings.OIDC_ISSUER += "/"
    assert "did not confirm" in message_of(provider.sign_in(client, "1"), client)
    assert not User.objects.exists()


def test_the_user_endpoint_cannot_answer_for_another(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    provider.knows("1", groups=["helpers"])
    other = {"sub": "2", "groups": ["bosses"]}
    monkeypatch.setattr(rules._Protocol, "_fetch_user_info", lambda *_: other)
    assert "did not confirm" in message_of(provider.sign_in(client, "1"), client)
    assert not User.objects.exists()


def test_an_answer_that_nobody_asked_for_is_refused(client: Client, provider: Provider):
    provider.knows("1", groups=["helpers"])
    asked_by_another = Client().get(LOGIN)["Location"]
    answer = client.get(provider.answer(asked_by_another, "1"))
    assert "did not confirm" in message_of(answer, client)
    assert client.get(HOME).status_code == 302


def test_cancelling_leads_back(client: Client, provider: Provider):
    assert "cancelled" in message_of(provider.sign_in(client, ""), client)


def test_without_a_provider_there_is_no_way_to_one(client: Client, db: None):
    for address in (LOGIN, reverse("openid_connect_callback", kwargs={"provider_id": "provider"})):
        assert client.get(address).status_code == 404
    SocialApp.objects.create(provider="openid_connect", provider_id="provider", client_id="x")
    assert client.get(LOGIN).status_code == 404
    assert LOGIN not in client.get(PASSWORD_LOGIN).content.decode()


def test_a_provider_that_is_down_leaves_the_password(
    client: Client, provider: Provider, settings: Any
):
    ada_with_password()
    settings.OIDC_ISSUER = "http://localhost:9"
    assert LOGIN in client.get(PASSWORD_LOGIN).content.decode()
    assert client.get(LOGIN).url == PASSWORD_LOGIN
    assert with_password(client).url == HOME


# -- what they may do ------------------------------------------------------------------------------


def test_roles_follow_the_claim_at_each_sign_in(client: Client, provider: Provider):
    for groups, expected in [
        (["helpers"], {SUPPORT}),
        (["bosses", "strangers"], {ADMINISTRATOR}),
        ("all", {SUPPORT, LIAISON}),
        (["helpers", "all"], {SUPPORT, LIAISON}),
        ([], set()),
    ]:
        provider.knows("1", groups=groups)
        provider.sign_in(Client(), "1")
        assert roles(only_user()) == expected
    events = AuditEvent.objects.filter(action="set roles from provider")
    assert events.count() == 4
    assert events.latest("pk").detail == {"roles": [], "organizations": []}


def test_organizations_follow_the_claim_where_they_are_set(
    client: Client, provider: Provider, settings: Any
):
    for number in ("831", "832"):
        Organization.objects.create(caredove_id=number, name=number)
    settings.OIDC_ORGANIZATIONS = {"agency": ["831"], "other": "832", "nowhere": ["999"]}
    for groups, expected in [
        (["helpers", "agency", "other", "nowhere"], ["831", "832"]),
        (["helpers", "other"], ["832"]),
        (["helpers"], []),
    ]:
        provider.knows("1", groups=groups)
        provider.sign_in(Client(), "1")
        places = Membership.objects.values_list("organization__caredove_id", flat=True)
        assert sorted(places) == expected


def test_organizations_that_were_given_by_hand_stay_where_none_are_set(
    client: Client, provider: Provider
):
    provider.knows("1", groups=["helpers"])
    provider.sign_in(client, "1")
    agency = Organization.objects.create(caredove_id="831", name="Agency")
    Membership.objects.create(user=only_user(), organization=agency)
    provider.sign_in(Client(), "1")
    assert Membership.objects.count() == 1


def test_no_claim_makes_a_superuser(client: Client, provider: Provider, settings: Any):
    settings.OIDC_ROLES |= {"root": ["superuser", "is_superuser"]}
    provider.knows("1", groups=["root", "bosses"], is_superuser=True, superuser=True)
    provider.sign_in(client, "1")
    assert not only_user().is_superuser


# -- for how long ----------------------------------------------------------------------------------


def test_a_role_that_was_taken_away_there_is_gone_within_the_hour(
    client: Client, provider: Provider
):
    provider.knows("1", groups=["helpers"])
    provider.sign_in(client, "1")
    provider.knows("1", groups=[])
    page = reverse("admin:referrals_referral_changelist")
    with time_machine.travel(time.time() + 3590):
        assert client.get(page).status_code == 200
    with time_machine.travel(time.time() + 3601):
        asked = client.get(page)
        assert asked.url.startswith(f"{provider.issuer}/oauth2/authorize")
        assert "no role here" in message_of(client.get(provider.answer(asked.url, "1")), client)
        assert client.get(page).status_code == 302
    assert roles(only_user()) == set()


def test_whoever_kept_the_role_comes_back_to_the_page(client: Client, provider: Provider):
    provider.knows("1", groups=["helpers"])
    provider.sign_in(client, "1")
    page = reverse("admin:referrals_referral_changelist") + "?q=x"
    with time_machine.travel(time.time() + 3601):
        back = provider.answer(client.get(page)["Location"], "1")
        # The provider's clock, in this process, has moved with ours.
        assert client.get(back)["Location"] == page


def test_what_is_posted_after_the_hour_does_nothing(client: Client, provider: Provider):
    provider.knows("1", groups=["helpers"])
    provider.sign_in(client, "1")
    with time_machine.travel(time.time() + 3601):
        assert client.post(HOME).url.startswith(PASSWORD_LOGIN)
        script = client.get(HOME, headers={"sec-fetch-mode": "cors"})
        assert PASSWORD_LOGIN in script.url or script.url.startswith("/admin/login/")


def test_a_session_that_began_with_a_password_lasts_as_before(client: Client, provider: Provider):
    ada_with_password()
    with_password(client)
    start = time.time()
    for minutes in range(50, 200, 50):  # no pause is an hour long
        with time_machine.travel(start + minutes * 60):
            assert client.get(HOME).status_code == 200


# -- the second factor -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amr", "expected"),
    [
        (["mfa"], True),
        (["pwd", "otp"], True),
        (["hwk", "pin"], True),
        (["pwd"], False),
        (["otp"], False),
        (["pwd", "pin"], False),
        ("mfa", False),
        ({"mfa": True}, False),
        ([["mfa"]], False),
        ([], False),
        (None, False),
    ],
)
def test_two_factors_of_different_kinds_count(amr: Any, expected: bool):
    assert reading.used_second_factor({"amr": amr}) is expected


def test_the_second_factor_is_asked_unless_one_was_used_there(
    client: Client, provider: Provider, settings: Any
):
    settings.REQUIRE_SECOND_FACTOR = True
    provider.knows("1", groups=["helpers"], amr=["pwd"])
    provider.sign_in(client, "1")
    assert client.get(HOME).url == reverse("mfa_activate_totp")
    provider.knows("1", groups=["helpers"], amr=["pwd", "otp"])
    another = Client()
    provider.sign_in(another, "1")
    assert another.get(HOME).status_code == 200
    Authenticator.objects.create(user=only_user(), type="totp", data={"secret": "x"})
    assert provider.sign_in(Client(), "1").url == HOME
    provider.knows("1", groups=["helpers"], amr=["pwd"])
    assert provider.sign_in(Client(), "1").url == reverse("mfa_authenticate")


# -- accounts that are there already ---------------------------------------------------------------


def test_people_link_their_own_account_signed_in(client: Client, provider: Provider):
    ada = ada_with_password()
    with_password(client)
    provider.knows("1", groups=["bosses"])
    assert client.get(LINK).status_code == 200
    address = client.post(LINK).context["continue_url"]
    assert "now on" in message_of(client.get(provider.answer(address, "1")), client)
    assert client.get(HOME).status_code == 302
    assert roles(ada) == {SUPPORT}
    provider.sign_in(client, "1")
    assert roles(ada) == {ADMINISTRATOR}


def test_the_password_of_a_linked_account_opens_nothing(provider: Provider, settings: Any):
    ada = ada_with_password()
    SocialAccount.objects.create(
        user=ada, provider="provider", uid="x", extra_data={"issuer": provider.issuer}
    )
    client = Client()
    assert "not with a password" in message_of(with_password(client), client)
    assert client.get(HOME).status_code == 302
    settings.OIDC_ISSUER = ""  # whoever runs the portal has gone back to passwords
    assert with_password(Client()).url == HOME


def test_an_account_there_that_is_linked_to_somebody_stays_theirs(
    client: Client, provider: Provider
):
    provider.knows("1", groups=["helpers"])
    provider.sign_in(Client(), "1")
    ada = ada_with_password()
    with_password(client)
    address = client.post(LINK).context["continue_url"]
    answer = client.get(provider.answer(address, "1"), follow=True)
    assert "already linked" in answer.content.decode()
    assert not SocialAccount.objects.filter(user=ada).exists()


def test_a_superuser_is_never_linked_and_always_gets_in(client: Client, provider: Provider):
    ada = ada_with_password()
    ada.is_superuser = True
    ada.save()
    with_password(client)
    posted = client.post(LINK)
    assert "continue_url" not in posted.context
    SocialAccount.objects.create(
        user=ada,
        provider="provider",
        uid=reading.identity({"iss": provider.issuer, "sub": "1"}),
        extra_data={"issuer": provider.issuer},
    )
    provider.knows("1", groups=["bosses"])
    stranger = Client()
    assert "Superusers" in message_of(provider.sign_in(stranger, "1"), stranger)
    assert with_password(Client()).url == HOME


def test_an_inactive_person_stays_outside(client: Client, provider: Provider):
    provider.knows("1", groups=["helpers"])
    provider.sign_in(Client(), "1")
    User.objects.update(is_active=False)
    assert provider.sign_in(client, "1").url == reverse("account_inactive")
    assert client.get(HOME).status_code == 302


def test_the_link_is_in_the_audit_trail_and_administrators_take_it_away(provider: Provider):
    provider.knows("1", groups=["helpers"], preferred_username="ada")
    client = Client()
    provider.sign_in(client, "1")
    came = AuditEvent.objects.get(action="sign in")
    assert (came.username, came.detail) == ("ada", {"by": "provider"})
    address = reverse("admin:auth_user_unlink", args=[only_user().pk])
    assert client.post(address).status_code == 403
    administrator = client_of(ADMINISTRATOR)
    administrator.post(address)
    assert not SocialAccount.objects.exists()
    assert client.get(HOME).status_code == 302


def test_an_authority_of_your_own_is_trusted_beside_the_public_ones(settings: Any, tmp_path: Path):
    bundle = tmp_path / "own.pem"
    bundle.write_text("our own authority")
    settings.CA_BUNDLE = str(bundle)
    trusted = Path(rules.ProviderAdapter().get_requests_session().verify).read_text()
    assert "our own authority" in trusted
    assert Path(certifi.where()).read_text() in trusted
