"""A sender that speaks the import contract by hand, with nothing of the portal in it."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from tests.services import PATIENCE

FIXTURES = Path(__file__).parents[1] / "fixtures"
EXAMPLE = (FIXTURES / "examples" / "crms-create-referral.json").read_text()
TOKEN = "token-of-the-tests"
SECONDS = 30


def body(**client: Any) -> dict[str, Any]:
    """Return the contract's example, with these fields of the client."""
    content = json.loads(EXAMPLE)
    content["client"].update(client)
    return content


def changed(key: str, value: Any) -> dict[str, Any]:
    """Return the contract's example with one dotted field changed."""
    content = place = body()
    *groups, name = key.split(".")
    for group in groups:
        place = place[group]
    place[name] = value
    return content


def eventually(is_so: Callable[[], Any]) -> None:
    """Return once it is so; it is not a question of how fast."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.01)


class Sender:
    """Makes the calls of the contract."""

    def __init__(self, url: str, token: str = TOKEN, timeout: float = SECONDS) -> None:
        self.url = url
        self.timeout = timeout
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        more.setdefault("timeout", self.timeout)
        more.setdefault("allow_redirects", False)
        return self.session.request(method, self.url + path, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.call("GET", path, **more)

    def look_up(self, reference: str) -> requests.Response:
        return self.get("/api/v1/referrals", params={"external_reference": reference})

    def create(self, content: Any = None, key: str | None = None) -> requests.Response:
        headers = {"Idempotency-Key": uuid4().hex if key is None else key}
        content = body() if content is None else content
        return self.call("POST", "/api/v1/referrals", json=content, headers=headers)

    def created(self, **client: Any) -> str:
        """Create a referral and return its id."""
        answer = self.create(body(**client))
        assert answer.status_code == 201
        return answer.json()["id"]

    def attach(
        self,
        referral_id: str,
        content: bytes = b"%PDF-1.7 a summary",
        *,
        name: str = "summary.pdf",
        category: str = "referral_summary",
        sha256: str | None = None,
        key: str | None = None,
    ) -> requests.Response:
        return self.call(
            "POST",
            f"/api/v1/referrals/{referral_id}/attachments",
            headers={"Idempotency-Key": uuid4().hex if key is None else key},
            data={
                "category": category,
                "sha256": hashlib.sha256(content).hexdigest() if sha256 is None else sha256,
            },
            files={"file": (name, content, "application/octet-stream")},
        )
