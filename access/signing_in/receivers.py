"""Signing in and out, failures, and changes of passwords and factors in the audit trail."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.socialaccount.signals import social_account_added
from django.contrib import messages
from django.contrib.auth import get_user_model, logout
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from access.signing_in import factors, provider
from access.signing_in.required import HAS_ONE
from core import audit

ACTIONS: dict[Signal, str] = {
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


@receiver(list(ACTIONS))
def record(
    signal: Signal, request: HttpRequest | None = None, user: Any = None, **more: Any
) -> None:
    """Write what somebody did about their own account, with the kind of factor."""
    if user is None:  # somebody signed out who was not signed in
        return
    factor = more.get("authenticator")
    detail = {"factor": factor.type} if factor else {}
    if more.get("sociallogin"):
        detail["by"] = "provider"
    audit.record(request or user, ACTIONS[signal], user, **detail)


@receiver(user_logged_out)
def forget(request: HttpRequest | None = None, **_: Any) -> None:
    """Let the browser forget what it has kept (`core.web.middleware`)."""
    if request is not None:
        request.signed_out = True  # type: ignore[attr-defined]


@receiver(account.user_logged_in)
def count_second_factor(request: HttpRequest, sociallogin: Any = None, **_: Any) -> None:
    """Let a second factor that was used at the provider be enough for this session."""
    if sociallogin is not None and sociallogin.state.get(provider.SECOND_FACTOR):
        request.session[HAS_ONE] = True


@receiver(social_account_added)
def begin_again(request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    """End every session that began with the password of an account which is linked now."""
    audit.record(request, "link to provider", sociallogin.user)
    factors.sign_out(sociallogin.user)
    logout(request)
    messages.success(request, provider.LINK_ENDED)


@receiver(user_login_failed)
def record_failure(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Write whose account was tried; a name that is nobody's may be a mistyped password."""
    users = get_user_model()._default_manager
    tried = users.filter(username=credentials.get("username") or "").first()
    audit.record(request or "sign-in", "sign-in failed", tried)
