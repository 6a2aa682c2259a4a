"""The doors for events, and the sender's questions about them.

A view authenticates, limits (`bodies`) and hands over; `intake` stores. No parser of the framework
reads the body: a nested serializer would cost two hundred times as much as it is worth.
"""

import logging
from typing import Any
from uuid import UUID

from django.db import DatabaseError, DataError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import ratelimit
from integrations.models import Source
from integrations.sources.parsed import Unusable
from referrals import intake, tasks
from referrals.api import bodies, serializers
from referrals.api.authentication import authenticate
from referrals.api.bodies import Body
from referrals.api.problems import (
    PROBLEM_TYPE,
    Problem,
    operation_outcome,
    problem_document,
    slow_down,
    stored_outcome,
)
from referrals.api.schema import SENDER_AUTH
from referrals.explain import Cause, asker, explain
from referrals.intake import Received
from referrals.models import InboundEvent

logger = logging.getLogger(__name__)

UNUSABLE = "The body cannot be used as an event."
NOT_STORED = "The event could not be stored. Send it again later."
NOT_STORABLE = (
    "The request holds a value that no database stores. Correct it before sending it again."
)
NO_SUCH_ADDRESS = (
    "There is no such address here. Addresses end without a slash; /api/v1/schema lists them."
)
CONFLICT = (
    "An event with this id and another body was stored before. This body is kept as a conflict, "
    "and nothing is done with it."
)

REFUSALS = {
    (status, PROBLEM_TYPE): OpenApiResponse(serializers.ProblemSerializer, description=description)
    for status, description in {
        400: "The body is unusable; `errors` says which field and why.",
        401: "No valid credentials.",
        403: "The source may not send for this organization, or is switched off.",
        409: "The same event id with another body; kept as a conflict.",
        413: "The body is over the size limit.",
        415: "The content type, its charset or the Content-Encoding is not read.",
        429: "Too many requests; see `Retry-After`.",
        503: "The event could not be stored; send it again.",
    }.items()
}


def questions_refused(not_found: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the refusals of a question, for the OpenAPI document."""
    found = OpenApiResponse(serializers.ProblemSerializer, description=not_found)
    common = {key: REFUSALS[key] for key in REFUSALS if key[0] in (401, 403, 429, 503)}
    return common | {(404, PROBLEM_TYPE): found}


class JsonAlone(BaseContentNegotiation):
    """Answers in JSON, whatever the sender says it accepts: an event is not refused for that."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class SenderView(APIView):
    """Knows which source asks, and words every refusal for it."""

    parser_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = JsonAlone

    def source_of(self, request: Request, body: Body | None = None) -> Source:
        """Return the authenticated source; raises Problem 401, 403 or 429."""
        source = authenticate(request._request, body or Body())
        slow_down(ratelimit.seconds_to_wait(f"source:{source.pk}"), "Too many requests.")
        return source

    def refuse(self, problem: Problem) -> HttpResponseBase:
        return problem_document(problem)

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, MethodNotAllowed):
            allowed = ", ".join(self.allowed_methods)
            return self.refuse(Problem(405, str(exc.detail), headers={"Allow": allowed}))
        if isinstance(exc, APIException):
            return self.refuse(Problem(exc.status_code, str(exc.detail)))
        if isinstance(exc, Problem):
            return self.refuse(exc)
        if isinstance(exc, DataError):  # the same again would fail again
            logger.error("a sender's value fits no column", exc_info=exc)
            return self.refuse(Problem(400, NOT_STORABLE))
        if isinstance(exc, DatabaseError):
            logger.error("the database did not answer a sender", exc_info=exc)
            return self.refuse(Problem(503, NOT_STORED, headers={"Retry-After": "60"}))
        return super().handle_exception(exc)


