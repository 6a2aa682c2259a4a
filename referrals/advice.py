"""Whose turn it is and what to do, in plain words, for every way in which an import can stand.

One answer for each row of the answer table in `docs/connecting-crms.md`; `docs/runbook.md` says
the same at more length, and a test holds the two together.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from integrations.transport import Doubt, ErrorKind
from referrals.models import Attempt, Delivery

State, Reason = Delivery.State, Delivery.Reason
MAX_RESENDS = 2  # by hand, before support is called (crms-import.md, answers)


class Actor(StrEnum):
    """Whose turn it is. The values are the API's, and never change; people read `label`."""

    NOBODY = "nobody"
    REFERRAL_STAFF = "whoever looks after the referral in Caredove"
    SUPPORT = "support"
    LIAISON = "the liaison"
    ADMINISTRATOR = "an administrator"
    DEVELOPERS = "the developers"

    @property
    def label(self) -> str:
        """Who it is, in the reader's language."""
        return gettext(_LABELS[self])


_LABELS = {
    Actor.NOBODY: _("no one"),
    Actor.REFERRAL_STAFF: _("Caredove staff"),
    Actor.SUPPORT: _("support"),
    Actor.LIAISON: _("the liaison"),
    Actor.ADMINISTRATOR: _("an administrator"),
    Actor.DEVELOPERS: _("whoever maintains Dovetail"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """Who acts, and what to do, in a sentence or two; `text` is English, `what` is shown."""

    actor: Actor
    text: str

    @property
    def what(self) -> str:
        """What to do, in the reader's language."""
        return gettext(self.text)


EDIT = Advice(
    Actor.REFERRAL_STAFF,
    "Correct the referral in Caredove as the message says, and save it. It will be sent again "
    "automatically. Retry won't help: the same data would be refused again. If this happens "
    "often, make the field mandatory on the Caredove form.",
)
FIX_CONNECTION = Advice(
    Actor.ADMINISTRATOR,
    "The referral is fine: the connection is paused. Fix the connection, then press “Test "
    "connection”. Everything that is waiting will be sent automatically; nothing is lost.",
)
ENTER_CREDENTIALS = Advice(
    Actor.ADMINISTRATOR,
    "The referral is fine: the destination rejected our credentials, so it is paused. Enter new "
    "ones, then press “Test connection”. Everything that is waiting will be sent automatically; "
    "nothing is lost.",
)
CORRECT_ADDRESS = Advice(
    Actor.ADMINISTRATOR,
    "The referral is fine: something other than the destination seems to answer at its address, "
    "so it is paused. Correct the address, or what answers there, then press “Test connection”. "
    "Everything that is waiting will be sent automatically; nothing is lost.",
)
FIX_MAPPING = Advice(
    Actor.LIAISON,
    "Fix the mapping and save it. Everything that is waiting will be sent automatically.",
)
CONNECT_AGAIN = Advice(
    Actor.LIAISON,
    "Connect the listing to this destination again. Everything that is waiting will be sent "
    "automatically.",
)
LOOK = Advice(
    Actor.SUPPORT,
    "Search the destination for the reference, then press “It is there” and enter its ID, or “It "
    "is not there, send again”.",
)
LOOK_WITHOUT_ID = Advice(
    Actor.SUPPORT,
    "The destination answered without an ID, so the referral is not sent again. Search the "
    "destination for the reference, then press “It is there” and enter its ID, or “It is not "
    "there, send again”.",
)
LOOK_AT_DUPLICATE = Advice(
    Actor.SUPPORT,
    "The destination already has a referral under this reference, which may be another one, so "
    "nothing was added to it. Open it there. If it is this referral, press “It is there” and "
    "enter its ID; if not, have it corrected there, then press “It is not there, send again”.",
)
LOOK_FOR_LOST = Advice(
    Actor.SUPPORT,
    "The destination received this referral and no longer has it. Ask the agency what happened, "
    "then press “It is there” and enter its ID, “It is not there, send again”, or “Dismiss”.",
)
LOOK_UNPROVEN = Advice(
    Actor.SUPPORT,
    "Dovetail cannot rely on this destination's search yet, so nothing is sent on a guess. "
    "Search the destination yourself, then press “It is there” and enter its ID, or “It is not "
    "there, send again”. An administrator can prove the search with a test event.",
)
SINGLED_OUT = Advice(
    Actor.SUPPORT,
    "Only this referral gets this answer; the others are accepted. Often, a firewall blocks a "
    "word in it. Change that word in Caredove and save, or have the destination allow it and "
    "press Retry.",
)
RETRY = Advice(
    Actor.SUPPORT,
    "When the destination is working again, press Retry. If it fails a second time, wait a few "
    "minutes, then contact the destination's support.",
)
RETRY_WHEN_REACHED = Advice(
    Actor.SUPPORT,
    "The destination did not answer. When it can be reached again, press Retry. If it fails a "
    "second time, wait a few minutes, then contact the destination's support.",
)
FIND_THE_CAUSE = Advice(
    Actor.DEVELOPERS,
    "Send the import's ID to whoever maintains Dovetail. Press Retry once the cause is fixed.",
)
FIX_DOVETAIL = Advice(
    Actor.DEVELOPERS,
    "Send the import's ID to whoever maintains Dovetail. Press Retry once the error is fixed.",
)
WAIT_FOR_DETAILS = Advice(
    Actor.NOBODY, "Waiting for the client's details from Caredove. There is nothing to do."
)
BY_ITSELF = Advice(Actor.NOBODY, "It will be sent automatically.")
UNDER_WAY = Advice(Actor.NOBODY, "It is being sent right now.")
DONE = Advice(Actor.NOBODY, "There is nothing to do.")
DECIDED = Advice(Actor.NOBODY, "Someone decided not to import it.")
PAUSED = Advice(
    Actor.ADMINISTRATOR,
    "Fix the connection, then press “Test connection”. The referral will be sent automatically; "
    "nothing is lost.",
)
UNREACHABLE = Advice(
    Actor.ADMINISTRATOR,
    "Nothing was sent, so nothing is lost. Dovetail tries to reach the destination at least "
    "every 15 minutes, and so does “Test connection”. When it answers, everything that is "
    "waiting will be sent automatically.",
)
ADMIT_HOST = Advice(
    Actor.ADMINISTRATOR,
    "If the database was restored from a backup, run “manage.py restored” on that host. If it is "
    "one more host, run “manage.py new_host” there. Nothing is lost meanwhile.",
)
REMOVE_THERE = Advice(
    Actor.SUPPORT,
    "Caredove revoked this referral. Delete it in the destination, then clear the error.",
)
SEEN = Advice(
    Actor.SUPPORT, "Imported after an earlier error. Clear the error when you've seen this."
)
SEEN_TO = Advice(Actor.SUPPORT, "Clear the error when you've seen this.")
CORRECT_THERE = Advice(
    Actor.SUPPORT, "Correct this in the destination yourself, then clear the error."
)
DECIDE_WITHDRAWN = Advice(
    Actor.SUPPORT,
    "Ask the Caredove staff who look after this referral. Press Retry to import it anyway, or "
    "Dismiss if it must not be imported. If they correct it in Caredove, it will be sent "
    "automatically.",
)
ADD_FILES = Advice(
    Actor.SUPPORT,
    "The referral was imported without some files. Add them to the destination yourself, then "
    "clear the error.",
)


# -- Of the gates ------------------------------------------------------------------------------

CONTACT_CAREDOVE = Advice(
    Actor.ADMINISTRATOR,
    "Contact Caredove, or allow the source to send for that organization. Then have the referral "
    "saved again in Caredove.",
)
SET_UP = Advice(
    Actor.ADMINISTRATOR,
    "Set up the organization and the listing, then have the referral saved again in Caredove.",
)
WHEN_IT_IS_NAMED = Advice(
    Actor.NOBODY, "It will continue automatically when a message names the listing."
)
ACTIVATE_AND_SAVE = Advice(
    Actor.ADMINISTRATOR,
    "Activate the organization, then have the referral saved again in Caredove.",
)
ASK_FOR_PLAN = Advice(Actor.ADMINISTRATOR, "Ask Caredove about the plan.")
MAKE_CREDENTIALS = Advice(Actor.ADMINISTRATOR, "Create credentials and give them to Caredove.")
ASK_FOR_EVENTS = Advice(
    Actor.ADMINISTRATOR, "Ask Caredove whether the integration is switched on for this listing."
)
ADD_DESTINATION = Advice(Actor.ADMINISTRATOR, "Add the destination: its address and its token.")
CONNECT = Advice(
    Actor.LIAISON, "Connect the listing, then have the referral saved again in Caredove."
)
SWITCH_ON = Advice(
    Actor.LIAISON, "Turn the connection on, then have the referral saved again in Caredove."
)
INCLUDE_ROUTED = Advice(
    Actor.LIAISON, "If you want routed requests, include them in the connection."
)
WHEN_IT_HAPPENS = Advice(
    Actor.NOBODY, "It will be sent automatically when one of these happens in Caredove."
)
DISMISS_MOVED = Advice(
    Actor.SUPPORT,
    "Dismiss this import. The referral will be sent through the listing that it is now for.",
)
NAME_SOMEBODY = Advice(
    Actor.REFERRAL_STAFF,
    "Enter the person's name in Caredove and save. The referral will be sent automatically.",
)
TEST_CONNECTION = Advice(Actor.ADMINISTRATOR, "Press “Test connection”.")
ACTIVATE = Advice(
    Actor.ADMINISTRATOR,
    "Activate the organization, or ask Caredove about its plan. The "
    "referral will then be sent automatically.",
)

BY_REASON = {
    Reason.REJECTED: EDIT,
    Reason.CONNECTION: FIX_CONNECTION,
    Reason.MAPPING: FIX_MAPPING,
    Reason.DISCONNECTED: CONNECT_AGAIN,
    Reason.UNCONFIRMED: LOOK,
    Reason.RETRIES_EXHAUSTED: RETRY,
    Reason.QUARANTINED: FIND_THE_CAUSE,
    Reason.SINGLED_OUT: SINGLED_OUT,
    Reason.BUG: FIX_DOVETAIL,
    Reason.WITHDRAWN: DECIDE_WITHDRAWN,
}
BY_KIND: dict[str, Advice] = {
    ErrorKind.CREDENTIALS: ENTER_CREDENTIALS,
    ErrorKind.MISADDRESSED: CORRECT_ADDRESS,
}
NOTHING_ANSWERED = ("", ErrorKind.SILENT, ErrorKind.DOWN)
BY_STATE = {
    State.WAITING: WAIT_FOR_DETAILS,
    State.QUEUED: BY_ITSELF,
    State.RUNNING: UNDER_WAY,
    State.IMPORTED: DONE,
    State.DISMISSED: DECIDED,
}
BY_DOUBT = {
    Doubt.NO_ID: LOOK_WITHOUT_ID,
    Doubt.DUPLICATE: LOOK_AT_DUPLICATE,
    Doubt.GONE: LOOK_FOR_LOST,
    Doubt.UNPROVEN: LOOK_UNPROVEN,
}


def advice(delivery: Delivery, last: Attempt | None = None) -> Advice:
    """Return who acts on the delivery and what to do.

    With its last attempt the words fit the answer, too; who acts is the same without.
    """
    if delivery.state == State.NEEDS_ATTENTION:
        return _on_answer(delivery, last) if last else _on_reason(delivery)
    if delivery.state == State.QUEUED and delivery.destination.paused_at:
        return UNREACHABLE if delivery.destination.is_down else PAUSED
    if delivery.has_uncleared_error and delivery.state in (State.IMPORTED, State.DISMISSED):
        return _on_flag(delivery)
    return BY_STATE[State(delivery.state)]


def _on_reason(delivery: Delivery) -> Advice:
    if delivery.reason == Reason.CONNECTION and delivery.destination.is_down:
        return UNREACHABLE
    return BY_REASON[Reason(delivery.reason)]


def _on_answer(delivery: Delivery, last: Attempt) -> Advice:
    if delivery.reason == Reason.UNCONFIRMED and last.doubt in BY_DOUBT:
        return BY_DOUBT[Doubt(last.doubt)]
    if delivery.reason == Reason.RETRIES_EXHAUSTED and last.kind in NOTHING_ANSWERED:
        return RETRY_WHEN_REACHED
    if delivery.reason == Reason.CONNECTION and not delivery.destination.is_down:
        return BY_KIND.get(last.kind, FIX_CONNECTION)
    return _on_reason(delivery)


def _on_flag(delivery: Delivery) -> Advice:
    """What is left to do for an import that has ended, and whose error nobody has cleared."""
    if delivery.referral.purged_at:
        return REMOVE_THERE
    if delivery.state == State.DISMISSED:
        return SEEN_TO
    if delivery.needs_correction:
        return CORRECT_THERE
    return ADD_FILES if delivery.missing_files and delivery.due_at is None else SEEN
