"""A small world to test in: one organization whose listing goes to one destination."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.test import override_settings

from integrations import connections, destinations
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    TriggerConfig,
)
from mapping.editing.exchange import install_shipped
from referrals import delivering
from referrals.intake import opening, receiving
from referrals.models import Delivery, InboundEvent, Referral

FIXTURES = Path(__file__).parent / "fixtures"
REFERENCE = "3502768696"
# What the stand-in CRMS can do, as somebody would declare it; None: not said.
ABLE: dict[str, dict[str, Any]] = {"crms": {"look_up": True, "repeat_files": True}}


def options(kind: str, **given: Any) -> dict[str, Any]:
    """Return the options of a kind as its form cleans them; what is not given is the default.

    What the stand-in can do is stated, unless None is given for it.
    """
    given = {**ABLE.get(kind, {}), **given}
    form_class = destinations.transport_class(kind).OptionsForm
    initial = {name: field.initial for name, field in form_class.base_fields.items()}
    form = form_class({**{k: v for k, v in initial.items() if v is not None}, **given})
    assert form.is_valid(), form.errors
    return form.cleaned_data


@dataclass
class World:
    """Made by `make_world`; `send` and `work` do what the portal does."""

    organization: Organization
    listing: ServiceListing
    source: Source
    destination: Destination
    config: TriggerConfig
    sent: list[InboundEvent] = field(default_factory=list)

    def receive(self, event: dict[str, Any] | bytes, endpoint: str = "plain") -> receiving.Received:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return receiving.receive(self.source, endpoint, body)

    def send(self, event: dict[str, Any] | bytes, endpoint: str = "plain") -> InboundEvent:
        """Store and open an event; return it as it is afterwards."""
        received = self.receive(event, endpoint)
        opening.open_deliveries(received.event_id)
        return InboundEvent.objects.get(pk=received.event_id)

    def run(self) -> Delivery:
        """Run the one delivery that there is, if it is due; return it as it is afterwards."""
        delivering.run(self.delivery.pk)
        return self.delivery

    def connect_again(self) -> TriggerConfig:
        """Connect the listing as it was, once nothing connects it any more."""
        pattern = TriggerConfig(
            listing=self.listing,
            destination=self.destination,
            on=self.config.on,
            mapping=self.config.mapping,
        )
        agreed = [change.digest() for change in connections.plan(pattern, [self.listing])]
        (done,) = connections.apply(pattern, [self.listing], agreed).done
        return done

    def renew_mapping(self) -> None:
        """Give the shipped mapping the rules that it ships with, as an upgrade does."""
        kind = self.destination.kind
        shipped = destinations.default_mapping(kind)
        assert shipped is not None
        install_shipped(kind, shipped)

    @property
    def delivery(self) -> Delivery:
        return Delivery.objects.get()

    def referral_of(self, reference: str) -> Referral:
        """Return the referral with this reference."""
        return Referral.objects.get(reference=reference)

    @property
    def referral(self) -> Referral:
        return Referral.objects.get(merged_into=None)


def make_world(
    kind: str = "demo", on: list[str] | None = None, *, history: bool = False, **given: Any
) -> World:
    """Return a world whose destination has the given options.

    Its rows begin without a history, which costs as much as they do, unless a test reads it.
    """
    with override_settings(SIMPLE_HISTORY_ENABLED=history):
        return _made(kind, on, given)


def _made(kind: str, on: list[str] | None, given: dict[str, Any]) -> World:
    organization = Organization.objects.create(
        caredove_id="812", name="Birchwood Community Mental Health"
    )
    listing = ServiceListing.objects.create(
        organization=organization, caredove_id="4417", name="Adult Counselling - Milltown"
    )
    destination = Destination.objects.create(
        organization=organization, name="Birchwood CRMS", kind=kind, options=options(kind, **given)
    )
    destination.declare(destination.options, by="the tests")
    config = TriggerConfig.objects.create(
        listing=listing,
        destination=destination,
        on=on or ["received", "status_ready"],
        mapping=install_shipped(kind, _shipped(kind)),
    )
    source = Source.objects.create(name="caredove")
    return World(organization, listing, source, destination, config)


@cache
def _shipped(kind: str) -> Any:
    """Return the mapping that a kind ships with; thousands of tests begin with one."""
    shipped = destinations.default_mapping(kind)
    assert shipped is not None
    return shipped


def example(name: str) -> dict[str, Any]:
    """Return one of the contract's examples."""
    parsed: dict[str, Any] = json.loads((FIXTURES / "examples" / name).read_text())
    return parsed


def plain(
    event_type: str = "referral.received", number: int = 1, **referral: Any
) -> dict[str, Any]:
    """Return a plain event with an id of its own; `referral` replaces parts of a small one."""
    return {
        "event_id": f"evt_{number}",
        "event_type": event_type,
        "occurred_at": f"2026-03-11T10:{number:02}:00Z",
        "organization": {"id": "812"},
        "service_listing": {"id": "4417"},
        "referral": {
            "reference": REFERENCE,
            "registrant": {
                "first_name": "Mireille",
                "last_name": "Tremblay-Okafor",
                "date_of_birth": "1991-06-29",
            },
            **referral,
        },
    }
