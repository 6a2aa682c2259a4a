"""How the FHIR endpoint answers: with OperationOutcomes."""

from typing import Any
from uuid import UUID

from django.http import JsonResponse
from django.utils.translation import gettext as _

from integrations.sources.parsed import FieldError
from integrations.sources.responses import Problem, Responses, located

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


class OperationOutcomes(Responses):
    """One issue that says what was stored, or one for each error."""

    content_type = refusal_type = FHIR_TYPE
    stored_as = {200: "OperationOutcome: stored; `diagnostics` is the event's id."}

    def stored(self, event_id: UUID, *, duplicate: bool) -> JsonResponse:
        text = _("Stored before; this is the first event's id.") if duplicate else _("Stored.")
        issue = {
            "severity": "information",
            "code": "informational",
            "details": {"text": text},
            "diagnostics": str(event_id),
        }
        return JsonResponse(_outcome([issue]), content_type=FHIR_TYPE)

    def refused(self, problem: Problem) -> JsonResponse:
        errors = problem.errors or [FieldError("", problem.detail)]
        code = ISSUE_TYPES.get(problem.status, "exception")
        return JsonResponse(
            _outcome([_issue(code, error) for error in errors]),
            status=problem.status,
            content_type=FHIR_TYPE,
            headers=dict(problem.headers),
        )

    def read(self, answer: Any) -> tuple[str, list[str]]:
        issues = answer["issue"]
        problems = [
            located(issue.get("expression", [""])[0], issue["details"]["text"]) for issue in issues
        ]
        return issues[0].get("diagnostics", ""), problems


def _issue(code: str, error: FieldError) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "error",
        "code": code,
        "details": {"text": error.message},
    }
    return issue | ({"expression": [error.field]} if error.field else {})


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}
