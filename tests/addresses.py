"""Every view of the admin, as its URL resolver knows them, and how to fill in their addresses.

A new view is found by itself. One whose parameters are not known here fails with a sentence that
says what to add: a row in `OF` (whose key it takes) or in `PARTS` (what else it takes).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet
from django.urls import URLPattern, URLResolver, reverse

import config.urls  # noqa: F401 - with them, every screen of the admin is there

# Views of no model's own admin, by the start of their name: the model whose key they take.
OF: dict[str, str] = {
    "connect_": "integrations.ServiceListing",
    "mapping_": "mapping.Mapping",
    "onboarding": "integrations.Organization",
    "why_answer": "referrals.Referral",
    "history": "integrations.Organization",
    "configuration": "integrations.Organization",
    "referrals_sent_to": "integrations.Destination",
    "referrals_start_job": "integrations.Destination",
}
KEYS = ("pk", "object_id", "id")  # what that key is called in a URL

Organization = Any
# What else a view takes, by parameter: how to find it, given the key and the organization.
PARTS: dict[str, Callable[[Any, Organization], Any]] = {
    "destination": lambda pk, organization: organization.destinations.first().pk,
    "token": lambda pk, organization: _token(organization),
    "number": lambda pk, organization: 1,
    "test": lambda pk, organization: _first("mapping.MappingTest", mapping=pk),
    "scheme": lambda pk, organization: "basic",
    "file_pk": lambda pk, organization: _first("referrals.ReferralFile", referral=pk),
    "selection": lambda pk, organization: organization.bulk_retries.values_list(
        "selection", flat=True
    ).first(),
    "deed": lambda pk, organization: UUID(int=1),  # of nobody
    "what": lambda pk, organization: "compare",
    "download": lambda pk, organization: UUID(int=1),  # of nobody
    "view": lambda pk, organization: 2**31,  # there is none
    "hsds_id": lambda pk, organization: UUID(int=1),
    "key": lambda pk, organization: 2**31,  # there is none
    "other": lambda pk, organization: 2**31,
    "chapter": lambda pk, organization: "support",
    "picture": lambda pk, organization: "support-home",
    "check_key": lambda pk, organization: "missing_phone",
    "app_label": lambda pk, organization: "integrations",
    "content_type_id": lambda pk, organization: ContentType.objects.get_for_model(organization).pk,
}
# Rows to look at where not any will do, by model or by view.
CHOSEN: dict[str, Q] = {
    "referrals.Referral": Q(files__state="stored", purged_at=None),
    "referrals.Delivery": Q(attempts__isnull=False),
    "mapping.Mapping": Q(tests__isnull=False),
    "workplace.AlertRecipient": Q(channel="email"),
    "workplace_alertrecipient_secret": Q(channel="webhook"),
}


@dataclass(frozen=True)
class View:
    """One URL pattern of the admin."""

    name: str  # without "admin:"
    parameters: tuple[str, ...]
    positional: int = 0  # groups without a name

    @property
    def admin(self) -> Any:
        """The admin of the model whose name the view's begins with, or None."""
        names = {
            f"{model._meta.app_label}_{model._meta.model_name}_": model_admin
            for model, model_admin in admin.site._registry.items()
        }
        return next((names[name] for name in names if self.name.startswith(name)), None)

    @property
    def model(self) -> type[Model] | None:
        """The model whose key the view takes, or None when it takes no key."""
        if not self.takes_a_key:
            return None
        if self.admin:
            return self.admin.model  # type: ignore[no-any-return]
        start = max((one for one in OF if self.name.startswith(one)), key=len, default="")
        if self.name == "view_on_site":
            return apps.get_model("integrations.Organization")
        assert start, f"Say in tests/addresses.py, OF, whose key “{self.name}” takes."
        return apps.get_model(OF[start])

    @property
    def takes_a_key(self) -> bool:
        return bool(self.positional or set(KEYS) & set(self.parameters))

    def address(self, organization: Organization, row: Model | None) -> str:
        """Return the URL, about a row and its organization."""
        pk = row.pk if row else None
        if self.positional:
            return reverse(f"admin:{self.name}", args=[pk, _newest_record(row)])
        values = {
            name: pk if name in KEYS else self._part(name, pk, organization)
            for name in self.parameters
        }
        return reverse(f"admin:{self.name}", kwargs=values)

    def _part(self, name: str, pk: Any, organization: Organization) -> Any:
        assert name in PARTS, (
            f"Say in tests/addresses.py, PARTS, what “{self.name}” takes for “{name}”."
        )
        found = PARTS[name](pk, organization)
        assert found is not None, (
            f"“{self.name}” needs a “{name}” of {organization}: plant one in tests/seeds.py."
        )
        return found


def views() -> list[View]:
    """Return every named view of the admin."""
    return sorted(set(_walk(admin.site.get_urls())), key=lambda view: view.name)


def _walk(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[View]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns)
        elif pattern.name:
            regex: Any = pattern.pattern.regex
            named = tuple(regex.groupindex)
            yield View(pattern.name, named, regex.groups - len(named) if not named else 0)


def rows_of(model: type[Model], organization: Organization) -> QuerySet[Any]:
    """Return the rows of a model that belong to an organization."""
    path = getattr(admin.site._registry.get(model), "organization_path", None)
    rows = model._default_manager.order_by("pk")
    return rows.filter(**{path: organization.pk}) if path else rows


def row_of(view: View, organization: Organization) -> Any:
    """Return a row of the organization to look at; fails with a sentence when none is planted."""
    label = view.model._meta.label
    rows = rows_of(view.model, organization)
    found = rows.filter(CHOSEN.get(view.name, CHOSEN.get(label, Q()))).first()
    assert found is not None, (
        f"Plant a {label} of {organization} for “{view.name}” in tests/seeds.py."
    )
    return found


def _first(label: str, **of: Any) -> Any:
    return apps.get_model(label)._default_manager.filter(**of).values_list("pk", flat=True).first()


def _newest_record(row: Any) -> Any:
    return row.history.values_list("history_id", flat=True).first()


def _token(organization: Organization) -> str:
    """Return the token of a test event of the organization."""
    events = apps.get_model("referrals.InboundEvent")._default_manager
    mine = events.filter(dedup_key__startswith=f"id:dovetail-test-{organization.pk}-")
    return str(mine.values_list("reference", flat=True)[0]).removeprefix("TEST-")
