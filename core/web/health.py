"""Is this process ready to do its work, and is work done? Other apps add checks of their own."""

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from kombu import Connection

from core.database import clock

log = structlog.get_logger(__name__)

OK = "ok"
NOT_ASKED = "not asked"
BROKER_SECONDS = 2
BESIDE_SECONDS = 60
RETRY_AFTER = 10  # seconds
CLOCK_SECONDS = 60

Check = Callable[[], str]


class NotReady(Exception):
    """A check that fails; its message is shown to anyone who asks."""

    safe_to_log = True


@dataclass(frozen=True)
class Found:
    """`good` is False when an essential check failed; `checks` says a word or two on each."""

    good: bool
    checks: dict[str, str]


# By name: the check, and whether it is essential.
_checks: dict[str, tuple[Check, bool]] = {}
_of_delivery: dict[str, tuple[Check, bool]] = {}


def register(name: str, check: Check, *, essential: bool = True) -> None:
    """Add a check: it returns what to show, or raises. Only essential ones take us out of service.

    What is shown is public: no personal data, no addresses.
    """
    _checks[name] = (check, essential)


def register_for_delivery(name: str, check: Check) -> None:
    """Add a check of whether due work is done. It takes nobody out of service: intake goes on."""
    _of_delivery[name] = (check, True)


def readiness() -> Found:
    """Run every check of whether this process can take events in."""
    return _all(_checks)


def delivery() -> Found:
    """Run every check of whether due work is done; tell whoever wants to know when it is not."""
    found = _all(_of_delivery)
    if not found.good:
        not_delivering.begin()
    return found


def _all(checks: Mapping[str, tuple[Check, bool]]) -> Found:
    good, shown, is_away = True, {}, False
    for name, (check, essential) in checks.items():
        if is_away:  # each would wait for it as long as the first one
            shown[name], passed = NOT_ASKED, False
        else:
            shown[name], passed, is_away = _run(name, check)
        good = good and (passed or not essential)
    return Found(good, shown)


def _run(name: str, check: Check) -> tuple[str, bool, bool]:
    """Return what to show, whether it passed, and whether the database is away."""
    try:
        return check(), True, False
    except NotReady as reason:
        return str(reason), False, False
    except Exception as error:
        log.warning("check_failed", check=name, exc_info=True)
        return "failed", False, isinstance(error, InterfaceError | OperationalError)


class Beside:
    """What is done, beside a request, when delivery is found to have stopped.

    A program that is gone alerts nobody, and the web server may be the only one that is left. Once
    a minute in each process, as anybody may ask.
    """

    def __init__(self) -> None:
        self._does: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._again_at = 0.0

    def bind(self, does: Callable[[], object]) -> None:
        """Do this, too."""
        self._does.append(does)

    def begin(self) -> threading.Thread | None:
        """Begin to do it in a thread, which is returned; None when that was a moment ago."""
        with self._lock:
            if time.monotonic() < self._again_at:
                return None
            self._again_at = time.monotonic() + BESIDE_SECONDS
        thread = threading.Thread(target=self._do, name="not delivering", daemon=True)
        thread.start()
        return thread

    def _do(self) -> None:
        for does in self._does:
            try:
                does()
            except Exception:
                log.warning("alert_failed", exc_info=True)
        connections.close_all()


not_delivering = Beside()


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
    with Connection(
        settings.CELERY_BROKER_URL,
        connect_timeout=BROKER_SECONDS,
        transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
    ) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    return OK


def _clock() -> str:
    """Compare this host's clock with the database's: signatures and leases are judged by both."""
    seconds = clock.offset().total_seconds()
    if abs(seconds) >= CLOCK_SECONDS:
        raise NotReady(f"{seconds:+.0f} s off the database's clock")
    return OK


register("storage", _storage)
register("database", _database)
register("migrations", cache(_migrations))  # once applied, they are: an exception is not kept
# Without the broker everything is still done, by the dispatcher: later, and never wrongly.
register("broker", _broker, essential=False)
register_for_delivery("clock", _clock)
