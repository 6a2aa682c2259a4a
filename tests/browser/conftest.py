"""The planted portal in its real web program, and its people, signed in with a real browser.

    def test_the_home_page_says_what_is_wrong(support: Page):
        support.goto("/admin/")

Each module has the planted portal as if to itself. Whatever a page prints as an error, breaks
on, or is refused by its Content-Security-Policy fails the test; see `checks.expect_trouble`.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import checks
from tests.browser.portal import Portal
from tests.conftest import PROGRAMS
from tests.flow.crms import Crms, running_crms
from tests.migrated import Migrated
from tests.services import PATIENCE, ROOT

SignIn = Callable[..., Page]

MILLISECONDS = 1000
expect.set_options(timeout=PATIENCE * MILLISECONDS)


@pytest.fixture(scope="session")
def planted(workers_folder: Path, migrated: Migrated, django_db_setup: None) -> Path:
    """The directory of a planted portal; made once, whichever of pytest's workers comes first.

    PLANTED=/tmp/planted keeps it for later runs: for you to remove when models or seeds change.
    """
    directory = Path(os.environ.get("PLANTED", workers_folder / "planted"))
    with (workers_folder / "planted.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            draft = directory.with_name(f"{directory.name}.new")
            draft.mkdir()
            # Migrating takes longer than planting.
            migrated.copy_to(draft / "dovetail.sqlite3")
            _plant(draft, directory)
    return directory


def _plant(draft: Path, done: Path) -> None:
    command = [sys.executable, "-m", "tests.seeds", str(draft)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    draft.rename(done)


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crms]:
    with running_crms(tmp_path_factory.mktemp("crms") / "ledger.jsonl") as running:
        yield running


@pytest.fixture(scope="module")
def crms(_running: Crms) -> Crms:
    """The sandbox CRMS, empty. A module that uses it lets `portal` send there: `sends_to`."""
    _running.clear()
    return _running


@pytest.fixture(scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with ExitStack() as stack:
        yield Portal(tmp_path_factory.mktemp("portal"), stack)


@pytest.fixture(scope="module")
def portal(planted: Path, _served: Portal) -> Iterator[Portal]:
    """The planted portal, as it was planted, with its web program.

    That one goes on from module to module; what else is started ends with the module, such as
    `portal.start("dispatcher")`.
    """
    with _served.as_planted(planted):
        yield _served


@pytest.fixture(autouse=True, scope="session")
def _all_of_every_page(whole: bool) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if whole:
            patch.setattr(checks, "IN_DARK", 1)
            patch.setattr(checks, "ROWS", 10**6)
        yield


@pytest.fixture(autouse=True)
def _output_of_a_failure(request: pytest.FixtureRequest) -> None:
    """Let what the portal printed stand beside a failure."""
    if "portal" in request.fixturenames:
        request.node.stash[PROGRAMS] = request.getfixturevalue("portal").programs


# -- People ------------------------------------------------------------------------------------


@pytest.fixture
def sign_in(browser: Browser, portal: Portal) -> Iterator[SignIn]:
    """Open a page: `sign_in("support")`; with nobody's name, of somebody who has not signed in."""
    with ExitStack() as stack:

        def open_page(role: str = "", **options: object) -> Page:
            context = stack.enter_context(_opened(browser, portal, **options))
            if role:
                context.add_cookies([portal.session_cookie(role)])
            return context.new_page()

        yield open_page


@contextmanager
def _opened(browser: Browser, portal: Portal, **options: object) -> Iterator[BrowserContext]:
    context = browser.new_context(
        **{
            "base_url": portal.url,
            "locale": "en-CA",
            "timezone_id": "America/Toronto",
            "viewport": checks.DESK,
            "reduced_motion": "reduce",
            **options,
        }
    )
    context.set_default_timeout(PATIENCE * MILLISECONDS)
    with context:
        troubles = checks.listen(context)
        yield context
        assert not troubles, "The browser complained:\n" + "\n".join(troubles)


@pytest.fixture
def support(sign_in: SignIn) -> Page:
    """Support staff of every planted organization but the foreign one."""
    return sign_in("support")


@pytest.fixture
def liaison(sign_in: SignIn) -> Page:
    """A liaison of every planted organization but the foreign one."""
    return sign_in("liaison")


@pytest.fixture
def administrator(sign_in: SignIn) -> Page:
    return sign_in("administrator")


@pytest.fixture
def stranger(sign_in: SignIn) -> Page:
    """Somebody who has not signed in."""
    return sign_in()
