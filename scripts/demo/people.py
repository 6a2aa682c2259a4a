"""One user of the portal for each role, at work for the organizations that there are."""

import secrets

from django.contrib.auth.models import Group, User

from access.models import Membership
from access.roles import ROLES
from integrations.models import Organization


def make_users() -> dict[str, str]:
    """Make the user of each role; return role and password of those that were not there yet."""
    groups = {name.lower(): Group.objects.get(name=name) for name in ROLES}
    return {role: _make_user(role, group) for role, group in groups.items() if not _exists(role)}


def _exists(role: str) -> bool:
    return User.objects.filter(username=role).exists()


def _make_user(role: str, group: Group) -> str:
    password = secrets.token_urlsafe(12)
    is_administrator = role == "administrator"
    user = User.objects.create_user(
        role, password=password, is_staff=True, is_superuser=is_administrator
    )
    user.groups.add(group)
    Membership.objects.bulk_create(
        Membership(user=user, organization=organization)
        for organization in Organization.objects.all()
    )
    return password
