import io
import os
import stat
import tracemalloc

import pytest
from cryptography.fernet import Fernet
from django.core.files.base import ContentFile, File
from hypothesis import given
from hypothesis import strategies as st
from requests_toolbelt import MultipartEncoder

from core import encryption, sealed
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

    def purged_meanwhile(chunks, into, label):
        storage.delete(name)
        return seal(chunks, into, label)

    monkeypatch.setattr(sealed, "seal", purged_meanwhile)
    storage.reseal(name)
    assert list(storage.names()) == []


def test_a_file_under_a_lost_key_says_which(storage, settings):
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
