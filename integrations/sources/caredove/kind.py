"""What Caredove is to the rest of the portal."""

from typing import ClassVar

from core.text.sentences import Term as _
from integrations.sources.caredove import fhir, identity, links, plain
from integrations.sources.caredove import listings as listing_api
from integrations.sources.caredove import sample as sample_events
from integrations.sources.caredove.fhir.outcomes import FHIR_TYPE, OperationOutcomes
from integrations.sources.kind import Endpoint, Listings, SampleEvents, SourceKind


class Caredove(SourceKind):
    label = "Caredove"
    endpoints = (
        Endpoint(
            name="plain",
            label=_("Plain JSON"),
            summary="Send an event",
            addresses=("api/v1/events",),
            content_types=("application/json",),
            reader=plain,
            appointments_by_code=True,
            operation_id="post_event",
        ),
        Endpoint(
            name="fhir",
            label=_("FHIR message"),
            summary="Send a FHIR message",
            # The first is the form that Caredove's own endpoint has.
            addresses=("fhir/MessageHeader/$process-message", "fhir/$process-message"),
            content_types=(FHIR_TYPE, "application/json"),
            reader=fhir,
            responses=OperationOutcomes(),
        ),
    )
    is_default = True
    asks_questions = True
    sample: ClassVar[SampleEvents | None] = sample_events
    listings: ClassVar[Listings | None] = listing_api

    def is_reference_number(self, text: str) -> bool:
        return identity.is_number(text)

    def without_sign_in_links(self, text: str) -> str:
        return links.without_sign_in_links(text)
