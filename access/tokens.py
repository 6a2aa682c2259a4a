"""Tokens for scripts that read the API for one organization.

A token is 32 random bytes, so a plain hash keeps it: there is nothing to guess. It reads, and
nothing else: only GET of the questions of `/api/v1/` takes one.
"""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.db.models import Q
from django.utils import timezone

from access.models import ApiToken

PREFIX = "dovetail_"  # so that people, and scanners of code, know one when they see it
LONGEST = 200
USED_EVERY = timedelta(minutes=1)  # no write for each question


def make(token: ApiToken) -> str:
    """Give the unsaved token its secret and return that: it is known here alone, and now."""
    token.secret = PREFIX + secrets.token_urlsafe(32)
    token.digest = _digest(token.secret)
    return token.secret


def read_bearer(authorization: str) -> str | None:
    """Return the token of an Authorization header, or None when it holds none of ours."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    ours = token.startswith(PREFIX) and len(token) <= LONGEST
    return token if scheme.lower() == "bearer" and ours else None


def find(secret: str) -> ApiToken | None:
    """Return the token that is good now, with its organization; note that it was used."""
    now = timezone.now()
    good = ApiToken.objects.filter(digest=_digest(secret), expires_at__gt=now)
    token = good.select_related("organization").first()
    if token is not None:
        unnoted = Q(used_at=None) | Q(used_at__lt=now - USED_EVERY)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(used_at=now)
    return token


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
