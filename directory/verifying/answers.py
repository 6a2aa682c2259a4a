"""What an agency answers to the mail: once, by a link whose token is a credential."""

import hashlib
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core.database import clock
from directory.editing.recording import edit
from directory.models import (
    HIDDEN,
    Agency,
    Directory,
    Location,
    Service,
    VerificationRequest,
)
from directory.views.rules import SHOWN_STATUSES

REASON = "verified by the agency"


class Gone(Exception):
    """The link has expired, or somebody has answered by it."""


def hashed(token: str) -> str:
    """Return what is stored of a token. It is long and random, so a plain hash hides it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find(token: str) -> VerificationRequest:
    """Return the request that can be answered with the token; raises Gone."""
    found = (
        VerificationRequest.objects.select_related("agency__entry")
        .filter(
            token_hash=hashed(token),
            answered_at=None,
            expires_at__gt=clock.now(),
            agency__entry__withdrawn_by="",
        )
        .first()
    )
    if found is None:
        raise Gone
    return found


def claim(request: VerificationRequest) -> None:
    """Note that it is answered, in the caller's transaction; raises Gone for whoever comes second.

    The other links of the agency that wait for an answer end with it.
    """
    now = clock.now()
    is_open = VerificationRequest.objects.filter(answered_at=None, expires_at__gt=now)
    if not is_open.filter(pk=request.pk).update(answered_at=now):
        raise Gone
    request.answered_at = now
    is_open.filter(agency=request.agency_id).update(expires_at=now)


@transaction.atomic
def confirm(request: VerificationRequest) -> None:
    """Take it that everything is right as it is published; raises Gone."""
    claim(request)
    verified(request)


def services_of(agency: Agency) -> list[Service]:
    """Return the services that an agency is asked about: those that are shown."""
    found = agency.services.filter(entry__withdrawn_by="", status__in=SHOWN_STATUSES)
    shown = found.exclude(entry__secrecy__in=HIDDEN).select_related("entry")
    return list(shown.order_by("pk"))


def verified(request: VerificationRequest) -> None:
    """Write the day of the answer into the agency, its services, and its own locations.

    Never the person's address, but the directory's mailbox; never an older day over a newer one.
    """
    directory = Directory.objects.get()
    answered: datetime = request.answered_at or clock.now()
    day = answered.astimezone(directory.zone).date()
    agency = request.agency
    services = [service.pk for service in services_of(agency)]
    own = agency.locations.filter(entry__withdrawn_by="")
    locations = list(own.values_list("pk", flat=True))
    older = Q(assured_date=None) | Q(assured_date__lt=day)
    with edit([agency.pk, *services, *locations], None, REASON, keep=False):
        Service.objects.filter(older, pk__in=services).update(
            assured_date=day, assurer_email=directory.mailbox
        )
        Agency.objects.filter(older, pk=agency.pk).update(assured_date=day)
        Location.objects.filter(older, pk__in=locations).update(assured_date=day)
