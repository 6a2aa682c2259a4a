"""One user of the portal for each role, and what each role may do."""

import secrets
from fnmatch import fnmatch

from django.contrib.auth.models import Group, Permission, User

# Permissions as `app.codename`, with wildcards.
ROLES = {
    "liaison": (  # connects listings, and decides what goes where and when
        "integrations.view_*",
        "integrations.*_servicelisting",
        "integrations.*_destination",
        "integrations.*_triggerconfig",
        "mapping.*",
        "referrals.view_*",
    ),
    "support": (  # looks after imports that need attention
        "integrations.view_*",
        "mapping.view_*",
        "referrals.view_*",
        "referrals.decide_importjob",
    ),
    "administrator": ("*",),
}


def make_users() -> dict[str, str]:
    """Make the user of each role; return role and password of those that were not there yet."""
    groups = {role: _group(role) for role in ROLES}
    return {role: _make_user(role, group) for role, group in groups.items() if not _exists(role)}


def _group(role: str) -> Group:
    group, _ = Group.objects.get_or_create(name=role.capitalize())
    group.permissions.set(_permissions(ROLES[role]))
    return group


def _permissions(patterns: tuple[str, ...]) -> list[Permission]:
    return [
        permission
        for permission in Permission.objects.select_related("content_type")
        if any(fnmatch(_name(permission), pattern) for pattern in patterns)
    ]


def _name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def _exists(role: str) -> bool:
    return User.objects.filter(username=role).exists()


def _make_user(role: str, group: Group) -> str:
    password = secrets.token_urlsafe(12)
    is_administrator = role == "administrator"
    user = User.objects.create_user(
        role, password=password, is_staff=True, is_superuser=is_administrator
    )
    user.groups.add(group)
    return password
