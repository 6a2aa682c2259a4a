"""Entries for tests, in the fewest words: `make.service("Food bank")` has an agency of its own."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from directory import models as rows
from directory.models import Kind

_codes = count(1)


def directory(**fields: Any) -> rows.Directory:
    fields = {"languages": ["en", "fr"], "public": "true"} | fields
    return rows.Directory.objects.create(**fields)


def texts(value: Any) -> dict[str, str]:
    """Return texts by language: of one text, English alone."""
    return value if isinstance(value, dict) else {"en": value}


def _entry(kind: Kind, fields: dict[str, Any]) -> rows.Entry:
    names = {field.name for field in rows.Entry._meta.fields} - {"id"}
    own = {name: fields.pop(name) for name in list(fields) if name in names}
    if own.get("withdrawn_by"):
        own.setdefault("withdrawn_at", datetime(2026, 1, 1, tzinfo=UTC))
    return rows.Entry.objects.create(kind=kind, **own)


def agency(name: Any = "Helping Hands", **fields: Any) -> rows.Agency:
    fields = {"name": texts(name), "description": texts("An agency.")} | fields
    return rows.Agency.objects.create(entry=_entry(Kind.ORGANIZATION, fields), **fields)


def service(name: Any = "Food bank", **fields: Any) -> rows.Service:
    fields = {"name": texts(name), "description": texts("Food for people.")} | fields
    if "organization" not in fields:
        fields["organization"] = agency()
    return rows.Service.objects.create(entry=_entry(Kind.SERVICE, fields), **fields)


def location(name: Any = "Main Street", **fields: Any) -> rows.Location:
    fields = {"name": texts(name)} | fields
    return rows.Location.objects.create(entry=_entry(Kind.LOCATION, fields), **fields)


def at(service: rows.Service, location: rows.Location, **fields: Any) -> rows.ServiceAtLocation:
    entry = _entry(Kind.SERVICE_AT_LOCATION, fields)
    fields |= {"service": service, "location": location}
    return rows.ServiceAtLocation.objects.create(entry=entry, **fields)


def taxonomy(name: Any = "Needs", **fields: Any) -> rows.Taxonomy:
    fields = {"name": texts(name), "description": texts("What people need.")} | fields
    return rows.Taxonomy.objects.create(entry=_entry(Kind.TAXONOMY, fields), **fields)


def term(name: Any = "Food", **fields: Any) -> rows.TaxonomyTerm:
    fields = {
        "name": texts(name),
        "description": texts("A need."),
        "code": f"T-{next(_codes)}",
    } | fields
    if "taxonomy" not in fields:
        fields["taxonomy"] = taxonomy()
    return rows.TaxonomyTerm.objects.create(entry=_entry(Kind.TAXONOMY_TERM, fields), **fields)


def attribute(of: Any, term: rows.TaxonomyTerm | None = None, **fields: Any) -> rows.Attribute:
    from directory.tables import name_of

    fields |= {"link_entity": name_of(type(of)), "link": of.pk}
    return rows.Attribute.objects.create(taxonomy_term=term, **fields)


def address(location: rows.Location, **fields: Any) -> rows.Address:
    fields = {
        "address_1": texts("12 King Street"),
        "city": texts("Ottawa"),
        "state_province": texts("ON"),
        "postal_code": "K1A 0B1",
        "country": "CA",
    } | fields
    return rows.Address.objects.create(location=location, **fields)


def phone(number: str = "613-555-0100", **fields: Any) -> rows.Phone:
    return rows.Phone.objects.create(number=number, **fields)
