"""Encrypted values belong to one row, whatever way they are written and read."""

import json
from uuid import UUID, uuid4

import pytest
from django.core import serializers
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, OuterRef, Subquery
from django.test.utils import CaptureQueriesContext, isolate_apps

from core import encryption, rowkeys
from core.database.rows import KeyedModel, update_each, update_one
from core.encryption import Tampered, Unbound
from core.fields import EncryptedBinaryField, EncryptedJSONField, EncryptedTextField, NoRow
from tests.rows import of_before

pytestmark = pytest.mark.postgres  # types of columns, conditional updates

VALUES = {"text": "Ada ✓", "document": {"a": [1, None]}, "raw": b"\0\xff", "note": "Hello"}


@pytest.fixture
def secret(transactional_db):
    """A model with one field of each kind, and its table."""
    with isolate_apps("core"):

        class Secret(KeyedModel):
            text = EncryptedTextField(blank=True, max_length=50)
            document = EncryptedJSONField(null=True, blank=True)
            raw = EncryptedBinaryField(null=True)
            note = EncryptedTextField(default="", empty_is_null=True)
            state = models.CharField(max_length=10, default="new")
            other = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)

            class Meta:
                app_label = "core"

        with connection.schema_editor() as editor:
            editor.create_model(Secret)
        yield Secret
        with connection.schema_editor() as editor:
            editor.delete_model(Secret)


