"""HSDS 1.1: its tables, and the columns of HSDS 3.1 that theirs are.

Beside the table stand, in code, what is no column there: hours (`regular_schedule`,
`holiday_schedule`), `eligibility`, the languages of phones, and `vocabulary`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")  # weekday 1 is Monday


@dataclass(frozen=True, slots=True)
class Table:
    """A table of 1.1, and the table of 3.1 whose rows it has: `columns` by their name in 1.1."""

    name: str
    file: str
    of: str
    columns: Mapping[str, str]


def _table(name: str, file: str, of: str, columns: str) -> Table:
    """`columns` are as `url=website`, or one word where both have the same name."""
    pairs = (column.split("=") for column in columns.split())
    return Table(name, f"{file}.csv", of, {pair[0]: pair[-1] for pair in pairs})


_ADDRESS = (
    "id location_id attention address_1 address_2 city region state_province postal_code country"
)
TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _table(
            "organization",
            "organizations",
            "organization",
            "id name alternate_name description email url=website tax_status tax_id "
            "year_incorporated legal_status",
        ),
        _table("program", "programs", "program", "id organization_id name alternate_name"),
        _table(
            "service",
            "services",
            "service",
            "id organization_id program_id name alternate_name description url email status "
            "interpretation_services application_process wait_time fees=fees_description "
            "accreditations licenses",
        ),
        _table(
            "service_taxonomy",
            "services_taxonomy",
            "attribute",
            "id service_id=link_id taxonomy_id=taxonomy_term_id taxonomy_detail=value",
        ),
        _table(
            "service_at_location",
            "services_at_location",
            "service_at_location",
            "id service_id location_id description",
        ),
        _table(
            "location",
            "locations",
            "location",
            "id organization_id name alternate_name description transportation latitude longitude",
        ),
        _table(
            "phone",
            "phones",
            "phone",
            "id location_id service_id organization_id contact_id service_at_location_id number "
            "extension type description",
        ),
        _table(
            "contact",
            "contacts",
            "contact",
            "id organization_id service_id service_at_location_id name title department email",
        ),
        _table("physical_address", "physical_addresses", "address", _ADDRESS),
        _table("postal_address", "postal_addresses", "address", _ADDRESS),
        _table("funding", "funding", "funding", "id organization_id service_id source"),
        _table(
            "service_area",
            "service_areas",
            "service_area",
            "id service_id service_area=name description",
        ),
        _table(
            "required_document", "required_documents", "required_document", "id service_id document"
        ),
        _table("language", "languages", "language", "id service_id location_id language=code"),
        _table(
            "accessibility_for_disabilities",
            "accessibility_for_disabilities",
            "accessibility",
            "id location_id accessibility=description details",
        ),
        _table("taxonomy", "taxonomy", "taxonomy_term", "id name parent_id"),
    )
}
# The table of an address, by its type; 1.1 has none for a virtual one.
ADDRESSES: Mapping[str, str] = {"physical": "physical_address", "postal": "postal_address"}
# Values beside these are refused.
LISTS: Mapping[tuple[str, str], frozenset[str]] = {
    ("phone", "type"): frozenset(["text", "voice", "fax", "cell", "video", "pager", "textphone"]),
    ("accessibility_for_disabilities", "accessibility"): frozenset(
        [
            *("cd", "deaf_interpreter", "disabled_parking", "elevator", "ramp", "restroom"),
            *("tape_braille", "tty", "wheelchair", "wheelchair_van"),
        ]
    ),
    ("eligibility", "eligibility"): frozenset(
        [
            *("adult", "child", "teen", "family", "female", "male", "Transgender"),
            *("Transgender - M to F", "Transgender - F to M"),
        ]
    ),
}
# Files that 3.x has not: by one of them 1.1 is known.
OWN_FILES = frozenset(
    [
        *("services_at_location.csv", "services_taxonomy.csv", "taxonomy.csv"),
        *("physical_addresses.csv", "postal_addresses.csv", "regular_schedules.csv"),
        *("holiday_schedules.csv", "eligibility.csv", "payments_accepted.csv"),
        "accessibility_for_disabilities.csv",
    ]
)
