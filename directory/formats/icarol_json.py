"""iCarol's records in JSON: their keys, and the headings of its CSV that say the same.

So a record is read by the table of headings (`directory.formats.icarol`), as a row of CSV is.
"""

from collections.abc import Mapping

# Keys whose text is that of a heading.
TEXTS: Mapping[str, str] = {
    "id": "ResourceAgencyNum",
    "uniquePriorID": "UniqueIDPriorSystem",
    "type": "TaxonomyLevelName",
    "status": "AgencyStatus",
    "eligibility": "Eligibility",
    "fees": "FeeStructureSource",
    "applicationProcess": "ApplicationProcess",
    "requiredDocumentation": "DocumentsRequired",
    "languagesOffered": "LanguagesOfferedList",
    "accessibility": "DisabilitiesAccess",
    "legalStatus": "LegalStatus",
    "modified": "UpdatedOn",
    "lastVerifiedOn": "LastVerifiedOn",
    "cultureCode": "LanguageOfRecord",
}
NAMES: Mapping[str, str] = {"Primary": "PublicName", "Alternate": "AlternateName"}
RELATED: Mapping[str, str] = {
    "Agency": "ParentAgencyNum",
    "Program": "ConnectsToProgramNum",
    "Site": "ConnectsToSiteNum",
}
# Parts of an address, by the ends of its headings.
ADDRESS: Mapping[str, str] = {
    "attention": "AttentionName",
    "line1": "Address1",
    "line2": "Address2",
    "city": "City",
    "county": "County",
    "stateProvince": "StateProvince",
    "zipPostalCode": "PostalCode",
    "country": "Country",
}
ADDRESSES: Mapping[str, str] = {"PhysicalLocation": "Physical", "PostalAddress": "Mailing"}
# Beside these, read in code: `contactDetails`, `taxonomy`, `coverage`, `hours`, `description`.
OTHERS = (
    *("names", "description", "descriptionText", "contactDetails", "related", "taxonomy"),
    *("coverage", "hours"),
)
# The service's own, which say nothing new or are kept.
KEPT = ("hsdsID", "databaseID", "customFields")
