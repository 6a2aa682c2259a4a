"""What the API answers is what its OpenAPI document says, for generated requests."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from core.web import ratelimit
from integrations.models import SourceCredential
from integrations.sources.auth import hash_secret
from tests.world import make_world

SECRET = "not-so-secret-but-long-enough"
AUTHORIZATION = "Basic " + base64.b64encode(f"caredove:{SECRET}".encode()).decode()
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]


@pytest.mark.slow
def test_answers_are_as_described(live_server: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ratelimit, "_buckets", ratelimit.TokenBuckets())
    source = make_world().source
    SourceCredential.objects.create(source=source, key="caredove", secret_hash=hash_secret(SECRET))
    import schemathesis  # takes its time, which only this test needs

    schema = schemathesis.openapi.from_url(f"{live_server.url}/api/v1/schema?format=json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 9
    for operation in operations:
        try_out(operation, [getattr(schemathesis.checks, name) for name in CHECKS])


def try_out(operation: Any, checks: list[Any]) -> None:
    """Send generated requests to one operation, and hold each answer against its description."""

    @given(operation.as_strategy())
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    def answers_as_described(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": AUTHORIZATION}, checks=checks)

    answers_as_described()
