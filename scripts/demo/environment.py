"""The settings of the demonstration, given to its programs by the environment."""

import os
from pathlib import Path

from scripts.env_file import ENV_FILE, filled, new_keys, write_new

# Whatever a .env says: the programs are reached from this machine alone, and failures are
# overcome while somebody watches.
_ALWAYS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "PYTHONUNBUFFERED": "1",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "ALLOW_LOOPBACK": "true",
    "HTTPS_ONLY": "false",
    "CELERY_BROKER_URL": "",
    "RETRY_SCHEDULE": "1,1,2,3,5",
    "SETTLE_SECONDS": "1",
}
_ENV_FILE = """\
# Written by `make run` for a portal on this machine; .env.example explains each name.
SECRET_KEY=
ENCRYPTION_KEYS=
ALLOWED_HOSTS=localhost,127.0.0.1
ALLOW_LOOPBACK=true
"""


def use_own(state: Path) -> None:
    """Use a portal of its own in a directory, with new keys that end with this process."""
    os.environ.update(
        _ALWAYS,
        DEBUG="false",
        DATABASE_URL=f"sqlite:///{state}/dovetail.sqlite3",
        MEDIA_ROOT=f"{state}/media",
        STATE_ROOT=f"{state}/state",
        AUDIT_HEADS=f"{state}/audit.heads",
        EXPORT_ROOT=f"{state}/exports",
        **new_keys(),
    )


def use_default(env_file: Path = ENV_FILE) -> None:
    """Use the portal of this directory, so that every command works on it afterwards too."""
    write(env_file)
    os.environ.update(_ALWAYS)


def write(env_file: Path) -> None:
    """Write a .env with new keys, for its owner alone; one that is there is left as it is."""
    write_new(env_file, filled(_ENV_FILE))
