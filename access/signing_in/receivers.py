"""Signing in and out, failures, and changes of passwords and factors in the audit trail."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from core import audit

SAID: dict[Signal, str] = {
    account.user_logged_in: "sign in",
    account.password_changed: "change password",
    account.password_set: "set password",
    account.password_reset: "reset password",
    mfa.authenticator_added: "add second factor",
    mfa.authenticator_removed: "remove second factor",
    mfa.authenticator_reset: "renew recovery codes",
    mfa.authentication_failed: "second factor failed",
    user_logged_out: "sign out",
}


@receiver(list(SAID))
def record(
    signal: Signal, request: HttpRequest | None = None, user: Any = None, **more: Any
) -> None:
    """Write what somebody did about their own account, with the kind of factor."""
    if user is None:  # somebody signed out who was not signed in
        return
    factor = more.get("authenticator")
    detail = {"factor": factor.type} if factor else {}
    audit.record(request or user, SAID[signal], user, **detail)


@receiver(user_login_failed)
def record_failure(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Write whose account was tried; a name that is nobody's may be a mistyped password."""
    users = get_user_model()._default_manager
    tried = users.filter(username=credentials.get("username") or "").first()
    audit.record(request or "sign-in", "sign-in failed", tried)
