import io
import os
import stat
import tracemalloc

import pytest
from cryptography.fernet import Fernet
from django.core.files.base import ContentFile, File
from django.db import connection
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st
from requests_toolbelt import MultipartEncoder

from core import encryption, rowkeys
from core.database.rows import KeyedModel
from core.encryption import sealed
from core.fields import StoredFileField
from core.storage import EncryptedFileStorage

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
FRAME = sealed.FRAME


@pytest.fixture(autouse=True)
def _keys(settings, tmp_path):
    settings.ENCRYPTION_KEYS = [OLD]
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def storage():
    return EncryptedFileStorage()


def on_disk(storage, name):
    return storage.root / name


@pytest.mark.parametrize("length", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 7])
def test_a_file_comes_back_as_it_was_and_knows_its_length(storage, length):
    content = os.urandom(length)
    name = storage.save("files/x", ContentFile(content))
    with storage.open(name) as file:
        assert file.read() == content
        assert file.size == length
    assert storage.size(name) == length


@given(
    chunks=st.lists(st.binary(max_size=300).map(lambda piece: piece * 300), max_size=6),
    reads=st.lists(st.tuples(st.integers(0, 600_000), st.integers(0, 200_000)), max_size=6),
)
def test_any_part_of_any_file_can_be_read(tmp_path_factory, chunks, reads):
    content = b"".join(chunks)
    path = tmp_path_factory.getbasetemp() / "sealed"
    with path.open("wb") as out:
        assert sealed.seal(chunks, out, "label") == len(content)
    with sealed.unseal(path.open("rb"), "label") as stream:
        for start, length in reads:
            stream.seek(start)
            assert stream.read(length) == content[start : start + length]


def test_nothing_readable_is_on_disk(storage):
    name = storage.save("files/Ada Lovelace.pdf", ContentFile(b"Ada Lovelace, born 1815"))
    assert b"Lovelace" not in on_disk(storage, name).read_bytes()
    assert "Lovelace" not in name
    assert name.startswith("files/")


def test_only_the_owner_may_read(storage):
    path = on_disk(storage, storage.save("files/x", ContentFile(b"x")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for directory in (path.parent, path.parent.parent, storage.root):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_file_has_no_public_address(storage):
    with pytest.raises(ValueError, match="no public address"):
        storage.url(storage.save("x", ContentFile(b"x")))


def test_files_are_not_opened_for_writing(storage):
    name = storage.save("x", ContentFile(b"x"))
    with pytest.raises(ValueError, match="reading only"):
        storage.open(name, "wb")


def test_a_name_cannot_leave_the_storage(storage):
    with pytest.raises(Exception, match="outside"):
        storage.exists("../../etc/passwd")


def test_deleting_twice_is_no_error(storage):
    name = storage.save("files/x", ContentFile(b"x"))
    storage.delete(name)
    storage.delete(name)
    storage.delete("never/there")
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError):
        storage.open(name)


def test_a_write_that_fails_leaves_nothing(storage):
    class Broken(File):
        def chunks(self, chunk_size=None):
            yield b"half"
            raise OSError("the sender went away")

    with pytest.raises(OSError, match="went away"):
        storage.save("files/x", Broken(io.BytesIO()))
    assert list(storage.names()) == []
    assert [path.name for path in storage.root.rglob("*") if path.is_file()] == []


def test_every_stored_name_is_listed(storage):
    names = {storage.save("files/x", ContentFile(b"x")) for _ in range(3)}
    assert set(storage.names()) == names


# -- What an attacker with the disk may try ---------------------------------------------------


def three_frames(storage):
    name = storage.save("x", ContentFile(os.urandom(3 * FRAME)))
    sealed_bytes = on_disk(storage, name).read_bytes()
    header = len(sealed_bytes) % sealed._SEALED_FRAME
    frames = [
        sealed_bytes[start : start + sealed._SEALED_FRAME]
        for start in range(header, len(sealed_bytes), sealed._SEALED_FRAME)
    ]
    assert len(frames) == 3
    return name, sealed_bytes[:header], frames


def rewrite(storage, name, content):
    on_disk(storage, name).write_bytes(content)
    with pytest.raises(encryption.Tampered), storage.open(name) as file:
        file.read()


def test_a_file_cut_at_a_frame_is_refused_before_a_byte_is_given_out(storage):
    name, header, frames = three_frames(storage)
    on_disk(storage, name).write_bytes(header + frames[0] + frames[1])
    with pytest.raises(encryption.Tampered):
        storage.open(name)


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 2], [0, 2], [0, 2, 1], [0, 1, 2, 2], []])
def test_frames_out_of_order_are_refused(storage, order):
    name, header, frames = three_frames(storage)
    rewrite(storage, name, header + b"".join(frames[index] for index in order))


