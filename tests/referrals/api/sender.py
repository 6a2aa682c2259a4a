"""What a sender does: post an event, ask what became of it, sign."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from integrations.models import Source, SourceCredential

SECRET = "not-so-secret-but-long-enough"
SIGNING_KEY = b"0123456789abcdef0123456789abcdef"
SIGNING = "whsec_" + base64.b64encode(SIGNING_KEY).decode()
PLAIN = "/api/v1/events"
FHIR = "/fhir/$process-message"


def basic(key: str = "caredove", secret: str = SECRET) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def add_signing_secret(source: Source, secret: str = SIGNING) -> None:
    SourceCredential.objects.create(source=source, scheme="signature", signing_secret=secret)


def post(
    body: dict[str, Any] | bytes,
    path: str = PLAIN,
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    # Not `post`, which writes bytes anew in the charset that the content type names.
    return Client().generic(
        "POST", path, raw, content_type=content_type, headers={"Authorization": basic()} | headers
    )


def get(path: str, authorization: str | None = None) -> Any:
    return Client().get(path, headers={"Authorization": authorization or basic()})


def signed(body: bytes, at: datetime | None = None, key: bytes = SIGNING_KEY) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a body, whatever bytes it has."""
    timestamp = str(int((at or datetime.now(UTC)).timestamp()))
    digest = hmac.digest(key, f"msg_1.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
