"""For those who run the portal: is it alive, is it ready, does it deliver, and its figures."""

import hmac
import sys
from ipaddress import ip_address

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from core.web import health


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200: this process is alive."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when this process can take events in, else 503; the body says what was checked."""
    return _answer("ready", health.readiness())


@require_safe
@never_cache
def delivery(request: HttpRequest) -> HttpResponse:
    """Answer 200 while due work is done, else 503: for whoever is called then.

    Not for a load balancer: taking this process out of service would end intake as well.
    """
    return _answer("delivering", health.delivery())


def _answer(what: str, found: health.Found) -> HttpResponse:
    answer = JsonResponse({what: found.good, "checks": found.checks})
    if not found.good:
        answer.status_code = 503
        answer.headers["Retry-After"] = str(health.RETRY_AFTER)
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 where the database is away, for pages and programs alike; else 500."""
    if not isinstance(sys.exc_info()[1], InterfaceError | OperationalError):
        return defaults.server_error(request)
    return HttpResponse(
        _("Dovetail cannot reach its database. Please try again in a minute."),
        content_type="text/plain; charset=utf-8",
        status=503,
        headers={"Retry-After": "60"},
    )


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures, in Prometheus's format, to those who may see them."""
    if not _may_see_metrics(request):
        return HttpResponse(status=403)
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _may_see_metrics(request: HttpRequest) -> bool:
    """With METRICS_TOKEN, whoever holds it; without, this machine itself, and not by a proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