def test_a_frame_of_another_file_is_refused(storage):
    name, header, frames = three_frames(storage)
    _, _, others = three_frames(storage)
    rewrite(storage, name, header + frames[0] + others[1] + frames[2])


def test_a_file_in_the_place_of_another_is_refused(storage):
    name, *_ = three_frames(storage)
    other, *_ = three_frames(storage)
    rewrite(storage, name, on_disk(storage, other).read_bytes())


def test_another_nonce_is_refused(storage):
    name, header, frames = three_frames(storage)
    rewrite(storage, name, header[:-16] + os.urandom(16) + b"".join(frames))


@pytest.mark.parametrize("content", [b"", b"DVT1", b"%PDF-1.7 a plain file, longer than a header"])
def test_a_file_that_is_not_sealed_is_refused(storage, content):
    name, *_ = three_frames(storage)
    rewrite(storage, name, content)


@given(position=st.integers(min_value=28), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused(tmp_path_factory, position, flip):
    path = tmp_path_factory.getbasetemp() / "changed"
    with path.open("wb") as out:
        sealed.seal([b"Ada" * 50_000], out, "label")
    content = bytearray(path.read_bytes())
    content[28 + (position - 28) % (len(content) - 28)] ^= flip
    path.write_bytes(content)
    with pytest.raises(encryption.Tampered), sealed.unseal(path.open("rb"), "label") as stream:
        stream.read()


# -- Files of rows ----------------------------------------------------------------------------


@pytest.fixture
def named(transactional_db):
    """A model whose rows name files, and its table."""
    with isolate_apps("core"):

        class Named(KeyedModel):
            stored_as = StoredFileField(max_length=200, blank=True)

            class Meta:
                app_label = "core"

        with connection.schema_editor() as editor:
            editor.create_model(Named)
        yield Named
        with connection.schema_editor() as editor:
            editor.delete_model(Named)


def keep(storage, row, content=b"Ada"):
    row.stored_as = storage.save_for(row, "files", ContentFile(content))
    row.save()
    return row


def keep_unbound(storage, named):
    """Make a row and a file of before rows had keys."""
    row = named.objects.create(stored_as=storage.save("files/x", ContentFile(b"Ada")))
    named.objects.update(row_key=None)
    return named.objects.get(pk=row.pk)


def test_a_file_is_bound_to_its_row_before_and_after_the_row_is_stored(storage, named):
    row = keep(storage, named())
    assert storage.open_of(row).read() == b"Ada"
    keep(storage, row, b"Grace")
    found = named.objects.get()
    assert storage.open_of(found).read() == b"Grace"
    assert storage.header(found.stored_as).bound
    assert found.stored_as.startswith("files/")


def test_a_file_that_another_row_names_is_refused(storage, named):
    unbound = keep_unbound(storage, named)
    mine, theirs = keep(storage, named()), keep(storage, named())
    for row in (unbound, mine):
        named.objects.filter(pk=row.pk).update(stored_as=theirs.stored_as)
        with pytest.raises(encryption.Tampered):
            storage.open_of(named.objects.get(pk=row.pk))
    with pytest.raises(encryption.Tampered):
        storage.open(theirs.stored_as)


def test_a_copy_of_a_row_does_not_open_the_files_of_the_first(storage, named):
    row = keep(storage, named())
    other = named.objects.get(pk=row.pk)
    other.pk = None
    other.save()
    with pytest.raises(encryption.Tampered):
        storage.open_of(other)


@pytest.mark.parametrize(("here", "there"), [(b"DVT2", b"DVT1"), (b"DVT1", b"DVT2")])
def test_a_file_does_not_pass_for_one_of_the_other_format(storage, named, here, there):
    row = keep(storage, named()) if here == b"DVT2" else keep_unbound(storage, named)
    sealed_bytes = on_disk(storage, row.stored_as).read_bytes()
    on_disk(storage, row.stored_as).write_bytes(there + sealed_bytes.removeprefix(here))
    with pytest.raises(encryption.Tampered):
        storage.open_of(row)


def test_a_file_of_before_is_read_until_it_is_refused(storage, named, settings):
    row = keep_unbound(storage, named)
    assert storage.open_of(row).read() == b"Ada"
    settings.REFUSE_UNBOUND = True
    with pytest.raises(encryption.Unbound):
        storage.open_of(row)
    assert storage.open_of(keep(storage, row, b"Grace")).read() == b"Grace"


def test_a_file_is_opened_that_was_bound_after_its_row_was_read(storage, named):
    row = keep_unbound(storage, named)
    key = rowkeys.key_of(named.objects.get())
    assert storage.reseal(row.stored_as, key)
    assert not storage.reseal(row.stored_as, key)
    assert row.row_key is None
    assert storage.open_of(row).read() == b"Ada"


def test_a_file_is_opened_whose_row_got_one_of_its_own_meanwhile(storage, named):
    row = keep_unbound(storage, named)
    keep(storage, named.objects.get(), b"Ada")
    storage.delete(row.stored_as)
    assert storage.open_of(row).read() == b"Ada"


def test_a_file_that_is_gone_is_not_found(storage, named):
    row = keep(storage, named())
    storage.delete(row.stored_as)
    with pytest.raises(FileNotFoundError):
        storage.open_of(row)
    row.delete()
    row.pk = 1
    with pytest.raises(FileNotFoundError):
        storage.open_of(row)


# -- Keys -------------------------------------------------------------------------------------


def test_a_file_is_resealed_once_under_the_first_key(storage, settings):
    content = os.urandom(FRAME + 5)
    name = storage.save("x", ContentFile(content))
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert storage.reseal(name)
    assert not storage.reseal(name)
    settings.ENCRYPTION_KEYS = [NEW]
    assert storage.open(name).read() == content


def test_a_file_deleted_while_it_is_resealed_stays_deleted(storage, settings, monkeypatch):
    name = storage.save("x", ContentFile(b"x" * FRAME))
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    seal = sealed.seal

    def purged_meanwhile(*args):
        storage.delete(name)
        return seal(*args)

    monkeypatch.setattr(sealed, "seal", purged_meanwhile)
    storage.reseal(name)
    assert list(storage.names()) == []


def test_a_file_under_a_lost_key_states_which(storage, settings):
    name = storage.save("x", ContentFile(b"x"))
    lost = encryption.keyring().primary
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(encryption.UnknownKey, match=lost):
        storage.open(name)


# -- Uploads ----------------------------------------------------------------------------------


def test_a_multipart_upload_streams_the_plaintext(storage):
    content = os.urandom(3 * FRAME + 11)
    name = storage.save("x", ContentFile(content))
    for opened in (storage.stream(name), storage.open(name)):
        encoder = MultipartEncoder({"file": ("a.pdf", opened, "application/pdf")})
        body = encoder.read()
        assert content in body
        assert len(body) == encoder.len


def test_a_large_file_is_written_and_uploaded_in_little_memory(storage):
    megabytes = 25
    source = File(io.BytesIO(bytes(megabytes * 1024 * 1024)))
    tracemalloc.start()
    try:
        name = storage.save("x", source)
        with storage.stream(name) as stream:
            encoder = MultipartEncoder({"file": ("a.pdf", stream, "application/pdf")})
            while encoder.read(16 * 1024):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * 1024 * 1024
