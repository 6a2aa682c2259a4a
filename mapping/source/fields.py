"""The fields of a document: the one table that rules, the note and the summary are made from.

`FIELDS` has a line for every path that a document can hold: what people call it, how its value is
written, and its part in what is shown. A new field of the document is one line here: rules can
read it, and the note and the summary show it beside its neighbors. Their layouts (`lines`,
`referrals.summary.layout`) say no more than the order. Pure: no Django.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, TypeAlias

from core.text.sentences import Term as _
from mapping.source.document import VOID_REQUESTS

# How a value is written. The note and the summary each have a writer for a kind, or write plainly.
Kind: TypeAlias = Literal[
    "text",
    "prose",  # a text that may hold instants
    "word",  # in lower case, as it comes
    "code",  # several words in one: entered-in-error
    "flag",
    "day",
    "instant",
    "minutes",
    "bytes",
    "language",  # a tag: fr-CA
    "issuer",  # the system of an identifier
    "cause",  # a key of unreadable.CAUSES
    "former",  # whether it is over
    "may_text",
    "may_email",
    "list",  # of things, each with the fields that come after it in the table
]
# What a field does where its thing is shown. A note has `label: value (sort, remark), more`; the
# summary has the sort in the label, further values below the first, and remarks in small print.
Role: TypeAlias = Literal[
    "value",
    "more",  # a further value
    "sort",  # which of several sorts the thing is
    "remark",
    "permission",  # to contact: a remark that stands out where it is refused
    "label",  # part of the label
    "name",  # says nothing alone: names the value beside it, or orders it among others
    "key",  # says nothing: for machines, never shown
    "message",  # says something about a message, nothing about the referral
]
SILENT = frozenset[Role]({"name", "key"})


HEALTH_NUMBER = _("Provincial health number")


class Group(StrEnum):
    """Groups of what rules can read and of the note's lines, and sections of the summary."""

    REFERRAL = _("Referral")
    REGISTRANT = _("Registrant")
    REQUESTER = _("Requester")
    APPOINTMENT = _("Appointment")
    FORM = _("Form answers")
    NOTES = _("Notes")
    MESSAGES = _("Messages")
    ATTACHMENTS = _("Attachments")

    def __str__(self) -> str:
        return str(_(self.value))


def _never(value: Any) -> bool:
    return False


def _always(value: Any) -> bool:
    return True


@dataclass(frozen=True)
class Field:
    """One line of the table. The note and the summary say `label`, unless they have their own."""

    path: str  # without the numbers of items in lists
    label: str = ""
    kind: Kind = "text"
    role: Role = "value"
    note: str = ""
    void: str = ""  # the note's label where the appointment does not take place
    summary: str = ""
    aside: Callable[[Any], bool] = _never  # values that the summary has, and a note need not have
    is_read: bool = True  # by rules; what is in a list, as CHOSEN has it

    @cached_property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.path.split("."))

    @cached_property
    def name(self) -> str:
        return self.steps[-1]

    @cached_property
    def of(self) -> str:
        """The path of what it belongs to."""
        return ".".join(self.steps[:-1])


@dataclass(frozen=True)
class Chosen:
    """What rules read of a list: a field of the item that is chosen, such as the main phone.

    The note has its label, too. What has no key is for the note alone.
    """

    key: str
    label: str
    path: str
    place: int = 0  # among the items that are chosen

    @property
    def field(self) -> Field:
        return AT[self.path]


