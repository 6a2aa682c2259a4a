"""The settings of the demonstration, given to its programs by the environment."""

import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ENV_FILE = ROOT / ".env"

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
SECRET_KEY={SECRET_KEY}
ENCRYPTION_KEYS={ENCRYPTION_KEYS}
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
        **new_keys(),
    )


def use_default(env_file: Path = ENV_FILE) -> None:
    """Use the portal of this directory, so that every command works on it afterwards too."""
    write(env_file)
    os.environ.update(_ALWAYS)


def write(env_file: Path) -> None:
    """Write a .env with new keys, for its owner alone; one that is there is left as it is."""
    try:
        descriptor = os.open(env_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(_ENV_FILE.format(**new_keys()))


def new_keys() -> dict[str, str]:
    """Return a new SECRET_KEY and a new key of ENCRYPTION_KEYS."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
