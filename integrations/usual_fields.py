"""The usual fields of a record, for kinds whose counterpart names none of its own.

They are nested by their dots in `integrations/payload.py`, and columns in lists and tables. A
mapping may leave them out, and fill others of its own where the kind's targets are open.
"""

from integrations.payload import NOTE
from mapping.engine.targets import TargetField

CLIENT = "Client"
REQUESTER = "Requester"
APPOINTMENT = "Appointment"

USUAL_FIELDS = (
    TargetField("client.first_name", "First name", CLIENT),
    TargetField("client.middle_name", "Middle name", CLIENT),
    TargetField("client.last_name", "Last name", CLIENT),
    TargetField("client.date_of_birth", "Date of birth", CLIENT),
    TargetField("client.gender", "Gender", CLIENT),
    TargetField("client.address", "Address", CLIENT),
    TargetField("client.city", "City", CLIENT),
    TargetField("client.province", "Province", CLIENT),
    TargetField("client.country", "Country", CLIENT),
    TargetField("client.postal_code", "Postal code", CLIENT),
    TargetField("client.preferred_language", "Preferred language", CLIENT),
    TargetField("client.phone_home", "Phone (home/main)", CLIENT),
    TargetField("client.phone_alt", "Phone (alternate)", CLIENT),
    TargetField("client.email", "E-mail", CLIENT),
    TargetField("requester.first_name", "First name", REQUESTER),
    TargetField("requester.last_name", "Last name", REQUESTER),
    TargetField("requester.organization", "Organization", REQUESTER),
    TargetField("requester.phone", "Phone", REQUESTER),
    TargetField("appointment.start", "Start", APPOINTMENT),
    TargetField("appointment.duration_minutes", "Duration in minutes", APPOINTMENT),
    TargetField("appointment.location", "Location", APPOINTMENT),
    TargetField("appointment.provider_full_name", "Provider's full name", APPOINTMENT),
    TargetField(NOTE, "Note", takes_rest=True),
)
