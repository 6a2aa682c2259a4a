"""Writing the audit trail. `chain` seals it; `portal_role` lets the portal only add to it."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.http import HttpRequest

from core.models import AuditEvent
from core.web.requests import client_ip

# The trail is of all organizations, so whoever reads it has to see all of them.
READ_BY = ("core.view_auditevent", "access.see_all_organizations")
_present_names: dict[str, str] = {}  # by each name of an earlier version

Actor = HttpRequest | AbstractBaseUser | AnonymousUser | str


def renamed(former: str, present: str) -> None:
    """Say that a model was called `former` ("app.model") when the trail was written."""
    _present_names[former] = present


def present_name(object_type: str) -> str:
    """Return what a model of the trail is called now."""
    return _present_names.get(object_type, object_type)


def may_read(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether this person may read the trail."""
    return bool(user.has_perms(READ_BY))  # type: ignore[union-attr]


def names_of(model: type[models.Model]) -> list[str]:
    """Return every name under which the trail may know the model, today's first."""
    present = model._meta.label_lower
    return [present, *(former for former, name in _present_names.items() if name == present)]


def record(
    actor: Actor, action: str, target: models.Model | None = None, **detail: Any
) -> AuditEvent:
    """Write that the actor did something, to the target if there is one, and return the event.

    `actor` is the request (its user and address are kept), a user, or the name of a program.
    `detail` holds JSON values and, like `str(target)`, no personal data.
    """
    user, username = _who(actor)
    return AuditEvent.objects.create(
        user=user,
        username=username[:150],
        ip=client_ip(actor) if isinstance(actor, HttpRequest) else None,
        action=action,
        object_type=target._meta.label_lower if target else "",
        object_id=str(target.pk) if target else "",
        object_label=str(target)[:200] if target else "",
        detail=detail,
    )


def _who(actor: Actor) -> tuple[Any, str]:
    if isinstance(actor, str):
        return None, actor
    user = getattr(actor, "user", None) if isinstance(actor, HttpRequest) else actor
    if user is None or not user.is_authenticated:
        return None, "anonymous"
    return user, user.get_username()
