"""Every model with encrypted values or files: what is copied from another row is refused.

Generated from the models: a new one is in here by itself.
"""

import uuid
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from access.signing_in import factor_secrets
from core import encryption
from core.database.rows import KeyedModel
from core.encryption import Tampered, Unbound, rotation
from core.fields import EncryptedField, EncryptedJSONField, StoredFileField
from core.storage import EncryptedFileStorage
from integrations.models import Source, SourceCredential
from referrals.models import InboundEvent
from tests.rows import as_stored, of_before, put, put_unbound

pytestmark = pytest.mark.django_db

storage = EncryptedFileStorage()
# Where constraints ask for more than any value.
ASKED: dict[type[models.Model], dict[str, Any]] = {
    SourceCredential: {"scheme": "signature"},
    InboundEvent: {"state": "opened"},
}


def with_(kind: type[models.Field]) -> list[Any]:
    return [
        pytest.param(model, field, id=str(field))
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, kind)
    ]


def made(model: type[models.Model], **values: Any) -> Any:
    """Make a row with something in every column that needs it, and in every encrypted one."""
    values = ASKED.get(model, {}) | values
    for field in model._meta.local_concrete_fields:
        if field.name not in values and (needed := a_value(field)) is not None:
            values[field.name] = needed
    return model._base_manager.create(**values)


def a_value(field: Any) -> Any:
    if isinstance(field, EncryptedField):
        json = isinstance(field, EncryptedJSONField)
        return {"it": "words"} if json else field.load(b"words")
    left_out = field.blank and isinstance(field, models.CharField | models.TextField)
    if field.null or field.has_default() or field.primary_key or left_out:
        return None
    if field.is_relation:
        return made(field.related_model)
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.IntegerField):
        return 1
    return uuid.uuid4() if isinstance(field, models.UUIDField) else a_word(field)


def a_word(field: Any) -> str:
    return uuid.uuid4().hex[: field.max_length or 10]


def again(row: models.Model) -> Any:
    return type(row)._base_manager.get(pk=row.pk)


def test_the_models_are_found() -> None:
    assert len(with_(EncryptedField)) > 20
    assert len(with_(StoredFileField)) == 3


@pytest.mark.parametrize(("model", "field"), with_(EncryptedField) + with_(StoredFileField))
def test_the_rows_of_each_have_keys(model: type[models.Model], field: Any) -> None:
    assert issubclass(model, KeyedModel)
    assert model._meta.get_field("row_key").unique
    assert made(model).row_key != made(model).row_key


@pytest.mark.parametrize(("model", "field"), with_(EncryptedField))
def test_a_copied_value_is_refused(model: type[models.Model], field: Any) -> None:
    mine, theirs = made(model), made(model)
    value = as_stored(theirs, field.attname)
    assert value.startswith(b"2:")
    put(mine, field.attname, value)
    with pytest.raises(Tampered):
        again(mine)
    assert again(theirs)


@pytest.mark.parametrize(("model", "field"), with_(EncryptedField))
def test_what_is_written_again_is_bound(model: type[models.Model], field: Any) -> None:
    """Also of a row that was there before rows had keys."""
    row = made(model)
    found = of_before(row)
    models.Model.save(found, update_fields=[field.attname])
    assert as_stored(row, field.attname).startswith(b"2:")
    assert getattr(again(row), field.attname) == getattr(row, field.attname)
    assert again(row).row_key is not None


@pytest.mark.slow
@pytest.mark.parametrize(("model", "field"), with_(EncryptedField))
def test_a_value_of_before_is_counted_renewed_and_then_refused(
    model: type[models.Model], field: Any, settings: Any
) -> None:
    row = made(model)
    put_unbound(row, field, getattr(row, field.attname))
    assert rotation.count_unbound() == 1
    for _ in rotation.rotate():
        pass
    assert rotation.count_unbound() == 0
    assert again(row)
    settings.REFUSE_UNBOUND = True
    assert again(row)
    put_unbound(row, field, getattr(row, field.attname))
    with pytest.raises(Unbound):
        again(row)


