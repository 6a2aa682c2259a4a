"""What fields, tables, formats, and languages are called on the directory's screens."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from directory.exporting.formats import FORMATS as WRITTEN
from directory.importing.formats import FORMATS as READ
from directory.pages.phrases import language_in_words
from workplace.directory.sheets import SHEETS

# Tables and columns of HSDS that no sheet edits, and what stands beside HSDS.
_TABLES: Mapping[str, Any] = {
    "organization": _("Agencies"),
    "service": _("Services"),
    "location": _("Locations"),
    "service_at_location": _("Services at locations"),
    "taxonomy": _("Taxonomies"),
    "taxonomy_term": _("Taxonomy terms"),
    "attribute": _("Terms"),
    "schedule": _("Hours"),
    "closing": _("Closings"),
    "cost_option": _("Costs"),
    "organization_identifier": _("Identifiers"),
    "service_capacity": _("Capacity"),
    "unit": _("Units"),
    "url": _("More web addresses"),
}
_LISTS: Mapping[str, str] = {
    "additional_urls": "url",
    "additional_websites": "url",
    "attributes": "attribute",
    "capacities": "service_capacity",
    "closings": "closing",
    "cost_options": "cost_option",
    "organization_identifiers": "organization_identifier",
    "schedules": "schedule",
}
_COLUMNS: Mapping[str, Any] = {
    "accreditations": _("Accreditations"),
    "assurer_email": _("Verified by"),
    "attention": _("Attention"),
    "department": _("Department"),
    "email_secrecy": _("Confidential"),
    "external_identifier": _("Number elsewhere"),
    "external_identifier_type": _("Number elsewhere"),
    "fees": _("Cost"),
    "licenses": _("Licenses"),
    "location_id": _("Location"),
    "logo": _("Logo"),
    "not_public": _("Not public"),
    "organization_id": _("Agency"),
    "parent_organization_id": _("Parent agency"),
    "private": _("Confidential"),
    "program_id": _("Program"),
    "region": _("Region"),
    "secrecy": _("Confidential"),
    "service_id": _("Service"),
    "tax_status": _("Tax status"),
    "uri": _("Link"),
    "url": _("Web address"),
}


def _of_sheets() -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield what the sheets call each column, by table and column."""
    for kind, sheet in SHEETS.items():
        for text in sheet.texts:
            yield (kind, text.field), text.label
        for name, label in sheet.facts.Meta.labels.items():
            yield (kind, name), label
        for rows in sheet.rows:
            for column, label in rows.columns:
                yield (rows.table, column), label


_ON_SHEETS = dict(_of_sheets())
_TABLES_ON_SHEETS = {rows.table: rows.label for sheet in SHEETS.values() for rows in sheet.rows}
_LISTS_ON_SHEETS = {rows.related: rows.table for sheet in SHEETS.values() for rows in sheet.rows}


def table_label(table: str) -> str:
    """Return what a table of HSDS is called."""
    return str(_TABLES.get(table) or _TABLES_ON_SHEETS.get(table) or _as_words(table))


def field_label(kind: str, path: str) -> str:
    """Return what a field of an entry is called.

    The path is that of a staff change: `email`, `phones/<id>/number`, or `phones/<id>` of a row.
    """
    first, *rest = path.split("/")
    table = _LISTS_ON_SHEETS.get(first) or _LISTS.get(first)
    if table is None:
        return str(_column_label(kind, first) or _as_words(first))
    column = _column_label(table, rest[1]) if len(rest) > 1 else ""
    if not column:  # the row itself, or what is no field for people, such as a rule of hours
        return table_label(table)
    return gettext("%(list)s: %(field)s") % {"list": table_label(table), "field": column}


def _column_label(table: str, column: str) -> str:
    return str(_ON_SHEETS.get((table, column)) or _COLUMNS.get(column, ""))


def _as_words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def format_label(name: str) -> str:
    """Return what a format of files is called; one of another version, by its name."""
    found = WRITTEN.get(name) or READ.get(name)
    return str(found.label) if found else name


def language_label(code: str) -> str:
    """Return what a language is called in the person's own; one that is unknown, by its code."""
    spoken = language_in_words(code.split("-")[0], get_language() or "en")
    return spoken[:1].upper() + spoken[1:] or code


def languages(codes: list[str]) -> list[tuple[str, str]]:
    """Return choices of languages: code and label."""
    return [(code, language_label(code)) for code in codes]
