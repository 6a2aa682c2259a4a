"""Middleware that every request passes."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase
from django_structlog.middlewares import RequestMiddleware

from core.web.requests import client_ip


class RequestLogMiddleware(RequestMiddleware):
    """One line for each request, with its id on every other line; never its query."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

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
    """Say with each page which powers of the browser it does without."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        return response

    return answer
