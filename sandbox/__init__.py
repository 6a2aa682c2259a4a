"""A stand-in CRMS: speaks the import contract, shows its referral inbox, fails on demand.

    with running_sandbox(token="secret") as sandbox:
        sandbox.fail("create", "reset-after")
        requests.get(f"{sandbox.url}/api/v1/ping", headers={"Authorization": "Bearer secret"})

It knows nothing of Dovetail, so that what it accepts proves something. For made-up people only.
"""

from sandbox.rules.options import Options
from sandbox.server import Sandbox, running_sandbox

__all__ = ["Options", "Sandbox", "running_sandbox"]
