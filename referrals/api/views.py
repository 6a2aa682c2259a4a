"""The endpoints for events, and the sender's questions about them.

A view authenticates, limits (`bodies`) and hands over; `intake` stores. No parser of the framework
reads the body: a nested serializer would cost two hundred times as much as it is worth.
"""

import logging
from typing import Any
from uuid import UUID

from django.db import DatabaseError, DataError, InterfaceError
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.web import ratelimit
from integrations import sources
from integrations.models import Source
from integrations.sources import Endpoint
from integrations.sources.parsed import Unusable
from integrations.sources.responses import Problem, Responses
from referrals.answers.explain import Cause, asker, explain
from referrals.api import bodies, serializers
from referrals.api.authentication import Kinds, authenticate, token_of
from referrals.api.bodies import Body
from referrals.api.problems import problem_document, slow_down
from referrals.api.schema import READER_AUTH, EndpointSchema, questions_refused
from referrals.intake import receiving
from referrals.intake.receiving import Received
from referrals.models import InboundEvent
from referrals.running import tasks

logger = logging.getLogger(__name__)

UNUSABLE = gettext_noop("The body cannot be used as an event.")
NOT_SENT = gettext_noop("This source has sent no event with this id.")
NOT_THEIRS = gettext_noop("No event with this id belongs to a referral of this organization.")
NOT_STORED = gettext_noop("The event could not be stored. Send it again later.")
NOT_STORABLE = gettext_noop(
    "The request contains a value that cannot be stored. Correct it before sending it again."
)
NO_SUCH_ADDRESS = gettext_noop(
    "There is no such address here. Addresses end without a slash; /api/v1/schema lists them."
)
CONFLICT = gettext_noop(
    "An event with this id but another body was stored before. This body is kept as a conflict "
    "and is not used."
)


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

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.for_programs = True  # core.web.middleware
        return view

    def kinds(self) -> Kinds:
        """Return the kinds of sources that may ask here."""
        return {name: kind for name, kind in sources.kinds().items() if kind.asks_questions}

    def source_of(self, request: Request, body: Body | None = None) -> Source:
        """Return the authenticated source; raises Problem 401, 403 or 429."""
        source = authenticate(request._request, body or Body(), self.kinds())
        slow_down(ratelimit.seconds_to_wait(f"source:{source.pk}"), _("Too many requests."))
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
            return self.refuse(Problem(400, _(NOT_STORABLE)))
        if isinstance(exc, DatabaseError | InterfaceError):
            logger.error("the database did not answer a sender", exc_info=exc)
            return self.refuse(Problem(503, _(NOT_STORED), headers={"Retry-After": "60"}))
        return super().handle_exception(exc)


class EndpointView(SenderView):
    """Stores a body as an event; `as_view` takes the endpoint of a kind of source."""

    schema = EndpointSchema()
    kind: str = ""
    endpoint: Endpoint | None = None

    def kinds(self) -> Kinds:
        return {self.kind: sources.source_kind(self.kind)}

    @property
    def here(self) -> Endpoint:
        """The endpoint that this view was made for."""
        if self.endpoint is None:
            raise TypeError("This view was made without an endpoint.")
        return self.endpoint

    def post(self, request: Request) -> HttpResponseBase:
        body = bodies.read(request._request, self.here.content_types)
        received = self._store(self.source_of(request, body), body.content)
        if received.conflict:
            raise Problem(409, _(CONFLICT))
        if not received.duplicate:
            tasks.wake_event(received.event_id)
        return self.here.responses.stored(received.event_id, duplicate=received.duplicate)

    def refuse(self, problem: Problem) -> HttpResponseBase:
        return self.here.responses.refused(problem)

    def _store(self, source: Source, body: bytes) -> Received:
        try:
            return receiving.receive(source, self.here.name, body)
        except Unusable as unusable:
            raise Problem(400, _(UNUSABLE), unusable.errors) from None
        except receiving.Forbidden:
            raise Problem(403, _("This source may not send for this organization.")) from None


class EventView(SenderView):
    """What became of an event."""

    @extend_schema(
        auth=READER_AUTH,
        operation_id="get_event",
        summary="What became of an event",
        responses={
            200: serializers.EventSerializer,
            **questions_refused("No such event."),
        },
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        token = token_of(request._request)
        if token:
            theirs, unknown = Q(referral__organization=token.organization), NOT_THEIRS
        else:
            theirs, unknown = Q(source=self.source_of(request)), NOT_SENT
        found = InboundEvent.objects.filter(theirs, pk=event_id)
        event = found.select_related("referral__organization").first()
        if event is None:
            raise Problem(404, _(unknown))
        return Response(serializers.EventSerializer(event).data)


class ReferralView(SenderView):
    """Is a referral in its destination, and if not, why not."""

    @extend_schema(
        auth=READER_AUTH,
        operation_id="get_referral",
        summary="Is it in CRMS, and if not, why not",
        responses={
            200: serializers.ExplanationSerializer,
            **questions_refused("No such referral."),
        },
    )
    def get(self, request: Request, reference: str) -> Response:
        token = token_of(request._request)
        if token:
            text = explain(reference, asker.organization(token.organization))
        else:
            source = self.source_of(request)
            text = explain(reference, asker.source(source), source_kind=source.kind)
        if text.cause is Cause.UNKNOWN_REFERENCE:
            raise Problem(404, text.sentence)
        return Response(text.as_dict())


@csrf_exempt
def no_such_address(request: HttpRequest, responses: Responses | None = None) -> HttpResponseBase:
    """Answer for every other address of the API, or below the addresses of an endpoint."""
    return (responses or Responses()).refused(Problem(404, _(NO_SUCH_ADDRESS)))


no_such_address.for_programs = True  # type: ignore[attr-defined]  # core.web.middleware
