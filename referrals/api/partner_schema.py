"""What the OpenAPI document says of the partner's addresses, with examples."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from integrations.sources.responses import PROBLEM_TYPE
from referrals.api.serializers import ProblemSerializer
from referrals.models import Version

PARTNER_AUTH: Any = [{"basic": []}, {"bearer": []}]
PATCH_TYPES = ("application/merge-patch+json", "application/json")

REFUSALS = {
    401: "No valid credentials of a partner.",
    403: "The partner is switched off, has no destination, or may not update.",
    404: "Not delivered to this partner, or not there at all: the two cannot be told apart.",
    409: "The first request with this Idempotency-Key is still running.",
    410: "Removed, withdrawn or deleted, or it may not leave any more.",
    412: "It has changed since; `ETag` is the present one.",
    413: "The body is over 256 KiB.",
    415: "The content type, its charset or the Content-Encoding is not read.",
    422: "`errors` says which field and why; nothing took effect.",
    428: "`If-Match` is missing.",
    429: "Too many requests; see `Retry-After`.",
    503: "Try again later; see `Retry-After`.",
    400: "The body arrived incomplete.",
}


class DeliveredSerializer(serializers.Serializer[None]):
    reference = serializers.CharField()
    version = serializers.IntegerField()
    action = serializers.ChoiceField(choices=Version.Action.choices)
    changed_at = serializers.DateTimeField()


class DeliveredListSerializer(serializers.Serializer[None]):
    """Each delivered referral at its latest delivered version, in order of delivery."""

    referrals = DeliveredSerializer(many=True)
    next = serializers.CharField(help_text="`after` of the next call, also where there is no more.")
    more = serializers.BooleanField()


class OutcomeSerializer(serializers.Serializer[None]):
    code = serializers.CharField(max_length=100, required=False, allow_null=True)
    text = serializers.CharField(max_length=2_000, required=False, allow_null=True)


class UpdateSerializer(serializers.Serializer[None]):
    """A JSON merge patch of what the partner said before: null takes a value back."""

    status = serializers.CharField(required=False, allow_null=True)
    status_label = serializers.CharField(max_length=200, required=False, allow_null=True)
    outcome = OutcomeSerializer(required=False, allow_null=True)
    record_id = serializers.CharField(max_length=200, required=False, allow_null=True)
    note = serializers.CharField(max_length=10_000, required=False, help_text="Each one is kept.")


DATA = {
    "reference": "3502768696",
    "version": 3,
    "trigger": "edited",
    "changed_at": "2026-03-19T18:30:00Z",
    "listing": {"id": "4417", "name": "Adult Counselling"},
    "status": {"top": "booked", "classification": "ready", "label": "Ready"},
    "record": {"client": {"first_name": "Mireille"}},
    "partner": {
        "status": "accepted",
        "record_id": "P-1",
        "note": "First visit on Monday.",
        "notes": [{"note": "First visit on Monday.", "at": "2026-03-20T14:00:00Z"}],
        "updated_at": "2026-03-20T14:00:00Z",
    },
}
LISTED = {
    "referrals": [
        {
            "reference": "3502768696",
            "version": 3,
            "action": "put",
            "changed_at": "2026-03-19T18:30:00Z",
        }
    ],
    "next": "118",
    "more": False,
}
UPDATE = {
    "status": "completed",
    "outcome": {"code": "met", "text": "Goals met."},
    "record_id": "P-1",
    "note": "Six visits.",
}
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200],
    description="Names the delivered version and the partner's last update; strong.",
)


def _refused(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    return {
        (status, PROBLEM_TYPE): OpenApiResponse(ProblemSerializer, description=REFUSALS[status])
        for status in statuses
    }


def _example(name: str, value: Any, **kwargs: Any) -> OpenApiExample:
    return OpenApiExample(name, value, **kwargs)


LIST: dict[str, Any] = {
    "auth": PARTNER_AUTH,
    "operation_id": "list_delivered",
    "summary": "What was delivered",
    "parameters": [
        OpenApiParameter("after", OpenApiTypes.STR, description="`next` of the call before."),
        OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 500; 100 without it."),
    ],
    "responses": {200: DeliveredListSerializer, **_refused(401, 403, 422, 429, 503)},
    "examples": [_example("Delivered", LISTED, response_only=True, status_codes=["200"])],
}
READ: dict[str, Any] = {
    "auth": PARTNER_AUTH,
    "operation_id": "read_delivered",
    "summary": "A referral as it was last delivered, and what you said of it",
    "parameters": [ETAG],
    "responses": {200: OpenApiTypes.OBJECT, **_refused(401, 403, 404, 410, 429, 503)},
    "examples": [_example("Referral", DATA, response_only=True, status_codes=["200"])],
}
ANSWER: dict[str, Any] = {
    "auth": PARTNER_AUTH,
    "operation_id": "answer_delivered",
    "summary": "Say how it goes on: status, outcome, your record id, a note",
    "parameters": [
        ETAG,
        OpenApiParameter(
            "If-Match",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="Required: the ETag that you have read.",
        ),
        OpenApiParameter(
            "Idempotency-Key",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="The same on a retry: the first answer comes again, for 48 hours.",
        ),
    ],
    "request": dict.fromkeys(PATCH_TYPES, UpdateSerializer),
    "responses": {
        200: OpenApiTypes.OBJECT,
        **_refused(400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 428, 429, 503),
    },
    "examples": [
        *(
            _example(f"Completed ({kind})", UPDATE, request_only=True, media_type=kind)
            for kind in PATCH_TYPES
        ),
        _example("Referral", DATA, response_only=True, status_codes=["200"]),
    ],
}
FILE: dict[str, Any] = {
    "auth": PARTNER_AUTH,
    "operation_id": "fetch_delivered_file",
    "summary": "The bytes of a file that a delivered version named",
    "responses": {
        (200, "application/octet-stream"): OpenApiTypes.BINARY,
        **_refused(401, 403, 404, 410, 429, 503),
    },
}
