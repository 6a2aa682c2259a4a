"""In which language a person reads: the one that they chose, or the one their browser asks for.

The choice is kept with the person, and while they are signed in, in their session, so that no page
costs a query for it. Their other sessions learn of a change when they sign in again.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from access.models import PersonalSettings

KEY = "language"  # in the session


class PersonsLanguageMiddleware(LocaleMiddleware):
    """Answer in the person's language, else in that of their browser."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        # Public pages stay without a session, and so may be kept by caches.
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
        if signed_in and (chosen := request.session.get(KEY)):
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()


@receiver(user_logged_in)
def remember(request: HttpRequest, user: Any, **_: Any) -> None:
    """Take the person's choice into the session that has just begun."""
    chosen = PersonalSettings.objects.filter(user=user).values_list("language", flat=True).first()
    if chosen:
        request.session[KEY] = chosen


@require_POST
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language that the person chose, and lead back to where they were."""
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return HttpResponseBadRequest()
    who: Any = request.user
    PersonalSettings.objects.update_or_create(user=who, defaults={"language": chosen})
    request.session[KEY] = chosen
    return HttpResponseRedirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Return the page of ours that the person came from, or the first one."""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if ours else resolve_url(settings.LOGIN_REDIRECT_URL)
