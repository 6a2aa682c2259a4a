import pytest

from tests.world import World, make_world


@pytest.fixture
def world(db: None) -> World:
    """A listing whose referrals go to a destination that takes everything."""
    return make_world()
