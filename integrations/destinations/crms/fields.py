"""The fields of a CRMS referral, as its create body names them.

Which fields there are is documented; their lengths, and which must be there, are assumptions.
"""

from mapping.engine.targets import TargetField

REFERRAL = "Referral"
CLIENT = "Client"
REQUESTER = "Requester"
APPOINTMENT = "Appointment"

NAME_LENGTH = 100
TEXT_LENGTH = 255
CODE_LENGTH = 50
NOTE_LENGTH = 8000

TARGET_FIELDS: tuple[TargetField, ...] = (
    TargetField("external_reference", "Reference #", REFERRAL, True, CODE_LENGTH),
    TargetField("source", "Source", REFERRAL, max_length=NAME_LENGTH),
    TargetField("program", "Program", REFERRAL, max_length=TEXT_LENGTH),
    TargetField("client.first_name", "First name", CLIENT, True, NAME_LENGTH),
    TargetField("client.middle_name", "Middle name", CLIENT, max_length=NAME_LENGTH),
    TargetField("client.last_name", "Last name", CLIENT, True, NAME_LENGTH),
    TargetField("client.date_of_birth", "Date of birth", CLIENT, True, CODE_LENGTH),
    TargetField("client.gender", "Gender", CLIENT, max_length=CODE_LENGTH),
    TargetField("client.address", "Address", CLIENT, max_length=TEXT_LENGTH),
    TargetField("client.city", "City", CLIENT, max_length=NAME_LENGTH),
    TargetField("client.province", "Province", CLIENT, max_length=CODE_LENGTH),
    TargetField("client.country", "Country", CLIENT, max_length=CODE_LENGTH),
    TargetField("client.postal_code", "Postal code", CLIENT, max_length=CODE_LENGTH),
    TargetField("client.preferred_language", "Preferred language", CLIENT, max_length=NAME_LENGTH),
    TargetField("client.phone_home", "Phone (home/main)", CLIENT, max_length=CODE_LENGTH),
    TargetField("client.phone_alt", "Phone (alternate)", CLIENT, max_length=CODE_LENGTH),
    TargetField("client.email", "E-mail", CLIENT, max_length=TEXT_LENGTH),
    TargetField("requester.first_name", "First name", REQUESTER, max_length=NAME_LENGTH),
    TargetField("requester.last_name", "Last name", REQUESTER, max_length=NAME_LENGTH),
    TargetField("requester.organization", "Organization", REQUESTER, max_length=TEXT_LENGTH),
    TargetField("requester.phone", "Phone", REQUESTER, max_length=CODE_LENGTH),
    TargetField("appointment.start", "Start", APPOINTMENT, max_length=CODE_LENGTH),
    TargetField("appointment.duration_minutes", "Duration in minutes", APPOINTMENT),
    TargetField("appointment.location", "Location", APPOINTMENT, max_length=TEXT_LENGTH),
    TargetField(
        "appointment.provider_full_name",
        "Provider's full name",
        APPOINTMENT,
        max_length=TEXT_LENGTH,
    ),
    TargetField(
        "referral_note", "Referral note", REFERRAL, max_length=NOTE_LENGTH, takes_rest=True
    ),
)
