"""Users are managed by administrators, who cannot lift themselves above their role."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from access.roles import ADMINISTRATOR


@pytest.fixture
def administrator(client: Client, db: None) -> User:
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    client.force_login(user)
    return user


def change(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def test_an_administrator_does_not_make_a_superuser(client: Client, administrator: User):
    form = client.get(change(administrator)).context["adminform"].form
    assert "email" in form.fields
    assert not {"is_superuser", "user_permissions"} & set(form.fields)


def test_an_administrator_does_not_change_a_superuser(client: Client, administrator: User):
    root = User.objects.create_superuser("root")
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert client.post(change(root), {"username": "mine"}).status_code == 403
    assert client.get(password).status_code == 403


def test_a_superuser_may(client: Client, db: None):
    root = User.objects.create_superuser("root")
    client.force_login(root)
    assert "is_superuser" in client.get(change(root)).context["adminform"].form.fields


def test_permissions_and_the_help_of_a_password_are_in_french(client: Client, db: None):
    client.force_login(User.objects.create_superuser("root", password="a long walk by the river"))
    group = Group.objects.get(name=ADMINISTRATOR)
    pages = (
        reverse("admin:auth_group_change", args=[group.pk]),
        reverse("admin:auth_user_password_change", args=[User.objects.get(username="root").pk]),
    )
    with translation.override("en-ca"):  # what a request sets is gone after it
        answers = [client.get(page, headers={"accept-language": "fr-CA"}) for page in pages]
    roles, password = (answer.content.decode() for answer in answers)
    assert "jeton d’API | Ajouter" in roles
    assert "| Can " not in roles
    assert "Indique si la personne" in password
    assert "Whether the user" not in password
