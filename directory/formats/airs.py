"""AIRS XML 3.0: its elements, and the columns of HSDS 3.1 that they are.

Elements stand in the order of the schema. Beside these stand, in code, what is made of several
columns: addresses, phones, hours (`TimeOpen`), codes, and what an entry is known by.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The types of entries, and the element of each.
LEVELS: Mapping[str, str] = {
    "organization": "Agency",
    "service": "ServiceGroup",
    "location": "Site",
    "service_at_location": "SiteService",
}


@dataclass(frozen=True, slots=True)
class Field:
    """An element (or attribute, with `@`) of another, and the column whose text it has."""

    of: str
    name: str
    table: str
    column: str


FIELDS = (
    Field("Agency", "@FEIN", "organization", "tax_id"),
    Field("Agency", "@YearInc", "organization", "year_incorporated"),
    Field("Agency", "@LegalStatus", "organization", "legal_status"),
    Field("Agency", "Name", "organization", "name"),
    Field("Agency", "AgencyDescription", "organization", "description"),
    Field("Agency", "AKA", "organization", "alternate_name"),
    Field("Agency", "URL", "organization", "website"),
    Field("Agency", "Email", "organization", "email"),
    Field("Agency", "IRSStatus", "organization", "tax_status"),
    Field("Agency", "SourceOfFunds", "funding", "source"),
    Field("ServiceGroup", "Name", "service", "name"),
    Field("Site", "Name", "location", "name"),
    Field("Site", "SiteDescription", "location", "description"),
    Field("Site", "AKA", "location", "alternate_name"),
    Field("Site", "URL", "location", "url"),
    Field("Site", "Languages", "language", "name"),
    Field("Site", "DisabilitiesAccess", "accessibility", "description"),
    Field("Site", "BusServiceAccess", "location", "transportation"),
    Field("SiteService", "Name", "service", "name"),
    Field("SiteService", "Description", "service", "description"),
    Field("SiteService", "Taxonomy", "taxonomy_term", "code"),
    Field("SiteService", "Languages", "language", "name"),
    Field("SiteService", "GeographicAreaServed", "service_area", "name"),
    Field("SiteService", "DocumentsRequired", "required_document", "document"),
    Field("SiteService", "ApplicationProcess", "service", "application_process"),
    Field("SiteService", "FeeStructure", "service", "fees_description"),
    Field("SiteService", "OtherRequirements", "service", "eligibility_description"),
)
# An address, in the order of the schema.
ADDRESS: Mapping[str, str] = {
    "PreAddressLine": "attention",
    "Line1": "address_1",
    "Line2": "address_2",
    "City": "city",
    "County": "region",
    "State": "state_province",
    "ZipCode": "postal_code",
    "Country": "country",
}
EMAIL = re.compile(
    r"(([A-Za-z0-9]+_+)|([A-Za-z0-9]+\-+)|([A-Za-z0-9]+\.+)|([A-Za-z0-9]+\++))*[A-Za-z0-9]+"
    r"@((\w+\-+)|(\w+\.))*\w{1,63}\.[a-zA-Z]{2,6}",
    re.ASCII,
)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
VERSION = "AIRS3.0"


def field(of: str, name: str) -> Field:
    """Return what an element of another holds."""
    return next(one for one in FIELDS if (one.of, one.name) == (of, name))
