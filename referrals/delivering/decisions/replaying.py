"""Versions that are sent once more under the same ids: one, those of a time, or what was missed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core import audit
from core.database import clock
from integrations.models import Destination
from integrations.transport import Transport
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.delivering.running import why_not_now
from referrals.models import Delivery, Referral, ReferralFile, Version
from referrals.record import sending, versions

NOT_REPEATABLE = _(
    "This destination does not know what it was sent by an id: sent again, it would be there twice."
)
IN_A_RUN = _(
    "It went in a run already, and a version is in one run only. A newer one goes in a later run."
)
NOT_THE_LATEST = _("It will not come any more, and this destination takes only the latest version.")
RUNNING = _("Its referral is being sent at this moment.")
NOT_KEPT = _("What it showed is not kept.")
WITHDRAWN = _("A file of it was withdrawn since.")
NOT_ALLOWED = _("It holds a field that may no longer leave to this destination.")


@dataclass(frozen=True, slots=True)
class NotReplayed:
    """A version that must not leave again, and why, in a sentence without personal data."""

    reference: str
    why: str


@dataclass(slots=True)
class Replayed:
    queued: int = 0
    refused: list[NotReplayed] = field(default_factory=list)


def made_between(destination: Destination, start: datetime, end: datetime) -> QuerySet[Version]:
    """Return the versions made from `start` on and before `end`."""
    return _of(destination).filter(asked_at__gte=start, asked_at__lt=end)


def missed(destination: Destination) -> QuerySet[Version]:
    """Return every version that was never accepted, but for those that will never come."""
    ended = (Version.State.ACCEPTED, Version.State.SUPERSEDED, Version.State.SKIPPED)
    return _of(destination).exclude(state__in=ended)


def _of(destination: Destination) -> QuerySet[Version]:
    return Version.objects.filter(delivery__destination=destination)


def replay(
    chosen: QuerySet[Version], transport: Transport, by: AbstractBaseUser | None = None
) -> Replayed:
    """Queue versions once more, in their order; what may not leave now is refused, with why."""
    done = Replayed()
    in_order = chosen.order_by("asked_at", "number")
    for pk, reference in list(in_order.values_list("pk", "delivery__reference")):
        if why := _replay_one(pk, transport, by):
            done.refused.append(NotReplayed(reference, why))
        else:
            done.queued += 1
    return done


@transaction.atomic
def _replay_one(pk: UUID, transport: Transport, by: AbstractBaseUser | None) -> str:
    """Queue one version once more, or return why not."""
    referral_id = Version.objects.values_list("delivery__referral", flat=True).get(pk=pk)
    # What is being opened or settled at this moment is waited for.
    Referral.objects.select_for_update().get(pk=referral_id)
    version = Version.objects.select_related(
        "delivery__referral", "delivery__destination__organization"
    ).get(pk=pk)
    if why := why_not_replay(version, transport):
        return why
    if _goes_by_itself(version):
        return ""
    if not versions.bring_again(version, clock.now()):
        return str(RUNNING)
    audit.record(by or COMMAND_LINE, "replay", version.delivery, version=version.number)
    return ""


def _goes_by_itself(version: Version) -> bool:
    waits = version.delivery.state in (Delivery.State.QUEUED, Delivery.State.WAITING)
    return waits and version.state in Version.PENDING


def why_not_replay(version: Version, transport: Transport) -> str:
    """Return why the version must not be sent once more now, or an empty string when it may."""
    if not transport.repeatable:
        return str(NOT_REPEATABLE)
    if transport.batches and version.state not in Version.PENDING:
        return str(IN_A_RUN if version.run_id else NOT_THE_LATEST)
    if versions.is_removal(version):
        return ""
    if why := why_not_now(version.delivery):
        return why
    if version.document is None:
        return "" if version.state in Version.PENDING else str(NOT_KEPT)
    if shows_a_withdrawn_file(version):
        return str(WITHDRAWN)
    return str(NOT_ALLOWED) if _holds_more_than_may_leave(version) else ""


def _holds_more_than_may_leave(version: Version) -> bool:
    return version.attempts.exists() and sending.holds_more_than_may_leave(version)


def shows_a_withdrawn_file(version: Version) -> bool:
    """Return whether a file that the version shows was withdrawn since."""
    document: Any = version.document
    shown = {attachment.get("key") for attachment in document.get("attachments", [])}
    withdrawn = version.delivery.referral.files.filter(state=ReferralFile.State.WITHDRAWN)
    return any(file.identity in shown or file.key in shown for file in withdrawn)
