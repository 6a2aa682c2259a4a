"""Two organizations of our own and a foreign one, planted once for all tests of a module."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from integrations.models import Organization
from tests import seeds

ROLES = ("liaison", "support", "administrator", "temp", "anonymous")
SCOPED = ("liaison", "support", "temp")


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Every case of `tests.seeds`; each test changes them for itself alone."""
    with django_db_blocker.unblock(), transaction.atomic():
        seeds.plant(bulk=0)
        User.objects.create_user("temp", is_staff=True)  # signs in, and may do nothing
        yield
        transaction.set_rollback(True)


@pytest.fixture
def own(planted: None, db: None) -> Organization:
    return Organization.objects.get(caredove_id="831")


@pytest.fixture
def foreign(planted: None, db: None) -> Organization:
    return Organization.objects.get(caredove_id="zq-990")


@pytest.fixture(scope="module")
def clients(planted: None, django_db_blocker: Any) -> dict[str, Client]:
    """A client of each role, signed in once."""
    made = {role: Client() for role in ROLES}
    with django_db_blocker.unblock():
        for user in User.objects.filter(username__in=ROLES):
            made[user.username].force_login(user)
    return made
