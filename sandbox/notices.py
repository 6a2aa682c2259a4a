"""A receiver of the directory's notices: it verifies them as Standard Webhooks, and keeps them."""

import json
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sandbox.answers import Answer, json_answer, message
from sandbox.requests import Request
from sandbox.state import State

_MOST = 1000  # that are kept


def receive(state: State, request: Request) -> Answer:
    """`POST /notices`: 204 where the signature is right, else 401. A repeat is kept once."""
    body = request.body.read()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        Webhook(state.options.notices_secret).verify(body, headers)
        told = json.loads(body)
    except (WebhookVerificationError, ValueError, RuntimeError):
        # Without a secret none is right.
        return message(401, "The signature is not valid")
    state.notices[headers["webhook-id"]] = told
    while len(state.notices) > _MOST:
        state.notices.pop(next(iter(state.notices)))
    return Answer(204)


def kept(state: State, request: Request) -> Answer:
    """`GET /sandbox/notices`: all of them by id, the oldest first."""
    return json_answer(200, {"notices": dict(state.notices)})


def summed_up(state: State) -> list[dict[str, Any]]:
    """Return what the inbox shows of them, the newest first."""
    return [
        {
            "id": key,
            "timestamp": told.get("timestamp", ""),
            "counts": [
                {"kind": kind, "put": of.get("put", 0), "remove": of.get("remove", 0)}
                for kind, of in told.get("data", {}).get("counts", {}).items()
            ],
        }
        for key, told in reversed(list(state.notices.items()))
    ]
