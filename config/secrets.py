"""Secrets of the settings: from the environment, from a file, or from a command.

For a name such as ENCRYPTION_KEYS, one of these may be set: the name itself, ENCRYPTION_KEYS_FILE
(as a secret is mounted into a container), or ENCRYPTION_KEYS_COMMAND (that asks a vault). Lines
count as commas do.
"""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

SECONDS = 30  # for a command


class NotRead(Exception):
    """A secret that could not be read; the message holds nothing of it."""


def read(environment: Mapping[str, str], name: str) -> str:
    """Return the secret, or "" where it is set by none of its names. Raises NotRead."""
    names = [given for given in (name, f"{name}_FILE", f"{name}_COMMAND") if environment.get(given)]
    if len(names) > 1:
        raise NotRead(f"{' and '.join(names)} are set. Set one of them.")
    if not names:
        return ""
    given = environment[names[0]]
    if names[0].endswith("_FILE"):
        given = _from_file(names[0], given)
    elif names[0].endswith("_COMMAND"):
        given = _from_command(names[0], given)
    return ",".join(line.strip() for line in given.splitlines() if line.strip())


def _from_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotRead(f"{name} names a file that cannot be read: {type(error).__name__}.") from None


def _from_command(name: str, command: str) -> str:
    try:
        ran = subprocess.run(  # noqa: S603 - whoever sets our environment may run programs anyway
            shlex.split(command), stdout=subprocess.PIPE, timeout=SECONDS, check=True, text=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NotRead(f"{name} failed: {type(error).__name__}.") from None
    return ran.stdout
