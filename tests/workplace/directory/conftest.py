"""A person who edits the directory, signed in."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from access import roles
from directory.models import View
from tests.directory import make


@pytest.fixture
def editor() -> Client:
    for name in View.Name.values:
        View.objects.create(name=name)
    roles.install_role(roles.DIRECTORY_EDITOR)
    make.directory()
    user = User.objects.create_user("jo", is_staff=True)
    user.groups.add(Group.objects.get(name=roles.DIRECTORY_EDITOR))
    client = Client()
    client.force_login(user)
    return client
