"""In which language and time zone a person reads, and whether single keys are shortcuts for them.

The language is the one that they chose, or the one their browser asks for; the time zone is theirs
or the portal's. The choice is kept with the person, and while they are signed in, in their session,
so that no page costs a query for it. Their other sessions learn of a change at the next sign-in.
"""

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from access.models import PersonalSettings

KEY = "language"  # in the session
ZONE, NO_SINGLE_KEYS = "time_zone", "no_single_keys"  # as well


class PersonsLanguageMiddleware(LocaleMiddleware):
    """Answer in the person's language, else in that of their browser, and in their time zone."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        # Public pages stay without a session, and so may be kept by caches.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        if chosen := request.session.get(KEY):
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()
        if zone := request.session.get(ZONE):
            timezone.activate(ZoneInfo(zone))

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        timezone.deactivate()  # the thread answers others next
        answered: HttpResponseBase = super().process_response(request, response)
        return answered


@receiver(user_logged_in)
def remember(request: HttpRequest, user: Any, **_: Any) -> None:
    """Take the person's choices into the session that has just begun."""
    if chosen := PersonalSettings.objects.filter(user=user).first():
        take_into(request, chosen)


def take_into(request: HttpRequest, chosen: PersonalSettings) -> None:
    """Let the session follow what the person has chosen."""
    off = "" if chosen.single_keys else "off"
    for key, value in (
        (KEY, chosen.language),
        (ZONE, chosen.time_zone),
        (NO_SINGLE_KEYS, off),
    ):
        if value:
            request.session[key] = value
        else:
            request.session.pop(key, None)


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
