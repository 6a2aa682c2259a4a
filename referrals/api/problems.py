"""Refusals, as each door words them: problem documents (RFC 9457) and OperationOutcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any

from django.http import Http404, JsonResponse
from rest_framework.exceptions import APIException

from integrations.sources.parsed import FieldError

PROBLEM_TYPE = "application/problem+json"
FHIR_TYPE = "application/fhir+json"

# HTTP status -> FHIR issue type (http://hl7.org/fhir/valueset-issue-type.html)
ISSUE_TYPES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    429: "throttled",
    503: "transient",
}


@dataclass
class Problem(Exception):
    """A refusal: an HTTP status and a sentence, without personal data."""

    status: int
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.title}"

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase


def slow_down(wait: float, detail: str) -> None:
    """Raise Problem 429 when there are seconds to wait."""
    if wait > 0:
        raise Problem(429, detail, headers={"Retry-After": str(ceil(wait))})


def problem_document(problem: Problem) -> JsonResponse:
    """Answer with a problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [{"field": e.field, "message": e.message} for e in problem.errors]
    return _answer(body, problem.status, PROBLEM_TYPE, problem.headers)


def answer_exception(exc: Exception, _: object) -> JsonResponse | None:
    """Answer for the API's own document and page with a problem document, too."""
    if isinstance(exc, Http404):
        return problem_document(Problem(404, "There is nothing of this kind here."))
    if isinstance(exc, APIException):
        return problem_document(Problem(exc.status_code, str(exc.detail)))
    return None


def operation_outcome(problem: Problem) -> JsonResponse:
    """Answer with an OperationOutcome."""
    errors = problem.errors or [FieldError("", problem.detail)]
    issues = [_issue("error", ISSUE_TYPES.get(problem.status, "exception"), e) for e in errors]
    return _answer(_outcome(issues), problem.status, FHIR_TYPE, problem.headers)


def stored_outcome(event_id: str, *, duplicate: bool) -> JsonResponse:
    """Answer that the message is stored; `diagnostics` is the event's id."""
    text = "Stored before; this is the first event's id." if duplicate else "Stored."
    issue = {
        "severity": "information",
        "code": "informational",
        "details": {"text": text},
        "diagnostics": event_id,
    }
    return _answer(_outcome([issue]), 200, FHIR_TYPE, {})


def _issue(severity: str, code: str, error: FieldError) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": severity,
        "code": code,
        "details": {"text": error.message},
    }
    return issue | ({"expression": [error.field]} if error.field else {})


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}


def _answer(
    body: dict[str, Any], status: int, content_type: str, headers: Mapping[str, str]
) -> JsonResponse:
    return JsonResponse(body, status=status, content_type=content_type, headers=dict(headers))
