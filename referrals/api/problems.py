"""Refusals of the API, as problem documents (RFC 9457)."""

from math import ceil

from django.http import Http404, JsonResponse
from django.utils.translation import gettext
from rest_framework.exceptions import APIException

from integrations.sources.responses import Problem, Responses

problem_document = Responses().refused


def slow_down(wait: float, detail: str) -> None:
    """Raise Problem 429 when there are seconds to wait."""
    if wait > 0:
        raise Problem(429, detail, headers={"Retry-After": str(ceil(wait))})


def answer_exception(exc: Exception, _: object) -> JsonResponse | None:
    """Answer for the API's own document and page with a problem document, too."""
    if isinstance(exc, Http404):
        return problem_document(Problem(404, gettext("There is nothing at this address.")))
    if isinstance(exc, APIException):
        return problem_document(Problem(exc.status_code, str(exc.detail)))
    return None
