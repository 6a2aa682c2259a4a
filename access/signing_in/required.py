"""Whoever has no second factor sets one up before anything else (REQUIRE_SECOND_FACTOR)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from access.signing_in import factors

HAS_ONE = "has_second_factor"  # in the session


def second_factor_required(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Lead people there from every page but those of signing in."""
    ours = reverse("account_login").removesuffix("login/")

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not _may_go_on(request) and not request.path.startswith((ours, "/static/")):
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        return get_response(request)

    return answer


def _may_go_on(request: HttpRequest) -> bool:
    """Ask the database once in a session: nobody can take their last factor away in between."""
    if not settings.REQUIRE_SECOND_FACTOR or not request.user.is_authenticated:
        return True
    if not request.session.get(HAS_ONE):
        request.session[HAS_ONE] = factors.has_one(request.user)
    return bool(request.session[HAS_ONE])
