"""What the members and resources of FHIR are called for people, and which are for machines."""

import re
from functools import lru_cache

from integrations.sources.caredove.links import is_sign_in_link
from integrations.sources.caredove.reading.also_sent import CACHED, humanized

# What a resource is called; one that is not listed goes by its own name, in plain words.
KINDS = {
    "AllergyIntolerance": "Allergy",
    "ClinicalImpression": "Clinical impression",
    "Communication": "Message",
    "DiagnosticReport": "Report",
    "DocumentReference": "File",
    "FamilyMemberHistory": "Family history",
    "HealthcareService": "Service",
    "MedicationAdministration": "Medication",
    "MedicationDispense": "Medication",
    "MedicationRequest": "Medication",
    "MedicationStatement": "Medication",
    "QuestionnaireResponse": "Form",
    "RelatedPerson": "Contact",
}


def names(text: str) -> tuple[str, ...]:
    """Return the names in a text, in its order."""
    return tuple(text.split())


# What says what a clinical resource is about, the first that there is.
SUBJECTS = names(
    "code medicationCodeableConcept medicationReference vaccineCode title name description type "
    "scope relationship"
)
DATES = names(
    "onset effective performed occurrence period date recordedDate dateTime issued authoredOn "
    "dateAsserted dateWritten dateRecorded started created sent start"
)
STATES = names("clinicalStatus verificationStatus status")
NAME_PARTS = names("prefix given family suffix")
# Said of a participant who is told.
COMING = names("accepted tentative needs-action")
# Kinds that go by a name, and are named where something refers to them.
NAMED = frozenset(
    names(
        "CareTeam Group HealthcareService Location Organization Patient Person Practitioner "
        "PractitionerRole RelatedPerson"
    )
)
# All that a resource has that says nothing.
BARE = frozenset(names("resourceType id meta status intent subject patient"))
TECHNICAL = frozenset(
    names(
        "resourceType meta implicitRules fullUrl request response search linkId intent "
        "instantiates instantiatesCanonical instantiatesUri userSelected endpoint eventCoding "
        "event eventUri destination definition software creation format masterIdentifier "
        "groupIdentifier requisition lastModified authored indexed timestamp total link template "
        "experimental"
    )
)
# Said of a value that is told by itself: which use, which rank.
MARKS = frozenset(names("use rank system period assigner type preferred"))
VALUES = names("value family given line city display text")
CODES = MARKS | {"code", "version", "userSelected"}
# States in which a resource is as one expects: nobody needs to be told.
ORDINARY = frozenset(
    names(
        "active current final completed finished generated booked true confirmed accepted "
        "requested draft information-only"
    )
)
STATEFUL = frozenset(
    names(
        "ServiceRequest Patient Practitioner PractitionerRole Organization HealthcareService "
        "Location DocumentReference QuestionnaireResponse Communication RelatedPerson "
        "MessageHeader Task Binary Slot Schedule"
    )
)
TELECOM = {"fax": "Fax", "pager": "Pager", "email": "E-mail", "sms": "Text messages"}
REACHED_BY = {**TELECOM, "phone": "Phone", "url": "Web address"}
UNITS = {"minutesDuration": "minutes"}
MEASURED = names("code type")  # what a component, an input or an output is of
TELECOM_SYSTEMS = names("phone fax email pager url sms other")

_TYPES = re.compile(
    r"(?<=[a-z])(?:String|Boolean|Integer|Decimal|DateTime|Date|Time|Instant|Period|Quantity|Range|"
    r"Ratio|CodeableConcept|Coding|Code|Reference|Identifier|Attachment|Age|Duration|Timing|Money|"
    r"Markdown|Url|Uri|Annotation|HumanName|Address|ContactPoint|PositiveInt|UnsignedInt)$"
)
_URL_BEGINNINGS = re.compile(
    r"^(?:(?:ext|extension|us-?core|uk-?core|au-?core|ca|individual|patient|iso21090|data|"
    r"practitioner|caredove)-)+",
    re.IGNORECASE,
)
_LABELS = {
    "telecom": "Phone or e-mail",
    "birthDate": "Date of birth",
    "minutesDuration": "Minutes",
    "cancelationReason": "Cancellation reason",
    "authoredOn": "Date",
    "prefix": "Title",
    "reasonCode": "Reason",
    "state": "Province",
    "line": "Street",
    **dict.fromkeys(
        names("div value text title code item answer coding content contained actor"), ""
    ),
}


@lru_cache(CACHED)
def stem(key: str) -> str:
    """Return the name of a member without the type of its value: `occurrence` of a Period."""
    return _TYPES.sub("", key)


def is_date(key: str) -> bool:
    """Return whether a member says when."""
    return stem(key) in DATES


@lru_cache(CACHED)
def label(key: str) -> str:
    """Return what a member is called; empty for one that needs no name."""
    key = key.removeprefix("_")
    bare = key if key in _LABELS else stem(key)
    return _LABELS[bare] if bare in _LABELS else humanized(bare)


def extension_label(url: object) -> str:
    """Return what an extension is called, by the end of its URL."""
    if is_sign_in_link(str(url)):
        return ""
    last = re.split(r"[/#:]", str(url or "").rstrip("/#"))[-1]
    last = _URL_BEGINNINGS.sub("", last)
    return "" if last.isdecimal() or last in ("value", "text") else humanized(last)
