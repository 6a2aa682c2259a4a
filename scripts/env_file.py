"""A .env with new keys, for its owner alone."""

import os
import re
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"


def write_new(env_file: Path, text: str) -> bool:
    """Write the file unless there is one; return whether it was written."""
    try:
        descriptor = os.open(env_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return True


def filled(text: str) -> str:
    """Return the text of a .env with a new key after each name that is required and empty."""
    for name, value in new_keys().items():
        text, count = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"There is no one line {name}=")
    return text


def new_keys() -> dict[str, str]:
    """Return a new SECRET_KEY and a new key of ENCRYPTION_KEYS."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
