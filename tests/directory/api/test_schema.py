"""What the directory's API answers is what its OpenAPI document says, for generated requests."""

from collections import Counter
from typing import Any

import pytest

from directory.models import Entry, Kind
from tests.directory.api.world import World
from tests.generated import operations, share_of_successes, try_out

SAMPLE, WHOLE = 3, 500  # requests to each of 18 operations


@pytest.mark.slow
@pytest.mark.usefixtures("directory")
def test_answers_are_as_described(live_server: Any, whole: bool):
    World(seed=1, size=5)
    service = Entry.objects.filter(kind=Kind.SERVICE)[0]

    def prepare(case: Any, names_what_is_there: bool) -> dict[str, str]:
        if names_what_is_there:
            case.path_parameters = {name: str(service.hsds_id) for name in case.path_parameters}
            case.query = {}
        return {}

    statuses: Counter[int] = Counter()
    found = operations(f"{live_server.url}/hsds/3.1/openapi.json")
    assert len(found) >= 13
    for operation in found:
        statuses += try_out(operation, WHOLE if whole else SAMPLE, prepare)
    print(f"{statuses.total()} requests: {dict(statuses)}")
    if whole:
        assert share_of_successes(statuses) >= 0.3, statuses
