"""Where signing in differs from what django-allauth does by itself."""

import time
from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from access.signing_in import factor_secrets, factors, provider
from core.web.requests import client_ip, network


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: administrators make users."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        """Let the second factor of a provider count."""
        ours = {"allauth.mfa.stages.AuthenticateStage": provider.STAGE}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def pre_login(self, request: HttpRequest, user: Any, **login: Any) -> HttpResponse | None:
        """Refuse the password of whoever is linked to the provider: it would outlive their role."""
        refused: HttpResponse | None = super().pre_login(request, user, **login)
        at_provider = "sociallogin" in (login["signal_kwargs"] or {})
        if refused or at_provider or user.is_superuser or not provider.is_linked(user):
            return refused
        return provider.refuse(request, provider.LINKED)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or "unknown"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failed passwords by account and address: nobody elsewhere is kept out by them.

        Of IPv6 it is the network, which one person has whole.
        """
        account = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account}@{network(self.get_client_ip(request))}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a mail: to the portal, whatever host the request named."""
        asked: str = super().get_reset_password_from_key_url(key)
        portal: str = settings.PORTAL_URL
        return urljoin(portal, urlsplit(asked).path)

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Ask again before secrets are shown, unless somebody has only just signed in."""
        records = get_authentication_records(context.request, context.request.user)
        latest = max((record["at"] for record in records), default=0)
        recent: bool = time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        return not recent

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *_: Any, **__: Any
    ) -> None:
        """Say nothing of what people see for themselves."""
        if message_template == "socialaccount/messages/account_connected_other.txt":
            messages.error(request, provider.TAKEN)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of second factors encrypted, and everybody's last one where it is."""

    def encrypt(self, text: str) -> str:
        return factor_secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return factor_secrets.decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        optional = not settings.REQUIRE_SECOND_FACTOR or authenticator.type not in factors.FACTORS
        return optional or factors.has_another(authenticator)