def execute(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def stored(row, column):
    as_bytes = models.ExpressionWrapper(F(column), output_field=models.BinaryField())
    rows = type(row)._base_manager.filter(pk=row.pk)
    value = rows.annotate(it=as_bytes).values_list("it", flat=True).get()
    return None if value is None else bytes(value)


@pytest.fixture
def old(secret):
    return of_before(secret.objects.create(**VALUES))


def values_of(row):
    return {column: getattr(row, column) for column in VALUES}


# -- What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("column", VALUES)
def test_a_value_copied_from_another_row_is_refused(secret, column):
    mine, theirs = secret.objects.create(**VALUES), secret.objects.create(**VALUES)
    execute(
        f"UPDATE core_secret SET {column} = (SELECT {column} FROM core_secret WHERE id = %s) "
        "WHERE id = %s", theirs.pk, mine.pk,
    )  # fmt: skip
    with pytest.raises(Tampered) as caught:
        secret.objects.get(pk=mine.pk)
    assert "Ada" not in repr(caught.value)
    assert values_of(secret.objects.get(pk=theirs.pk)) == VALUES


def test_a_bound_value_does_not_pass_for_one_of_the_earlier_form(secret):
    """With its format cut off, or put before an earlier one, as a database allows."""
    mine, theirs = secret.objects.create(**VALUES), secret.objects.create(**VALUES)
    bound = stored(theirs, "text")
    field = secret._meta.get_field("text")
    unbound = encryption.encrypt(b"Ada", field.context)
    for value in (bound.removeprefix(b"2:"), b"2:" + unbound, b"1:" + unbound, b"3:" + bound[2:]):
        execute("UPDATE core_secret SET text = %s WHERE id = %s", value, mine.pk)
        with pytest.raises(Tampered):
            secret.objects.get(pk=mine.pk)


def test_a_row_without_a_key_takes_no_bound_value(secret, old):
    theirs = secret.objects.create(**VALUES)
    execute(
        "UPDATE core_secret SET text = (SELECT text FROM core_secret WHERE id = %s) WHERE id = %s",
        theirs.pk,
        old.pk,
    )
    with pytest.raises(Tampered):
        secret.objects.get(pk=old.pk)


def test_a_key_put_before_a_copied_value_changes_nothing(secret):
    """The key that is read with a value comes from its own column, whatever the value says."""
    mine, theirs = secret.objects.create(**VALUES), secret.objects.create(**VALUES)
    for key in (theirs.row_key.hex, str(theirs.row_key)):
        value = f"{key}/".encode() + stored(theirs, "text")
        execute("UPDATE core_secret SET text = %s WHERE id = %s", value, mine.pk)
        with pytest.raises(Tampered):
            secret.objects.get(pk=mine.pk)


def test_no_two_rows_share_a_key(secret):
    mine, theirs = secret.objects.create(), secret.objects.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        secret.objects.filter(pk=mine.pk).update(row_key=theirs.row_key)


def test_a_value_of_before_is_read_until_it_is_refused(secret, old, settings):
    assert values_of(old) == VALUES
    settings.REFUSE_UNBOUND = True
    with pytest.raises(Unbound):
        secret.objects.get(pk=old.pk)
    assert secret.objects.defer(*VALUES).get(pk=old.pk).state == "new"


# -- What every way to read gives -------------------------------------------------------------


def test_values_come_back_however_they_are_asked_for(secret):
    row = secret.objects.create(**VALUES, other=secret.objects.create(text="Grace"))
    rows = secret.objects.filter(pk=row.pk)
    assert values_of(rows.get()) == VALUES
    assert values_of(rows.only("text").get()) == VALUES
    assert values_of(rows.defer("row_key").get()) == VALUES
    assert values_of(rows.defer(*VALUES).get()) == VALUES
    assert rows.values(*VALUES).get() == VALUES
    assert rows.values_list("text", "other__text").get() == ("Ada ✓", "Grace")
    assert rows.select_related("other").get().other.text == "Grace"
    assert rows.annotate(again=F("text")).get().again == "Ada ✓"
    assert rows.union(secret.objects.none()).get().text == "Ada ✓"
    assert [one.text for one in rows.iterator()] == ["Ada ✓"]
    assert secret.objects.in_bulk([row.pk])[row.pk].document == VALUES["document"]
    row.refresh_from_db()
    assert values_of(row) == VALUES


def test_a_subquery_brings_no_value_into_another_row(secret):
    """It comes without the key of its row there, so it is refused and not misread."""
    row = secret.objects.create(**VALUES)
    inner = secret.objects.filter(pk=OuterRef("pk")).values("text")
    with pytest.raises(Tampered):
        secret.objects.annotate(x=Subquery(inner)).get(pk=row.pk)


def test_a_value_and_its_key_come_in_one_statement(secret):
    row = secret.objects.create(**VALUES)
    with CaptureQueriesContext(connection) as asked:
        assert secret.objects.only("text").get(pk=row.pk).text == "Ada ✓"
    assert len(asked) == 1


# -- What every way to write does -------------------------------------------------------------


def test_a_row_has_its_key_from_the_first_moment(secret):
    created = secret.objects.create(**VALUES)
    [bulk] = secret.objects.bulk_create([secret(**VALUES)])
    got, _ = secret.objects.get_or_create(state="got", defaults=VALUES)
    keys = set(secret.objects.values_list("row_key", flat=True))
    assert keys == {created.row_key, bulk.row_key, got.row_key}
    assert len(keys) == 3
    assert all(isinstance(key, UUID) and key.version == 4 for key in keys)
    assert all(stored(row, "text").startswith(b"2:") for row in (created, bulk, got))


@pytest.mark.parametrize("options", [{}, {"update_fields": ["text"]}, {"force_update": True}])
def test_no_save_writes_the_key(secret, options):
    row = secret.objects.create(**VALUES)
    key = row.row_key
    row.text = "Grace"
    with CaptureQueriesContext(connection) as asked:
        row.save(**options)
    assert len(asked) == 1
    assert "row_key" not in asked[0]["sql"].split("WHERE")[0]
    again = secret.objects.get(pk=row.pk)
    assert (again.text, again.row_key) == ("Grace", key)


def test_a_save_under_another_key_writes_nothing(secret):
    row = secret.objects.create(**VALUES)
    row.row_key = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    assert values_of(secret.objects.get(pk=row.pk)) == VALUES


def test_an_insert_takes_no_more_statements_than_before(secret):
    with CaptureQueriesContext(connection) as asked:
        secret.objects.create(**VALUES)
    assert len(asked) == 1


@pytest.mark.parametrize("adding", [True, False])
def test_a_copy_of_a_row_gets_a_key_of_its_own(secret, adding):
    row = secret.objects.create(**VALUES)
    other = secret.objects.get(pk=row.pk)
    other.pk, other._state.adding = None, adding
    other.save()
    assert row.row_key != other.row_key
    for one in (row, other):
        assert values_of(secret.objects.get(pk=one.pk)) == VALUES


def test_a_row_that_is_saved_by_its_number_alone_keeps_its_key(secret):
    row = secret.objects.create(**VALUES)
    secret(pk=row.pk, text="Grace").save()
    found = secret.objects.get(pk=row.pk)
    assert (found.text, found.row_key) == ("Grace", row.row_key)
    secret(pk=row.pk + 1, text="new").save()
    assert secret.objects.get(pk=row.pk + 1).text == "new"


@pytest.mark.parametrize("value", ["Grace", ""])
def test_many_rows_are_not_written_at_once(secret, value):
    row = secret.objects.create(**VALUES)
    with pytest.raises(NoRow, match=r"core\.Secret\.text"):
        secret.objects.update(text=value)
    row.text = value
    with pytest.raises(NoRow):
        secret.objects.bulk_update([row], ["text"])
    assert values_of(secret.objects.get()) == VALUES


def test_many_rows_are_emptied_at_once(secret):
    secret.objects.bulk_create([secret(**VALUES), secret(**VALUES)])
    secret.objects.update(document=None, raw=None, note="")
    assert {stored(row, "note") for row in secret.objects.all()} == {None}
    assert [(row.document, row.raw, row.note) for row in secret.objects.all()] == [
        (None, None, "")
    ] * 2


def test_the_default_is_stored_as_nothing(secret):
    row = secret.objects.create(text="Ada")
    assert stored(row, "note") is None
    assert secret.objects.values_list("note", flat=True).get() == ""
    row.note = "Hello"
    row.save()
    assert secret.objects.get().note == "Hello"
    row.note = ""
    row.save()
    assert stored(row, "note") is None


def test_one_row_is_updated_under_conditions(secret):
    row = secret.objects.create(**VALUES)
    other = secret.objects.create(**VALUES)
    fresh = secret.objects.filter(state="new")
    assert update_one(fresh, row, text="Grace", document={"b": 2}, note="", state="old")
    assert not update_one(fresh, row, text="Alan")
    found = secret.objects.get(pk=row.pk)
    assert (found.text, found.document, found.note, found.state) == ("Grace", {"b": 2}, "", "old")
    assert values_of(secret.objects.get(pk=other.pk)) == VALUES
    assert values_of(row) == VALUES


def test_an_update_of_one_row_is_one_statement(secret):
    row = secret.objects.create(**VALUES)
    with CaptureQueriesContext(connection) as asked:
        update_one(secret.objects.all(), row, text="Grace", state="old")
    assert len(asked) == 1


def test_an_update_of_one_row_that_is_gone_shows_it(secret, old):
    new = secret.objects.create(**VALUES)
    secret.objects.all().delete()
    for row in (old, new):
        assert not update_one(secret.objects.all(), row, text="Grace")


# -- Rows of before ---------------------------------------------------------------------------


def by_save(secret, row):
    row.text = "Grace"
    row.save()


def by_update(secret, row):
    assert update_one(secret.objects.all(), row, text="Grace")


@pytest.mark.parametrize("write", [by_save, by_update])
def test_a_row_of_before_gets_a_key_when_it_is_first_written(secret, old, write):
    write(secret, old)
    found = secret.objects.get(pk=old.pk)
    assert values_of(found) == VALUES | {"text": "Grace"}
    assert found.row_key is not None
    assert stored(found, "text").startswith(b"2:")


def test_what_writes_no_value_gives_no_key(secret, old):
    old.state = "old"
    old.save(update_fields=["state"])
    update_one(secret.objects.all(), old, state="older", note="")
    assert secret.objects.get(pk=old.pk).row_key is None


def test_of_two_copies_of_a_row_both_bind_to_its_one_key(secret, old):
    again = secret.objects.get(pk=old.pk)
    by_save(secret, old)
    again.document = {"b": 2}
    again.save(update_fields=["document"])
    found = secret.objects.get(pk=old.pk)
    assert (found.text, found.document) == ("Grace", {"b": 2})


@pytest.mark.parametrize("write", [by_save, by_update])
def test_a_key_that_was_rolled_back_is_not_bound_to(secret, old, write):
    with transaction.atomic():
        write(secret, old)
        transaction.set_rollback(True)
    assert secret.objects.get(pk=old.pk).row_key is None
    write(secret, old)
    assert secret.objects.get(pk=old.pk).text == "Grace"


def test_a_key_is_set_once(secret, old):
    again = secret.objects.get(pk=old.pk)
    assert rowkeys.key_of(old) == rowkeys.key_of(again) == rowkeys.key_of(old)


# -- Dumps ------------------------------------------------------------------------------------


def test_a_dump_holds_no_key_and_is_loaded_into_new_and_old_rows(secret):
    row = secret.objects.create(**VALUES)
    dumped = serializers.serialize("json", secret.objects.all())
    assert "row_key" not in dumped
    assert str(row.row_key) not in dumped

    def load(**changes):
        for one in json.loads(dumped):
            built = {
                name: secret._meta.get_field(name).to_python(value)
                for name, value in (one["fields"] | changes).items()
            }
            models.Model.save_base(secret(pk=one["pk"], **built), raw=True)

    load(text="Grace")
    found = secret.objects.get(pk=row.pk)
    assert (found.text, found.row_key) == ("Grace", row.row_key)
    secret.objects.all().delete()
    load()
    found = secret.objects.get(pk=row.pk)
    assert values_of(found) == VALUES
    assert found.row_key not in (None, row.row_key)


# -- Models of migrations ---------------------------------------------------------------------


def test_a_model_of_a_migration_binds_as_well(secret, old):
    """It has the fields alone, the key last, and nothing of the class."""
    with isolate_apps("core"):

        class Historical(models.Model):
            text = EncryptedTextField(context="core.secret.text")
            document = EncryptedJSONField(null=True, context="core.secret.document")
            state = models.CharField(max_length=10)
            row_key = rowkeys.RowKeyField()

            class Meta:
                app_label = "core"
                db_table = "core_secret"
                managed = False

        created = Historical.objects.create(text="Ada", document={"a": 1}, state="new")
        found = Historical.objects.get(pk=old.pk)
        found.text = "Grace"
        found.save()
        found.text = "Alan"
        found.save()
    assert secret.objects.get(pk=created.pk).document == {"a": 1}
    again = secret.objects.get(pk=old.pk)
    assert (again.text, again.document) == ("Alan", VALUES["document"])
    assert again.row_key is not None


def test_a_model_without_a_key_is_reported():
    with isolate_apps("core"):

        class Wrong(models.Model):
            text = EncryptedTextField()

            class Meta:
                app_label = "core"

        [error] = Wrong._meta.get_field("text").check()
    assert error.id == "core.E002"


def test_several_rows_are_written_in_one_go_each_bound_to_itself(secret, old):
    rows = [secret.objects.create(**VALUES), old, secret.objects.create(**VALUES)]
    for number, row in enumerate(rows):
        row.text, row.document, row.note = f"Grace {number}", {"b": number}, ""
    gone = secret.objects.create(**VALUES)
    secret.objects.filter(pk=gone.pk).delete()
    update_each([*rows, gone], "text", "document", "note")
    for number, row in enumerate(rows):
        found = secret.objects.get(pk=row.pk)
        assert (found.text, found.document, found.note) == (f"Grace {number}", {"b": number}, "")
        assert found.raw == VALUES["raw"]
    assert not secret.objects.filter(pk=gone.pk).exists()
    update_each([], "text")
