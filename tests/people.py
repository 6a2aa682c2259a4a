"""People of a role, at work for some organizations."""

from django.contrib.auth.models import Group, User
from django.test import Client

from access.models import Membership
from integrations.models import Organization


def person(role: str = "", *organizations: Organization, name: str = "") -> User:
    """Return a new member of the staff; without a role, one who may do nothing."""
    user = User.objects.create_user(name or role.lower() or "temp", is_staff=True)
    if role:
        user.groups.add(Group.objects.get(name=role))
    for organization in organizations:
        Membership.objects.create(user=user, organization=organization)
    return user


def client_of(role: str = "", *organizations: Organization, name: str = "") -> Client:
    """Return a client that this new person has signed in with."""
    client = Client()
    client.force_login(person(role, *organizations, name=name))
    return client
