"""Middleware that every request passes."""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from core.requests import client_ip


class RequestLogMiddleware(RequestMiddleware):
    """One line for each request, with its id on every other line; never its query."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_ip(request))
