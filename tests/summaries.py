"""Summaries that are rendered once for all tests: the same page gives the same bytes.

A real page takes a renderer some 100 ms of CPU, and most tests send the same few referrals. What
is about rendering itself (tests/referrals/summary) renders each time.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

from referrals.summary import pdf

Rendered = Callable[[str, tuple[str, ...]], bytes]


@contextmanager
def rendered_once(folder: Path) -> Iterator[None]:
    """Keep in `folder` what is rendered during the block, for whoever renders the same page."""
    with patch.object(pdf, "_rendered", _kept(pdf._rendered, folder)):
        yield


def _kept(rendered: Rendered, folder: Path) -> Rendered:
    @wraps(rendered)
    def once(page: str, families: tuple[str, ...]) -> bytes:
        file = folder / sha256("\n".join([*families, page]).encode()).hexdigest()
        if not file.exists():
            # Others may be at it too.
            part = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            part.write_bytes(rendered(page, families))
            part.rename(file)
        return file.read_bytes()

    return once
