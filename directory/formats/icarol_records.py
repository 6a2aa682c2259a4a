"""iCarol's records in JSON: their keys, and the columns of HSDS 3.1 that they are."""

from collections.abc import Mapping

# A record's key for one text of its own table, by table: the column.
TEXTS: Mapping[str, Mapping[str, str]] = {
    "eligibility": {"service": "eligibility_description"},
    "fees": {"service": "fees_description"},
    "applicationProcess": {"service": "application_process"},
    "legalStatus": {"organization": "legal_status"},
    "lastVerifiedOn": {"service": "assured_date"},
}
# A record's key for rows of another table: the key that nests them, and the column.
JOINED: Mapping[str, tuple[str, str]] = {
    "requiredDocumentation": ("required_documents", "document"),
    "languagesOffered": ("languages", "name"),
    "accessibility": ("accessibility", "description"),
}
# The parts of a place, and the columns of an address.
ADDRESS: Mapping[str, str] = {
    "attention": "attention",
    "line1": "address_1",
    "line2": "address_2",
    "city": "city",
    "county": "region",
    "stateProvince": "state_province",
    "zipPostalCode": "postal_code",
    "country": "country",
}
PRIMARY, ALTERNATE = "Primary", "Alternate"
ACTIVE, DO_NOT_REFER, INACTIVE = "Active", "Active but do not refer", "Inactive"
STATUSES = (ACTIVE, DO_NOT_REFER, INACTIVE)
# How a search that takes all calls the fourth type.
SERVICE_SITE = "ServiceSite"