FIELDS = (
    Field("reference", _("Reference #"), summary=_("Reference")),
    Field("identifiers", _("Identifier"), "list"),
    Field("identifiers.type", role="label"),
    Field("identifiers.value"),
    Field("identifiers.system", kind="issuer", role="remark"),
    Field("identifiers.former", kind="former", role="remark"),
    Field("parent_reference", _("Parent reference #"), summary=_("Parent reference")),
    Field("reason", _("Reason for referral"), summary=_("Reason")),
    Field("request_status", _("Request status"), "code", summary=_("Request"), is_read=False,
          aside=lambda status: status.strip().casefold() not in VOID_REQUESTS),
    Field("status", _("Status"), "word", note=_("Caredove status")),
    Field("substatus.label", _("Sub-status"), role="remark", summary=_("Status")),
    Field("substatus.classification", _("Classification"), "code", "remark", summary=_("Status")),
    Field("priority", _("Priority"), "word"),
    Field("service", _("Service asked for"), summary=_("Service requested")),
    Field("routed", _("Routed request"), "flag", summary=_("Routed"),
          aside=lambda routed: not routed),
    Field("sent_method", _("Sent by"), aside=_always),
    Field("submitted_at", _("Submitted"), "instant", aside=_always),
    Field("listing.name", _("Service listing")),
    Field("listing.id", _("Service listing's Caredove id"), role="remark",
          summary=_("Service listing"),
          aside=_always),
    Field("organization.name", _("Organization"), aside=_always),
    Field("organization.id", _("Organization's Caredove id"), role="remark",
          summary=_("Organization"),
          aside=_always),
    Field("registrant.first_name", _("First name")),
    Field("registrant.middle_name", _("Middle name")),
    Field("registrant.last_name", _("Last name")),
    Field("registrant.other_names", _("Other name"), is_read=False),
    Field("registrant.date_of_birth", _("Date of birth"), "day"),
    Field("registrant.gender", _("Gender"), "word"),
    Field("registrant.languages", _("Other language"), "list", summary=_("Language")),
    Field("registrant.languages.name"),
    Field("registrant.languages.code", kind="language", role="remark"),
    Field("registrant.languages.preferred", kind="flag", role="name"),
    Field("registrant.addresses", _("Other address"), "list", summary=_("address")),
    Field("registrant.addresses.slot", role="key"),
    Field("registrant.addresses.use", kind="word", role="sort"),
    Field("registrant.addresses.lines"),
    Field("registrant.addresses.city"),
    Field("registrant.addresses.province"),
    Field("registrant.addresses.postal_code"),
    Field("registrant.addresses.country"),
    Field("registrant.addresses.former", kind="former", role="remark"),
    Field("registrant.phones", _("Other phone"), "list", summary=_("phone")),
    Field("registrant.phones.slot", role="name"),
    Field("registrant.phones.rank", role="name"),
    Field("registrant.phones.number"),
    Field("registrant.phones.use", kind="word", role="sort"),
    Field("registrant.phones.former", kind="former", role="remark"),
    Field("registrant.phones.may_text", kind="may_text", role="permission"),
    Field("registrant.emails", _("Other e-mail"), "list", summary=_("E-mail")),
    Field("registrant.emails.slot", role="name"),
    Field("registrant.emails.rank", role="name"),
    Field("registrant.emails.address"),
    Field("registrant.emails.former", kind="former", role="remark"),
    Field("registrant.emails.may_email", kind="may_email", role="permission"),
    Field("registrant.identifiers", _("Identifier"), "list"),
    Field("registrant.identifiers.type", role="label"),
    Field("registrant.identifiers.value"),
    Field("registrant.identifiers.system", kind="issuer", role="remark"),
    Field("registrant.identifiers.former", kind="former", role="remark"),
    Field("registrant.contacts", _("Alternate contact"), "list", summary=_("Contact")),
    Field("registrant.contacts.name"),
    Field("registrant.contacts.relationship", kind="word", role="sort"),
    Field("registrant.contacts.phones", role="more"),
    Field("registrant.contacts.emails", role="more"),
    Field("requester.first_name", _("First name"), note=_("Requester's first name"),
          summary=_("Name")),
    Field("requester.last_name", _("Last name"), note=_("Requester's last name"),
          summary=_("Name")),
    Field("requester.organization", _("Organization"), note=_("Requester's organization")),
    Field("requester.phone", _("Phone"), note=_("Requester's phone")),
    Field("requester.email", _("E-mail"), note=_("Requester's e-mail")),
    Field("requester.is_caredove_user", _("Caredove user"), "flag",
          note=_("Requester is a Caredove user"), aside=_always),
    Field("appointment.start", _("Start"), "instant", note=_("Appointment start"),
          void=_("Cancelled appointment start"), summary=_("Starts")),
    Field("appointment.end", _("End"), "instant", note=_("Appointment end"),
          void=_("Cancelled appointment end"), summary=_("Ends")),
    Field("appointment.duration_minutes", _("Duration in minutes"), "minutes",
          note=_("Appointment minutes"), void=_("Cancelled appointment minutes"),
          summary=_("Duration")),
    Field("appointment.location", _("Location"), note=_("Appointment location"),
          void=_("Cancelled appointment location")),
    Field("appointment.provider_full_name", _("Provider"), note=_("Appointment provider"),
          void=_("Cancelled appointment provider")),
    Field("appointment.status", _("Status"), "code", note=_("Appointment status"),
          void=_("Cancelled appointment status"), aside=lambda status: status == "booked"),
    Field("appointment.description", _("Description"), note=_("Appointment description"),
          void=_("Cancelled appointment description")),
    Field("appointment.id", _("Caredove id"), note=_("Appointment id"),
          void=_("Cancelled appointment id"),
          summary=_("Appointment"), aside=_always),
    Field("form_answers", kind="list"),
    Field("form_answers.form", role="name"),
    Field("form_answers.form_name", role="name"),
    Field("form_answers.key", role="name"),
    Field("form_answers.label", role="name"),
    Field("form_answers.value", kind="prose"),
    Field("notes", _("Note"), "list"),
    Field("notes.author", role="label"),
    Field("notes.at", kind="instant", role="label"),
    Field("notes.text"),
    Field("messages", _("Message"), "list"),
    Field("messages.id", role="key"),
    Field("messages.side", role="label"),
    Field("messages.sender", role="label"),
    Field("messages.at", kind="instant", role="label"),
    Field("messages.text"),
    Field("attachments", _("Attachment"), "list", summary=_("File")),
    Field("attachments.key", role="key"),
    Field("attachments.sha256", role="key"),
    Field("attachments.filename"),
    Field("attachments.description", role="sort"),
    Field("attachments.content_type", _("Attachment's type"), role="remark"),
    Field("attachments.size", kind="bytes", role="remark"),
    Field("unreadable", _("Could not be read"), "list"),
    Field("unreadable.field", role="name"),
    Field("unreadable.path", role="name"),
    Field("unreadable.text"),
    Field("unreadable.cause", kind="cause", role="remark"),
    Field("also_sent", _("Also sent"), "list"),
    Field("also_sent.key", role="key"),
    Field("also_sent.group", role="name"),
    Field("also_sent.label", role="name"),
    Field("also_sent.text", kind="prose"),
    Field("withdrawn", role="message"),
    Field("aliases", role="message"),
    Field("parts", role="message"),
    Field("warned", role="message"),
)  # fmt: skip

