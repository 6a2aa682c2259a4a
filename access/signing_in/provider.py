"""Signing in at a provider of OpenID Connect: django-allauth's own, with our rules.

A person is known by issuer and `sub`, never by an e-mail address. Roles and organizations follow
the claims of each sign-in. No claim makes a superuser, and superusers sign in with a password: so
nobody who controls the provider controls the portal, and a portal without its provider has a way
in. Whoever is linked to the provider signs in there alone, or a password would outlive a role.
"""

import logging
from typing import Any, cast

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.stages import AuthenticateStage
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from requests import RequestException, Session

from access.models import Membership
from access.signing_in import claims as reading
from access.signing_in import factors
from access.signing_in.claims import Claims
from core import audit
from core.outbound import certificates

logger = logging.getLogger(__name__)

PROVIDER = "provider"  # allauth's name of the one provider of a portal
STAGE = "access.signing_in.provider.SecondFactorStage"
SECOND_FACTOR = "second_factor"  # in the state of a sign-in: one was used at the provider

NO_ROLE = _(
    "Your groups at the sign-in provider give you no role here. Ask whoever manages your "
    "account there."
)
SUPERUSER = _("Superusers sign in with their password. Their accounts cannot be linked.")
LINKED = _("This account signs in at the sign-in provider, and not with a password.")
TAKEN = _("Someone else's account is already linked to this account of the sign-in provider.")
FAILED = _(
    "The sign-in provider did not confirm who you are. Try again; if that does not help, tell an "
    "administrator."
)
TWICE = _("You signed in from another window at the same moment. Sign in again.")
CANCELLED = _("You were not signed in: the sign-in provider reports that it was cancelled.")
LINK_ENDED = _("Your account is linked. Sign in at the sign-in provider from now on.")


def is_set_up() -> bool:
    """Return whether people can sign in at a provider."""
    return bool(settings.OIDC_ISSUER)


def is_linked(user: Any) -> bool:
    """Return whether the person signs in at the provider that is set up now."""
    if not is_set_up():
        return False
    linked = SocialAccount.objects.filter(user=user, provider=PROVIDER)
    return bool(linked.filter(extra_data__issuer=settings.OIDC_ISSUER).exists())


def unlink(user: User, request: HttpRequest) -> None:
    """Delete the person's links and sign them out everywhere; their roles stay."""
    with transaction.atomic():
        SocialAccount.objects.filter(user=user).delete()
        factors.sign_out(user)
        audit.record(request, "unlink from provider", user)


def refuse(request: HttpRequest, sentence: Any) -> HttpResponseRedirect:
    """Lead back to where people sign in, with the reason."""
    messages.error(request, sentence)
    return HttpResponseRedirect(reverse("account_login"))


class Untrusted(OAuth2Error):  # type: ignore[misc]
    """What the provider sent is not to be believed; the message holds nothing of it."""


# -- What django-allauth asks of us ----------------------------------------------------------------


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """The provider comes from the settings alone, and decides who may do what."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the one of the settings; what stands in allauth's table counts for nothing."""
        if not is_set_up():
            return []
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=PROVIDER,
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings={
                    "server_url": settings.OIDC_ISSUER.rstrip("/"),
                    "oauth_pkce_enabled": True,
                    "scope": settings.OIDC_SCOPES,
                },
            )
        ]

    def get_requests_session(self) -> Session:
        session: Session = super().get_requests_session()
        session.verify = certificates.authorities()
        return session

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True  # `pre_social_login` has let in those with a role alone

    def authenticate_by_email(self, sociallogin: SocialLogin) -> None:
        """Know nobody by an e-mail address, whatever the settings say."""

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        user = cast("User", super().populate_user(request, sociallogin, data))
        user.email = ""  # a password could be reset with it
        user.is_staff = True  # works in the admin, with what the roles allow
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse superusers and people without a role; give everybody else what claims give."""
        links = sociallogin.state.get("process") == AuthProcess.CONNECT
        user = request.user if links else sociallogin.user
        if getattr(user, "is_superuser", False):
            raise ImmediateHttpResponse(refuse(request, SUPERUSER))
        claims: Claims = sociallogin.claims
        sociallogin.state[SECOND_FACTOR] = reading.used_second_factor(claims)
        if sociallogin.is_existing and not links:
            set_rights(request, sociallogin.user, claims)
        if not _roles(claims):
            raise ImmediateHttpResponse(refuse(request, NO_ROLE))

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        with transaction.atomic():
            user = cast("User", super().save_user(request, sociallogin, form))
            audit.record(request, "add user from provider", user)
            set_rights(request, user, sociallogin.claims)
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        return reverse("account_login")

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        **_: Any,
    ) -> None:
        """Lead back, and log what kind of failure it was: never what the provider sent."""
        kind = type(exception).__name__ if exception else error
        why = str(exception) if isinstance(exception, Untrusted) else kind
        logger.warning("sign-in at the provider failed: %s", why)
        cancelled = error == AuthError.CANCELLED
        raise ImmediateHttpResponse(refuse(request, CANCELLED if cancelled else FAILED))


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]
    """Asks for the second factor, unless the provider's token says that one was used."""

    def _should_handle(self, request: HttpRequest) -> bool:
        sociallogin = (self.login.signal_kwargs or {}).get("sociallogin")
        if sociallogin is not None and sociallogin.state.get(SECOND_FACTOR):
            return False
        return bool(super()._should_handle(request))


