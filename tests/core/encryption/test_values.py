import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from core import encryption

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def keys(settings):
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return settings


@given(plaintext=st.binary(max_size=300), context=st.from_regex(r"\A[a-z.]{0,30}\Z"))
def test_whatever_is_encrypted_comes_back(plaintext, context):
    assert encryption.decrypt(encryption.encrypt(plaintext, context), context) == plaintext


def test_the_key_id_stands_before_the_value(keys):
    value = encryption.encrypt(b"Lovelace")
    assert value.partition(b":")[0].decode() == encryption.keyring().primary
    assert b"Lovelace" not in value


def test_the_first_key_encrypts_and_an_older_one_still_decrypts(keys):
    keys.ENCRYPTION_KEYS = [OLD]
    value = encryption.encrypt(b"Ada")
    keys.ENCRYPTION_KEYS = [NEW, OLD]
    assert encryption.decrypt(value) == b"Ada"
    assert not encryption.is_current(value)
    assert encryption.is_current(encryption.encrypt(b"Ada"))


def test_a_key_that_is_gone_is_named(keys):
    value = encryption.encrypt(b"Ada")
    gone = encryption.keyring().primary
    keys.ENCRYPTION_KEYS = [OLD]
    with pytest.raises(encryption.UnknownKey, match=gone) as caught:
        encryption.decrypt(value)
    assert caught.value.key_id == gone


@given(position=st.integers(min_value=0, max_value=100), flip=st.integers(1, 127))
def test_a_changed_value_is_refused(position, flip):
    value = bytearray(encryption.encrypt(b"Ada Lovelace", "app.model.field"))
    value[position] ^= flip
    with pytest.raises(encryption.EncryptionError):
        encryption.decrypt(bytes(value), "app.model.field")


def test_a_value_of_another_column_is_refused():
    value = encryption.encrypt(b"Ada", "app.model.name")
    with pytest.raises(encryption.Tampered, match=r"app\.model\.note"):
        encryption.decrypt(value, "app.model.note")


def test_plain_text_in_place_of_an_encrypted_value_is_refused_and_not_repeated():
    with pytest.raises(encryption.Tampered) as caught:
        encryption.decrypt(b"Ada: a plain value", "app.model.name")
    assert "Ada" not in repr(caught.value)


@pytest.mark.parametrize("bad", ["", "short", "x" * 44, "é" * 10])
def test_an_unusable_key_is_named_by_its_place_and_not_shown(keys, bad):
    keys.ENCRYPTION_KEYS = [NEW, bad]
    with pytest.raises(ImproperlyConfigured, match="key 2") as caught:
        encryption.encrypt(b"Ada")
    assert not bad or bad not in str(caught.value)


def test_nothing_is_stored_without_a_key(keys):
    keys.ENCRYPTION_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS is empty"):
        encryption.encrypt(b"Ada")
