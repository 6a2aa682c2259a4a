"""Connecting many listings in the same way: what would change for each, and then the change."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core.compare import Difference, Effect, Row, differences
from integrations.hooks import listing_connected
from integrations.models import Destination, ServiceListing, TriggerConfig
from integrations.triggers import TRIGGER_LABELS, labels_of
from mapping.models import Mapping


@dataclass(frozen=True, kw_only=True)
class Change(Row):
    """What would become of one listing; `existing` is how it is connected now."""

    listing: ServiceListing
    existing: TriggerConfig | None


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, and the listings that somebody else has changed in the meantime."""

    done: tuple[TriggerConfig, ...]
    missed: tuple[ServiceListing, ...]


def plan(
    pattern: TriggerConfig, listings: Iterable[ServiceListing], *, lock: bool = False
) -> list[Change]:
    """Return what connecting these listings like the pattern, to its destination, would change."""
    chosen = list(listings)
    rows = TriggerConfig.objects.filter(listing__in=chosen, destination=pattern.destination)
    rows = rows.select_for_update(of=("self",)) if lock else rows
    known = {row.listing_id: row for row in rows.select_related("mapping")}
    return [_change(pattern, listing, known.get(listing.pk)) for listing in chosen]


def apply(
    pattern: TriggerConfig, listings: Sequence[ServiceListing], agreed: Collection[str]
) -> Applied:
    """Connect those listings whose planned change, known by its digest, somebody has agreed to.

    What has been changed since the plan was shown has another digest, and is left alone.
    """
    done, missed = [], []
    with transaction.atomic():
        for change in plan(pattern, listings, lock=True):
            if change.digest() in agreed:
                done.append(_connect(pattern, change))
            else:
                missed.append(change.listing)
    return Applied(tuple(done), tuple(missed))


def _change(
    pattern: TriggerConfig, listing: ServiceListing, existing: TriggerConfig | None
) -> Change:
    found = tuple(differences_between(existing, pattern)) if existing else ()
    effect = Effect.CHANGED if found else Effect.UNCHANGED
    return Change(
        key=str(listing.pk),
        effect=effect if existing else Effect.CREATED,
        differences=found,
        basis=(pattern.destination_id, _values(pattern), existing and _values(existing)),
        listing=listing,
        existing=existing,
    )


def differences_between(old: TriggerConfig, new: TriggerConfig) -> Iterable[Difference]:
    """Return in which of their settings two trigger configs differ, in words."""
    return differences(_settings(old), _settings(new))


def _settings(config: TriggerConfig) -> dict[str, str]:
    return {
        _("Triggers"): labels_of(key for key in TRIGGER_LABELS if key in config.on),
        _("Routed requests"): _("included") if config.include_routed else _("left out"),
        _("Mapping"): str(config.mapping),
        _("Switch"): _("on") if config.enabled else _("off"),
    }


def _values(config: TriggerConfig) -> dict[str, Any]:
    return {
        "on": config.on,
        "include_routed": config.include_routed,
        "mapping_id": config.mapping_id,
        "enabled": config.enabled,
    }


def _connect(pattern: TriggerConfig, change: Change) -> TriggerConfig:
    config = change.existing
    config = config or TriggerConfig(listing=change.listing, destination=pattern.destination)
    for name, value in _values(pattern).items():
        setattr(config, name, value)
    config.full_clean()
    config.save()
    listing_connected(config)
    return config


def mappings_for(listing: ServiceListing, within: QuerySet[Destination]) -> QuerySet[Mapping]:
    """Return the mappings that fit these destinations and may be used by the listing's owner."""
    return Mapping.objects.filter(
        Q(organization=None) | Q(organization=listing.organization_id),
        destination_kind__in=within.values("kind"),
    )
