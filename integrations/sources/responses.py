"""How an endpoint answers its senders: in JSON, and with problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.http import JsonResponse
from django.utils.translation import gettext, gettext_lazy

from integrations.sources.parsed import FieldError

PROBLEM_TYPE = "application/problem+json"
# The titles that a refusal can have, as HTTP names them; here for the catalogs of translations.
# Lazily: the demonstration reads this module before it has settings.
TITLES = (
    gettext_lazy("Bad Request"),
    gettext_lazy("Unauthorized"),
    gettext_lazy("Forbidden"),
    gettext_lazy("Not Found"),
    gettext_lazy("Method Not Allowed"),
    gettext_lazy("Not Acceptable"),
    gettext_lazy("Conflict"),
    gettext_lazy("Gone"),
    gettext_lazy("Precondition Failed"),
    gettext_lazy("Request Entity Too Large"),
    gettext_lazy("Unsupported Media Type"),
    gettext_lazy("Unprocessable Entity"),
    gettext_lazy("Precondition Required"),
    gettext_lazy("Too Many Requests"),
    gettext_lazy("Internal Server Error"),
    gettext_lazy("Service Unavailable"),
)


@dataclass
class Problem(Exception):
    """A refusal: an HTTP status and a sentence in the reader's language, without personal data."""

    status: int
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.title}"

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase


class Responses:
    """The words for what is stored and what is refused.

    A kind whose senders expect others has a subclass. `stored_as` describes each status of what is
    stored, for the OpenAPI document.
    """

    content_type: ClassVar[str] = "application/json"
    refusal_type: ClassVar[str] = PROBLEM_TYPE
    stored_as: ClassVar[Mapping[int, str]] = {202: "Stored, new.", 200: "Stored before."}

    def stored(self, event_id: UUID, *, duplicate: bool) -> JsonResponse:
        """Answer that the event is stored; `duplicate`: that it was stored before."""
        body = {"id": str(event_id), "status": "accepted", "duplicate": duplicate}
        return JsonResponse(body, status=200 if duplicate else 202, content_type=self.content_type)

    def refused(self, problem: Problem) -> JsonResponse:
        """Answer with a refusal."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": gettext(problem.title),
            "status": problem.status,
            "detail": problem.detail,
        }
        if problem.errors:
            body["errors"] = [{"field": e.field, "message": e.message} for e in problem.errors]
        return JsonResponse(
            body,
            status=problem.status,
            content_type=self.refusal_type,
            headers=dict(problem.headers),
        )

    def read(self, answer: Any) -> tuple[str, list[str]]:
        """Return the event's id and what is said, as a sender reads a decoded answer.

        The id is empty when nothing was stored. Raises LookupError or TypeError when it is no
        answer in these words.
        """
        if "duplicate" in answer:
            return answer["id"], ["Stored before." if answer["duplicate"] else "Stored."]
        errors = [located(error["field"], error["message"]) for error in answer.get("errors", [])]
        return "", errors or [answer["detail"]]


def located(where: str, what: str) -> str:
    """Return what is said with its place in front."""
    return f"{where}: {what}" if where else what
