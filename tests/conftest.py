"""Fixtures for every test: database set-ups, real programs, a browser."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import django
import hypothesis
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management.commands import flush
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.postgresql.operations import DatabaseOperations
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import DjangoDbBlocker
from redis import Redis

from tests import databases, environment, leftovers, marks, services
from tests.emptied import Emptied
from tests.migrated import Migrated

SCRATCH = environment.prepare()
django.setup()
# Pytest's workers inherit this environment, and would read settings from it before they have
# prepared their own.
del os.environ["DJANGO_SETTINGS_MODULE"]

# No test is timed: a busy machine is not a failure. What every change waits for tries the same
# examples each time, so that a change fails by its own fault; `make test-all` tries new ones.
UNTIMED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("sample", max_examples=15, derandomize=True, **UNTIMED)
hypothesis.settings.register_profile("whole", **UNTIMED)

EMPTYINGS = 10
HOSTS = count()
PROGRAMS = pytest.StashKey[list[services.Program]]()
Spawn = Callable[..., services.Program]


class QuickHasher(PBKDF2PasswordHasher):
    """Writes hashes that the real hasher can check, without the real effort."""

    iterations = 1


# -- Which tests run, and what a failure shows -------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole", action="store_true", help="run, too, what is for `make test-all` alone"
    )
    parser.addoption(
        "--matrix-sample",
        action="store_true",
        help="run some cases of each crash test: all have passed on this delivery path",
    )


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("whole" if config.getoption("--whole") else "sample")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    for item in items:
        marks.complete(item)
    if not config.getoption("--whole"):
        config.hook.pytest_deselected(items=[item for item in items if marks.has(item, "whole")])
        items[:] = [item for item in items if not marks.has(item, "whole")]
    if is_sample := config.getoption("--matrix-sample"):
        items[:] = marks.sampled(items)
    yield  # others choose by the marks
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    items[:] = marks.dealt(items, workers, {"laboratory"} if is_sample else set())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage in what is collected: millions of objects, and all of them stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with marks.under_way(item):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _programs_are_marked() -> Iterator[None]:
    with marks.programs_are_marked():
        yield


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Whether all cases are tried, as `make test-all` does, and not a sample of them."""
    return bool(pytestconfig.getoption("--whole"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.failed:
        for program in item.stash.get(PROGRAMS, []):
            report.sections.append((f"Output of {program.name}", program.output()))
    return report


# -- The set-up under test -----------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _quick_settings() -> None:
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["tests.conftest.QuickHasher"]
    # Static files are looked for when they are asked for, and not for every new client.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def _secrets_are_hashed_quickly() -> Iterator[None]:
    """Hash the secrets of senders at the least cost. Their own is tried in sources/test_auth.py."""
    from integrations.sources import auth

    _, _, salt, _, _, digest = auth.NO_SECRET.split("$")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "_COST", {"n": 2, "r": 1, "p": 1})
        patch.setattr(auth, "NO_SECRET", f"scrypt$2${salt}$1$1${digest}")
        yield


@pytest.fixture(scope="session", autouse=True)
def _marks_are_not_synced() -> Iterator[None]:
    """What a test has written need not outlast the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("referrals.delivering.restore.marks._sync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def workers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all of pytest's workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _summaries_are_rendered_once(workers_folder: Path) -> Iterator[None]:
    from tests import summaries

    folder = workers_folder / "summaries"
    folder.mkdir(exist_ok=True)
    with summaries.rendered_once(folder):
        yield


@pytest.fixture(autouse=True)
def _new_host() -> None:
    """Let each test begin without a mark, as its database begins empty."""
    from django.conf import settings

    settings.STATE_ROOT = str(SCRATCH / "state" / str(next(HOSTS)))


@pytest.fixture(autouse=True)
def _mappings_are_read_anew() -> None:
    """Another test's mapping may have had the same key, at the same moment of a stopped clock."""
    from mapping import known

    known.forget()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Keep SQLite's test database in a file, so that threads and other processes share it."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database.setdefault("TEST", {})["NAME"] = str(SCRATCH / "test.sqlite3")
        # What a test has written need not outlast the machine.
        database["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def migrated(
    django_db_modify_db_settings: None, workers_folder: Path, pytestconfig: pytest.Config
) -> Migrated:
    """What pytest's workers share of migrating, and what they keep for the next run."""
    return Migrated(workers_folder, may_be_kept=not pytestconfig.getoption("create_db"))


@pytest.fixture(scope="session")
def django_db_keepdb(migrated: Migrated) -> bool:
    """Let pytest-django begin with the copy, if there is one."""
    is_there = migrated.take()
    gc.disable()  # to look for garbage takes a quarter of the time of migrating
    return is_there


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,
    migrated: Migrated,
    django_db_keepdb: bool,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    gc.enable()
    with django_db_blocker.unblock():
        if not django_db_keepdb:
            migrated.give()
    yield
    with django_db_blocker.unblock():
        databases.close_all()
        if django_db_keepdb:
            databases.drop(str(connection.settings_dict["NAME"]))
        else:
            migrated.forget()


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """Empty PostgreSQL's tables after a test as SQLite's are: by deleting their few rows.

    TRUNCATE makes new files for every table, and stands in the way of a program that reads them.
    What Django and our apps put into an empty database, they put there once; then it is copied.
    """
    execute = DatabaseOperations.execute_sql_flush
    emptied = Emptied()

    def delete(self: DatabaseOperations, _: object, tables: list[str], **__: object) -> list[str]:
        # In one message: most tables are empty, and to ask costs more than to delete.
        return ["; ".join(f"DELETE FROM {self.quote_name(table)}" for table in tables)]

    def until_empty(self: DatabaseOperations, statements: list[str]) -> None:
        """Begin again when a program that goes on has written between two of the statements."""
        for _ in range(EMPTYINGS - 1):
            with suppress(IntegrityError, OperationalError):
                return execute(self, statements)
        return execute(self, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", delete)
        patch.setattr(DatabaseOperations, "execute_sql_flush", until_empty)
        patch.setattr(flush, "emit_post_migrate_signal", emptied.furnish)
        yield


@pytest.fixture(scope="session", autouse=True)
def _connections_are_watched() -> Iterator[None]:
    with leftovers.watched():
        yield


@pytest.fixture(autouse=True)
def _threads_leave_no_connection() -> Iterator[None]:
    yield
    leftovers.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with services.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with services.redis() as url:
        yield url


# -- Real programs -------------------------------------------------------------------------------


@pytest.fixture
def free_port() -> int:
    return services.free_port()


@pytest.fixture
def portal_env(transactional_db: None) -> dict[str, str]:
    """The environment of child processes that share this test's database and files.

    Waiting times are short, and the broker's queue is empty.
    """
    return shared_env()


def shared_env() -> dict[str, str]:
    """Empty the broker's queue; return what `portal_env` does."""
    from django.conf import settings

    if settings.CELERY_BROKER_URL:
        Redis.from_url(settings.CELERY_BROKER_URL).flushdb()
    return {
        **os.environ,
        "DATABASE_URL": environment.database_url(settings.DATABASES["default"]["NAME"]),
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "STATE_ROOT": str(settings.STATE_ROOT),
        "RETRY_SCHEDULE": ",".join(["0.2"] * 8),
        "SETTLE_SECONDS": "0.2",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def spawn(request: pytest.FixtureRequest, portal_env: dict[str, str]) -> Iterator[Spawn]:
    """Start the portal's programs: `spawn(["manage.py", "dispatch"], ready, LEASE_SECONDS="1")`.

    A command begins with a script or a module for this Python; further names are added to
    `portal_env`. Each program ends with the test; when the test fails, its output is shown.
    """
    with ExitStack() as stack:

        def start(
            command: Sequence[str],
            ready: Callable[[services.Program], bool] | None = None,
            **env: str,
        ) -> services.Program:
            script = [] if command[0].endswith(".py") else ["-m"]
            program = stack.enter_context(
                services.spawn(
                    [sys.executable, *script, *command],
                    portal_env | env,
                    ready,
                    name=" ".join(command[:2]),
                )
            )
            request.node.stash.setdefault(PROGRAMS, []).append(program)
            return program

        yield start


# -- A browser -----------------------------------------------------------------------------------


_chromium = ExitStack()
_browsers: list[Browser] = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the browser before any test without one: there, Django forbids queries as it should."""
    if _browsers and "browser" not in getattr(nextitem, "fixturenames", ()):
        _chromium.close()


@pytest.fixture
def browser() -> Browser:
    """Debian's Chromium, built without windows: opening one for each test takes twice as long.

    It goes on from test to test, and from file to file, as long as the next test has a browser.
    """
    if not _browsers:
        _browsers.append(_chromium.enter_context(_running_chromium()))
        _chromium.callback(_browsers.clear)
    return _browsers[0]


@contextmanager
def _running_chromium() -> Iterator[Browser]:
    """Run a browser; Playwright's loop runs in this thread, where Django forbids queries."""
    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell", args=flags.split()
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, without cookies of earlier tests."""
    with browser.new_context(locale="en-CA") as context:
        yield context.new_page()
