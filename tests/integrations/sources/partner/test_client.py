"""The client that the documentation shows works as it stands there."""

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from core.web import ratelimit
from referrals.models import PartnerUpdate
from tests.integrations.sources.partner.partners import AT_LOOPBACK, SECRET, deliver, partner_of
from tests.world import REFERENCE, make_world, plain

PAGE = Path(__file__).parents[4] / "docs" / "answering-a-referral.md"


def client_of_the_page() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    written = [line for line in code.splitlines() if line.strip()]
    assert len(written) <= 30
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["Dovetail"]


def test_it_reads_answers_and_repeats_what_got_no_answer(
    live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit, "_buckets", ratelimit.TokenBuckets())
    world = make_world("webhook", ["received"], **AT_LOOPBACK)
    partner_of(world)
    world.send(plain())
    deliver(world)
    dovetail = client_of_the_page()(live_server.url, "partner", SECRET)
    (listed,), after, more = dovetail.delivered()
    assert (listed["reference"], more) == (REFERENCE, False)
    assert dovetail.delivered(after)[0] == []
    ask, lost = dovetail.session.request, ["PATCH"]

    def lose_one_answer(method: str, *args: Any, **kwargs: Any) -> requests.Response:
        answer = ask(method, *args, **kwargs)
        if method in lost:
            lost.remove(method)
            raise requests.ConnectionError
        return answer  # type: ignore[no-any-return]

    dovetail.session.request = lose_one_answer
    result = dovetail.answer(REFERENCE, status="accepted", note="We have it.")
    assert result["partner"]["status"] == "accepted"
    assert PartnerUpdate.objects.count() == 1
