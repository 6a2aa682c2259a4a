"""Many requests of a partner at once: each gets an answer of the contract, one takes effect."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from core.web import ratelimit
from referrals.models import PartnerUpdate
from tests.integrations.sources.partner.partners import (
    AT_LOOPBACK,
    ONE,
    SECRET,
    ask,
    deliver,
    partner_of,
)
from tests.world import make_world, plain

pytestmark = pytest.mark.slow
AT_ONCE, LIMIT = 50, 60


@pytest.mark.parametrize("count", [120, pytest.param(500, marks=pytest.mark.whole)])
def test_of_many_updates_at_once_one_is_heard_and_the_rest_hears_why(
    live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    world = make_world("webhook", ["received"], **AT_LOOPBACK)
    partner_of(world)
    world.send(plain())
    deliver(world)
    headers = {
        "Authorization": f"Bearer partner:{SECRET}",
        "If-Match": ask()["ETag"],
        "Content-Type": "application/merge-patch+json",
    }
    settings.RATE_LIMIT_PER_MINUTE = LIMIT
    a_moment = ratelimit.TokenBuckets(clock=lambda: 0.0)
    monkeypatch.setattr(ratelimit, "_buckets", a_moment)

    def say(number: int) -> requests.Response:
        changes = {"note": f"clerk {number}"}
        return requests.patch(live_server.url + ONE, json=changes, headers=headers, timeout=120)

    with ThreadPoolExecutor(AT_ONCE) as clerks:
        answers = list(clerks.map(say, range(count)))
    counts = Counter(answer.status_code for answer in answers)
    # 503: a database that writes one at a time may have kept somebody waiting for too long.
    assert counts.keys() <= {200, 412, 429, 503}, counts
    assert counts[200] == PartnerUpdate.objects.count() == 1
    assert counts[429] == count - LIMIT
    for answer in answers:
        if answer.status_code in (429, 503):
            assert int(answer.headers["Retry-After"]) >= 1
        if answer.status_code != 200:
            assert answer.headers["Content-Type"].startswith("application/problem+json")
