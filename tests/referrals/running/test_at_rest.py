"""What a dispatcher asks its database while nothing happens."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from referrals.running import dispatcher
from tests.world import make_world

MINUTE = 60
LOOKS = 6  # a minute, every BESIDE_SECONDS
ROUNDS = 60  # a minute, with a broker
AT_MOST = 3  # statements a second


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_dispatcher_with_a_broker_asks_at_most_three_statements_a_second_at_rest(settings):
    assert settings.BESIDE_SECONDS * LOOKS == MINUTE
    assert settings.DISPATCH_SECONDS * dispatcher.REST_WITH_BROKER * ROUNDS == MINUTE
    make_world()
    rounds = dispatcher.Dispatcher(threads=1)
    try:
        asked = ROUNDS * statements(rounds.round)
        for does, seconds in dispatcher._beside.items():
            asked += min(LOOKS, MINUTE / seconds if seconds else LOOKS) * statements(does)
    finally:
        rounds.close()
    assert asked / MINUTE <= AT_MOST


def statements(does) -> int:
    does()  # what is asked once
    with CaptureQueriesContext(connection) as asked:
        does()
    return len(asked)
