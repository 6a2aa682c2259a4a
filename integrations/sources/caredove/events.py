"""Caredove's vocabulary: what its event types, codes and states mean here.

Everything Caredove has not documented is an assumption, marked [A], and stands in this module
alone: adapting to what a real sender does means changing a constant here.
"""

import re

from integrations.sources.parsed import EventKind

# -- What happened -------------------------------------------------------------------------------

PLAIN_KINDS = {
    "referral.received": EventKind.RECEIVED,
    "referral.edited": EventKind.EDITED,
    "referral.status_changed": EventKind.STATUS_CHANGED,
    "referral.closed": EventKind.CLOSED,
    "referral.archived": EventKind.ARCHIVED,
    "referral.revoked": EventKind.REVOKED,
    "appointment.booked": EventKind.BOOKED,
    "appointment.rescheduled": EventKind.RESCHEDULED,
    "appointment.unbooked": EventKind.UNBOOKED,
    "message.from_provider": EventKind.MESSAGE_FROM_PROVIDER,
    "message.from_requester": EventKind.MESSAGE_FROM_REQUESTER,
}

# Without the prefix "notify-", which says only that Caredove is the one that tells.
_FHIR_KINDS = {
    "add-service-request": EventKind.RECEIVED,
    "add-process-request": EventKind.RECEIVED,
    "update-service-request": EventKind.EDITED,
    "update-service-requests": EventKind.EDITED,  # a spelling seen in a sender's public code
    "data-correction": EventKind.EDITED,
    "update-process-request": EventKind.STATUS_CHANGED,
    "update-status": EventKind.STATUS_CHANGED,
    "revoke-service-request": EventKind.REVOKED,
    "send-communication": EventKind.MESSAGE,
    "send-communication-from-provider": EventKind.MESSAGE_FROM_PROVIDER,
    "send-communication-to-requester": EventKind.MESSAGE_FROM_PROVIDER,
    "send-communication-from-requester": EventKind.MESSAGE_FROM_REQUESTER,
    "send-communication-to-provider": EventKind.MESSAGE_FROM_REQUESTER,
    "cds-service-request": EventKind.IGNORED,
}

ARCHIVED = re.compile(r"\barchived?\b", re.IGNORECASE)  # [A] in MessageHeader.reason of an update


def plain_kind(event_type: str) -> EventKind:
    """Return what a plain event type means; UNKNOWN when it is none of Caredove's."""
    return PLAIN_KINDS.get(event_type.lower(), EventKind.UNKNOWN)


def fhir_kind(code: str, reason: str = "") -> EventKind:
    """Return what a FHIR message event code means, given the header's reason.

    Appointment codes all mean APPOINTMENT: a published "add appointment" carries a cancelled one.
    """
    name = code.lower().removeprefix("notify-")
    if name.endswith("-appointment"):
        return EventKind.APPOINTMENT
    kind = _FHIR_KINDS.get(name, EventKind.UNKNOWN)
    if kind in (EventKind.EDITED, EventKind.STATUS_CHANGED) and ARCHIVED.search(reason):
        return EventKind.ARCHIVED
    return kind


# -- How it stands -------------------------------------------------------------------------------

STATUSES = ("submitted", "booked", "closed")

# Classification -> labels that Caredove's organizations are known to use for it.
LABELS: dict[str, tuple[str, ...]] = {
    "received": ("Received",),
    "accepted": (),
    "ready": ("Ready",),
    "in-progress": ("In Progress", "Invited", "Invitation Expired"),
    "on-hold": ("Hold", "Wait Listed"),
    "completed": ("Admitted", "Outcome Not Recorded"),
    "rejected": ("Ineligible",),
    "cancelled": (
        "Cancelled by Registrant",
        "Cancelled by Provider (Event)",
        "Cancelled by Provider (Group)",
    ),
    "failed": ("Incomplete", "No Show"),
    "entered-in-error": ("Entered in Error",),
}

UNCLASSIFIED_TASK = "requested"  # the FHIR Task.status of a referral without a classification

# [A] A label that names the top status too: "Closed - Admitted", "Booked (Ready)".
STATUS_AND_LABEL = re.compile(
    rf"({'|'.join(STATUSES)})\s*(?:[-–:]\s*(.*)|\((.*)\))?", re.IGNORECASE | re.DOTALL
)


def classification(word: str) -> str:
    """Return a classification as Caredove writes it: "In Progress" is `in-progress`."""
    return "-".join(word.lower().replace("_", " ").replace("-", " ").split())


# -- Which referral, listing and organization ----------------------------------------------------

REFERRAL_SYSTEM = re.compile(r"caredove.*id-refer", re.IGNORECASE)
REFERENCE_TYPE = re.compile(r"caredove.*\breference|^reference\s*#", re.IGNORECASE)
PARENT_TYPE = re.compile(r"\bparent\b", re.IGNORECASE)  # [A] of an identifier: the routed-from one
SIGN_IN_TYPE = "sso"  # [D] an identifier of this type is the user's who signs in, not a referral's
LISTING_SYSTEM = re.compile(r"caredove.*id-(?:service|listing)", re.IGNORECASE)
# [A] Where a listing has no identifier: the digits of its resource's id, "svc-4417".
LISTING_ID_IN_KEY = re.compile(r"[A-Za-z_-]*?(\d+)")
ORGANIZATION_SYSTEM = re.compile(r"caredove.*id-(?:organi[sz]ation|agency)", re.IGNORECASE)  # [A]

# Rule 4: the newer identifier extension of the header, and the older one that is a string.
REFERRAL_ID_EXTENSIONS = ("ext-referral-identifier", "ext-id-message-header")

REFERENCE_NUMBER = re.compile(r"\d{10}")
UUID_LIKE = re.compile(r"[0-9a-z]{8}-(?:[0-9a-z]{4}-){3}[0-9a-z]{12}", re.IGNORECASE)
# [A] "sr-1", "example": an id that a message gives its parts. As the id of a referral it would
# join the referrals of two people.
LOCAL_ID = re.compile(r"[a-z_-]*\d{0,3}", re.IGNORECASE)

# -- Other fields --------------------------------------------------------------------------------

MESSAGE_PERMISSION_EXTENSION = re.compile(
    r"contactpoint-message-permission$|permission-to-contact", re.IGNORECASE
)
FILENAME_EXTENSION = "caredove-filename"
LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")  # as in BCP 47

# [A] Marks of what staff wrote for themselves: never passed on.
INTERNAL = re.compile(  # not "Internal Medicine"
    r"internal(?:[ -](?:note|use|only|comment|memo|communication|message|document|staff).*)?"
    r"|staff[ -]only",
    re.IGNORECASE,
)
INTERNAL_MARKS = ("visibility", "audience", "category", "type")  # keys of a plain item
INTERNAL_EXTENSION = re.compile(r"internal(?:-?note)?$", re.IGNORECASE)

# [D] An address with this word in it opens Caredove signed in.
LAUNCH = "applaunch"
# [A] Words in the path of an address of Caredove's, and in its query, that say the same.
CAREDOVE_HOST = "caredove"
SIGN_IN_PATH = re.compile(r"(?<![a-z])(?:launch|sso|sign-?in|log-?in|magic)(?![a-z])")
SIGN_IN_QUERY = re.compile(r"(?<![a-z])(?:launch|sso|token|ticket|code)=")
SIGN_IN_LINK_REMOVED = "[sign-in link removed]"
