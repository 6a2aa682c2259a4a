"""Whether a destination's search can be trusted: proved by the first import, and by each test."""

import logging

from core import clock
from integrations.models import ASK_SEARCH_AGAIN, Destination
from integrations.transport import DeliveryError, Search, Unconfirmed

logger = logging.getLogger(__name__)


def prove_search(
    destination: Destination, reference: str, external_id: str, *, now: bool = False
) -> None:
    """Search for a referral that is there, and for one that cannot exist, unless that is proved.

    Nothing waits for it and nothing is raised: what fails is asked again after the next import.
    `now`: also what is proved, or was refused of late.
    """
    if not now and destination.search_finds and destination.search().finds:
        return
    if not destination.transport().searchable:
        return
    begun = destination.begin_proof(clock.now(), now=now)
    if begun is None:
        return
    try:
        found = destination.transport().prove_search(reference, external_id)
        next_at = begun + ASK_SEARCH_AGAIN if found.refused else None
    except Unconfirmed:  # it gave something else than it should: the next import would see the same
        found, next_at = Search(), begun + ASK_SEARCH_AGAIN
    except DeliveryError:
        found, next_at = destination.search(), None
    except Exception:
        logger.exception("the search could not be proved; the next import asks again")
        return
    destination.end_proof(begun, found, next_at)


def prove_search_again(destination: Destination) -> None:
    """Do the same, whatever is known, with the latest referral that was created there."""
    imported = destination.deliveries.filter(imported_at__isnull=False, external_id__isnull=False)
    latest = imported.order_by("-imported_at").only("reference", "external_id").first()
    if latest:
        prove_search(destination, latest.reference, latest.external_id or "", now=True)
    elif destination.search_refused:
        prove_search(destination, "", "", now=True)
