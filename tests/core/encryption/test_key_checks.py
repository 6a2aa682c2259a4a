"""No program starts without a key that is in use."""

import base64
import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from core.encryption import derived_keys, key_checks, key_id, rotation
from core.models import AuditEvent, KeyCheck

pytestmark = pytest.mark.django_db


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@pytest.fixture
def keys(settings) -> list[str]:
    """Two keys in use, as the first start has found them."""
    KeyCheck.objects.all().delete()
    settings.ENCRYPTION_KEYS = [new_key(), new_key()]
    rotation.refuse_to_start()
    return list(settings.ENCRYPTION_KEYS)


def id_of(key: str) -> str:
    return key_id(base64.urlsafe_b64decode(key))


def test_a_portal_starts_with_all_keys_in_use_in_whatever_order(keys, settings):
    for given in (keys, keys[::-1], [*keys, new_key()], [new_key(), *keys]):
        settings.ENCRYPTION_KEYS = given
        rotation.refuse_to_start()


def test_a_portal_does_not_start_without_a_key_in_use(keys, settings):
    for given in (keys[:1], keys[1:], [new_key()], [new_key(), keys[1]]):
        settings.ENCRYPTION_KEYS = given
        with pytest.raises(ImproperlyConfigured, match="lacks a key that is in use") as refused:
            rotation.refuse_to_start()
        for key in keys:
            assert (id_of(key) in str(refused.value)) is (key not in given)
            assert key not in str(refused.value)


def test_a_key_that_encrypts_is_in_use_from_its_first_start(keys, settings):
    newest = new_key()
    settings.ENCRYPTION_KEYS = [newest, *keys]
    rotation.refuse_to_start()
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match=id_of(newest)):
        rotation.refuse_to_start()


def test_another_key_with_the_same_id_is_not_the_key(keys):
    KeyCheck.objects.filter(key_id=id_of(keys[0])).update(value="0" * 64)
    with pytest.raises(ImproperlyConfigured, match=id_of(keys[0])):
        rotation.refuse_to_start()


def test_a_key_that_is_declared_lost_is_not_missed(keys, settings):
    settings.ENCRYPTION_KEYS = keys[:1]
    with pytest.raises(CommandError):
        call_command("declare_key_lost", "00000000")
    call_command("declare_key_lost", id_of(keys[1]))
    rotation.refuse_to_start()
    assert AuditEvent.objects.filter(action="declare key lost").exists()


def test_after_a_rotation_the_old_keys_may_go(keys, settings):
    settings.ENCRYPTION_KEYS = [new_key(), *keys]
    rotation.refuse_to_start()
    call_command("rotate_keys")
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    rotation.refuse_to_start()


def test_a_check_value_is_not_what_anything_is_encrypted_with(keys):
    values = set(KeyCheck.objects.values_list("value", flat=True))
    assert len(values) == 2
    for key in keys:
        assert base64.urlsafe_b64decode(key).hex() not in values
    other = derived_keys("another purpose")
    assert not values & {key.hex() for key in other.values()}
    assert values == set(key_checks.values().values())
