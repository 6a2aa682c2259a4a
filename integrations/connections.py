"""Connecting many listings in the same way: what would change for each, and then the change."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from integrations.hooks import listing_connected
from integrations.models import Destination, ServiceListing, TriggerConfig
from integrations.triggers import TRIGGER_LABELS
from mapping.models import Mapping


class Effect(StrEnum):
    """What applying a config would do to a listing."""

    NEW = "Will be connected"
    CHANGED = "Connected in another way"
    SAME = "Connected like this already"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that would be overwritten."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of one listing. `stamp` says what it was made from."""

    listing: ServiceListing
    effect: Effect
    stamp: str
    differences: tuple[Difference, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, and the listings that somebody else has changed in the meantime."""

    done: tuple[TriggerConfig, ...]
    missed: tuple[ServiceListing, ...]


def plan(pattern: TriggerConfig, listings: Iterable[ServiceListing]) -> list[Change]:
    """Return what connecting these listings like the pattern, to its destination, would change."""
    chosen = list(listings)
    known = _existing(pattern, chosen)
    return [_change(pattern, listing, known.get(listing.pk)) for listing in chosen]


def apply(
    pattern: TriggerConfig, listings: Sequence[ServiceListing], stamps: Collection[str]
) -> Applied:
    """Connect those listings whose planned change, known by its stamp, somebody has agreed to.

    What has been changed since the plan was shown has another stamp, and is left alone.
    """
    done, missed = [], []
    with transaction.atomic():
        known = _existing(pattern, listings, lock=True)
        for listing in listings:
            existing = known.get(listing.pk)
            if _stamp(pattern, listing, existing) in stamps:
                done.append(_connect(pattern, listing, existing))
            else:
                missed.append(listing)
    return Applied(tuple(done), tuple(missed))


def _existing(
    pattern: TriggerConfig, listings: Iterable[ServiceListing], *, lock: bool = False
) -> dict[int, TriggerConfig]:
    rows = TriggerConfig.objects.filter(listing__in=list(listings), destination=pattern.destination)
    rows = rows.select_for_update(of=("self",)) if lock else rows
    return {row.listing_id: row for row in rows.select_related("mapping")}


def _change(
    pattern: TriggerConfig, listing: ServiceListing, existing: TriggerConfig | None
) -> Change:
    stamp = _stamp(pattern, listing, existing)
    if existing is None:
        return Change(listing, Effect.NEW, stamp)
    differences = tuple(differences_between(existing, pattern))
    return Change(listing, Effect.CHANGED if differences else Effect.SAME, stamp, differences)


def differences_between(old: TriggerConfig, new: TriggerConfig) -> Iterable[Difference]:
    """Yield in which of their settings two trigger configs differ, in words."""
    before, after = _settings(old), _settings(new)
    for what, value in before.items():
        if value != after[what]:
            yield Difference(what, value, after[what])


def _settings(config: TriggerConfig) -> dict[str, str]:
    chosen = [label for key, label in TRIGGER_LABELS.items() if key in config.on]
    return {
        "Triggers": ", ".join(chosen),
        "Routed requests": "included" if config.include_routed else "left out",
        "Mapping": str(config.mapping),
        "Switch": "on" if config.enabled else "off",
    }


def _values(config: TriggerConfig) -> dict[str, Any]:
    return {
        "on": config.on,
        "include_routed": config.include_routed,
        "mapping": config.mapping,
        "enabled": config.enabled,
    }


def _stamp(pattern: TriggerConfig, listing: ServiceListing, existing: TriggerConfig | None) -> str:
    parts = [_plain(config) for config in (pattern, existing)]
    text = json.dumps([listing.pk, pattern.destination_id, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(config: TriggerConfig | None) -> dict[str, Any] | None:
    return _values(config) | {"mapping": config.mapping_id} if config else None


def _connect(
    pattern: TriggerConfig, listing: ServiceListing, existing: TriggerConfig | None
) -> TriggerConfig:
    config = existing or TriggerConfig(listing=listing, destination=pattern.destination)
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
