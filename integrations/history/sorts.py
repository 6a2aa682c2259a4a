"""The sorts of configuration whose changes are kept: whose they are, and how they are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q
from django.utils.text import capfirst
from django.utils.translation import gettext

from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    SourceCredential,
    TriggerConfig,
)
from mapping.engine.targets import kind_label
from mapping.models import Mapping as FieldMapping

Record = Any  # a row of a model's history, which simple-history makes


@dataclass(frozen=True)
class Sort:
    """One sort of configuration: whose it is, how it is called, and what is put back of it.

    `belongs` limits rows of history to an organization's, also those of what is deleted by now.
    """

    model: type[Model]
    belongs: Callable[[Organization], Q]
    name: Callable[[Record], str]
    put_back: tuple[str, ...] = ()
    revived: bool = False  # what was deleted can be brought back
    related: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return str(self.model._meta.model_name)

    @property
    def label(self) -> str:
        return str(capfirst(self.model._meta.verbose_name))

    @property
    def records(self) -> Any:
        """Return the rows of history, of all organizations."""
        history: Any = self.model.history  # type: ignore[attr-defined]
        return history.select_related("history_user", *self.related)


def _of_its_sources(organization: Organization) -> Q:
    """Sources that could send for it now, and those that are deleted."""
    others = Source.objects.exclude(organizations=None).exclude(organizations=organization)
    return ~Q(id__in=others.values("pk"))


def _connection(record: Record) -> str:
    listing = getattr(record.listing, "name", gettext("a deleted listing"))
    destination = getattr(record.destination, "name", gettext("a deleted destination"))
    return gettext("{listing} to {destination}").format(listing=listing, destination=destination)


def _credential(record: Record) -> str:
    source = getattr(record.source, "name", gettext("a deleted source"))
    key = record.key or gettext("signing secret")
    return gettext("{key} of {source}").format(key=key, source=source)


def _past(model: Any, organization: Organization) -> Any:
    return model.history.filter(organization_id=organization.pk).values("id")


SORTS: Mapping[type[Model], Sort] = {
    sort.model: sort
    for sort in (
        Sort(
            Organization,
            lambda organization: Q(id=organization.pk),
            lambda record: record.name,
            ("caredove_id", "name", "plan", "time_zone", "language", "active"),
        ),
        Sort(
            ServiceListing,
            lambda organization: Q(organization_id=organization.pk),
            lambda record: record.name,
            ("caredove_id", "name", "category", "active"),
            revived=True,
        ),
        Sort(
            Destination,
            lambda organization: Q(organization_id=organization.pk),
            lambda record: record.name,
            ("name", "at_once", "per_minute", "allowed_fields", "allowed_files", "options"),
        ),
        Sort(
            TriggerConfig,
            lambda organization: Q(listing_id__in=_past(ServiceListing, organization)),
            _connection,
            ("on", "include_routed", "mapping_id", "enabled"),
            revived=True,
            related=("listing", "destination", "mapping"),
        ),
        Sort(
            FieldMapping,
            lambda organization: Q(organization_id=organization.pk),
            lambda record: f"{record.name} · {kind_label(record.destination_kind)}",
        ),
        Sort(
            Source,
            _of_its_sources,
            lambda record: record.name,
            ("name", "active", "attachment_hosts", "destination_id", "updates", "organizations"),
            related=("destination",),
        ),
        # A secret that was switched off is switched on by whoever knows why, on its source's page.
        Sort(
            SourceCredential,
            lambda organization: Q(
                source_id__in=Source.history.filter(_of_its_sources(organization)).values("id")
            ),
            _credential,
            related=("source",),
        ),
    )
}