class DoorView(SenderView):
    """Stores a body as an event; a subclass is one door."""

    door: InboundEvent.Door
    content_types: tuple[str, ...] = ()

    def post(self, request: Request) -> HttpResponseBase:
        body = bodies.read(request._request, self.content_types)
        received = self._store(self.source_of(request, body), body.content)
        if received.conflict:
            raise Problem(409, CONFLICT)
        if not received.duplicate:
            tasks.nudge_event(received.event_id)
        return self.stored(received)

    def stored(self, received: Received) -> HttpResponseBase:
        raise NotImplementedError

    def _store(self, source: Source, body: bytes) -> Received:
        try:
            return intake.receive(source, self.door, body)
        except Unusable as unusable:
            raise Problem(400, UNUSABLE, unusable.errors) from None
        except intake.Forbidden:
            raise Problem(403, "This source may not send for this organization.") from None


class EventsView(DoorView):
    """The door for plain JSON events."""

    door = InboundEvent.Door.PLAIN
    content_types = ("application/json",)

    @extend_schema(
        auth=SENDER_AUTH,
        operation_id="post_event",
        summary="Send an event",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            202: OpenApiResponse(serializers.StoredSerializer, description="Stored, new."),
            200: OpenApiResponse(serializers.StoredSerializer, description="Stored before."),
            **REFUSALS,
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        return super().post(request)

    def stored(self, received: Received) -> HttpResponseBase:
        body = {
            "id": str(received.event_id),
            "status": "accepted",
            "duplicate": received.duplicate,
        }
        return JsonResponse(body, status=200 if received.duplicate else 202)


class FhirMessageView(DoorView):
    """The door for FHIR R4 messages."""

    door = InboundEvent.Door.FHIR
    content_types = ("application/fhir+json", "application/json")

    @extend_schema(
        auth=SENDER_AUTH,
        summary="Send a FHIR message",
        request={
            "application/fhir+json": OpenApiTypes.OBJECT,
            "application/json": OpenApiTypes.OBJECT,
        },
        responses={
            (200, "application/fhir+json"): OpenApiResponse(
                OpenApiTypes.OBJECT,
                description="OperationOutcome: stored; `diagnostics` is the event's id.",
            ),
            **{
                (status, "application/fhir+json"): OpenApiResponse(
                    OpenApiTypes.OBJECT, description=f"OperationOutcome: {refusal.description}"
                )
                for (status, _), refusal in REFUSALS.items()
            },
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        return super().post(request)

    def stored(self, received: Received) -> HttpResponseBase:
        return stored_outcome(str(received.event_id), duplicate=received.duplicate)

    def refuse(self, problem: Problem) -> HttpResponseBase:
        return operation_outcome(problem)


class EventView(SenderView):
    """What became of an event."""

    @extend_schema(
        auth=SENDER_AUTH,
        operation_id="get_event",
        summary="What became of an event",
        responses={
            200: serializers.EventSerializer,
            **questions_refused("No such event."),
        },
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        source = self.source_of(request)
        event = (
            InboundEvent.objects.filter(pk=event_id, source=source)
            .select_related("referral__organization")
            .first()
        )
        if event is None:
            raise Problem(404, "This source has sent no event with this id.")
        return Response(serializers.EventSerializer(event).data)


class ReferralView(SenderView):
    """Is a referral in its destination, and if not, why not."""

    @extend_schema(
        auth=SENDER_AUTH,
        operation_id="get_referral",
        summary="Is it in CRMS, and if not, why not",
        responses={
            200: serializers.ExplanationSerializer,
            **questions_refused("No such referral."),
        },
    )
    def get(self, request: Request, reference: str) -> Response:
        source = self.source_of(request)
        told = explain(reference, source.kind, asker.source(source))
        if told.cause is Cause.UNKNOWN_REFERENCE:
            raise Problem(404, told.sentence)
        return Response(told.as_dict())


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponseBase:
    """Answer for every other address of the API."""
    return problem_document(Problem(404, NO_SUCH_ADDRESS))


@csrf_exempt
def no_such_fhir_address(request: HttpRequest) -> HttpResponseBase:
    """Answer for every other address of the FHIR endpoint."""
    return operation_outcome(Problem(404, NO_SUCH_ADDRESS))
