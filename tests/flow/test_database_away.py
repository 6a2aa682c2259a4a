"""A database that is gone, or silent: senders are told when to come back, and then it goes on."""

import time
from collections.abc import Iterator

import pytest
import requests

from referrals.models import InboundEvent
from tests.flow.crms import Crms
from tests.flow.line import Line, line_to
from tests.flow.portal import Portal, eventually
from tests.flow.test_processes import assert_once_each, reference, referral

pytestmark = [pytest.mark.scaled_out, pytest.mark.long]

PROMISED = 5  # seconds
BUSY = 25  # more, on a machine that does much else


@pytest.fixture
def line(portal: Portal) -> Iterator[Line]:
    """The only line of all programs to the database."""
    with line_to(portal.env["DATABASE_URL"]) as line:
        portal.env |= {"DATABASE_URL": line.here, "DATABASE_CONNECT_SECONDS": "2"}
        yield line


@pytest.mark.parametrize("how", ["silence", pytest.param("cut", marks=pytest.mark.whole)])
def test_senders_are_answered_503_and_nothing_is_started_again(
    portal: Portal, crms: Crms, line: Line, how: str
):
    portal.start("web", "dispatcher", "worker")
    assert portal.post(referral(0)).status_code == 202
    portal.settled(reference(0))
    getattr(line, how)()
    for ask in (
        lambda: portal.post(referral(1)),
        lambda: requests.get(f"{portal.url}/health/ready", timeout=120),
        lambda: requests.get(f"{portal.url}/health/delivery", timeout=120),
    ):
        began = time.monotonic()
        answer = ask()
        took = time.monotonic() - began
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert took < PROMISED + BUSY
        print(f"{how}: answered after {took:.1f} s")
    assert requests.get(f"{portal.url}/health/live", timeout=120).status_code == 200

    line.restore()
    eventually(lambda: portal.post(referral(1)).status_code in (202, 200), "stored")
    portal.settled(reference(1))
    assert InboundEvent.objects.count() == 2
    assert_once_each(crms, range(2))
    ready = f"{portal.url}/health/ready"
    eventually(lambda: requests.get(ready, timeout=120).status_code == 200, "ready")
