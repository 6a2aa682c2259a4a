"""Is this process ready to do its work? Other apps add checks of their own with `register`."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu import Connection

log = structlog.get_logger(__name__)

OK = "ok"
BROKER_SECONDS = 2

Check = Callable[[], str]


class NotReady(Exception):
    """A check that fails; its message is shown to anyone who asks."""

    safe_to_log = True


@dataclass(frozen=True)
class Readiness:
    """`ready` is False when an essential check failed; `checks` says a word or two on each."""

    ready: bool
    checks: dict[str, str]


_checks: dict[str, tuple[Check, bool]] = {}


def register(name: str, check: Check, *, essential: bool = True) -> None:
    """Add a check: it returns what to show, or raises. Only essential ones take us out of service.

    What is shown is public: no personal data, no addresses.
    """
    _checks[name] = (check, essential)


def readiness() -> Readiness:
    """Run every check."""
    ready, shown = True, {}
    for name, (check, essential) in _checks.items():
        shown[name], passed = _run(name, check)
        ready = ready and (passed or not essential)
    return Readiness(ready, shown)


def _run(name: str, check: Check) -> tuple[str, bool]:
    try:
        return check(), True
    except NotReady as reason:
        return str(reason), False
    except Exception:
        log.warning("check_failed", check=name, exc_info=True)
        return "failed", False


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady("not applied")
    return OK


def _storage() -> str:
    Path(settings.MEDIA_ROOT).mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.MEDIA_ROOT) as file:
        file.write(b"x")
    return OK


def _broker() -> str:
    if not settings.CELERY_BROKER_URL:
        return "none"
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=BROKER_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    return OK


register("database", _database)
register("migrations", cache(_migrations))  # once applied, they are: an exception is not kept
register("storage", _storage)
# Without the broker everything is still done, by the dispatcher: later, and never wrongly.
register("broker", _broker, essential=False)
