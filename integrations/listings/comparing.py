"""What an offer would change here; and changing it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from import_export import fields, resources, widgets
from import_export.instance_loaders import CachedInstanceLoader
from import_export.results import RowResult

from core.compare import Comparison, Difference, Effect, Row, differences
from core.text.spreadsheets import FORMULA
from integrations.listings.offers import Offer
from integrations.models import Organization, ServiceListing

REASON = gettext_noop("import of listings")  # in the history of what was changed
YES = ("yes", "y", "true", "1", "oui", "vrai")
NO = ("no", "n", "false", "0", "non", "faux")


@dataclass(frozen=True)
class Line(Row):
    """One row: offered, or here and not offered (REMOVED). Its key is the id in Caredove."""

    category: str = ""


@dataclass
class Brought:
    """How many listings were added, changed, and marked as not listed any more."""

    added: int = 0
    changed: int = 0
    ended: int = 0


def compare(offer: Offer, organization: Organization) -> Comparison[Line]:
    """Return what the offer would change for this organization; nothing is changed.

    Listings that are here and active, and not offered, can be marked as not listed any more.
    """
    lines = _run(offer, organization, dry_run=True)
    offered = {line.key for line in lines}
    missing = organization.listings.filter(active=True).exclude(caredove_id__in=offered)
    lines += [Line(listing.caredove_id, Effect.REMOVED, listing.name) for listing in missing]
    return Comparison(lines)


@transaction.atomic
def bring_in(
    offer: Offer, organization: Organization, chosen: Collection[str], ended: Collection[str]
) -> Brought:
    """Add or change the chosen listings (by Caredove id), and mark those that have ended."""
    lines = _run(_only(offer, chosen), organization, dry_run=False)
    done = Comparison(lines)
    brought = Brought(len(done.of(Effect.CREATED)), len(done.of(Effect.CHANGED)))
    for listing in organization.listings.filter(active=True, caredove_id__in=ended):
        listing.active = False
        listing._change_reason = REASON  # type: ignore[attr-defined]  # simple-history reads it
        listing.save()
        brought.ended += 1
    return brought


def export(listings: Any) -> tablib.Dataset:
    """Return the listings as a table that `files.read` takes, harmless in a spreadsheet."""
    table = ListingResource().export(listings)
    safe = tablib.Dataset(headers=table.headers)
    for row in table:
        safe.append([f"'{cell}" if str(cell).startswith(FORMULA) else cell for cell in row])
    return safe


def _only(offer: Offer, chosen: Collection[str]) -> Offer:
    at = offer.columns.index("id")
    kept = [index for index, row in enumerate(offer.rows) if row[at] in chosen]
    rows, places = [offer.rows[i] for i in kept], [offer.places[i] for i in kept]
    return Offer(offer.columns, rows, places)


# -- django-import-export ------------------------------------------------------------------------


class YesNo(widgets.BooleanWidget):  # type: ignore[misc]
    """Yes or no in people's words; nothing leaves it as it is."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool | None:
        word = str(value).strip().casefold()
        if word not in (*YES, *NO, ""):
            raise ValueError(gettext("“{value}” is neither yes nor no.").format(value=value))
        return word in YES if word else None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "yes" if value else "no"


class ListingResource(resources.ModelResource):  # type: ignore[misc]
    """A row of an offer as a service listing of one organization."""

    id = fields.Field("caredove_id", "id")
    name = fields.Field("name", "name")
    category = fields.Field("category", "category")
    active = fields.Field("active", "active", widget=YesNo(), saves_null_values=False)

    class Meta:
        model = ServiceListing
        fields = ("id", "name", "category", "active")
        import_id_fields = ("id",)
        instance_loader_class = CachedInstanceLoader
        clean_model_instances = True
        skip_unchanged = report_skipped = True
        skip_html_diff = True
        store_instance = True

    def __init__(self, organization: Organization | None = None) -> None:
        super().__init__()
        self.organization = organization
        self.seen: dict[str, int] = {}

    def before_import_row(self, row: Any, row_number: int = 0, **kwargs: Any) -> None:
        first = self.seen.setdefault(row["id"], row_number)
        if row["id"] and first != row_number:
            raise ValidationError({"id": gettext("An earlier row has the same ID.")})
        if problems := dict(_problems(row)):
            raise ValidationError(problems)
        named = str(row.get("organization") or "")
        mine = self.organization
        if mine and named and named.casefold() not in (mine.caredove_id, mine.name.casefold()):
            problem = gettext(
                "This row is for “{named}”. Here, listings of {organization} ({id}) are imported."
            )
            words = problem.format(named=named, organization=mine, id=mine.caredove_id)
            raise ValidationError({"organization": words})

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        if new:
            instance.organization = self.organization
        elif instance.organization_id != getattr(self.organization, "pk", None):
            raise ValidationError({"id": gettext("This listing belongs to another organization.")})

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        instance._change_reason = REASON


def _problems(row: Any) -> Iterator[tuple[str, str]]:
    for name, label in (("id", gettext("The id")), ("name", gettext("The name"))):
        if not row[name]:
            yield name, gettext("{label} is missing.").format(label=label)
    for name in ("id", "name", "category"):
        text = str(row.get(name) or "")
        if text.startswith(("=", "@")):  # the other two begin names, too
            yield (
                name,
                gettext("“{value}” begins as a formula does. Take away the “{value2}”.").format(
                    value=text[:40], value2=text[0]
                ),
            )


def _run(offer: Offer, organization: Organization, *, dry_run: bool) -> list[Line]:
    table = tablib.Dataset(*offer.rows, headers=offer.columns)
    result = ListingResource(organization).import_data(
        table, dry_run=dry_run, use_transactions=True
    )
    if result.base_errors:
        raise result.base_errors[0].error
    rows = zip(result.rows, offer.rows, offer.places, strict=True)
    return [_line(row, dict(zip(offer.columns, cells, strict=True)), at) for row, cells, at in rows]


_COMPARED = {"name": _("Name"), "category": _("Category"), "active": _("Listed in Caredove")}
_EFFECTS = {
    RowResult.IMPORT_TYPE_NEW: Effect.CREATED,
    RowResult.IMPORT_TYPE_UPDATE: Effect.CHANGED,
    RowResult.IMPORT_TYPE_SKIP: Effect.UNCHANGED,
}


def _line(row: Any, cells: dict[str, str], place: str) -> Line:
    effect = _EFFECTS.get(row.import_type, Effect.REFUSED)
    changed, refused = effect is Effect.CHANGED, effect is Effect.REFUSED
    return Line(
        cells["id"],
        effect,
        cells["name"],
        place=place,
        differences=_differences(row) if changed else (),
        problems=tuple(_reasons(row)) if refused else (),
        category=cells.get("category", ""),
    )


def _differences(row: Any) -> tuple[Difference, ...]:
    old, new = (
        {str(label): getattr(state, name) for name, label in _COMPARED.items()}
        for state in (row.original, row.instance)
    )
    return tuple(differences(old, new))


def _reasons(row: Any) -> Iterator[str]:
    if row.validation_error is not None:
        yield from row.validation_error.messages
    for error in row.errors:
        raise error.error
