"""The environment of every test, set before Django's settings are read from it.

TEST_DATABASE_URL and TEST_REDIS_URL choose PostgreSQL and Redis; without them, the embedded
set-up is tested: SQLite and no broker.
"""

import atexit
import base64
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

LEFT_AT_DEFAULT = (
    "RETRY_SCHEDULE",
    "SETTLE_SECONDS",
    "LEASE_SECONDS",
    "STOP_SECONDS",
    "MAX_BODY_BYTES",
    "HTTPS_ONLY",
)


def prepare() -> Path:
    """Set a production-like environment with new keys; return the directory for its files."""
    scratch = Path(tempfile.mkdtemp(prefix="dovetail-tests-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        DEBUG="false",
        SECRET_KEY=secrets.token_urlsafe(50),
        ENCRYPTION_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        ALLOWED_HOSTS="localhost,127.0.0.1",
        ALLOW_LOOPBACK="true",
        DATABASE_CONNECT_SECONDS="60",  # a busy machine is no silent database
        DATABASE_URL=os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{scratch}/portal.sqlite3",
        CELERY_BROKER_URL=_broker_url(),
        MEDIA_ROOT=str(scratch / "media"),
        STATE_ROOT=str(scratch / "state"),
        DELETIONS_JOURNAL=str(scratch / "deletions.journal"),
        AUDIT_HEADS=str(scratch / "audit.heads"),
        STATIC_ROOT=str(scratch / "static"),
    )
    for name in LEFT_AT_DEFAULT:
        os.environ.pop(name, None)
    return scratch


def database_url(name: str) -> str:
    """Return the URL of another database where the one under test is; for SQLite, of a file."""
    url = urlsplit(os.environ["DATABASE_URL"])
    if url.scheme == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(url._replace(path=f"/{name}"))


def _broker_url() -> str:
    """Return this pytest worker's own database of the Redis under test; empty without one."""
    url = os.environ.get("TEST_REDIS_URL", "")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return url and urlunsplit(urlsplit(url)._replace(path=f"/{worker}"))
