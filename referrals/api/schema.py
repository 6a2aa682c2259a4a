"""What the OpenAPI document says beyond what the views show by themselves."""

from collections.abc import Callable
from typing import Any

# One of them is enough; see docs/connecting-caredove.md.
SENDER_AUTH: Any = [{"basic": []}, {"signature": []}]

Endpoint = tuple[str, str, str, Callable[..., Any]]


def keep_dollar_signs(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Give FHIR operations their `$` back, which the generator takes for the end of a regex."""
    return [
        (path.replace("/process-message", "/$process-message"), regex, method, view)
        for path, regex, method, view in endpoints
    ]
