"""The source document: one view of a referral.

Parsers write a partial one for each event, the snapshot merges them, mappings and the summary
read the result. Every key may be absent. Strings are plain text without markup; instants are
ISO 8601 with an offset; dates are `YYYY-MM-DD`. Words are Caredove's: registrant, requester,
provider, listing, reference.
"""

from typing import TypedDict

# How a referral stands below its status: in every source's folder, a sender's own words become
# these.
CLASSIFICATIONS = (
    "received",
    "accepted",
    "ready",
    "in-progress",
    "on-hold",
    "completed",
    "rejected",
    "cancelled",
    "failed",
    "entered-in-error",
)
# A request, or an appointment, that does not stand any more.
VOID_REQUESTS = frozenset({"entered-in-error", "revoked"})
VOID_APPOINTMENTS = frozenset({"cancelled", "canceled", "entered-in-error"})


class Named(TypedDict, total=False):
    id: str
    name: str


class Substatus(TypedDict, total=False):
    label: str  # free text; each organization has its own
    classification: str  # stable; one of CLASSIFICATIONS, unless the sender has another word


class Identifier(TypedDict, total=False):
    type: str  # a label for people, or a code such as JHN (provincial health number)
    system: str
    value: str
    former: bool  # its period has ended


class Language(TypedDict, total=False):
    code: str  # BCP 47
    name: str
    preferred: bool


class Phone(TypedDict, total=False):
    slot: str  # main or alt, where the sender has named places; otherwise the list is complete
    number: str
    use: str  # home, mobile, work, or empty
    rank: int  # 1 is best
    may_text: bool
    former: bool


class Email(TypedDict, total=False):
    slot: str  # main, as for phones
    address: str
    rank: int
    may_email: bool
    former: bool


class Address(TypedDict, total=False):
    slot: str  # main, as for phones
    use: str
    lines: list[str]
    city: str
    province: str
    country: str
    postal_code: str
    former: bool


class Contact(TypedDict, total=False):
    """An alternate contact of the registrant."""

    relationship: str
    name: str
    phones: list[str]
    emails: list[str]


class Registrant(TypedDict, total=False):
    first_name: str
    middle_name: str
    last_name: str
    other_names: list[str]
    date_of_birth: str
    gender: str
    languages: list[Language]
    addresses: list[Address]
    phones: list[Phone]
    emails: list[Email]
    identifiers: list[Identifier]
    contacts: list[Contact]


class Requester(TypedDict, total=False):
    first_name: str
    last_name: str
    organization: str
    phone: str  # of the role, else of the person
    email: str
    is_caredove_user: bool


class Appointment(TypedDict, total=False):
    id: str
    status: str  # booked, pending, cancelled, … as sent, in lower case
    start: str
    end: str
    duration_minutes: int
    location: str
    provider_full_name: str
    description: str


class FormAnswer(TypedDict, total=False):
    form: str  # by which the form is known in every message; empty where the sender names none
    form_name: str
    key: str
    label: str
    value: str  # several answers are joined by ", "; booleans are yes and no


class Note(TypedDict, total=False):
    at: str
    author: str
    text: str


class Message(TypedDict, total=False):
    id: str
    at: str
    side: str  # provider, requester, or empty when unknown
    sender: str
    text: str


class Attachment(TypedDict, total=False):
    key: str  # stable for this file within its referral
    filename: str  # made safe
    content_type: str
    size: int  # bytes, as announced
    sha256: str  # of its bytes, where a message held them
    description: str


class AlsoSent(TypedDict, total=False):
    """A value that no other part of the document takes: told in the note and the summary."""

    key: str  # stable for this value within its referral
    group: str  # what it belongs to, for people: Registrant, Appointment, Allergy
    label: str  # for people; may be empty
    text: str


class Unreadable(TypedDict, total=False):
    """A value that came and could not be read: its text is kept, and staff are warned."""

    field: str  # where it stands in the message, in the sender's words
    path: str  # the part of the document that it was for: a later value there settles it
    cause: str  # a key of mapping.source.unreadable.CAUSES
    text: str  # as it came


class Withdrawn(TypedDict, total=False):
    """Something that the sender takes back."""

    part: str  # form_answers, messages, attachments, appointment, also_sent
    key: str  # the form's, for form_answers; with an id, what it means where that is not known
    id: str  # one that may be the message's own: it means what the sender sent under it, if one
    quiet: bool  # nobody needs to know when the id means nothing
    at: str  # with the text, of a message without an id
    text: str


class Alias(TypedDict, total=False):
    """An id, perhaps the message's own, by which the sender names a thing beside its key."""

    part: str
    id: str
    keys: list[str]  # of a document, those of its files
    at: str  # with the text, of a message without an id
    text: str


class Warned(TypedDict, total=False):
    """What staff are warned of without quoting a text."""

    field: str  # where it stands in the message, in the sender's words
    path: str  # the part of the document that it was for, where it was for one
    parts: list[str]  # of the message, where the field does not say which
    is_quoted: bool  # it stands in `unreadable`, too
    cause: str  # a key of mapping.source.unreadable.CAUSES


class Document(TypedDict, total=False):
    reference: str  # the 10-digit Reference #, else the first id known
    identifiers: list[Identifier]  # other ids of the referral
    parent_reference: str
    routed: bool
    sent_method: str
    submitted_at: str
    priority: str
    service: str  # what is asked for, as sent
    reason: str
    request_status: str  # of the request itself: entered-in-error and revoked start no import
    status: str  # submitted, booked, closed
    substatus: Substatus
    organization: Named
    listing: Named
    registrant: Registrant
    requester: Requester
    appointment: Appointment
    form_answers: list[FormAnswer]
    notes: list[Note]
    messages: list[Message]
    attachments: list[Attachment]
    also_sent: list[AlsoSent]
    unreadable: list[Unreadable]
    # What a message says of itself, not of the referral.
    withdrawn: list[Withdrawn]
    aliases: list[Alias]
    parts: list[str]  # of the message, in the sender's words; what tells them apart behind a "#"
    warned: list[Warned]
