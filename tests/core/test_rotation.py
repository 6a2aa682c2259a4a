import io

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from core import encryption, rotation
from core.fields import EncryptedJSONField, EncryptedTextField
from core.storage import EncryptedFileStorage

pytestmark = pytest.mark.postgres  # conditional updates

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def secret(transactional_db, settings, tmp_path, monkeypatch):
    """Five rows with a value and a file each, all under the old key; the new key comes first."""
    settings.MEDIA_ROOT = str(tmp_path)
    settings.ENCRYPTION_KEYS = [OLD]
    monkeypatch.setattr(rotation, "BATCH", 2)
    with isolate_apps("core"):

        class Secret(models.Model):
            text = EncryptedTextField()
            document = EncryptedJSONField(null=True)
            file = models.FileField(storage=EncryptedFileStorage(), upload_to="files", blank=True)

            class Meta:
                app_label = "core"

        monkeypatch.setattr(apps, "get_models", lambda: [Secret])
        with connection.schema_editor() as editor:
            editor.create_model(Secret)
        for number in range(5):
            row = Secret(text=f"Ada {number}", document={"a": number} if number % 2 else None)
            row.file.save("Ada.pdf", ContentFile(b"Ada" * 1000))
        Secret.objects.create(text="no file")
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        yield Secret
        with connection.schema_editor() as editor:
            editor.delete_model(Secret)


def run():
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def test_afterwards_the_new_key_reads_everything(secret, settings):
    assert "Everything stored is encrypted with key" in run()
    settings.ENCRYPTION_KEYS = [NEW]
    rows = list(secret.objects.order_by("pk"))
    assert [row.text for row in rows] == [*(f"Ada {number}" for number in range(5)), "no file"]
    assert [row.document for row in rows] == [None, {"a": 1}, None, {"a": 3}, None, None]
    assert all(row.file.read() == b"Ada" * 1000 for row in rows[:5])


def test_a_second_run_renews_nothing(secret):
    first, second = run(), run()
    for field, rows in [("text", 6), ("document", 2), ("file", 6)]:
        renewed = 5 if field == "file" else rows  # one row has no file
        assert f"core.secret.{field}: {rows} of {rows} looked at, {renewed} renewed" in first
        assert f"core.secret.{field}: {rows} of {rows} looked at, 0 renewed" in second


def test_an_interrupted_run_goes_on_where_it_was(secret):
    runs = rotation.rotate()
    assert next(runs).renewed == 2
    runs.close()
    assert "core.secret.text: 6 of 6 looked at, 4 renewed" in run()


def test_what_somebody_changed_meanwhile_is_not_overwritten(secret, monkeypatch):
    decrypt = encryption.decrypt

    def changed_meanwhile(value, context):
        if decrypt(value, context) == b"Ada 0":
            secret.objects.filter(pk=1).update(text="Grace")
        return decrypt(value, context)

    monkeypatch.setattr(rotation, "decrypt", changed_meanwhile)
    run()
    assert secret.objects.get(pk=1).text == "Grace"


def test_what_cannot_be_read_is_named_and_the_rest_is_done(secret, settings):
    storage = EncryptedFileStorage()
    row = secret.objects.get(pk=2)
    storage.delete(row.file.name)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_secret SET text = document WHERE id = 4")
    with pytest.raises(CommandError) as caught:
        run()
    assert "core.secret.text: 4" in str(caught.value)
    assert "core.secret.file: 2" in str(caught.value)
    settings.ENCRYPTION_KEYS = [NEW]
    assert secret.objects.defer("document").get(pk=5).text == "Ada 4"