class _Protocol(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Takes a token of our issuer alone, and stores nothing of what it says about a person."""

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any
    ) -> SocialLogin:
        """Return the sign-in with its verified claims; raises OAuth2Error."""
        claims = self._claims(app, token, kwargs["response"])
        names = {
            name: claims[name]
            for name in ("preferred_username", "given_name", "family_name", "name")
            if isinstance(claims.get(name), str)
        }
        person = {"sub": reading.identity(claims), **names}
        login = self.get_provider().sociallogin_from_response(request, {"id_token": person})
        login.account.extra_data = {"issuer": settings.OIDC_ISSUER}
        login.claims = claims
        return login

    def _claims(self, app: SocialApp, token: Any, response: dict[str, Any]) -> Claims:
        """Return the claims of the token, with what the provider's user endpoint adds to them."""
        if self.openid_config.get("issuer") != settings.OIDC_ISSUER:
            raise Untrusted("The provider has another issuer than OIDC_ISSUER.")
        if not response.get("id_token"):
            raise Untrusted("The provider sent no ID token.")
        claims: dict[str, Any] = self._decode_id_token(app, response["id_token"])
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Untrusted("The ID token names nobody.")
        if not self.openid_config.get("userinfo_endpoint"):
            return claims
        more = self._fetch_user_info(token.token)
        if more.get("sub") != claims["sub"]:
            raise Untrusted("The user endpoint answers for another person.")
        return {**{name: value for name, value in more.items() if name != "amr"}, **claims}


# -- What the claims give --------------------------------------------------------------------------


def _roles(claims: Claims) -> frozenset[str]:
    groups = reading.groups(claims, settings.OIDC_GROUPS_CLAIM)
    return reading.given(groups, settings.OIDC_ROLES)


@transaction.atomic
def set_rights(request: HttpRequest, user: User, claims: Claims) -> None:
    """Give the person exactly the roles of the claims, and the organizations, where those are set.

    What they had beyond it is gone. Without OIDC_ORGANIZATIONS, organizations are given by hand.
    """
    before = _rights(user)
    roles = _roles(claims)
    user.groups.set(Group.objects.filter(name__in=roles))
    if settings.OIDC_ORGANIZATIONS:
        groups = reading.groups(claims, settings.OIDC_GROUPS_CLAIM)
        organizations = Membership._meta.get_field("organization").related_model
        wanted = organizations._default_manager.filter(
            caredove_id__in=reading.given(groups, settings.OIDC_ORGANIZATIONS)
        )
        Membership.objects.filter(user=user).exclude(organization__in=wanted).delete()
        for organization in wanted:
            Membership.objects.get_or_create(user=user, organization_id=organization.pk)
    after = _rights(user)
    if after != before:
        audit.record(request, "set roles from provider", user, **after)
    unknown = len(roles - set(after["roles"]))
    if unknown:
        logger.error("OIDC_ROLES names roles that do not exist: %d of them", unknown)


def _rights(user: User) -> dict[str, list[str]]:
    places = Membership.objects.filter(user=user).values_list(
        "organization__caredove_id", flat=True
    )
    return {
        "roles": sorted(user.groups.values_list("name", flat=True)),
        "organizations": sorted(places),
    }


# -- Pages -----------------------------------------------------------------------------------------


def ask(request: HttpRequest, process: str, next_url: str | None = None) -> HttpResponseBase:
    """Send the person to the provider; back to signing in where it does not answer."""
    try:
        answer: HttpResponseBase = _provider(request).redirect(request, process, next_url=next_url)
    except RequestException as error:
        logger.warning("the sign-in provider does not answer: %s", type(error).__name__)
        return refuse(request, FAILED)
    return answer


def _provider(request: HttpRequest) -> Any:
    if not is_set_up():
        raise Http404
    return ProviderAdapter(request).get_provider(request, provider=PROVIDER)


@never_cache
@require_GET
def sign_in(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Go to the provider. By GET: our Content-Security-Policy lets no form lead elsewhere."""
    return ask(request, AuthProcess.LOGIN, get_next_redirect_url(request))


@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Take what the provider answers."""
    _provider(request)
    view = OAuth2CallbackView.adapter_view(_Protocol(request, PROVIDER))
    try:
        return cast("HttpResponseBase", view(request))
    except IntegrityError:  # another window was first: the account is there by now
        return refuse(request, TWICE)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest) -> HttpResponseBase:
    """Let people link their own account. A POST, so that no page elsewhere begins it."""
    _provider(request)
    context: dict[str, Any] = {"name": settings.OIDC_NAME, "linked": is_linked(request.user)}
    if request.user.is_superuser:
        context["refusal"] = SUPERUSER
    elif request.method == "POST":
        leaving = ask(request, AuthProcess.CONNECT)
        if leaving["Location"].startswith("/"):
            return leaving
        context["continue_url"] = leaving["Location"]
    answer: HttpResponse = render(request, "socialaccount/link.html", context)
    return answer
