"""Tokens of data partners. A token is made once, shown once, and kept as a hash.

One that is made here is 32 random bytes, so a plain hash keeps it: there is nothing to guess.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from core.database import clock
from core.database.clock import Time
from directory.models import DataPartner, DataPartnerToken, View

PREFIX = "dovetail_data_"  # so that people, and scanners of code, know one when they see it
SHORTEST, LONGEST = 8, 300  # characters of one that a configuration file gives
MOST = 2  # that hold at a time: the old one and the new one
OVERLAP = timedelta(days=30)  # that the old one holds when a new one is made
CALLED_EVERY = timedelta(minutes=1)  # no write for each call


class TooMany(Exception):
    """Two tokens hold already."""


@transaction.atomic
def make(partner: DataPartner, expires_at: datetime | None = None) -> str:
    """Return a new token, which is known here alone, and now; the one before holds for 30 days.

    Raises TooMany while two hold.
    """
    DataPartner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    now = clock.now()
    others = list(good(partner, now))
    if len(others) >= MOST:
        raise TooMany
    for other in others:
        other.expires_at = min(other.expires_at or now + OVERLAP, now + OVERLAP)
        other.save(update_fields=["expires_at"])
    secret = PREFIX + secrets.token_urlsafe(32)
    DataPartnerToken.objects.create(
        data_partner=partner, digest=_digest(secret), expires_at=expires_at
    )
    return secret


def revoke(token: DataPartnerToken) -> None:
    """End a token at once."""
    DataPartnerToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())


def put(partner: DataPartner, given: Collection[str]) -> bool:
    """Make these the tokens of the data partner and revoke all others; return whether any changed.

    Raises ValueError for one that is another data partner's, or too short or long.
    """
    if any(not SHORTEST <= len(secret) <= LONGEST for secret in given):
        raise ValueError(f"a token has {SHORTEST} to {LONGEST} characters")
    digests = {_digest(secret) for secret in given}
    tokens = DataPartnerToken.objects.filter(digest__in=digests)
    if tokens.exclude(data_partner=partner).exists():
        raise ValueError("this token is another data partner's")
    others = partner.tokens.exclude(digest__in=digests).filter(revoked_at=None)
    changed = others.update(revoked_at=clock.now())
    changed += tokens.exclude(revoked_at=None, expires_at=None).update(
        revoked_at=None, expires_at=None
    )
    missing = digests - set(tokens.values_list("digest", flat=True))
    for digest in missing:
        DataPartnerToken.objects.create(data_partner=partner, digest=digest)
    return bool(changed or missing)


def good(partner: DataPartner, now: datetime) -> "QuerySet[DataPartnerToken]":
    """Return the data partner's tokens that hold, the newest first."""
    return partner.tokens.filter(_holds(now))


def find(secret: str) -> DataPartner | None:
    """Return the data partner whose token this is, with its view; note that it has called."""
    sql = _FIND.format(now=clock.sql())
    found: Any = next(iter(DataPartner.objects.raw(sql, [_digest(secret)])), None)
    if found is None:
        return None
    partner: DataPartner = found
    partner.view = View(
        pk=found.view_id, name=found.view_name, version=found.version, last_number=found.last_number
    )
    partner.view.data_partner, partner.view.mark = partner, found.mark
    now = clock.read(found.now)
    if partner.called_at is None or partner.called_at < now - CALLED_EVERY:
        DataPartner.objects.filter(pk=partner.pk).update(called_at=now)
    return partner


# What a request needs of a data partner, with its view; the rest is deferred. As `_holds`.
_FIND = """
    SELECT partner.id, partner.name, partner.view_id, partner.valid_from, partner.valid_until,
        partner.rate, partner.exclude_fields, partner.called_at, {now} AS now,
        view.name AS view_name, view.version, view.last_number, numbering.mark
    FROM directory_datapartnertoken token
    JOIN directory_datapartner partner ON partner.id = token.data_partner_id
    JOIN directory_view view ON view.id = partner.view_id
    LEFT JOIN directory_numbering numbering
        ON numbering.view_id = view.id AND numbering.last = view.last_number
    WHERE token.digest = %s AND token.revoked_at IS NULL
        AND (token.expires_at IS NULL OR token.expires_at > {now})
"""


def _holds(now: Time) -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
