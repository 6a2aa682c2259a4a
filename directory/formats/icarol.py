"""iCarol: its headings, and the columns of HSDS 3.1 that they are."""

from collections.abc import Mapping
from dataclasses import dataclass

# The levels of a record, and the table of each.
LEVELS: Mapping[str, str] = {
    "Agency": "organization",
    "Program": "service",
    "Site": "location",
    "ProgramAtSite": "service_at_location",
}
_A, _P, _S, _PS = LEVELS.values()


@dataclass(frozen=True, slots=True)
class Cell:
    """A heading whose cells are a column of the record's own table, at these levels."""

    heading: str
    column: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhoneCells:
    """The headings of one phone. `kind` is the type in HSDS; empty: as the row says."""

    number: str
    description: tuple[str, ...]
    private: str
    kind: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """The headings of one person of an agency."""

    prefix: str
    key: str

    @property
    def columns(self) -> Mapping[str, str]:
        return {
            f"{self.prefix}Name": "name",
            f"{self.prefix}Title": "title",
            f"{self.prefix}EmailAddress": "email",
        }


CELLS = (
    Cell("PublicName", "name", (_A, _P, _S)),
    Cell("AlternateName", "alternate_name", (_A, _P, _S)),
    Cell("AgencyDescription", "description", (_A, _P)),
    Cell("EmailAddressMain", "email", (_A, _P)),
    Cell("WebsiteAddress", "website", (_A,)),
    Cell("WebsiteAddress", "url", (_P, _S)),
    Cell("LegalStatus", "legal_status", (_A,)),
    Cell("IRSStatus", "tax_status", (_A,)),
    Cell("FEIN", "tax_id", (_A,)),
    Cell("YearIncorporated", "year_incorporated", (_A,)),
    Cell("Latitude", "latitude", (_S,)),
    Cell("Longitude", "longitude", (_S,)),
    Cell("PhysicalLocationDescription", "description", (_S,)),
    Cell("BusServiceAccess", "transportation", (_S,)),
    Cell("Eligibility", "eligibility_description", (_P,)),
    Cell("ApplicationProcess", "application_process", (_P,)),
    Cell("FeeStructureSource", "fees_description", (_P,)),
    Cell("NormalWaitTime", "wait_time", (_P,)),
    Cell("LicenseAccreditation", "accreditations", (_P,)),
    Cell("TemporaryMessage", "alert", (_P,)),
)
# Days beside HSDS, by the model's field.
DAYS = (
    Cell("LastVerifiedOn", "assured_date", (_A, _P, _S, _PS)),
    Cell("TemporaryMessageAppears", "alert_from", (_P,)),
    Cell("TemporaryMessageExpires", "alert_until", (_P,)),
)
# Cells that are a row of another table: the table and its column.
ROWS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "SourceOfFunds": ("funding", "source", (_A,)),
    "DisabilitiesAccess": ("accessibility", "description", (_S,)),
    "DocumentsRequired": ("required_document", "document", (_P,)),
    "CoverageAreaText": ("service_area", "description", (_P,)),
}
# Cells with a row for each item.
ITEMS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "LanguagesOfferedList": ("language", "name", (_P,)),
    "Coverage": ("service_area", "name", (_P,)),
}
REFERENCES = (
    Cell("ParentAgencyNum", "organization_id", (_P, _S)),
    Cell("ParentAgencyNum", "parent_organization_id", (_A,)),
    Cell("ConnectsToProgramNum", "service_id", (_PS,)),
    Cell("ConnectsToSiteNum", "location_id", (_PS,)),
)
PHONES = (
    *(
        PhoneCells(
            f"Phone{n}Number",
            (f"Phone{n}{'name' if n == 5 else 'Name'}", f"Phone{n}Description"),
            f"Phone{n}IsPrivate",
            type=f"Phone{n}Type",
        )
        for n in range(1, 6)
    ),
    PhoneCells("PhoneFax", ("PhoneFaxDescription",), "PhoneFaxIsPrivate", "fax"),
    PhoneCells("PhoneTTY", ("PhoneTTYDescription",), "PhoneTTYIsPrivate", "tty"),
    PhoneCells("PhoneTollFree", ("PhoneTollFreeDescription",), "PhoneTollFreeIsPrivate", "voice"),
)
PEOPLE = (Person("SeniorWorker", "senior-worker"), Person("MainContact", "main-contact"))
# The parts of an address behind its prefix.
PHYSICAL: Mapping[str, str] = {
    "PhysicalAddress1": "address_1",
    "PhysicalAddress2": "address_2",
    "PhysicalCity": "city",
    "PhysicalCounty": "region",
    "PhysicalStateProvince": "state_province",
    "PhysicalPostalCode": "postal_code",
    "PhysicalCountry": "country",
}
MAILING: Mapping[str, str] = {
    "MailingAttentionName": "attention",
    "MailingAddress1": "address_1",
    "MailingAddress2": "address_2",
    "MailingCity": "city",
    "MailingStateProvince": "state_province",
    "MailingPostalCode": "postal_code",
    "MailingCountry": "country",
}
# Repeated by others, or only of use to iCarol itself: read, and not kept.
DERIVED = frozenset(
    [
        *("TaxonomyLevelName", "ParentAgency", "ProgramAgencyNamePublic", "SiteAgencyNamePublic"),
        *("IsLinkOnly", "TaxonomyTerm", "LanguageOfRecord", "UpdatedOn", "AgencyStatus"),
        *("ExcludeFromWebsite", "ExcludeFromDirectory", "ResourceAgencyNum"),
    ]
)

