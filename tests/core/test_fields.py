import json
from decimal import Decimal

import pytest
from django import forms
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.encryption import Tampered, UnknownKey
from core.fields import EncryptedBinaryField, EncryptedJSONField, EncryptedTextField

pytestmark = pytest.mark.postgres  # types of columns

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@pytest.fixture
def secret(transactional_db):
    """A model with one field of each kind, and its table."""
    with isolate_apps("core"):

        class Secret(models.Model):
            text = EncryptedTextField(blank=True, max_length=50)
            document = EncryptedJSONField(null=True, blank=True)
            raw = EncryptedBinaryField(null=True)

            class Meta:
                app_label = "core"

        with connection.schema_editor() as editor:
            editor.create_model(Secret)
        yield Secret
        with connection.schema_editor() as editor:
            editor.delete_model(Secret)


def stored(secret, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM core_secret ORDER BY id")
        return [None if value is None else bytes(value) for (value,) in cursor.fetchall()]


def test_values_come_back_as_they_were(secret):
    secret.objects.create(text="Ada ✓", document={"a": [1, None]}, raw=b"\0\xff")
    found = secret.objects.get()
    assert (found.text, found.document, found.raw) == ("Ada ✓", {"a": [1, None]}, b"\0\xff")
    assert list(secret.objects.values_list("text", "raw")) == [("Ada ✓", b"\0\xff")]
    assert secret.objects.values("document").get() == {"document": {"a": [1, None]}}


def test_nothing_readable_is_in_the_database(secret):
    secret.objects.create(text="Lovelace", document={"name": "Lovelace"}, raw=b"Lovelace")
    for column in ("text", "document", "raw"):
        assert b"Lovelace" not in stored(secret, column)[0]


def test_the_same_value_is_never_stored_alike(secret):
    secret.objects.bulk_create([secret(text="Ada"), secret(text="Ada")])
    first, second = stored(secret, "text")
    assert first != second


def test_nothing_stays_nothing(secret):
    secret.objects.create()
    found = secret.objects.get()
    assert (found.text, found.document, found.raw) == ("", None, None)
    assert stored(secret, "document") == [None]
    assert secret.objects.filter(document__isnull=True, text__isnull=False).exists()


@pytest.mark.parametrize("update", ["save", "update", "bulk_update"])
def test_values_can_be_changed(secret, update):
    found = secret.objects.create(text="Ada", document={"a": 1})
    found.text, found.document = "Grace", None
    if update == "save":
        found.save()
    elif update == "update":
        secret.objects.update(text="Grace", document=None)
    else:
        secret.objects.bulk_update([found], ["text", "document"])
    found = secret.objects.get()
    assert (found.text, found.document) == ("Grace", None)


@pytest.mark.parametrize("lookup", ["text", "text__contains", "document__a", "raw__gt", "text__in"])
def test_the_database_is_not_asked_for_what_it_cannot_know(secret, lookup):
    with pytest.raises(FieldError, match="Unsupported lookup"):
        secret.objects.filter(**{lookup: "Ada"})


@pytest.mark.parametrize("columns", ["raw = text", "text = raw"])
def test_a_value_moved_to_another_column_is_refused(secret, columns):
    secret.objects.create(text="Ada", raw=b"Grace")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_secret SET {columns}")
    with pytest.raises(Tampered) as caught:
        secret.objects.get()
    assert "Ada" not in repr(caught.value)
    assert "Grace" not in repr(caught.value)


def test_a_value_under_a_lost_key_shows_it(secret, settings):
    secret.objects.create(text="Ada")
    settings.ENCRYPTION_KEYS = ["A" * 43 + "="]
    with pytest.raises(UnknownKey):
        secret.objects.get()


def test_a_renamed_column_keeps_its_old_context(secret):
    with isolate_apps("core"):

        class Renamed(models.Model):
            words = EncryptedTextField(context="core.secret.text", db_column="text")

            class Meta:
                app_label = "core"
                db_table = "core_secret"
                managed = False

        secret.objects.create(text="Ada")
        assert Renamed.objects.get().words == "Ada"


def test_a_form_edits_text_and_json(secret):
    class SecretForm(forms.ModelForm):
        class Meta:
            model = secret
            fields = ["text", "document"]

    form = SecretForm({"text": "Ada", "document": '{"a": 1}'})
    form.save()
    assert secret.objects.get().document == {"a": 1}
    shown = str(SecretForm(instance=secret.objects.get()))
    assert "Ada" in shown
    assert "&quot;a&quot;: 1" in shown
    assert not SecretForm({"text": "x" * 51, "document": "{"}).is_valid()


def test_what_is_not_json_is_refused(secret):
    for value in (object(), float("nan")):
        with pytest.raises(ValidationError, match="not valid JSON"):
            secret(document=value).full_clean()


def test_dates_and_decimals_become_text(secret):
    secret.objects.create(document={"price": Decimal("1.50")})
    assert secret.objects.get().document == {"price": "1.50"}


@given(document=JSON.filter(lambda value: value is not None))
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
def test_any_json_comes_back(secret, document):
    created = secret.objects.create(document=document)
    assert secret.objects.get(pk=created.pk).document == document


def test_half_a_surrogate_pair_is_kept(secret):
    document = json.loads('{"name": "\\ud83d"}')
    secret.objects.create(document=document, text="\ud83d")
    found = secret.objects.get()
    assert (found.document, found.text) == (document, "\ud83d")


def test_objects_are_dumped_and_loaded(secret):
    secret.objects.create(text="Ada", document={"a": 1}, raw=b"\0")
    with isolate_apps("core"):
        dumped = json.loads(serializers.serialize("json", secret.objects.all()))
    assert dumped[0]["fields"] == {"text": "Ada", "document": {"a": 1}, "raw": "AA=="}


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (EncryptedTextField(max_length=5), "core.fields.EncryptedTextField(max_length=5)"),
        (EncryptedJSONField(null=True), "core.fields.EncryptedJSONField(null=True)"),
        (EncryptedBinaryField(), "core.fields.EncryptedBinaryField()"),
        (EncryptedBinaryField(editable=True), "core.fields.EncryptedBinaryField(editable=True)"),
        (EncryptedTextField(context="a.b.c"), "core.fields.EncryptedTextField(context='a.b.c')"),
    ],
)
def test_migrations_write_the_field_as_it_is(field, written):
    assert MigrationWriter.serialize(field)[0] == written


@pytest.mark.parametrize("option", ["unique", "db_index", "primary_key"])
def test_an_option_that_needs_the_value_is_refused(option):
    with isolate_apps("core"):

        class Wrong(models.Model):
            text = EncryptedTextField(**{option: True})

            class Meta:
                app_label = "core"

        errors = Wrong._meta.get_field("text").check()
    assert f"An encrypted field cannot have {option}." in [error.msg for error in errors]
