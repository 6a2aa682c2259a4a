"""A sandbox CRMS in a process of its own, steered and looked into over HTTP."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests import services

URL = re.compile(r"http://127\.0\.0\.1:\d+")
TOKEN = "token-of-the-sandbox"


class Crms:
    """The sandbox behind a URL."""

    def __init__(self, url: str, ledger: Path, program: services.Program) -> None:
        self.url = url
        self.ledger = ledger
        self.program = program
        self._session = requests.Session()
        self._session.trust_env = False

    def referrals(self) -> list[dict[str, Any]]:
        """Return what is in the inbox, oldest first, each with its attachments."""
        found: list[dict[str, Any]] = self._call("GET", "/sandbox/referrals").json()["referrals"]
        return found

    def referral(self, reference: str) -> dict[str, Any]:
        """Return the one referral with this reference."""
        (found,) = [r for r in self.referrals() if r["external_reference"] == reference]
        return found

    def content(self, file_id: str) -> bytes:
        """Return the bytes of a file."""
        return self._call("GET", f"/sandbox/files/{file_id}").content

    def calls(self) -> list[dict[str, Any]]:
        """Return every call so far, oldest first."""
        seen: list[dict[str, Any]] = self._call("GET", "/sandbox/calls").json()["calls"]
        return seen

    def fail(self, step: str, mode: str, times: int | None = 1, **more: Any) -> None:
        """Plan a fault; the parameters are those of the sandbox's `Fault`."""
        self._call(
            "POST", "/sandbox/faults", json={"step": step, "mode": mode, "times": times} | more
        )

    def clear_faults(self) -> None:
        self._call("DELETE", "/sandbox/faults")

    def clear(self) -> None:
        """Forget everything, in the ledger too."""
        self._call("DELETE", "/sandbox")

    def applied(self) -> list[dict[str, Any]]:
        """Return the ledger: one entry for each thing that ever took effect."""
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = self._session.request(method, self.url + path, timeout=30, **more)
        answer.raise_for_status()
        return answer


@contextmanager
def running_crms(ledger: Path, *arguments: str) -> Iterator[Crms]:
    """Run `manage.py crms_sandbox` on a free port for the length of the block."""
    command = [sys.executable, "manage.py", "crms_sandbox", "--port", "0", "--token", TOKEN]
    command += ["--ledger", str(ledger), *arguments]
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    with services.spawn(command, env, _is_listening, name="sandbox CRMS") as program:
        match = URL.search(program.output())
        assert match
        yield Crms(match[0], ledger, program)


def _is_listening(program: services.Program) -> bool:
    return bool(URL.search(program.output()))