# All headings of a file, in their order.
HEADINGS = tuple(
    (  # noqa: SIM905 - a list would be five pages long
        "ResourceAgencyNum PublicName AlternateName OfficialName TaxonomyLevelName ParentAgency "
        "ParentAgencyNum RecordOwner UniqueIDPriorSystem PhysicalAddress1 PhysicalAddress2 "
        "PhysicalCity PhysicalCounty PhysicalStateProvince PhysicalPostalCode PhysicalCountry "
        "PhysicalAddressIsPrivate MailingAttentionName MailingAddress1 MailingAddress2 MailingCity "
        "MailingStateProvince MailingPostalCode MailingCountry MailingAddressIsPrivate "
        "OtherAddress1 OtherAddress2 OtherCity OtherCounty OtherStateProvince OtherPostalCode "
        "OtherCountry Latitude Longitude HoursOfOperation Phone1Number Phone1Name "
        "Phone1Description Phone1IsPrivate Phone1Type Phone2Number Phone2Name Phone2Description "
        "Phone2IsPrivate Phone2Type Phone3Number Phone3Name Phone3Description Phone3IsPrivate "
        "Phone3Type Phone4Number Phone4Name Phone4Description Phone4IsPrivate Phone4Type "
        "Phone5Number Phone5name Phone5Description Phone5IsPrivate Phone5Type PhoneFax "
        "PhoneFaxDescription PhoneFaxIsPrivate PhoneTTY PhoneTTYDescription PhoneTTYIsPrivate "
        "PhoneTollFree PhoneTollFreeDescription PhoneTollFreeIsPrivate PhoneNumberHotline "
        "PhoneNumberHotlineDescription PhoneNumberHotlineIsPrivate PhoneNumberBusinessLine "
        "PhoneNumberBusinessLineDescription PhoneNumberBusinessLineIsPrivate PhoneNumberOutOfArea "
        "PhoneNumberOutOfAreaDescription PhoneNumberOutOfAreaIsPrivate PhoneNumberAfterHours "
        "PhoneNumberAfterHoursDescription PhoneNumberAfterHoursIsPrivate EmailAddressMain "
        "WebsiteAddress AgencyStatus AgencyClassification AgencyDescription SearchHints "
        "CoverageArea CoverageAreaText Eligibility EligibilityAdult EligibilityChild "
        "EligibilityFamily EligibilityFemale EligibilityMale EligibilityTeen SeniorWorkerName "
        "SeniorWorkerTitle SeniorWorkerEmailAddress SeniorWorkerPhoneNumber SeniorWorkerIsPrivate "
        "MainContactName MainContactTitle MainContactEmailAddress MainContactPhoneNumber "
        "MainContactType MainContactIsPrivate LicenseAccreditation IRSStatus FEIN YearIncorporated "
        "AnnualBudgetTotal LegalStatus SourceOfFunds ExcludeFromWebsite ExcludeFromDirectory "
        "DisabilitiesAccess PhysicalLocationDescription BusServiceAccess "
        "PublicAccessTransportation PaymentMethods FeeStructureSource ApplicationProcess "
        "ResourceInfo DocumentsRequired LanguagesOffered LanguagesOfferedList "
        "AvailabilityNumberOfTimes AvailabilityFrequency AvailabilityPeriod "
        "ServiceNotAlwaysAvailability CapacityType ServiceCapacity NormalWaitTime TemporaryMessage "
        "TemporaryMessageAppears TemporaryMessageExpires EnteredOn UpdatedOn MadeInactiveOn "
        "InternalNotes InternalNotesForEditorsAndViewers HighlightedResource LastVerifiedOn "
        "LastVerifiedByName LastVerifiedByTitle LastVerifiedByPhoneNumber "
        "LastVerifiedByEmailAddress LastVerificationApprovedBy AvailableForDirectory "
        "AvailableForReferral AvailableForResearch PreferredProvider ConnectsToSiteNum "
        "ConnectsToProgramNum LanguageOfRecord CurrentWorkflowStepCode VolunteerOpportunities "
        "VolunteerDuties IsLinkOnly ProgramAgencyNamePublic SiteAgencyNamePublic Categories "
        "TaxonomyTerm TaxonomyTerms TaxonomyTermsNotDeactivated TaxonomyCodes Coverage Hours "
    ).split()
)
