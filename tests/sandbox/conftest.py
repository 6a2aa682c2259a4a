"""A running sandbox, and a sender that knows its token."""

from collections.abc import Iterator

import pytest

from sandbox import Sandbox, running_sandbox
from tests.sandbox.sender import TOKEN, Sender


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(token=TOKEN, hang_seconds=0.1, drip_seconds=0) as running:
        yield running


@pytest.fixture
def sender(sandbox: Sandbox) -> Sender:
    return Sender(sandbox.url)
