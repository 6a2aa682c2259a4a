"""The fields of a CRMS referral, as its create body names them.

Which fields there are is documented; their lengths, and which must be there, are assumptions.
"""

from core.text.sentences import Term as _
from mapping.engine.targets import TargetField

REFERRAL = _("Referral")
CLIENT = _("Client")
REQUESTER = _("Requester")
APPOINTMENT = _("Appointment")

NAME_LENGTH = 100
TEXT_LENGTH = 255
CODE_LENGTH = 50
NOTE_LENGTH = 8000

TARGET_FIELDS: tuple[TargetField, ...] = (
    TargetField("external_reference", _("Reference #"), REFERRAL, True, CODE_LENGTH),
    TargetField("source", _("Source"), REFERRAL, max_length=NAME_LENGTH),
    TargetField("program", _("Program"), REFERRAL, max_length=TEXT_LENGTH),
    TargetField("client.first_name", _("First name"), CLIENT, True, NAME_LENGTH),
    TargetField("client.middle_name", _("Middle name"), CLIENT, max_length=NAME_LENGTH),
    TargetField("client.last_name", _("Last name"), CLIENT, True, NAME_LENGTH),
    TargetField("client.date_of_birth", _("Date of birth"), CLIENT, True, CODE_LENGTH),
    TargetField("client.gender", _("Gender"), CLIENT, max_length=CODE_LENGTH),
    TargetField("client.address", _("Address"), CLIENT, max_length=TEXT_LENGTH),
    TargetField("client.city", _("City"), CLIENT, max_length=NAME_LENGTH),
    TargetField("client.province", _("Province"), CLIENT, max_length=CODE_LENGTH),
    TargetField("client.country", _("Country"), CLIENT, max_length=CODE_LENGTH),
    TargetField("client.postal_code", _("Postal code"), CLIENT, max_length=CODE_LENGTH),
    TargetField(
        "client.preferred_language", _("Preferred language"), CLIENT, max_length=NAME_LENGTH
    ),
    TargetField("client.phone_home", _("Phone (home/main)"), CLIENT, max_length=CODE_LENGTH),
    TargetField("client.phone_alt", _("Phone (alternate)"), CLIENT, max_length=CODE_LENGTH),
    TargetField("client.email", _("E-mail"), CLIENT, max_length=TEXT_LENGTH),
    TargetField("requester.first_name", _("First name"), REQUESTER, max_length=NAME_LENGTH),
    TargetField("requester.last_name", _("Last name"), REQUESTER, max_length=NAME_LENGTH),
    TargetField("requester.organization", _("Organization"), REQUESTER, max_length=TEXT_LENGTH),
    TargetField("requester.phone", _("Phone"), REQUESTER, max_length=CODE_LENGTH),
    TargetField("appointment.start", _("Start"), APPOINTMENT, max_length=CODE_LENGTH),
    TargetField("appointment.duration_minutes", _("Duration in minutes"), APPOINTMENT),
    TargetField("appointment.location", _("Location"), APPOINTMENT, max_length=TEXT_LENGTH),
    TargetField(
        "appointment.provider_full_name",
        _("Provider's full name"),
        APPOINTMENT,
        max_length=TEXT_LENGTH,
    ),
    TargetField(
        "referral_note", _("Referral note"), REFERRAL, max_length=NOTE_LENGTH, takes_rest=True
    ),
)