CHOSEN = (
    Chosen("also_sent", _("Everything also sent"), "also_sent"),
    Chosen("registrant.preferred_language", _("Preferred language"), "registrant.languages.name"),
    Chosen("registrant.address.street", _("Street"), "registrant.addresses.lines"),
    Chosen("registrant.address.city", _("City"), "registrant.addresses.city"),
    Chosen("registrant.address.province", _("Province"), "registrant.addresses.province"),
    Chosen("registrant.address.country", _("Country"), "registrant.addresses.country"),
    Chosen("registrant.address.postal_code", _("Postal code"), "registrant.addresses.postal_code"),
    Chosen("", _("Address type"), "registrant.addresses.use"),
    Chosen("registrant.phone_1", _("Main phone"), "registrant.phones.number"),
    Chosen("registrant.phone_1.may_text", _("May text main phone"), "registrant.phones.may_text"),
    Chosen("", _("Main phone type"), "registrant.phones.use"),
    Chosen("registrant.phone_2", _("Alternate phone"), "registrant.phones.number", 1),
    Chosen("registrant.phone_2.may_text", _("May text alternate phone"),
           "registrant.phones.may_text",
           1),
    Chosen("", _("Alternate phone type"), "registrant.phones.use", 1),
    Chosen("registrant.email", _("E-mail"), "registrant.emails.address"),
    Chosen("registrant.email.may_email", _("May e-mail"), "registrant.emails.may_email"),
    Chosen("", _("E-mail type"), "registrant.emails.former"),
    Chosen("registrant.health_number", HEALTH_NUMBER, "registrant.identifiers.value"),
)  # fmt: skip

AT = {field.path: field for field in FIELDS}
_LISTS = frozenset(field.path for field in FIELDS if field.kind == "list")
# What the items of each list say; and what is in no list, the lists themselves among it.
IN_LIST: Mapping[str, tuple[Field, ...]] = {
    path: tuple(one for one in FIELDS if one.of == path and one.role not in SILENT)
    for path in _LISTS
}
OUTSIDE = tuple(one for one in FIELDS if one.of not in _LISTS and one.role != "message")


def laid_out(layout: Sequence[tuple[str, ...]]) -> list[tuple[str, Field]]:
    """Return the fields outside of lists in the order of a layout, each with its section.

    A layout has sections: a title and the paths under it. A path stands for all below it that has
    no longer one, "" for whatever is left. So a new field finds its place beside its neighbors.
    """
    places = [(path, title) for title, *paths in layout for path in paths]
    order = {path: place for place, (path, _) in enumerate(places)}

    def place(field: Field) -> int:
        beginnings = (".".join(field.steps[:n]) for n in range(len(field.steps), -1, -1))
        return next(order[path] for path in beginnings if path in order)

    return [(places[place(field)][1], field) for field in sorted(OUTSIDE, key=place)]
