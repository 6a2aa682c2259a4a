"""The tables of HSDS 3.1: which model holds each, its columns in the standard's order, what nests.

Answers, the API's own document, import and export read this; nothing else lists columns. A table
is named as in HSDS (`phone`), a column as there (`service_id`), and its field in the model is what
`Column.field` says. `metadata` and `meta_table_description` are not kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from django.db import models

from directory import models as rows
from directory.fields import LinkField, TranslatedField


class Sort(Enum):
    """What a column holds."""

    ID = "id"
    TEXT = "text"  # by language
    LINK = "link"  # by language, too
    REFERENCE = "reference"  # the id of a row of another table
    WORD = "word"  # one text for all languages: a code, a rule, an e-mail address
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    MOMENT = "moment"
    LINKED = "linked"  # link_id and link_entity of an attribute: any row of any table


_SORTS: tuple[tuple[Any, Sort], ...] = (
    (LinkField, Sort.LINK),
    (TranslatedField, Sort.TEXT),
    (models.ForeignKey, Sort.REFERENCE),
    (models.UUIDField, Sort.ID),
    (models.DateTimeField, Sort.MOMENT),
    (models.DateField, Sort.DATE),
    (models.TimeField, Sort.TIME),
    (models.FloatField, Sort.NUMBER),
    (models.IntegerField, Sort.NUMBER),
    (models.CharField, Sort.WORD),
    (models.TextField, Sort.WORD),
)


@dataclass(frozen=True)
class Column:
    """One column. `field` is its name in the model, of a reference without `_id`."""

    name: str
    field: str
    sort: Sort
    choices: tuple[str, ...] = ()
    reference: str = ""  # the table that a reference is to
    format: str = ""  # of JSON Schema: uuid, uri, email, date-time


@dataclass(frozen=True)
class Table:
    """One table of HSDS 3.1."""

    name: str
    file: str
    model: type[models.Model]
    column_names: tuple[str, ...]
    required: frozenset[str]  # columns that JSON requires

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        return {name: _column(self, name) for name in self.column_names}

    @cached_property
    def parents(self) -> tuple[Column, ...]:
        """Return the references to rows that this one is nested in."""
        if issubclass(self.model, rows.Row):
            own = [column for column in self.columns.values() if column.sort is Sort.REFERENCE]
            return tuple(
                column for column in own if column.name not in ("taxonomy_term_id", "unit_id")
            )
        return ()

    @property
    def is_entry(self) -> bool:
        return issubclass(self.model, rows.EntryRow)


# Columns whose field has another name, or stands in the table of all entries.
_FIELDS = {
    ("taxonomy_term", "taxonomy"): "taxonomy_name",
    ("service", "last_modified"): "entry.last_modified",
    ("attribute", "link_id"): "link",
}


_EMAILS = ("email", "assurer_email")
_URIS = {("taxonomy", "uri"), ("taxonomy_term", "term_uri"), ("unit", "uri")}


def _format(table: str, name: str, sort: Sort) -> str:
    if sort is Sort.LINK:
        return "" if name == "logo" else "uri"
    if sort is Sort.WORD:
        return "email" if name in _EMAILS else "uri" if (table, name) in _URIS else ""
    return {Sort.ID: "uuid", Sort.REFERENCE: "uuid", Sort.MOMENT: "date-time"}.get(sort, "")


def _column(table: Table, name: str) -> Column:
    if name == "id":
        field = "entry.hsds_id" if table.is_entry else "hsds_id"
        return Column(name, field, Sort.ID, format="uuid")
    if (field := _FIELDS.get((table.name, name), "")).startswith("entry."):
        return Column(name, field, Sort.MOMENT, format="date-time")
    field = field or name.removesuffix("_id")
    if table.name == "attribute" and name in ("link_id", "link_entity"):
        return Column(name, field, Sort.LINKED, format="uuid" if name == "link_id" else "")
    found: Any = table.model._meta.get_field(name if name == "tax_id" else field)
    sort = next(sort for kind, sort in _SORTS if isinstance(found, kind))
    reference = name_of(found.related_model) if sort is Sort.REFERENCE else ""
    choices = tuple(key for key, _ in found.choices or ())
    return Column(name, found.name, sort, choices, reference, _format(table.name, name, sort))


def _table(name: str, file: str, model: type[models.Model], columns: str, required: str) -> Table:
    return Table(name, f"{file}.csv", model, tuple(columns.split()), frozenset(required.split()))


TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _table(
            "organization",
            "organizations",
            rows.Agency,
            "id name alternate_name description email website tax_status tax_id year_incorporated "
            "legal_status logo uri parent_organization_id",
            "id name description",
        ),
        _table(
            "program",
            "programs",
            rows.Program,
            "id organization_id name alternate_name description",
            "id name description",
        ),
        _table(
            "service",
            "services",
            rows.Service,
            "id organization_id program_id name alternate_name description url email status "
            "interpretation_services application_process fees_description wait_time fees "
            "accreditations eligibility_description minimum_age maximum_age assured_date "
            "assurer_email licenses alert last_modified",
            "id name status",
        ),
        _table(
            "attribute",
            "attributes",
            rows.Attribute,
            "id link_id taxonomy_term_id link_type link_entity value label",
            "id",
        ),
        _table(
            "service_at_location",
            "service_at_location",
            rows.ServiceAtLocation,
            "id service_id location_id description",
            "id",
        ),
        _table(
            "location",
            "locations",
            rows.Location,
            "id location_type url organization_id name alternate_name description transportation "
            "latitude longitude external_identifier external_identifier_type",
            "id location_type",
        ),
        _table(
            "phone",
            "phones",
            rows.Phone,
            "id location_id service_id organization_id contact_id service_at_location_id number "
            "extension type description",
            "id number",
        ),
        _table(
            "contact",
            "contacts",
            rows.Contact,
            "id organization_id service_id service_at_location_id location_id name title "
            "department email",
            "id",
        ),
        _table(
            "address",
            "addresses",
            rows.Address,
            "id location_id attention address_1 address_2 city region state_province postal_code "
            "country address_type",
            "id address_1 city state_province postal_code country address_type",
        ),
        _table(
            "schedule",
            "schedules",
            rows.Schedule,
            "id service_id location_id service_at_location_id valid_from valid_to dtstart timezone "
            "until count wkst freq interval byday byweekno bymonthday byyearday description "
            "opens_at closes_at schedule_link attending_type notes",
            "id",
        ),
        _table("funding", "funding", rows.Funding, "id organization_id service_id source", "id"),
        _table(
            "service_area",
            "service_areas",
            rows.ServiceArea,
            "id service_id service_at_location_id name description extent extent_type uri",
            "id",
        ),
        _table(
            "required_document",
            "required_documents",
            rows.RequiredDocument,
            "id service_id document uri",
            "id",
        ),
        _table(
            "language",
            "languages",
            rows.Language,
            "id service_id location_id phone_id name code note",
            "id",
        ),
        _table(
            "accessibility",
            "accessibility",
            rows.Accessibility,
            "id location_id description details url",
            "id",
        ),
        _table(
            "taxonomy_term",
            "taxonomy_terms",
            rows.TaxonomyTerm,
            "id code name description parent_id taxonomy language taxonomy_id term_uri",
            "id name description",
        ),
        _table(
            "cost_option",
            "cost_options",
            rows.CostOption,
            "id service_id valid_from valid_to option currency amount amount_description",
            "id",
        ),
        _table(
            "organization_identifier",
            "organization_identifiers",
            rows.OrganizationIdentifier,
            "id organization_id identifier_scheme identifier_type identifier",
            "id identifier_type identifier",
        ),
        _table(
            "taxonomy",
            "taxonomies",
            rows.Taxonomy,
            "id name description uri version",
            "id name description",
        ),
        _table(
            "service_capacity",
            "service_capacity",
            rows.ServiceCapacity,
            "id service_id unit_id available maximum description updated",
            "id unit available updated",
        ),
        _table("unit", "units", rows.Unit, "id name scheme identifier uri", "id name"),
        _table("url", "url", rows.Url, "id label url organization_id service_id", "id url"),
    )
}
_NAMES = {table.model: table.name for table in TABLES.values()}

# What JSON nests as lists, by the key, which is the name of the reverse relation in the model.
# Every table but attribute, taxonomy and taxonomy_term has `attributes` besides.
LISTS: Mapping[str, Mapping[str, str]] = {
    "organization": {
        "additional_websites": "url",
        "funding": "funding",
        "contacts": "contact",
        "phones": "phone",
        "locations": "location",
        "programs": "program",
        "organization_identifiers": "organization_identifier",
    },
    "service": {
        "additional_urls": "url",
        "phones": "phone",
        "schedules": "schedule",
        "service_areas": "service_area",
        "service_at_locations": "service_at_location",
        "languages": "language",
        "funding": "funding",
        "cost_options": "cost_option",
        "required_documents": "required_document",
        "contacts": "contact",
        "capacities": "service_capacity",
    },
    "service_at_location": {
        "service_areas": "service_area",
        "contacts": "contact",
        "phones": "phone",
        "schedules": "schedule",
    },
    "location": {
        "languages": "language",
        "addresses": "address",
        "contacts": "contact",
        "accessibility": "accessibility",
        "phones": "phone",
        "schedules": "schedule",
    },
    "contact": {"phones": "phone"},
    "phone": {"languages": "language"},
}
WITHOUT_ATTRIBUTES = ("attribute", "taxonomy", "taxonomy_term")
# What JSON nests as single objects: key and table.
OBJECTS: Mapping[str, Mapping[str, str]] = {
    "service": {"organization": "organization", "program": "program"},
    "service_at_location": {"service": "service", "location": "location"},
    "attribute": {"taxonomy_term": "taxonomy_term"},
    "taxonomy_term": {"taxonomy_detail": "taxonomy"},
    "service_capacity": {"unit": "unit"},
}


def nested_in(table: str) -> Mapping[str, str]:
    """Return all that JSON nests in a row of a table: key and table."""
    attributes = {} if table in WITHOUT_ATTRIBUTES else {"attributes": "attribute"}
    services = {"services": "service"} if table == "organization" else {}
    return {**LISTS.get(table, {}), **OBJECTS.get(table, {}), **attributes, **services}


def name_of(model: type[models.Model]) -> str:
    """Return the HSDS name of a model's table."""
    return _NAMES[model]
