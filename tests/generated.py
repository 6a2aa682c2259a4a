"""Requests that schemathesis makes of an OpenAPI document: are the answers as it says?"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
Prepare = Callable[[Any, bool], dict[str, str]]


def operations(url: str) -> list[Any]:
    """Return the operations of the document at a URL."""
    import schemathesis  # takes its time, which only these tests need

    return [result.ok() for result in schemathesis.openapi.from_url(url).get_all_operations()]


def try_out(operation: Any, count: int, prepare: Prepare) -> Counter[int]:
    """Send so many generated requests to one operation; return how often each status came.

    `prepare` returns the headers for a case; where it is given True, it also gives the case the
    names of things that are there, so that not all answers are refusals. Fails for an answer that
    is not as described.
    """
    import schemathesis

    checks = [getattr(schemathesis.checks, name) for name in CHECKS]
    statuses: Counter[int] = Counter()

    @given(operation.as_strategy(), st.booleans())
    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    def answers_as_described(case: Any, names_what_is_there: bool) -> None:
        headers = prepare(case, names_what_is_there)
        answer = case.call(headers=headers)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=checks, headers=headers)

    answers_as_described()
    return statuses


def share_of_successes(statuses: Counter[int]) -> float:
    """Return which part of the answers was 2xx."""
    good = sum(times for status, times in statuses.items() if 200 <= status < 300)
    return good / statuses.total()
