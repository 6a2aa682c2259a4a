"""What the API answers is what its OpenAPI document says, for generated requests."""

from collections import Counter
from itertools import count
from typing import Any

import pytest

from core.web import ratelimit
from integrations.models import SourceCredential
from integrations.sources.auth import hash_secret
from tests.generated import operations, share_of_successes, try_out
from tests.integrations.sources.partner import partners
from tests.referrals.api.sender import SECRET, basic
from tests.world import REFERENCE, World, make_world, plain

SAMPLE, WHOLE = 15, 1_500  # requests to each of 9 operations


class Known:
    """A portal with one referral that a partner was sent, and its names."""

    def __init__(self) -> None:
        self.world: World = make_world(kind="webhook", **partners.AT_LOOPBACK)
        SourceCredential.objects.create(
            source=self.world.source, key="caredove", secret_hash=hash_secret(SECRET)
        )
        self.world.source.organizations.set([])
        partners.partner_of(self.world)
        self.event = self.world.send(plain())
        partners.deliver(self.world)
        self._numbers = count(2)

    def prepare(self, case: Any, names_what_is_there: bool) -> dict[str, str]:
        """Return the credentials for a case; give it the names of what is there."""
        path = case.operation.path
        if names_what_is_there:
            known = {"reference": REFERENCE, "event_id": str(self.event.pk)}
            given = case.path_parameters or {}
            case.path_parameters = {name: known.get(name, value) for name, value in given.items()}
            if path == "/api/v1/events":
                case.body = plain(number=next(self._numbers), reference=REFERENCE)
                case.media_type = "application/json"
            elif path == "/api/v1/partner/referrals":
                case.query = {}
        if "/partner/" in path:
            return {"Authorization": basic("partner", partners.SECRET)}
        return {"Authorization": basic()}


@pytest.fixture
def _unlimited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit would answer in place of what is tried."""
    settings.RATE_LIMIT_PER_MINUTE = 0
    monkeypatch.setattr(ratelimit, "REFUSALS_PER_MINUTE", 10**6)


@pytest.mark.slow
@pytest.mark.usefixtures("_unlimited")
def test_answers_are_as_described(live_server: Any, whole: bool):
    known = Known()
    found = operations(f"{live_server.url}/api/v1/schema?format=json")
    assert len(found) == 9
    statuses: Counter[int] = Counter()
    for operation in found:
        statuses += try_out(operation, WHOLE if whole else SAMPLE, known.prepare)
    print(f"{statuses.total()} requests: {dict(statuses)}")
    if whole:
        assert share_of_successes(statuses) >= 0.3, statuses
