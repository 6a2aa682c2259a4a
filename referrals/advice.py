"""Whose turn it is and what to do, in plain words, for every way in which an import can stand.

`docs/runbook.md` has a section for each reason; the words here and there agree.
"""

from dataclasses import dataclass
from enum import StrEnum

from referrals.models import ImportJob

State, Reason = ImportJob.State, ImportJob.Reason
MAX_RESENDS = 2  # by hand, before support is called (crms-import.md, answers)


class Actor(StrEnum):
    NOBODY = "nobody"
    REFERRAL_STAFF = "whoever looks after the referral in Caredove"
    SUPPORT = "support"
    LIAISON = "the liaison"
    ADMINISTRATOR = "an administrator"
    DEVELOPERS = "the developers"


@dataclass(frozen=True, slots=True)
class Advice:
    """Who acts, and what to do, as one sentence."""

    actor: Actor
    what: str


BY_REASON = {
    Reason.REJECTED: Advice(
        Actor.REFERRAL_STAFF,
        "Edit the referral in Caredove as the message says and save it: it goes again by itself. "
        "Do not resend. If it keeps happening, have the field made mandatory on the Caredove form.",
    ),
    Reason.MISCONFIGURED: Advice(
        Actor.ADMINISTRATOR,
        "This is not a problem with the referral: the connection is paused and nothing is lost. "
        "Mend it, then press “Test connection”: everything that waits goes by itself.",
    ),
    Reason.UNCONFIRMED: Advice(
        Actor.SUPPORT,
        "Look in the destination, then press “It is there” and enter its id, or “It is not there”.",
    ),
    Reason.GAVE_UP: Advice(
        Actor.SUPPORT,
        "Press Retry when the destination is well again, at most twice before you call support.",
    ),
    Reason.QUARANTINED: Advice(
        Actor.DEVELOPERS,
        "Tell the developers the import's id; press Retry when they have found the cause.",
    ),
    Reason.BUG: Advice(
        Actor.DEVELOPERS,
        "Tell the developers the import's id; press Retry when it is mended.",
    ),
}
MAPPING = Advice(
    Actor.LIAISON, "Mend the mapping and save it: everything that waits goes by itself."
)
BY_STATE = {
    State.WAITING: Advice(
        Actor.NOBODY, "It goes by itself when Caredove sends whom the referral is about."
    ),
    State.QUEUED: Advice(Actor.NOBODY, "It goes by itself."),
    State.RUNNING: Advice(Actor.NOBODY, "It is being sent at this moment."),
    State.IMPORTED: Advice(Actor.NOBODY, "Nothing is to be done."),
    State.DISMISSED: Advice(Actor.NOBODY, "A person decided that it is not imported."),
}
HELD = Advice(
    Actor.ADMINISTRATOR,
    "Mend the connection, then press “Test connection”: it goes by itself, nothing is lost.",
)
REVOKED_THERE = Advice(
    Actor.SUPPORT, "Look in the destination and remove the referral there, then clear the error."
)
SEEN = Advice(Actor.SUPPORT, "It went well later. Clear the error once you have seen it.")
FILES_MISSING = Advice(Actor.SUPPORT, "Add the missing files to the destination by hand.")


def advice(job: ImportJob) -> Advice:
    """Return who acts on the job and what to do."""
    if job.state == State.NEEDS_ATTENTION:
        if job.reason == Reason.MISCONFIGURED and not job.destination.held_at:
            return MAPPING
        return BY_REASON[Reason(job.reason)]
    if job.state == State.QUEUED and job.destination.held_at:
        return HELD
    if job.has_uncleared_error and job.state in (State.IMPORTED, State.DISMISSED):
        return _advice_on_flag(job)
    return BY_STATE[State(job.state)]


def _advice_on_flag(job: ImportJob) -> Advice:
    """What is left to do for an import that has ended, and whose error nobody has cleared."""
    if job.referral.purged_at:
        return REVOKED_THERE
    return FILES_MISSING if job.missing_files and job.due_at is None else SEEN
