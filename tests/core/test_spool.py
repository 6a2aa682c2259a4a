"""Bytes that wait on the disk: they come back from any place, and lie there encrypted."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spool import IN_MEMORY, Spool, TooLarge


@given(st.lists(st.binary(max_size=100)), st.integers(0, 400))
def test_what_was_written_comes_back_from_any_place(pieces: list[bytes], start: int) -> None:
    whole = b"".join(pieces)
    with Spool() as spool:
        for piece in pieces:
            spool.write(piece)
        assert b"".join(spool.blocks()) == whole
        assert b"".join(spool.blocks(start)) == whole[start:]
        assert (spool.size, spool.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_nothing_of_it_is_readable_on_the_disk() -> None:
    with Spool() as spool:
        spool.write(b"Mireille " * IN_MEMORY)
        spool._file.seek(0)
        assert b"Mireille" not in spool._file.read()


def test_it_takes_no_more_than_it_may() -> None:
    with Spool(most=10) as spool:
        spool.write(b"1234567890")
        with pytest.raises(TooLarge):
            spool.write(b"1")
