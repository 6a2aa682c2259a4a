"""What a partner is to the rest of the portal."""

from typing import ClassVar

from integrations.sources import auth
from integrations.sources.kind import Answers, Endpoint, SourceKind
from integrations.sources.partner import updates


class Partner(SourceKind):
    label = "Partner"
    endpoints = (
        Endpoint(
            name=updates.ENDPOINT,
            label="Partner update",
            summary="",
            addresses=(),  # it comes as a PATCH of a referral at /api/v1/partner
            content_types=("application/merge-patch+json", "application/json"),
            reader=updates,
        ),
    )
    answers: ClassVar[Answers | None] = updates

    def read_authorization(self, header: str) -> tuple[str, str] | None:
        return auth.read_basic(header) or auth.read_bearer(header)
