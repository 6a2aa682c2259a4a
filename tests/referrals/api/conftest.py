import pytest

from core.web import ratelimit
from integrations.models import SourceCredential
from integrations.sources.auth import hash_secret
from tests.referrals.api.sender import SECRET
from tests.world import World


@pytest.fixture(autouse=True)
def _empty_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its clock stands still: nothing here depends on how fast this machine is.
    monkeypatch.setattr(ratelimit, "_buckets", ratelimit.TokenBuckets(lambda: 0.0))


@pytest.fixture
def world(world: World) -> World:
    """A listing that is connected, and a source with credentials."""
    SourceCredential.objects.create(
        source=world.source, key="caredove", secret_hash=hash_secret(SECRET)
    )
    return world
