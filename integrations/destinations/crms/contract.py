"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integrations.transport import (
    DeliveryError,
    Down,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)
from sandbox import Sandbox, running_sandbox

WITHOUT_ID = ("no-id", "empty", "text", "unreadable", "huge", "says-failed", "409-no-id")
UNSEARCHED = "unsearched"
TOKEN = "the-token-of-a-sandbox"  # noqa: S105


class StandIn:
    """A connection to a sandbox CRMS of its own."""

    record = {
        "external_reference": "3502768696",
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
    }
    failures: dict[str, type[DeliveryError]] = {
        # how the stand-in answers to a create
        "400": Rejected,
        "400-fields": Rejected,
        "422": Rejected,
        "413": Rejected,
        "401": Misconfigured,
        "403": Misconfigured,
        "404": Misconfigured,
        "redirect": Misconfigured,
        "login-page": Misconfigured,
        "login-page-after": Misconfigured,
        "423": TryAgain,
        "429": TryAgain,
        "429-date": TryAgain,
        "500": TryAgain,
        "501": TryAgain,
        "502": TryAgain,
        "999": TryAgain,
        "html": TryAgain,
        "504-after": TryAgain,
        "truncated": TryAgain,
        "close-after": TryAgain,
        "reset": TryAgain,
        "reset-after": TryAgain,
        "timeout-after": TryAgain,
        # the same where it cannot be searched
        **{f"{mode} {UNSEARCHED}": Unconfirmed for mode in WITHOUT_ID},
        # at other calls
        "summary login-page": Misconfigured,
        "summary login-page-after": Misconfigured,
        "summary 404": Unconfirmed,
        "summary 423": TryAgain,
        # nothing is sent
        "nobody there": Down,
    }

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # What the sandbox can do is stated: a contract is tried without a proof of it.
        self.options: dict[str, Any] = {
            "base_url": sandbox.url,
            "token": TOKEN,
            "look_up": True,
            "repeat_files": True,
        }

    def fail(self, failure: str) -> dict[str, Any]:
        if failure == "nobody there":
            return {**self.options, "base_url": f"http://127.0.0.1:{_unused_port()}"}
        if failure.endswith(UNSEARCHED):
            self._sandbox.fail("create", failure.partition(" ")[0])
            return {**self.options, "look_up": False}
        step, _, mode = failure.rpartition(" ")
        self._sandbox.fail(step or "create", mode)
        return {**self.options, "read_seconds": 1}

    def effects(self) -> list[str]:
        """Return every referral and file in the inbox, whatever ids they were given."""
        applied = []
        for referral in self._sandbox.referrals:
            applied.append(referral.external_reference)
            applied += [f"{file.category} {file.sha256}" for file in referral.attachments]
        return applied


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    with running_sandbox(token=TOKEN) as sandbox:
        yield StandIn(sandbox)
