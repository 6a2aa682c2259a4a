"""The moments at which a listing's referrals can be imported, in Caredove's words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trigger:
    key: str
    label: str
    description: str


TRIGGERS = (
    Trigger("received", "Received", "A new referral is in the Caredove inbox."),
    Trigger("edited", "Edited", "Somebody changed an existing referral."),
    Trigger("status_ready", "Edited Status - Ready", "The sub-status was set to Ready."),
    Trigger("status_received", "Edited Status - Received", "The sub-status was set to Received."),
    Trigger("closed_completed", "Closed - Completed", "Closed: the service was given."),
    Trigger("closed_rejected", "Closed - Rejected", "Closed: the registrant is not eligible."),
    Trigger("closed_cancelled", "Closed - Cancelled", "Closed: somebody cancelled."),
    Trigger("closed_failed", "Closed - Failed", "Closed: incomplete, or nobody came."),
    Trigger("closed_error", "Closed - Error", "Closed: the referral was entered in error."),
    Trigger("closed_any", "Closed (any)", "Closed, for whatever reason."),
    Trigger("booked", "Booked", "A first appointment was added."),
    Trigger(
        "rescheduled_unbooked",
        "Rescheduled/Unbooked",
        "The appointment was moved or taken back.",
    ),
    Trigger("archived", "Archived", "The referral was archived."),
    Trigger(
        "message_from_provider",
        "Message from Provider",
        "The receiving organization wrote to the sender.",
    ),
    Trigger(
        "message_from_requester",
        "Message from Requester",
        "The sending organization wrote to the provider.",
    ),
)

TRIGGER_KEYS = tuple(trigger.key for trigger in TRIGGERS)
TRIGGER_LABELS = {trigger.key: trigger.label for trigger in TRIGGERS}
