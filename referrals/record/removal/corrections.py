"""What a person has to correct in a destination: what is there and should not be, or the reverse.

A destination takes no updates. The import is flagged, says what to correct, and goes on otherwise.
"""

from collections.abc import Iterable

from core.database import clock
from core.database.rows import update_one
from referrals.models import Delivery


def add(deliveries: Iterable[Delivery], sentence: str) -> None:
    """Flag imports with what is to be corrected in their destination, each sentence once.

    The deliveries must be as they are in the database. The sentence may hold personal data.
    """
    for delivery in deliveries:
        if sentence in delivery.corrections:
            continue
        delivery.corrections = [*delivery.corrections, sentence]
        update_one(
            Delivery.objects.all(),
            delivery,
            corrections=delivery.corrections,
            needs_correction=True,
            error_at=clock.now(),
            error_cleared_at=None,
            error_cleared_by=None,
        )


def drop(delivery: Delivery, *sentences: str) -> None:
    """Take back what needs no correction any more; the flag stays until a person clears it.

    The delivery must be as it is in the database.
    """
    left = [one for one in delivery.corrections if one not in sentences]
    delivery.corrections = left
    update_one(Delivery.objects.all(), delivery, corrections=left, needs_correction=bool(left))
