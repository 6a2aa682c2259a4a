"""The usual fields of a record, for kinds whose counterpart names none of its own.

They are nested by their dots in `integrations/payload.py`, and columns in lists and tables. A
mapping may leave them out, and fill others of its own where the kind's targets are open.
"""

from core.text.sentences import Term as _
from integrations.payload import NOTE
from mapping.engine.targets import TargetField

CLIENT = _("Client")
REQUESTER = _("Requester")
APPOINTMENT = _("Appointment")

USUAL_FIELDS = (
    TargetField("client.first_name", _("First name"), CLIENT),
    TargetField("client.middle_name", _("Middle name"), CLIENT),
    TargetField("client.last_name", _("Last name"), CLIENT),
    TargetField("client.date_of_birth", _("Date of birth"), CLIENT),
    TargetField("client.gender", _("Gender"), CLIENT),
    TargetField("client.address", _("Address"), CLIENT),
    TargetField("client.city", _("City"), CLIENT),
    TargetField("client.province", _("Province"), CLIENT),
    TargetField("client.country", _("Country"), CLIENT),
    TargetField("client.postal_code", _("Postal code"), CLIENT),
    TargetField("client.preferred_language", _("Preferred language"), CLIENT),
    TargetField("client.phone_home", _("Phone (home/main)"), CLIENT),
    TargetField("client.phone_alt", _("Phone (alternate)"), CLIENT),
    TargetField("client.email", _("E-mail"), CLIENT),
    TargetField("requester.first_name", _("First name"), REQUESTER),
    TargetField("requester.last_name", _("Last name"), REQUESTER),
    TargetField("requester.organization", _("Organization"), REQUESTER),
    TargetField("requester.phone", _("Phone"), REQUESTER),
    TargetField("appointment.start", _("Start"), APPOINTMENT),
    TargetField("appointment.duration_minutes", _("Duration in minutes"), APPOINTMENT),
    TargetField("appointment.location", _("Location"), APPOINTMENT),
    TargetField("appointment.provider_full_name", _("Provider's full name"), APPOINTMENT),
    TargetField(NOTE, _("Note"), takes_rest=True),
)
