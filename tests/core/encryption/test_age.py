"""Files for the holder of a private key alone."""

import io
import os

import pytest

from core.encryption import age

# Of the specification's own examples: a key and its public half.
PRIVATE = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


def sealed(content: bytes, recipient: str) -> bytes:
    out = io.BytesIO()
    sealing = age.Sealing(out, age.public_key(recipient))
    for start in range(0, len(content), 50_000):
        sealing.write(content[start : start + 50_000])
    sealing.close()
    return out.getvalue()


def unsealed(file: bytes, private: str) -> bytes:
    return age.Unsealing(io.BytesIO(file), age.private_key(private)).read()


def test_a_file_is_read_with_the_private_key_alone():
    private, public = age.new_key()
    for length in (0, 1, age.CHUNK - 1, age.CHUNK, age.CHUNK + 1, 3 * age.CHUNK, 200_001):
        content = os.urandom(length)
        file = sealed(content, public)
        assert content[:64] not in file or len(content) < 8  # a few bytes may stand there by chance
        assert unsealed(file, private) == content
    other, _ = age.new_key()
    with pytest.raises(age.NotReadable, match="another key"):
        unsealed(file, other)


def test_a_file_that_was_changed_cut_or_lengthened_is_refused():
    private, public = age.new_key()
    file = sealed(os.urandom(2 * age.CHUNK + 10), public)
    for place in (0, 30, 60, 120, 180, 210, 70_000, len(file) - 1):
        changed = bytearray(file)
        changed[place] ^= 1
        with pytest.raises(age.NotReadable):
            unsealed(bytes(changed), private)
    chunk = age.CHUNK + 16
    payload = len(file) - (2 * chunk + 26)
    first, second = file[payload : payload + chunk], file[payload + chunk : payload + 2 * chunk]
    for changed in (
        file[:-1],
        file[: payload + 2 * chunk],  # whole chunks, without the last one
        file[:payload],
        file + b"x",
        file[:payload] + second + first + file[payload + 2 * chunk :],
        b"",
        b"age-encryption.org/v1\n",
        os.urandom(500),
    ):
        with pytest.raises(age.NotReadable):
            unsealed(bytes(changed), private)


def test_a_key_with_a_typing_error_is_refused():
    private, public = age.new_key()
    assert age.private_key(f"# created: today\n# public key: {public}\n{private}\n")
    for read, text in ((age.public_key, public), (age.private_key, private)):
        wrong = text[:-1] + ("q" if text[-1].lower() != "q" else "p")
        for bad in (wrong, text[:-1], "", "age1", "AGE-SECRET-KEY-1", f"{text}\n{text}"):
            with pytest.raises(age.NotReadable):
                read(bad)
    with pytest.raises(age.NotReadable):
        age.public_key(private)
    with pytest.raises(age.NotReadable):
        age.private_key(public)


def test_keys_are_written_as_age_writes_them():
    key = age.private_key(PRIVATE)
    assert key.private_bytes_raw() == b"B" * 32
    assert age._bech32("age-secret-key-", b"B" * 32).upper() == PRIVATE
