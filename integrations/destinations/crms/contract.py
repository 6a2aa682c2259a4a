"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integrations.destinations.crms.sandbox import Sandbox, running_sandbox
from integrations.transport import DeliveryError, Misconfigured, Rejected, TryAgain, Unconfirmed

TOKEN = "the-token-of-a-sandbox"  # noqa: S105


class Rehearsal:
    """A connection to a sandbox CRMS of its own."""

    record = {
        "external_reference": "3502768696",
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
    }
    failures: dict[str, type[DeliveryError]] = {
        "400": Rejected,
        "422": Rejected,
        "401": Misconfigured,
        "403": Misconfigured,
        "404": Misconfigured,
        "redirect": Misconfigured,
        "429": TryAgain,
        "429-date": TryAgain,
        "500": TryAgain,
        "502": TryAgain,
        "html": TryAgain,
        "504-after": TryAgain,
        "truncated": TryAgain,
        "close-after": TryAgain,
        "reset": TryAgain,
        "reset-after": TryAgain,
        "timeout-after": TryAgain,
        "login-page": Unconfirmed,
        "no-id": Unconfirmed,
        "empty": Unconfirmed,
        "unreadable": Unconfirmed,
        "huge": Unconfirmed,
    }

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.options: dict[str, Any] = {"base_url": sandbox.url, "token": TOKEN}

    def fail(self, failure: str) -> dict[str, Any]:
        self._sandbox.fail("create", failure)
        return {**self.options, "read_seconds": 1}

    def effects(self) -> list[str]:
        """Return every referral and file in the inbox, whatever ids they were given."""
        applied = []
        for referral in self._sandbox.referrals:
            applied.append(referral.external_reference)
            applied += [f"{file.category} {file.sha256}" for file in referral.attachments]
        return applied


@contextmanager
def rehearsal(folder: Path) -> Iterator[Rehearsal]:
    with running_sandbox(token=TOKEN) as sandbox:
        yield Rehearsal(sandbox)
