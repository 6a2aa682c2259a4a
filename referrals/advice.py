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
    """Whose turn it is. The values are the API's; people read `label`."""

    NOBODY = _("nobody")
    REFERRAL_STAFF = _("whoever looks after the referral in Caredove")
    SUPPORT = _("support")
    LIAISON = _("the liaison")
    ADMINISTRATOR = _("an administrator")
    DEVELOPERS = _("the developers")

    @property
    def label(self) -> str:
        """Who it is, in the reader's language."""
        return gettext(self.value)


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
    "Edit the referral in Caredove as the message says and save it: it goes again by itself. "
    "Do not press Retry. If it keeps happening, have the field made mandatory on the Caredove "
    "form.",
)
FIX_CONNECTION = Advice(
    Actor.ADMINISTRATOR,
    "This is not a problem with the referral: the connection is paused and nothing is lost. "
    "Fix it, then press “Test connection”: everything that waits goes by itself.",
)
ENTER_CREDENTIALS = Advice(
    Actor.ADMINISTRATOR,
    "The referral is fine: the destination did not accept our credentials, so it is paused and "
    "nothing is lost. Enter valid ones, then press “Test connection”: everything that waits is "
    "sent automatically.",
)
CORRECT_ADDRESS = Advice(
    Actor.ADMINISTRATOR,
    "The referral is fine: something other than the destination seems to answer at its address, so "
    "it is paused and nothing is lost. Correct the address, or what answers there, then press "
    "“Test connection”: everything that waits is sent automatically.",
)
FIX_MAPPING = Advice(
    Actor.LIAISON, "Fix the mapping and save it: everything that waits goes by itself."
)
CONNECT_AGAIN = Advice(
    Actor.LIAISON,
    "Connect the listing to this destination again: everything that waits goes by itself.",
)
LOOK = Advice(
    Actor.SUPPORT,
    "Look in the destination for the reference, then press “It is there” and enter its id, or "
    "“It is not there, send again”.",
)
LOOK_WITHOUT_ID = Advice(
    Actor.SUPPORT,
    "Its answer named no id, so it is not sent again. Look in the destination for the "
    "reference, then press “It is there” and enter its id, or “It is not there, send again”.",
)
LOOK_AT_DUPLICATE = Advice(
    Actor.SUPPORT,
    "Nothing was sent to what is there: it may be another referral. Open it in the destination. If "
    "it is this one, press “It is there” and enter its id; if not, have it sorted out there, then "
    "press “It is not there, send again”.",
)
LOOK_FOR_LOST = Advice(
    Actor.SUPPORT,
    "It had the referral and no longer has it. Ask there what became of it, then press "
    "“It is there” and enter its id, “It is not there, send again”, or “Dismiss”.",
)
LOOK_UNPROVEN = Advice(
    Actor.SUPPORT,
    "It is not proved that this destination can be searched for it, so nothing is sent on a guess. "
    "Look in the destination for it, then press “It is there” and enter its id, or “It is not "
    "there, send again”. An administrator can prove it with a test event.",
)
SINGLED_OUT = Advice(
    Actor.SUPPORT,
    "Only this referral is answered so; the others go through. Often a firewall dislikes a word in "
    "it. Change that word in Caredove and save it, or have the destination let it through and "
    "press Retry.",
)
RETRY = Advice(
    Actor.SUPPORT,
    "Press Retry when the destination is well again, wait some minutes, and once more at most: "
    "then call the support of the destination.",
)
RETRY_WHEN_REACHED = Advice(
    Actor.SUPPORT,
    "Nothing answered. Press Retry when the destination can be reached again, wait some minutes, "
    "and once more at most: then call the support of the destination.",
)
FIND_THE_CAUSE = Advice(
    Actor.DEVELOPERS,
    "Tell the developers the import's id; press Retry when they have found the cause.",
)
FIX_DOVETAIL = Advice(
    Actor.DEVELOPERS, "Tell the developers the import's id; press Retry when it is fixed."
)
WAIT_FOR_DETAILS = Advice(
    Actor.NOBODY, "It goes by itself when Caredove sends whom the referral is about."
)
BY_ITSELF = Advice(Actor.NOBODY, "It goes by itself.")
UNDER_WAY = Advice(Actor.NOBODY, "It is being sent at this moment.")
DONE = Advice(Actor.NOBODY, "Nothing is to be done.")
DECIDED = Advice(Actor.NOBODY, "A person decided that it is not imported.")
PAUSED = Advice(
    Actor.ADMINISTRATOR,
    "Fix the connection, then press “Test connection”: it goes by itself, nothing is lost.",
)
UNREACHABLE = Advice(
    Actor.ADMINISTRATOR,
    "Nothing was sent, so nothing is lost. Dovetail tries to reach it at least every 15 minutes, "
    "and so does “Test connection”: everything that waits goes by itself when it answers.",
)
ADMIT_HOST = Advice(
    Actor.ADMINISTRATOR,
    "If the database was restored from a backup, run “manage.py restored” on that host. If it is "
    "one more host, run “manage.py new_host” there. Nothing is lost meanwhile.",
)
REMOVE_THERE = Advice(
    Actor.SUPPORT, "Look in the destination and remove the referral there, then clear the error."
)
SEEN = Advice(Actor.SUPPORT, "It later succeeded. Clear the error once you have seen it.")
SEEN_TO = Advice(Actor.SUPPORT, "Clear the error once you have seen it.")
CORRECT_THERE = Advice(
    Actor.SUPPORT, "Correct this in the destination by hand, then clear the error."
)
DECIDE_WITHDRAWN = Advice(
    Actor.SUPPORT,
    "Ask the referral's staff in Caredove. Press Retry to import it anyway, or Dismiss if it must "
    "not be imported. If they correct it in Caredove, it is sent automatically.",
)
ADD_FILES = Advice(
    Actor.SUPPORT,
    "The referral is in. Add the missing files to the destination by hand, then clear the error.",
)


