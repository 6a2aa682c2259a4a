import io
from threading import Event, Thread

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.db.models import F
from django.test.utils import isolate_apps

from core import encryption
from core.database.rows import KeyedModel
from core.encryption import rotation
from core.fields import EncryptedJSONField, EncryptedTextField, StoredFileField
from core.models import AuditEvent
from core.storage import EncryptedFileStorage
from tests.rows import of_before, put, put_unbound

pytestmark = pytest.mark.postgres  # conditional updates, locks

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
storage = EncryptedFileStorage()


@pytest.fixture
def model(transactional_db, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.ENCRYPTION_KEYS = [OLD]
    monkeypatch.setattr(rotation, "BATCH", 2)
    monkeypatch.setattr(rotation, "PAUSE", 0)
    with isolate_apps("core"):

        class Secret(KeyedModel):
            text = EncryptedTextField()
            document = EncryptedJSONField(null=True)
            stored_as = StoredFileField(max_length=200, blank=True)

            class Meta:
                app_label = "core"

        monkeypatch.setattr(apps, "get_models", lambda: [Secret])
        with connection.schema_editor() as editor:
            editor.create_model(Secret)
        yield Secret
        with connection.schema_editor() as editor:
            editor.delete_model(Secret)


@pytest.fixture
def secret(model, settings):
    """Six rows, five with a file each, all under the old key; the new key comes first."""
    return under_the_old_key(model, settings)


@pytest.fixture
def unbound(model):
    """The same rows, of before rows had keys, under the key of today."""
    return rows_of_before(model)


@pytest.fixture(params=["bound", "unbound"])
def either(request, model, settings):
    return under_the_old_key(model, settings) if request.param == "bound" else rows_of_before(model)


def under_the_old_key(model, settings):
    for number in range(5):
        row = model(text=f"Ada {number}", document={"a": number} if number % 2 else None)
        row.stored_as = storage.save_for(row, "files", ContentFile(b"Ada" * 1000))
        row.save()
    model.objects.create(text="no file")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return model


def rows_of_before(model):
    for number in range(5):
        name = storage.save("files/x", ContentFile(b"Ada" * 1000))
        document = {"a": number} if number % 2 else None
        add_unbound(model, text=f"Ada {number}", document=document, stored_as=name)
    add_unbound(model, text="no file", document=None)
    return model


def add_unbound(model, *, text, document, stored_as=""):
    return of_before(model.objects.create(text=text, document=document, stored_as=stored_as))


def set_unbound(row, **values):
    for name, value in values.items():
        put_unbound(row, row._meta.get_field(name), value)


def stored(model, name):
    as_bytes = models.ExpressionWrapper(F(name), output_field=models.BinaryField())
    rows = model.objects.order_by("pk").annotate(it=as_bytes).values_list("it", flat=True)
    return [None if value is None else bytes(value) for value in rows]


def run():
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def assert_whole(model):
    rows = list(model.objects.order_by("pk"))
    assert [row.text for row in rows] == [*(f"Ada {number}" for number in range(5)), "no file"]
    assert [row.document for row in rows] == [None, {"a": 1}, None, {"a": 3}, None, None]
    assert all(storage.open_of(row).read() == b"Ada" * 1000 for row in rows[:5])


def test_afterwards_the_new_key_reads_everything(secret, settings):
    assert "Everything stored is encrypted with key" in run()
    settings.ENCRYPTION_KEYS = [NEW]
    assert_whole(secret)


def test_afterwards_everything_is_bound_to_its_row(unbound, settings):
    assert "Set REFUSE_UNBOUND=true" in run()
    settings.REFUSE_UNBOUND = True
    assert_whole(unbound)
    assert len(set(unbound.objects.values_list("row_key", flat=True)) - {None}) == 6
    assert all(value.startswith(b"2:") for value in stored(unbound, "text"))
    for row in unbound.objects.exclude(stored_as=""):
        assert storage.header(row.stored_as).bound


def test_a_second_run_renews_nothing(either):
    first, second = run(), run()
    for name, rows in [("text", 6), ("document", 2), ("stored_as", 5)]:
        assert f"core.secret.{name}: {rows} of {rows} looked at, {rows} renewed" in first
        assert f"core.secret.{name}: {rows} of {rows} looked at, 0 renewed" in second


def test_an_interrupted_run_goes_on_where_it_was(either):
    runs = rotation.rotate()
    assert next(runs).renewed == 2
    runs.close()
    assert "core.secret.text: 6 of 6 looked at, 4 renewed" in run()
    assert_whole(either)


def test_a_run_that_was_killed_between_key_and_values_goes_on(unbound, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rotation._Values, "_renew", killed)
        with pytest.raises(KeyboardInterrupt):
            run()
    for number, row in enumerate(unbound.objects.order_by("pk")[:3]):
        storage.reseal(row.stored_as, rotation.rowkeys.key_of(row)) if number else None
    run()
    assert_whole(unbound)
    assert rotation.count_unbound() == 0


def test_what_somebody_changes_meanwhile_is_not_overwritten(unbound, monkeypatch):
    decrypt, changing = rotation.decrypt_stored, []

    def change(row):
        row.text = "Grace"
        row.save()
        connection.close()

    def changed_meanwhile(value, context, row):
        plaintext = decrypt(value, context, row)
        if plaintext == b"Ada 0":
            changing.append(Thread(target=change, args=[first]))
            changing[0].start()  # it waits for the batch
        return plaintext

    first = unbound.objects.order_by("pk")[0]
    monkeypatch.setattr(rotation, "decrypt_stored", changed_meanwhile)
    run()
    changing[0].join()
    assert unbound.objects.get(pk=first.pk).text == "Grace"
    assert rotation.count_unbound() == 0


def test_what_cannot_be_read_is_named_and_the_rest_is_done(secret, settings):
    rows = list(secret.objects.order_by("pk"))
    storage.delete(rows[1].stored_as)
    put(rows[3], "text", stored(secret, "document")[3])
    with pytest.raises(CommandError) as caught:
        run()
    assert f"core.secret.text: {rows[3].pk}" in str(caught.value)
    assert f"core.secret.stored_as: {rows[1].pk}" in str(caught.value)
    settings.ENCRYPTION_KEYS = [NEW]
    assert secret.objects.get(pk=rows[4].pk).text == "Ada 4"
    assert secret.objects.defer("text").get(pk=rows[3].pk).document == {"a": 3}


def test_a_file_that_is_purged_meanwhile_is_no_complaint(unbound, monkeypatch):
    header = EncryptedFileStorage.header
    gone = unbound.objects.order_by("pk")[0]

    def purged_meanwhile(self, name):
        if name == gone.stored_as:
            unbound.objects.filter(pk=gone.pk).delete()
            storage.delete(name)
        return header(self, name)

    monkeypatch.setattr(EncryptedFileStorage, "header", purged_meanwhile)
    run()
    assert unbound.objects.count() == 5


def test_each_of_several_rows_with_one_file_gets_its_own(unbound, settings):
    first, second, third = unbound.objects.order_by("pk")[:3]
    unbound.objects.filter(pk__in=[second.pk, third.pk]).update(stored_as=first.stored_as)
    before = [row.refresh_from_db() or row for row in (first, second, third)]
    run()
    settings.REFUSE_UNBOUND = True
    names = {row.stored_as for row in unbound.objects.exclude(stored_as="")}
    assert len(names) == 5
    # As well for those that have been read before.
    assert [storage.open_of(row).read() for row in before] == [b"Ada" * 1000] * 3


# -- REFUSE_UNBOUND --------------------------------------------------------------------------------


def test_the_portal_starts_once_nothing_is_left(unbound, settings):
    settings.REFUSE_UNBOUND = True
    with pytest.raises(ImproperlyConfigured, match="rotate_keys"):
        rotation.refuse_to_start()
    settings.REFUSE_UNBOUND = False
    rotation.refuse_to_start()
    run()
    settings.REFUSE_UNBOUND = True
    rotation.refuse_to_start()
    counted = AuditEvent.objects.get(action=rotation.ROTATED)
    assert (counted.username, counted.detail["unbound"]) == ("command line", 0)


@pytest.mark.parametrize("left", ["text", "document", "stored_as"])
def test_the_portal_does_not_start_while_something_is_left(unbound, settings, left, monkeypatch):
    run()
    row = unbound.objects.order_by("pk")[1]
    if left == "stored_as":
        name = storage.save("files/x", ContentFile(b"x"))
        unbound.objects.filter(pk=row.pk).update(stored_as=name)
    else:
        set_unbound(row, **{left: getattr(row, left)})
    monkeypatch.setattr(rotation, "rotate", lambda: iter(()))
    with pytest.raises(CommandError, match=r"^1 values and files are not bound"):
        run()
    settings.REFUSE_UNBOUND = True
    with pytest.raises(ImproperlyConfigured):
        rotation.refuse_to_start()


def test_what_is_refused_does_not_become_bound(unbound, settings):
    """Somebody copies a value of before into a row; a change of keys must not make it good."""
    run()
    row = unbound.objects.order_by("pk")[0]
    set_unbound(row, text="copied")
    name = storage.save("files/x", ContentFile(b"copied"))
    unbound.objects.filter(pk=row.pk).update(stored_as=name)
    settings.REFUSE_UNBOUND = True
    with pytest.raises(CommandError, match=rf"core\.secret\.text: {row.pk}"):
        run()
    with pytest.raises(encryption.Unbound):
        unbound.objects.get(pk=row.pk)
    with pytest.raises(encryption.Unbound):
        storage.open_of(unbound.objects.only("stored_as").get(pk=row.pk))


# -- Beside the portal -----------------------------------------------------------------------------


@pytest.mark.scaled_out
def test_a_row_that_somebody_has_locked_has_its_turn_later(unbound, monkeypatch):
    locked, done = Event(), Event()
    row = unbound.objects.order_by("pk")[0]

    def hold():
        with transaction.atomic():
            unbound.objects.select_for_update().get(pk=row.pk)
            locked.set()
            done.wait(30)
        connection.close()

    holding = Thread(target=hold)
    holding.start()
    locked.wait(30)

    def let_go(_):
        done.set()
        holding.join()

    monkeypatch.setattr(rotation.time, "sleep", let_go)
    run()
    assert rotation.count_unbound() == 0
    assert_whole(unbound)


@pytest.mark.scaled_out
def test_of_many_that_set_a_key_at_once_one_wins_and_all_bind_to_it(unbound):
    row = unbound.objects.order_by("pk")[0]
    ready, keys, failed = Event(), [], []

    def write(number):
        mine = unbound.objects.get(pk=row.pk)
        ready.wait(30)
        try:
            mine.document = {"number": number}
            mine.save()
            keys.append(rotation.rowkeys.key_of(mine))
        except Exception as error:
            failed.append(error)
        connection.close()

    writers = [Thread(target=write, args=[number]) for number in range(8)]
    for writer in writers:
        writer.start()
    ready.set()
    for writer in writers:
        writer.join()
    assert failed == []
    found = unbound.objects.get(pk=row.pk)
    assert set(keys) == {found.row_key}
    assert found.document["number"] in range(8)


@pytest.mark.long
def test_nothing_fails_to_be_read_or_written_while_it_runs(unbound, monkeypatch, whole):
    """Readers and writers of another process's kind: with connections of their own."""
    monkeypatch.setattr(rotation, "BATCH", 8)
    for number in range(120 if whole else 48):  # fifteen batches, or six
        name = storage.save("files/x", ContentFile(b"Ada" * 1000))
        add_unbound(unbound, text=f"Ada {number}", document={"a": number}, stored_as=name)
    keys = set(unbound.objects.values_list("pk", flat=True))
    stop, failed, read = Event(), [], []

    def read_some():
        rows = unbound.objects.order_by("?")[:20]
        read.extend((row.text, row.stored_as and storage.open_of(row).read()) for row in rows)

    def write_one():
        row = unbound.objects.order_by("?").first()
        row.document = {"again": row.pk}
        row.save()

    def again_and_again(work):
        try:
            while not stop.wait(0.01):  # or they would take the time of what they try
                work()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    works = (read_some, read_some, write_one)
    others = [Thread(target=again_and_again, args=[work]) for work in works]
    for other in others:
        other.start()
    out = run()
    stop.set()
    for other in others:
        other.join()
    assert failed == []
    assert len(read) > 20
    assert "bound to its row" in out
    assert rotation.count_unbound() == 0
    assert set(unbound.objects.values_list("pk", flat=True)) == keys
