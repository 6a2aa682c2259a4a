"""No packet goes to a forbidden address, whoever calls which hostile URL."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.services import ROOT

PROGRAM = [sys.executable, "-m", "tests.core.outbound.namespace"]
NAMESPACE = ["unshare", "--map-root-user", "--net"]


def in_a_namespace(arguments: list[str]) -> dict[str, Any] | None:
    """Return what was counted; None where this machine gives no namespace."""
    allowed = subprocess.run(
        [*NAMESPACE, "ip", "link", "add", "out", "type", "veth", "peer", "name", "away"],
        capture_output=True,
        check=False,
    )
    return run([*NAMESPACE, *PROGRAM, *arguments]) if allowed.returncode == 0 else None


def run(command: list[str]) -> dict[str, Any]:
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.programs
@pytest.mark.slow
def test_no_packet_goes_to_a_forbidden_address(whole: bool):
    """120 URLs and a name that changes its address; without the protection, all callers are seen.

    A machine that gives no namespace counts the calls of Python's sockets, and says so.
    """
    arguments = [] if whole else ["--sample"]
    counted = in_a_namespace(arguments) or run([*PROGRAM, "--hook", *arguments])
    print(f"{counted['urls']} URLs, {counted['calls']} calls, counted by {counted['counted by']}")
    assert counted["urls"] >= 120
    assert counted["leaks"] == []
    assert counted["forbidden"] == 0
    assert counted["to public addresses"] > 0
    assert counted["seen without protection"] == counted["callers"]
