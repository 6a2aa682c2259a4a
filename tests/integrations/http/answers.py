"""Answers to read."""

import json
from typing import Any

from core.outbound import Answer


def answer(status: int, body: Any = b"", *, truncated: bool = False, **headers: str) -> Answer:
    """Return an answer; a body that is not bytes is sent as JSON, `Retry_After` as a header."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, content, truncated=truncated)
