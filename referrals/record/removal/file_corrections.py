"""What staff correct by hand about files in a destination that takes no updates.

A file that comes after the import is added there, one that is withdrawn is removed. While files
are still to follow, a late one goes along with them.
"""

from collections.abc import Collection, Iterable

from django.db.models import Q

from core.database.rows import update_one
from integrations.transport import Updates
from referrals import sentences
from referrals.models import Delivery, Referral, ReferralFile, Step
from referrals.record import files
from referrals.record.removal import corrections

State = Delivery.State
ENDED = Q(state=State.IMPORTED, due_at=None)  # it sends nothing more


def late(referral: Referral, new: Collection[ReferralFile]) -> None:
    """Flag the imports that have ended with the files that the referral did not have before."""
    if not new:
        return
    for delivery in Delivery.objects.filter(ENDED, referral=referral).select_related("destination"):
        if delivery.destination.transport().updates is not Updates.ONCE:
            continue  # its next version brings them
        before = referral.files.exclude(pk__in=[file.pk for file in new])
        for file in _missing(new, before):
            _come(delivery, file)


def while_it_ran(delivery: Delivery, referral: Referral, brought: Collection[int]) -> None:
    """Flag an import that has just ended with the files that came too late for it.

    `brought` are the files that it has sent, or for which it has explained why not.
    """
    ended = Delivery.objects.filter(ENDED, pk=delivery.pk).select_related("destination").first()
    if ended is None or ended.destination.transport().updates is not Updates.ONCE:
        return
    before = referral.files.filter(pk__in=brought)
    for file in _missing(referral.files.exclude(pk__in=brought), before):
        if file.filename not in ended.missing_files:
            _come(ended, file)


def withdrawn(referral: Referral, gone: Iterable[ReferralFile]) -> None:
    """Flag the imports that have sent files that are withdrawn, or for which staff added them."""
    for file in gone:
        begun = Step.objects.filter(delivery__referral=referral, name=files.step_of(file))
        deliveries = set()
        for step in begun.select_related("delivery"):
            corrections.add([step.delivery], _withdrawn(file, sent=step.done_at is not None))
            deliveries.add(step.delivery_id)
        others = Delivery.objects.filter(ENDED, referral=referral).exclude(pk__in=deliveries)
        for delivery in others.select_related("destination"):
            _gone_unsent(delivery, file)


def withdrawn_while_it_ran(delivery: Delivery, referral: Referral) -> None:
    """Flag an import that has just settled with the files withdrawn while they were sent."""
    gone = {files.step_of(f): f for f in referral.files.filter(state=files.State.WITHDRAWN)}
    for step in Step.objects.filter(delivery=delivery, name__in=gone):
        file, sent = gone[step.name], step.done_at is not None
        ended = Delivery.objects.get(pk=delivery.pk)
        if sent:  # whoever withdrew it before that was committed could only say that it may be
            corrections.drop(ended, _withdrawn(file, sent=False))
        corrections.add([ended], _withdrawn(file, sent=sent))


def _missing(new: Iterable[ReferralFile], before: Iterable[ReferralFile]) -> Iterable[ReferralFile]:
    """Return the new files that stand, without those whose bytes another one has."""
    there = {file.sha256 for file in before if file.state != files.State.WITHDRAWN} - {""}
    for file in new:
        if file.state != files.State.WITHDRAWN and file.sha256 not in there:
            there |= {file.sha256} - {""}
            yield file


def _come(delivery: Delivery, file: ReferralFile) -> None:
    """Tell of a late file, unless it is there: one that was to be removed may stay."""
    removals = [_withdrawn(file, sent=sent) for sent in (True, False)]
    was_begun = delivery.steps.filter(name=files.step_of(file)).exists()
    if any(one in delivery.corrections for one in removals):
        corrections.drop(delivery, *removals)
    elif not was_begun or any(_was_reported(delivery, one) for one in removals):
        corrections.add([delivery], _came_late(delivery, file))


def _gone_unsent(delivery: Delivery, file: ReferralFile) -> None:
    """Tell of a withdrawn file that the import has not sent, where somebody may have added it."""
    name, to_add = file.filename, _came_late(delivery, file)
    if to_add in delivery.corrections:
        corrections.drop(delivery, to_add)
    elif name in delivery.missing_files or _was_reported(delivery, to_add):
        left = {one: why for one, why in delivery.missing_files.items() if one != name}
        columns = {"missing_files": left, "lacks_files": bool(left)}
        update_one(Delivery.objects.all(), delivery, **columns)
        sentence = sentences.FILE_TAKEN_BACK(file=name, destination=delivery.destination)
        corrections.add([delivery], sentence)


def _came_late(delivery: Delivery, file: ReferralFile) -> str:
    return sentences.FILE_CAME_LATE(file=file.filename, destination=delivery.destination)


def _was_reported(delivery: Delivery, sentence: str) -> bool:
    return any(sentence in cleared.message for cleared in delivery.cleared_errors.all())


def _withdrawn(file: ReferralFile, *, sent: bool) -> str:
    cause = sentences.SENT_FILE_WITHDRAWN if sent else sentences.FILE_WITHDRAWN
    return cause(file=file.filename)