# -- Of the gates ------------------------------------------------------------------------------

CONTACT_CAREDOVE = Advice(
    Actor.ADMINISTRATOR,
    "Tell Caredove, or let the source send for that organization; then have the referral saved in "
    "Caredove.",
)
SET_UP = Advice(
    Actor.ADMINISTRATOR,
    "Set the organization and the listing up, then have the referral saved in Caredove.",
)
WHEN_IT_IS_NAMED = Advice(Actor.NOBODY, "It goes on by itself when one does.")
ACTIVATE_AND_SAVE = Advice(
    Actor.ADMINISTRATOR, "Activate it, then have the referral saved in Caredove."
)
ASK_FOR_PLAN = Advice(Actor.ADMINISTRATOR, "Ask Caredove about the plan.")
MAKE_CREDENTIALS = Advice(Actor.ADMINISTRATOR, "Make credentials, and give them to Caredove.")
ASK_FOR_EVENTS = Advice(
    Actor.ADMINISTRATOR, "Ask Caredove whether the integration is switched on for this listing."
)
ADD_DESTINATION = Advice(Actor.ADMINISTRATOR, "Add the destination: its address and its token.")
CONNECT = Advice(Actor.LIAISON, "Connect the listing, then have the referral saved in Caredove.")
SWITCH_ON = Advice(Actor.LIAISON, "Switch it on, then have the referral saved in Caredove.")
INCLUDE_ROUTED = Advice(Actor.LIAISON, "Include routed requests if they are wanted.")
WHEN_IT_HAPPENS = Advice(Actor.NOBODY, "It goes by itself when one of those happens in Caredove.")
DISMISS_MOVED = Advice(
    Actor.SUPPORT, "Dismiss this import. The referral goes by the listing that it is now for."
)
NAME_SOMEBODY = Advice(
    Actor.REFERRAL_STAFF, "Enter the person's name in Caredove and save it: it goes by itself."
)
TEST_CONNECTION = Advice(Actor.ADMINISTRATOR, "Press “Test connection”.")
ACTIVATE = Advice(
    Actor.ADMINISTRATOR, "Activate it, or ask Caredove about the plan: it goes by itself then."
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
