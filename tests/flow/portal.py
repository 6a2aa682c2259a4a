"""The portal as it is run: the programs of the Procfile, and a sender who posts events to it."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
from django.conf import settings

from tests.services import PATIENCE, ROOT, Program, answers, free_port, pauses, prints, spawn

PLAIN = "/api/v1/events"
FHIR = "/fhir/$process-message"
KEY, SECRET = "caredove", "the-secret-of-the-sender"
COMMANDS = dict(
    line.split(": ", maxsplit=1) for line in (ROOT / "Procfile").read_text().splitlines()
)


def eventually(is_so: Callable[[], Any], what: str = "it") -> Any:
    """Return what `is_so` returns, once that is true; it is not a question of how fast."""
    end, pause = time.monotonic() + PATIENCE, pauses()
    while not (found := is_so()):
        assert time.monotonic() < end, f"{what} never came to be so"
        time.sleep(next(pause))
    return found


class Portal:
    """Web server, dispatcher and workers with one environment; each ends with the stack."""

    def __init__(self, env: Mapping[str, str], stack: ExitStack, root: Path = ROOT) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **env,
            "PORT": str(self.port),
            "PATH": f"{Path(sys.executable).parent}:{env['PATH']}",
        }
        self.programs: list[Program] = []
        self._stack = stack
        self._root = root

    # -- Programs ----------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start programs of the Procfile together, and wait until all are ready."""
        ready = {"web": answers(f"{self.url}/healthz"), "worker": prints("ready.")}
        started = [(self.begin(name), ready.get(name)) for name in names]
        for program, is_ready in started:
            if is_ready:
                program.wait_until(is_ready)

    def start_everything(self) -> None:
        """Start all that this set-up has: where there is a broker, a worker too."""
        self.start("web", "dispatcher", *(["worker"] if settings.CELERY_BROKER_URL else []))

    def begin(self, name: str, **env: str) -> Program:
        """Start one program of the Procfile, ready or not."""
        command = ["sh", "-c", f"cd '{self._root}' && exec {COMMANDS[name]}"]
        program = self._stack.enter_context(spawn(command, self.env | env, name=name))
        self.programs.append(program)
        return program

    def program(self, name: str) -> Program:
        """Return the one of this name that was started last."""
        return next(p for p in reversed(self.programs) if p.name == name)

    def output(self) -> str:
        """Return what all programs have printed."""
        return "\n".join(program.output() for program in self.programs)

    # -- The sender --------------------------------------------------------------------------

    def post(self, body: bytes | Mapping[str, Any], path: str = PLAIN) -> requests.Response:
        """Post an event; a mapping is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/json" if path == PLAIN else "application/fhir+json"
        return requests.post(
            self.url + path,
            content,
            headers={"Content-Type": kind},
            auth=(KEY, SECRET),
            timeout=120,
        )

    def get(self, path: str) -> dict[str, Any]:
        answer = requests.get(self.url + path, auth=(KEY, SECRET), timeout=60)
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return found

    def event(self, event_id: str) -> dict[str, Any]:
        """Return what became of an event, once it was opened."""
        path = f"/api/v1/events/{event_id}"
        opened = lambda: (e := self.get(path)).get("status") != "received" and e  # noqa: E731
        found: dict[str, Any] = eventually(opened, "event opened")
        return found

    def import_of(self, reference: str) -> dict[str, Any]:
        """Return the import of a referral as the portal tells its sender; {} when there is none."""
        imports = self.get(f"/api/v1/referrals/{reference}").get("imports", [])
        return imports[0] if imports else {}

    def settled(self, reference: str, *states: str) -> dict[str, Any]:
        """Return the import of a referral once it is in one of the states (imported)."""

        def is_settled() -> dict[str, Any] | None:
            found = self.import_of(reference)
            return found if found.get("state") in (states or ("imported",)) else None

        try:
            found: dict[str, Any] = eventually(is_settled)
        except AssertionError:
            raise AssertionError(f"Import of {reference}: {self.import_of(reference)}") from None
        return found
