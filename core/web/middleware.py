"""Middleware that every request passes."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django_structlog.middlewares import RequestMiddleware

from core.web.requests import client_ip, loggable


class RequestLogMiddleware(RequestMiddleware):
    """One line for each request, with its id on every other line; never its query."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {loggable(request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_ip(request))


# What no page of ours uses, no script that got in may use either.
_PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
)


def permissions_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Say with each page which powers of the browser it does without.

    After somebody has signed out (`request.signed_out`), the browser forgets what it has kept.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        if getattr(request, "signed_out", False):
            response.headers["Clear-Site-Data"] = '"storage"'
        return response

    return answer


# -- What programs ask, and not people -----------------------------------------------------------


class _ProgramLogMiddleware(RequestLogMiddleware):
    """The same line for a request that goes straight to its view."""

    def __init__(self, get_response: Any) -> None:
        # Not the parent's: exceptions are logged once, by the one of the chain.
        self.get_response = get_response


def programs_go_straight(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Call a view for programs at once: what follows here is for people and their browsers.

    Such a view has an attribute `for_programs`. It knows no session, and so needs no CSRF check.
    Its language is the one that the program accepts, else the portal's: of its messages alone,
    since codes and keys are never translated. TRACE is refused: by this, or by such a view.
    """
    straight: Any = _ProgramLogMiddleware(convert_exception_to_response(_call))

    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return get_response(request)
        if not getattr(match.func, "for_programs", False):
            # A view that is a class refuses it by itself; a function would take it for a GET.
            if request.method == "TRACE" and not hasattr(match.func, "view_class"):
                return HttpResponse(status=405)
            return get_response(request)
        request.resolver_match = match
        # The thread may still have the language of the request before.
        translation.activate(translation.get_language_from_request(request))
        response: HttpResponseBase = straight(request)
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return answer


def _call(request: HttpRequest) -> Any:
    """Return the view's answer, with what is left of the chain for a program.

    Its host is one of ours, and the length is announced. Raises DisallowedHost.
    """
    request.get_host()
    match: Any = request.resolver_match
    response = match.func(request, *match.args, **match.kwargs)
    if hasattr(response, "render"):
        response = response.render()
    if not response.streaming and not response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))
    return response
