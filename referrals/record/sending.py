"""What a partner was sent, in the order in which sending began; what is gone is gone at once.

A version counts as delivered from its intent on, unless surely nothing was sent.
"""

import time
from collections.abc import Mapping
from typing import Any, cast

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from core.database.clock import Now
from core.database.rows import update_one
from integrations.models import Destination
from integrations.transport import SUMMARY
from mapping.source import parts
from mapping.source.allowing import ALL, EVERYTHING, AllowList
from referrals.models import Delivery, ReferralFile, SendingOrder, StoredSummary, Version
from referrals.record import versions

# One above the last, and never below now. Written so for SQLite, which has no GREATEST.
COUNT = (
    'UPDATE "referrals_sendingorder"'
    " SET last = CASE WHEN last >= %s THEN last + 1 ELSE %s END"
    " WHERE destination_id = %s RETURNING last"
)


class NotDelivered(LookupError):
    """Nothing of this name was delivered to the destination."""


class Gone(LookupError):
    """It was delivered, and was removed or deleted since, or may not leave any more."""


# -- sending -------------------------------------------------------------------------------------


def begin(version: Version, where: int, data: Mapping[str, Any]) -> bool:
    """Note what is sent with a version; True when that is the first time, which gives its place.

    What the version shows is kept with it, in the same statement. `where` is the key of the
    destination. In the transaction of its intent.
    """
    is_first = version.position is None
    changes: dict[str, Any] = {"data": None}
    if not versions.is_removal(version):
        changes = {"data": data, "document": version.document}
    if is_first:
        changes |= {"position": _next_position(where), "sent_at": Now()}
    update_one(Version.objects.all(), version, **changes)
    return is_first


def _next_position(where: int) -> int:
    """Return the next position at a destination, whose row stays locked until the commit.

    It is never below the clock's milliseconds: a database that was restored from a backup counts
    on from above all that it had given out, and a partner that goes on reading misses nothing.
    """
    position = _count(where)
    if position is None:
        SendingOrder.objects.bulk_create([SendingOrder(pk=where)], ignore_conflicts=True)
        position = _count(where)
    if position is None:
        raise LookupError("the order of what is sent has no row")
    return position


def _count(where: int) -> int | None:
    # By hand: Django's ORM would need a further statement to read what it has counted.
    now = time.time_ns() // 1_000_000
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [now, now, where])
        row = cursor.fetchone()
    return row[0] if row else None


def take_back(version: Version) -> None:
    """Note that surely nothing was sent after all."""
    update_one(Version.objects.all(), version, position=None, sent_at=None, data=None)


# -- reading -------------------------------------------------------------------------------------


def page(destination: Destination, after: int, limit: int) -> list[Version]:
    """Return the next referrals, each at its latest delivered version, in order of delivery.

    One more than the limit where there are more.
    """
    newer = Version.objects.filter(
        delivery=OuterRef("delivery"), number__gt=OuterRef("number"), position__isnull=False
    )
    theirs = _delivered(destination).filter(~Exists(newer), position__gt=after)
    listed = theirs.only("number", "action", "asked_at", "position", "delivery__reference")
    return list(
        listed.select_related(None).select_related("delivery").order_by("position")[: limit + 1]
    )


def latest(destination: Destination, reference: str) -> Version:
    """Return the latest delivered version of a referral; raises NotDelivered or Gone."""
    theirs = _delivered(destination).filter(delivery__reference=reference)
    version = theirs.defer(None).order_by("-position").first()
    if version is None:
        raise NotDelivered
    removals = Version.objects.filter(
        delivery=version.delivery_id, number__gte=version.number, action=Version.Action.REMOVE
    )
    if version.data is None or version.delivery.referral.purged_at or removals.exists():
        raise Gone
    if holds_more_than_may_leave(version):
        raise Gone
    return version


def _delivered(destination: Destination) -> QuerySet[Version]:
    delivered = Version.objects.filter(delivery__destination=destination, position__isnull=False)
    return delivered.select_related("delivery__referral", "delivery__destination")


def holds_more_than_may_leave(version: Version) -> bool:
    """Return whether what was sent with it has something that may not leave any more."""
    now: AllowList = version.delivery.destination.allow_list()
    before = EVERYTHING
    if version.allowed_fields is not None:
        before = AllowList(tuple(version.allowed_fields))
    document: Any = version.document
    if document is None:  # a newer version has taken its place
        return ALL not in now.names and now.names != before.names
    sent, may_leave = (dict(parts.leaves(one.part(document))) for one in (before, now))
    return any(path not in may_leave for path in sent if path[0] != "attachments")


def file(
    destination: Destination, reference: str, key: str
) -> tuple[Version, ReferralFile | StoredSummary, Mapping[str, Any]]:
    """Return the delivered version that names a file, the stored file, and its description.

    Raises NotDelivered, or Gone where it was withdrawn, replaced, or may not leave any more.
    """
    version = latest(destination, reference)
    named = _named(version, key)
    if named is None:
        earlier = Version.objects.filter(
            delivery=version.delivery_id, position__isnull=False, number__lt=version.number
        )
        if any(_named(one, key) for one in earlier.defer(None).order_by("-number")):
            raise Gone
        raise NotDelivered
    if named["category"] not in destination.files_allowed():
        raise Gone
    found = _stored(version.delivery, key, named)
    if found is None:
        raise Gone
    return version, found, named


def _named(version: Version, key: str) -> Mapping[str, Any] | None:
    files = cast("dict[str, Any]", version.data or {}).get("files", [])
    return next((one for one in files if one["id"] == key), None)


def _stored(
    delivery: Delivery, key: str, named: Mapping[str, Any]
) -> ReferralFile | StoredSummary | None:
    whose = {"referral": delivery.referral_id, "sha256": named["sha256"]}
    if named["category"] == SUMMARY:
        return StoredSummary.objects.filter(**whose).first()
    stored = ReferralFile.objects.filter(**whose, key=key, state=ReferralFile.State.STORED)
    return stored.first()
