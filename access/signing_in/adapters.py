"""Where signing in differs from what django-allauth does by itself."""

import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from access.signing_in import factors
from core import encryption
from core.requests import client_ip
from core.rotation import Progress

CONTEXT = "mfa.authenticator.data"
SECRETS = ("secret", "seed")  # of an authenticator app, of recovery codes


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: administrators make users."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or "unknown"

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

    def add_message(self, *args: object, **kwargs: object) -> None:
        """Say nothing of what people see for themselves."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of second factors encrypted, and everybody's last one where it is."""

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text.encode(), CONTEXT).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text.encode(), CONTEXT).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        optional = not settings.REQUIRE_SECOND_FACTOR or authenticator.type not in factors.FACTORS
        return optional or factors.has_another(authenticator)


def renew_secrets() -> Iterator[Progress]:
    """Encrypt each secret with the first key, for `core.rotation`."""
    rows = Authenticator.objects.order_by("pk")
    progress = Progress("mfa.authenticator.data", total=rows.count())
    for row in rows:
        try:
            progress.renewed += _renew(row)
        except encryption.EncryptionError:
            progress.unreadable.append(str(row.pk))
        progress.seen += 1
    yield progress


def _renew(row: Authenticator) -> bool:
    adapter = SecondFactorAdapter()
    old = {name: row.data[name] for name in SECRETS if isinstance(row.data.get(name), str)}
    stale = {name: text for name, text in old.items() if not encryption.is_current(text.encode())}
    renewed = {name: adapter.encrypt(adapter.decrypt(text)) for name, text in stale.items()}
    if not renewed:
        return False
    unchanged = Authenticator.objects.filter(pk=row.pk, data=row.data)
    return bool(unchanged.update(data=row.data | renewed))
