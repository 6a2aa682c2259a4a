"""The whole portal in its processes, beside a sandbox CRMS and a store of files."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import blocking_manager_key

from integrations import configuration
from referrals.delivering.restore import marks
from referrals.models import Host
from tests.conftest import PROGRAMS, shared_env
from tests.flow.broker import Broker, running_broker
from tests.flow.crms import TOKEN, Crms, running_crms
from tests.flow.fileserver import PASSWORD, FileServer, running_file_server
from tests.flow.portal import SECRET, Portal
from tests.world import FIXTURES


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crms]:
    ledger = tmp_path_factory.mktemp("crms") / "ledger.jsonl"
    with running_crms(ledger, "--no-idempotency", "--allow-duplicates") as crms:
        yield crms


@pytest.fixture
def crms(running: Crms) -> Crms:
    """A CRMS with an empty inbox, in which a thing sent twice is there twice."""
    running.clear()
    return running


@pytest.fixture
def files() -> Iterator[FileServer]:
    with running_file_server() as server:
        yield server


@pytest.fixture
def configured(
    transactional_db: None, crms: Crms, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract's example of a configuration file, pointed at this CRMS and these files.

    It says what this CRMS can do: what is not proved yet, and not declared, waits for a person.
    """
    monkeypatch.setenv("CRMS_TOKEN", TOKEN)
    monkeypatch.setenv("CAREDOVE_PASSWORD", PASSWORD)
    content = (FIXTURES / "examples" / "config.yaml").read_text()
    for given, ours in (
        ("http://127.0.0.1:9009", crms.url),
        ("change-me", SECRET),
        ("env:CRMS_TOKEN", "env:CRMS_TOKEN\n      look_up: true\n      repeat_files: true"),
        ('["sandbox.caredove.example"]', f'["sandbox.caredove.example", "{files.host}"]'),
    ):
        assert given in content
        content = content.replace(given, ours)
    configuration.apply(content.encode())


@pytest.fixture
def portal(
    request: pytest.FixtureRequest, portal_env: dict[str, str], configured: None
) -> Iterator[Portal]:
    """The portal, with nothing started yet."""
    with ExitStack() as stack:
        made = Portal(portal_env, stack)
        request.node.stash[PROGRAMS] = made.programs
        yield made


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A Redis of this test's own, to be killed."""
    with running_broker() as running:
        yield running


# -- A portal that several tests share -------------------------------------------------------------

_standing = ExitStack()  # its programs
_portals: list[Portal] = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the standing portal before any test whose rows are not for it."""
    if "everything" not in getattr(nextitem, "fixturenames", ()) and _portals:
        _standing.close()
        if nextitem is None:  # after the last test, its database is gone
            return
        # They have made themselves known in the emptied database.
        with item.config.stash[blocking_manager_key].unblock():
            Host.objects.all().delete()
            connections.close_all()


@pytest.fixture
def everything(request: pytest.FixtureRequest, configured: None) -> Iterator[Portal]:
    """The portal with all that this set-up has, for tests that wait until it has nothing to do.

    Its programs go on from test to test, on a database that is empty again: a test that kills one,
    or starts others, has a `portal`.
    """
    if not _portals:
        made = Portal(shared_env(), _standing)
        _standing.callback(_portals.clear)
        _portals.append(made)
        made.start_everything()
    request.node.stash[PROGRAMS] = _portals[0].programs
    settings.STATE_ROOT = _portals[0].env["STATE_ROOT"]
    yield _portals[0]
    # The next test's database is empty: to these programs, that is no restore.
    marks.path().unlink(missing_ok=True)
