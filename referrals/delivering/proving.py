"""What a destination can do: proved by imports, by each test, and by test events.

Nothing waits for a proof, and nothing is raised: what fails is asked again.
"""

import logging
from collections.abc import Sequence

from django.db.models import Q

from core.database import clock
from integrations.capabilities import PROVED_BY_READING, Capability, Shown
from integrations.models import ASK_SEARCH_AGAIN, Destination
from integrations.transport import DeliveryError, Document, Parcel, Receipt, Unconfirmed
from referrals.models import TEST_EVENT_IDS, TEST_REFERENCE, Delivery

logger = logging.getLogger(__name__)


def prove_by_reading(
    destination: Destination,
    reference: str,
    external_id: str,
    documents: Sequence[Document] = (),
    *,
    now: bool = False,
) -> None:
    """Search for a referral that is there, and for one that cannot exist, unless that is proved.

    `documents` are the files that are there with it. `now`: also what is proved, or was asked of
    late.
    """
    if not now and not destination.has_to_prove():
        return
    transport = destination.transport()
    begun = destination.begin_proof(clock.now()) if transport.searchable else None
    if begun is None:
        return
    shown: Shown = {}
    try:
        shown = transport.prove_by_reading(reference, external_id, documents)
        later = _would_show_the_same(shown, documents)
    except Unconfirmed as error:  # the next import would see the same
        shown, later = error.shown, True
    except DeliveryError:
        later = False
    except Exception:
        logger.exception("what a destination can do was not proved; the next import asks again")
        return
    destination.end_proof(begun, shown, begun + ASK_SEARCH_AGAIN if later else None)


def _would_show_the_same(shown: Shown, documents: Sequence[Document]) -> bool:
    """Return whether asking after the next import would show the same.

    A search that gives nothing may be late, so it is asked soon.
    """
    finds, lists = (shown.get(one) for one in PROVED_BY_READING)
    if finds is None:
        return False
    return not finds.yes or (bool(documents) and not (lists and lists.yes))


def prove_again(destination: Destination) -> None:
    """Do the same, whatever is known, with the latest referral that was created there.

    Not with one that people remove there, unless there is no other: it shows nothing.
    """
    imported = destination.deliveries.filter(imported_at__isnull=False, external_id__isnull=False)
    stays = Q(referral__purged_at=None) & ~Q(reference__startswith=TEST_REFERENCE)
    found = destination.findings().get(Capability.SEARCH_FINDS)
    latest = imported.filter(stays).order_by("-imported_at").first()
    if latest is None and not (found and found.yes):
        latest = imported.order_by("-imported_at").first()
    if latest:
        prove_by_reading(destination, latest.reference, latest.external_id or "", now=True)
    elif found and found.refused:
        prove_by_reading(destination, "", "", now=True)


def prove_by_writing(delivery: Delivery, parcel: Parcel, receipt: Receipt) -> None:
    """Send a file of a test event once more, to see whether the destination keeps one of it.

    Of test events alone: a person was asked, and removes what they leave there.
    """
    if not _is_test(delivery):
        return
    transport = delivery.destination.transport()
    keys = Capability.RECOGNIZES_KEYS
    if keys not in transport.capabilities or transport.declared(keys) is False:
        return
    try:
        shown = transport.prove_by_writing(parcel, receipt)
    except DeliveryError:
        return
    except Exception:
        logger.exception("what a destination does with a key was not proved")
        return
    delivery.destination.prove(shown, clock.now())


def _is_test(delivery: Delivery) -> bool:
    """Return whether Dovetail itself has sent the referral: its reference and its events say so."""
    if not delivery.reference.startswith(TEST_REFERENCE):
        return False
    events = delivery.referral.events.exclude(dedup_key__startswith=TEST_EVENT_IDS)
    return not events.exists()