@pytest.mark.parametrize(("model", "field"), with_(StoredFileField))
def test_a_file_of_another_row_is_refused(
    model: type[models.Model], field: Any, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    mine, theirs = made(model), made(model)
    name = storage.save_for(theirs, "files", ContentFile(b"words"))
    for row in (mine, theirs):
        model._base_manager.filter(pk=row.pk).update(**{field.attname: name})
    assert storage.open_of(again(theirs), field.attname).read() == b"words"
    with pytest.raises(Tampered):
        storage.open_of(again(mine), field.attname)


# -- History ---------------------------------------------------------------------------------------


def test_a_row_of_history_has_a_key_of_its_own() -> None:
    source = Source.objects.create(name="Caredove", fetch_password="one")
    source.fetch_password = "two"
    source.save()
    records = list(Source.history.all())
    assert [record.fetch_password for record in records] == ["two", "one"]
    assert len({source.row_key, *(record.row_key for record in records)}) == 3


def test_a_record_of_history_stands_for_its_row_with_the_rows_own_key() -> None:
    source = Source.objects.create(name="Caredove", fetch_password="one")
    was = Source.history.get().instance
    assert (was.row_key, was.fetch_password) == (source.row_key, "one")
    was.fetch_password = "three"
    was.save()
    found = Source.objects.get()
    assert (found.fetch_password, found.row_key) == ("three", source.row_key)


def test_a_deleted_row_that_comes_back_has_a_new_key() -> None:
    source = Source.objects.create(name="Caredove", fetch_password="one")
    key, pk = source.row_key, source.pk
    source.delete()
    record = Source.history.filter(history_type="+").get()
    revived = record.instance
    revived._state.adding = True
    revived.save()
    found = Source.objects.get(pk=pk)
    assert found.fetch_password == "one"
    assert found.row_key not in (None, key, record.row_key)


# -- Second factors --------------------------------------------------------------------------------


def factor(name: str, kind: str = "totp", secret: str = "secret") -> Authenticator:
    user, _ = User.objects.get_or_create(username=name)
    return Authenticator.objects.create(user=user, type=kind, data={secret: encrypt(name)})


SECRETS = [("totp", "secret"), ("recovery_codes", "seed")]


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
def test_a_secret_of_another_person_is_refused(kind: str, secret: str) -> None:
    mine, theirs = factor("ada", kind, secret), factor("grace", kind, secret)
    assert decrypt(again(theirs).data[secret]) == "grace"
    Authenticator.objects.filter(pk=mine.pk).update(data=theirs.data)
    with pytest.raises(Tampered):
        decrypt(again(mine).data[secret])


def test_a_factor_that_is_given_to_another_person_is_refused() -> None:
    theirs = factor("grace")
    Authenticator.objects.update(user=User.objects.create(username="ada"))
    with pytest.raises(Tampered):
        decrypt(again(theirs).data["secret"])


def test_an_earlier_secret_of_the_same_person_is_refused() -> None:
    earlier = factor("ada")
    earlier.delete()
    now = factor("ada")
    Authenticator.objects.filter(pk=now.pk).update(data=earlier.data)
    with pytest.raises(Tampered):
        decrypt(again(now).data["secret"])


def test_a_new_factor_can_be_used_at_once_and_after_it_was_used() -> None:
    row = factor("ada")
    assert decrypt(row.data["secret"]) == "ada"
    row.record_usage()
    row.refresh_from_db()
    assert decrypt(row.data["secret"]) == "ada"
    assert decrypt(Authenticator.objects.defer("data").get().data["secret"]) == "ada"


@pytest.mark.parametrize(
    "data",
    [
        {"secret": "ada"},
        {"seed": "ada", "used_mask": 3},
        {"migrated_codes": ["ada", "grace"]},
        {"secret": "ada", "migrated_codes": []},
    ],
)
def test_secrets_of_before_are_counted_renewed_and_then_refused(data: Any, settings: Any) -> None:
    old = {
        name: [unbound(text) for text in value] if isinstance(value, list) else unbound(value)
        for name, value in data.items()
        if name != "used_mask"
    }
    row = factor("ada")
    Authenticator.objects.update(data=data | old)
    assert texts(again(row).data) == flat(data)
    assert rotation.count_unbound() == 1
    (progress,) = factor_secrets.renew()
    assert (progress.renewed, progress.unreadable) == (1, [])
    assert rotation.count_unbound() == 0
    settings.REFUSE_UNBOUND = True
    assert texts(again(row).data) == flat(data)
    assert again(row).data.get("used_mask") == data.get("used_mask")
    Authenticator.objects.update(data=data | old)
    with pytest.raises(Unbound):
        texts(again(row).data)
    again(row).save()  # what is refused does not become bound
    with pytest.raises(Unbound):
        texts(again(row).data)


def unbound(text: str) -> str:
    return encryption.encrypt(text.encode(), factor_secrets.CONTEXT).decode()


def flat(data: dict[str, Any]) -> list[str]:
    held = (data[name] for name in factor_secrets.SECRETS if name in data)
    return [text for one in held for text in ([one] if isinstance(one, str) else one)]


def texts(data: dict[str, Any]) -> list[str]:
    return [decrypt(text) for text in flat(data)]


def test_a_secret_of_before_is_bound_when_its_factor_is_saved() -> None:
    """So a page that is open while `rotate_keys` runs does not bring the old form back."""
    row = factor("ada")
    Authenticator.objects.update(data={"secret": unbound("ada")})
    again(row).save()
    assert rotation.count_unbound() == 0
    assert decrypt(again(row).data["secret"]) == "ada"
