"""A laboratory for each pytest worker: a template database, a sandbox CRMS, a file store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from referrals import delivering
from referrals.summary import pdf
from referrals.summary.rendering.pool import Pool, Renderer
from tests import databases
from tests.crash.cells import Cells
from tests.crash.laboratory import Laboratory, set_up
from tests.flow.crms import Crms, running_crms
from tests.flow.fileserver import FileServer, running_file_server


@pytest.fixture(scope="package")
def crms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crms]:
    """A CRMS that takes whatever it is sent: a thing sent twice is there twice."""
    ledger = tmp_path_factory.mktemp("crms") / "ledger.jsonl"
    lenient = ("--no-idempotency", "--allow-duplicates")
    with running_crms(ledger, *lenient, "--hang", "5", "--drip", "0.2") as crms:
        yield crms


@pytest.fixture
def bare_laboratory(laboratory: Laboratory, tmp_path: Path) -> Iterator[Laboratory]:
    """The laboratory with a CRMS that neither recognizes keys nor lists files."""
    bare = ("--no-idempotency", "--allow-duplicates", "--no-attachment-listing")
    usual = laboratory.crms
    with running_crms(tmp_path / "ledger.jsonl", *bare, "--hang", "5") as crms:
        laboratory.crms = crms
        yield laboratory
        laboratory.crms = usual


@pytest.fixture(scope="package")
def files() -> Iterator[FileServer]:
    with running_file_server() as server:
        yield server


class InheritedRenderer(Renderer):
    """A renderer that forked processes use too: to them it is nobody's child, and yet alive."""

    @property
    def is_fit(self) -> bool:
        return True


@pytest.fixture(scope="package")
def renderer() -> Iterator[None]:
    """One warm renderer, so that no cell of the matrix has to start its own or to read fonts."""
    pool = Pool(1)
    pool._idle.append(InheritedRenderer(pool.limits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "_pool", lambda: pool)
        pdf.pdf({}, pdf.SummaryContext("", "", "America/Toronto"))
        yield
    pool.close()


@pytest.fixture(scope="package")
def laboratory(
    django_db_setup: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    crms: Crms,
    files: FileServer,
    renderer: None,
) -> Iterator[Laboratory]:
    with django_db_blocker.unblock():
        migrated = str(connections["default"].settings_dict["NAME"])
        template = databases.beside(migrated, "template")
        databases.close_all()
        databases.copy(migrated, template)
        folder: Path = tmp_path_factory.mktemp("laboratory")
        settings.STATE_ROOT = str(folder / "state")
        with databases.using(template):
            set_up(crms, files)
            assert delivering.look()  # once, and not in every forked process
        made = Laboratory(template, folder, crms, files)
        yield made
        databases.close_all()
        databases.drop(made.database)
        databases.drop(template)


@pytest.fixture
def cells(whole: bool, record_property: Callable[[str, object], None]) -> Cells:
    return Cells(whole, record_property)
