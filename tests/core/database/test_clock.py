from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from core.database import clock

pytestmark = pytest.mark.postgres  # the database's clock


@pytest.mark.django_db
def test_the_time_is_the_databases_and_aware(django_assert_num_queries):
    with django_assert_num_queries(1):
        now = clock.now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.django_db
def test_the_time_does_not_stand_still_in_a_transaction():
    with transaction.atomic():
        first = clock.now()
        while (second := clock.now()) == first:
            pass
    assert second > first
