"""When a session ends: after a time without a request, after a working day, or by the provider.

An account that is switched off is nobody's at once: Django reads it anew with each request.
"""

import time
from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib.auth import logout, user_logged_in
from django.contrib.auth.views import redirect_to_login
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from access.signing_in import provider

SIGNED_IN_AT, SEEN_AT = "signed_in_at", "seen_at"  # in the session, seconds of the epoch
WRITTEN_EVERY = 60  # seconds: a session is not stored anew with each request


def ended_when_over(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """End sessions that are idle for SESSION_IDLE_SECONDS, or as old as SESSION_COOKIE_AGE."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/static/") or not request.user.is_authenticated:
            return get_response(request)
        now = time.time()
        if _is_idle_or_old(request, now):
            logout(request)
            if request.path == reverse("account_login"):
                return get_response(request)
            return redirect_to_login(
                request.get_full_path() if _opens_a_page(request) else reverse("admin:index")
            )
        # One of before these times were kept begins now.
        request.session.setdefault(SIGNED_IN_AT, now)
        if now - request.session.get(SEEN_AT, 0) >= WRITTEN_EVERY:
            request.session[SEEN_AT] = now
        return get_response(request)

    return answer


def _is_idle_or_old(request: HttpRequest, now: float) -> bool:
    idle: float = now - request.session.get(SEEN_AT, now)
    old: float = now - request.session.get(SIGNED_IN_AT, now)
    ends: bool = idle >= settings.SESSION_IDLE_SECONDS or old >= settings.SESSION_COOKIE_AGE
    return ends


@receiver(user_logged_in)
def begin(request: HttpRequest, **_: object) -> None:
    """A sign-in begins both times anew, also in a session that another sign-in has left."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = time.time()


def provider_asked_again(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """End such sessions; a page that somebody opens comes back by way of the provider."""
    free = reverse("account_login").removesuffix("login/") + "provider/"

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/static/") or not is_over(request):
            return get_response(request)
        logout(request)
        if request.path.startswith((free, reverse("account_login"))):
            return get_response(request)
        if _opens_a_page(request) and provider.is_set_up():
            return provider.ask(request, AuthProcess.LOGIN, request.get_full_path())
        return redirect_to_login(reverse("admin:index"))

    return answer


def is_over(request: HttpRequest) -> bool:
    """Return whether the provider answered for this person longer ago than OIDC_SECONDS."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    asked = [record["at"] for record in records if record["method"] == "socialaccount"]
    return bool(asked) and time.time() - max(asked) >= settings.OIDC_SECONDS


def _opens_a_page(request: HttpRequest) -> bool:
    """A script's request cannot follow to another host, and a form would lose what it holds."""
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return request.method == "GET" and mode == "navigate"
