from collections.abc import Iterator

import pytest

from tests.integrations.listings.caredove import (
    PASSWORD,
    USERNAME,
    ListingServer,
    running_listing_server,
)
from tests.world import World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def caredove(world: World) -> Iterator[ListingServer]:
    """Caredove's listing API, which the world's source knows."""
    with running_listing_server() as server:
        world.source.listings_url = server.url
        world.source.listings_username, world.source.listings_password = USERNAME, PASSWORD
        world.source.save()
        yield server
