"""A run is brought once more, with the same bytes, unless some of it may not leave any more."""

from collections.abc import Callable, Iterator

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from core import audit
from integrations.transport import BatchReceipt, Parcel
from referrals.delivering.building import build_removal
from referrals.delivering.claiming import Lease
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.delivering.decisions.replaying import (
    NOT_ALLOWED,
    NOT_KEPT,
    WITHDRAWN,
    NotReplayed,
    shows_a_withdrawn_file,
)
from referrals.delivering.ledger import DeliveryLedger
from referrals.delivering.running import why_not_now
from referrals.delivering.runs import batch_of, build_put, carried
from referrals.models import Run, Version
from referrals.record import sending, versions

NOT_FINISHED = _("It has not arrived: it goes by itself until it has.")
NO_LIST = _("It had nothing to say, so it has left no list there.")


class NotRepeated(Exception):
    """The run must not go again. `refused` names each referral, and why."""

    def __init__(self, why: str, refused: list[NotReplayed] | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.refused = refused or []


def repeat(
    run: Run,
    by: AbstractBaseUser | None = None,
    keep: Callable[[], object] = lambda: None,
) -> BatchReceipt:
    """Bring a run once more under its name, with the same bytes.

    Calls `keep` now and then. Raises NotRepeated, without effect, and a DeliveryError.
    """
    if run.state != Run.State.DONE:
        raise NotRepeated(str(NOT_FINISHED))
    if not run.name:
        raise NotRepeated(str(NO_LIST))
    if refused := list(_refused(run)):
        why = f"{len(refused)} of its referrals may not leave again."
        raise NotRepeated(why, refused)
    transport = run.destination.transport()
    receipt = transport.deliver_batch(
        batch_of(run, _parcels(run, keep), keep=keep, sha256=run.sha256)
    )
    audit.record(by or COMMAND_LINE, "repeat", run, rows=receipt.rows)
    return receipt


def _refused(run: Run) -> Iterator[NotReplayed]:
    for version, __ in carried(run):
        if why := _why_not(version):
            yield NotReplayed(version.delivery.reference, why)


def _why_not(version: Version) -> str:
    """Return why a version of the run may not leave again, or an empty string."""
    if versions.is_removal(version):
        return ""
    if why := why_not_now(version.delivery):
        return why
    if version.document is None:
        return str(NOT_KEPT)
    if shows_a_withdrawn_file(version):
        return str(WITHDRAWN)
    return str(NOT_ALLOWED) if sending.holds_more_than_may_leave(version) else ""


def _parcels(run: Run, keep: Callable[[], object]) -> Iterator[Parcel]:
    transport = run.destination.transport()
    for version, rules in carried(run):
        keep()
        lease = Lease(version.delivery.pk, run.pk, version)
        ledger = DeliveryLedger(lease, repeatable=True, frozen=True)
        if versions.is_removal(version):
            yield build_removal(version.delivery, version, ledger).parcel
        else:
            yield build_put(transport, version, ledger, rules).parcel
