"""The source document: one view of a referral.

Parsers write a partial one for each event, the snapshot merges them, mappings and the summary
read the result. Every key may be absent. Strings are plain text without markup; instants are
ISO 8601 with an offset; dates are `YYYY-MM-DD`. Words are Caredove's: registrant, requester,
provider, listing, reference.
"""

from typing import TypedDict


class Named(TypedDict, total=False):
    id: str
    name: str


class Substatus(TypedDict, total=False):
    label: str  # free text; each organization has its own
    classification: str  # stable; the vocabulary of integrations.sources.caredove.events


class Identifier(TypedDict, total=False):
    type: str  # a label for people, or a code such as JHN (provincial health number)
    system: str
    value: str


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


class Email(TypedDict, total=False):
    slot: str  # main, as for phones
    address: str
    rank: int
    may_email: bool


class Address(TypedDict, total=False):
    slot: str  # main, as for phones
    use: str
    lines: list[str]
    city: str
    province: str
    country: str
    postal_code: str


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
    description: str


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
