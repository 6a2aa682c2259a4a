"""A session that began at the provider asks it again, or ends, when its time is over."""

import time
from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from access.signing_in import provider


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
