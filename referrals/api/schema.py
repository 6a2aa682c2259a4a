"""What the OpenAPI document says beyond what the views show by themselves."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse

from integrations import sources
from integrations.sources import Endpoint
from integrations.sources.responses import PROBLEM_TYPE, Responses
from referrals.api import serializers

# One of them is enough; see docs/connecting-caredove.md.
SENDER_AUTH: Any = [{"basic": []}, {"signature": []}]
# A question is answered for an organization's API token, too; see docs/signing-in.md.
READER_AUTH: Any = [*SENDER_AUTH, {"token": []}]

REFUSALS = {
    400: "The body is unusable; `errors` says which field and why.",
    401: "No valid credentials.",
    403: "The source may not send for this organization, or is switched off.",
    409: "The same event id with another body; kept as a conflict.",
    413: "The body is over the size limit.",
    415: "The content type, its charset or the Content-Encoding is not read.",
    429: "Too many requests; see `Retry-After`.",
    503: "The event could not be stored; send it again.",
}
# What the portal's own content types hold; what others do stands in no serializer.
SHAPES: dict[str, Any] = {
    Responses.content_type: serializers.StoredSerializer,
    PROBLEM_TYPE: serializers.ProblemSerializer,
}

View = tuple[str, str, str, Callable[..., Any]]


def questions_refused(not_found: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the refusals of a question."""
    text = {status: REFUSALS[status] for status in (401, 403, 429, 503)} | {404: not_found}
    return {(status, PROBLEM_TYPE): _response(PROBLEM_TYPE, text[status]) for status in text}


def _response(content_type: str, description: str) -> OpenApiResponse:
    return OpenApiResponse(SHAPES.get(content_type, OpenApiTypes.OBJECT), description=description)


class EndpointSchema(AutoSchema):
    """Describes a view that takes events by the endpoint that it was made for."""

    @property
    def endpoint(self) -> Endpoint:
        view: Any = self.view
        found: Endpoint = view.here
        return found

    def get_operation_id(self) -> str:
        return self.endpoint.operation_id or str(super().get_operation_id())

    def get_description(self, path: str = "", method: str = "") -> str:
        return f"{self.endpoint.label}: the answer means that it is stored, no more."

    def get_summary(self) -> str:
        return self.endpoint.summary

    def get_auth(self) -> Any:
        return SENDER_AUTH

    def get_request_serializer(self) -> Any:
        return dict.fromkeys(self.endpoint.content_types, OpenApiTypes.OBJECT)

    def get_response_serializers(self) -> Any:
        responses = self.endpoint.responses
        stored, refused = responses.content_type, responses.refusal_type
        return {
            **{
                (code, stored): _response(stored, text)
                for code, text in responses.stored_as.items()
            },
            **{(code, refused): _response(refused, text) for code, text in REFUSALS.items()},
        }


def keep_dollar_signs(endpoints: list[View]) -> list[View]:
    """Give addresses their `$` back, which the generator takes for the end of a regex."""
    whole = {
        address.replace("$", ""): address
        for kind in sources.kinds().values()
        for one in kind.endpoints
        for address in one.addresses
    }
    return [
        ("/" + whole.get(path.lstrip("/"), path.lstrip("/")), regex, method, view)
        for path, regex, method, view in endpoints
    ]
