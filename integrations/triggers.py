"""The moments at which a listing's referrals can be imported, in Caredove's words."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.text.sentences import Term as _

PARTNER_UPDATE = "partner_update"


class Moment(StrEnum):
    """Where in the course of a referral a trigger stands, as far as that can be said."""

    EARLY = "early"
    ANY = "any"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Trigger:
    """`caution` says, beside the trigger, what whoever chooses it should know. `by_partner`: what a
    partner answers fires it, never what a sender sends."""

    key: str
    label: str
    description: str
    moment: Moment = Moment.ANY
    caution: str = ""
    by_partner: bool = False


TRIGGERS = (
    Trigger("received", _("Received"), _("A new referral is in the Caredove inbox."), Moment.EARLY),
    Trigger("edited", _("Edited"), _("Somebody changed an existing referral."), Moment.EARLY),
    Trigger(
        "status_ready",
        _("Edited Status - Ready"),
        _("The sub-status was set to Ready."),
        Moment.EARLY,
    ),
    Trigger(
        "status_received",
        _("Edited Status - Received"),
        _("The sub-status was set to Received."),
        Moment.EARLY,
    ),
    Trigger(
        "closed_completed",
        _("Closed - Completed"),
        _("Closed: the service was given."),
        Moment.LATE,
    ),
    Trigger(
        "closed_rejected",
        _("Closed - Rejected"),
        _("Closed: the registrant is not eligible."),
        Moment.LATE,
        _("Those people do not become clients: they would be in the inbox of CRMS all the same."),
    ),
    Trigger(
        "closed_cancelled",
        _("Closed - Cancelled"),
        _("Closed: somebody cancelled."),
        Moment.LATE,
        _(
            "The service will not take place: the referral would be in the inbox of CRMS "
            "all the same."
        ),
    ),
    Trigger(
        "closed_failed", _("Closed - Failed"), _("Closed: incomplete, or nobody came."), Moment.LATE
    ),
    Trigger(
        "closed_error",
        _("Closed - Error"),
        _("Closed: the referral was entered in error."),
        Moment.LATE,
        _("Such a referral may name the wrong person, and CRMS takes nothing back."),
    ),
    Trigger(
        "closed_any",
        _("Closed (any)"),
        _("Closed, for whatever reason."),
        Moment.LATE,
        _("This includes the rejected, the cancelled, and those entered in error."),
    ),
    Trigger("booked", _("Booked"), _("A first appointment was added.")),
    Trigger(
        "rescheduled_unbooked",
        _("Rescheduled/Unbooked"),
        _("The appointment was moved or taken back."),
    ),
    Trigger("archived", _("Archived"), _("The referral was archived."), Moment.LATE),
    Trigger(
        "message_from_provider",
        _("Message from Provider"),
        _("The receiving organization wrote to the sender."),
    ),
    Trigger(
        "message_from_requester",
        _("Message from Requester"),
        _("The sending organization wrote to the provider."),
    ),
    Trigger(
        PARTNER_UPDATE,
        _("Partner update"),
        _(
            "A partner that was sent the referral answered it: a status, an outcome, an "
            "id or a note. "
            "It never goes back to that partner."
        ),
        by_partner=True,
    ),
)

TRIGGER_KEYS = tuple(trigger.key for trigger in TRIGGERS)
SENDER_TRIGGER_KEYS = tuple(trigger.key for trigger in TRIGGERS if not trigger.by_partner)
TRIGGER_LABELS = {trigger.key: trigger.label for trigger in TRIGGERS}


def labels_of(keys: Iterable[str]) -> str:
    """Return triggers for people, each once, with commas; an unknown one by its key."""
    return ", ".join(str(TRIGGER_LABELS.get(key, key)) for key in dict.fromkeys(keys))


# Closed classification -> the trigger that it fires.
CLOSED_TRIGGERS = {
    "completed": "closed_completed",
    "rejected": "closed_rejected",
    "cancelled": "closed_cancelled",
    "failed": "closed_failed",
    "entered-in-error": "closed_error",
}

EARLY_AND_LATE = _(
    "You have chosen an early and a late moment. Each referral goes once, at the first of them, "
    "and CRMS takes no updates: what happens later does not reach it. Choose late moments alone "
    "if CRMS should have the referral as it stood at its end."
)


def early_and_late(on: Collection[str]) -> bool:
    """Return whether the choice mixes moments at the beginning of a referral with its end."""
    chosen = {trigger.moment for trigger in TRIGGERS if trigger.key in on}
    return {Moment.EARLY, Moment.LATE} <= chosen
