"""Second factors: who has one, and taking away what somebody has lost."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from core import audit

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_one(user: Any) -> bool:
    """Return whether the person has an authenticator app or a security key."""
    return bool(is_mfa_enabled(user, FACTORS))


def has_another(authenticator: Authenticator) -> bool:
    """Return whether its owner has another app or key beside this one."""
    theirs = Authenticator.objects.filter(user=authenticator.user_id, type__in=FACTORS)
    return bool(theirs.exclude(pk=authenticator.pk).exists())


def reset(user: Any, request: HttpRequest) -> None:
    """Delete the person's factors and recovery codes, and sign them out everywhere."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        sign_out(user)
        audit.record(request, "reset second factor", user)


def sign_out(user: Any) -> None:
    """End every session of the person."""
    for session in Session.objects.all():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
