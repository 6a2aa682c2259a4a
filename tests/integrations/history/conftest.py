import pytest

from tests.world import World, make_world

OLD, NOW = "the-old-token", "the-token-of-now"


@pytest.fixture
def world(db: None) -> World:
    """A world whose destination had another name, limit and token before."""
    world = make_world("crms", history=True, base_url="http://127.0.0.1:9", token=OLD)
    destination = world.destination
    destination.name = "Birchwood CRMS (new)"
    destination.options = {**destination.options, "token": NOW, "note_limit": 500}
    destination.save()
    return world
