"""Pulls suppliers that are due: one at a time, in a thread of its own, so that nothing waits."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from core.database import clock
from core.database.due import Due
from core.outbound import time_limit
from directory import aside
from directory.importing import running
from directory.importing.reports import Report
from directory.importing.running import NotImported, Options
from directory.models import Directory, Pull
from directory.pulling.reading import Api, OtherLanguage, Read, Unpulled

LEASE = timedelta(hours=4)
_SECONDS = 3 * 3600.0  # for all that is asked of one API
_AFTER_FAILURE = timedelta(minutes=30)  # at most, until it is tried again
_BY = "pull"
_BAD_REQUEST = 400  # how an API answers a parameter that it does not know
_CHUNK = 1 << 20

logger = structlog.get_logger(__name__)
DUE = Due(Pull)


def beside() -> Callable[[], None]:
    """Return what the dispatcher does at each of its turns: begin a pull that is due."""
    return aside.beside(DUE, pull)


def pull(key: int, *, allow_withdrawals: bool = False, now: bool = False) -> Pull | None:
    """Pull a supplier, if it is due or `now`; return what came of it, None if another one does."""
    if now:
        Pull.objects.filter(pk=key).update(due_at=clock.now())
    until = DUE.claim(key, clock.now(), LEASE)
    if until is None:
        return None
    row = Pull.objects.select_related("supplier").get(pk=key)
    row.started_at, row.problems = timezone.now(), []
    imports: list[int] = []
    try:
        with time_limit(_SECONDS):
            imports = _pull(row, allow_withdrawals=allow_withdrawals or row.allow_once)
    except (Unpulled, NotImported) as failed:
        row.outcome = Pull.Outcome.FAILED
        row.problems.append(failed.message)
    except Exception:
        # What it is stands in the log; the supplier's page says that it failed.
        logger.exception("a pull failed", supplier=row.supplier_id)
        row.outcome = Pull.Outcome.FAILED
        row.problems.append(
            _("The pull failed because of an error in Dovetail. The log has the details.")
        )
    row.ended_at = timezone.now()
    DUE.settle(
        row,
        until,
        due_at=row.ended_at + _wait(row),
        allow_once=False,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        problems=row.problems,
    )
    row.refresh_from_db()
    row.imports.set(imports)
    return row


def _wait(row: Pull) -> timedelta:
    every = timedelta(minutes=row.every)
    return min(every, _AFTER_FAILURE) if row.outcome == Pull.Outcome.FAILED else every


def _pull(row: Pull, *, allow_withdrawals: bool) -> list[int]:
    """Read the API in each of our languages, and bring in what it answered."""
    directory = Directory.objects.get()
    first = row.supplier.language or directory.languages[0]
    others = [language for language in directory.languages if language != first]
    imports: list[int] = []
    row.outcome = Pull.Outcome.WHOLE
    before = ""  # the digest of what it answered in the first language
    for language in (first, *others):
        with TemporaryDirectory(prefix="dovetail-pull-") as name:
            folder = Path(name)
            read = _read(row, folder, language, is_first=language == first)
            digest = _digest(folder)
            if read is None or digest == before:
                continue  # it does not answer this language
            before = before or digest
            report = _bring_in(row, folder, read, allow_withdrawals=allow_withdrawals)
        imports += [report.number] if report.number else []
        _note(row, read, report)
        if report.changed_nothing or not read.language:
            break
    return imports


def _read(row: Pull, folder: Path, language: str, *, is_first: bool) -> Read | None:
    """Return what was read; None where the API does not answer this language.

    One that does not answer the first language, or knows no `lang`, is read as it is: its language
    is what the supplier's settings say.
    """
    token = row.token or ""
    try:
        return Api(row.url, token, language).read(folder)
    except OtherLanguage:
        pass
    except Unpulled as failed:
        if is_first and failed.status != _BAD_REQUEST:
            raise
        if not is_first and failed.status != _BAD_REQUEST:
            row.problems.append(failed.message)
            row.outcome = Pull.Outcome.PARTIAL
    if not is_first:
        return None
    for file in folder.iterdir():
        file.unlink()
    return Api(row.url, token).read(folder)


def _bring_in(row: Pull, folder: Path, read: Read, *, allow_withdrawals: bool) -> Report:
    directory = Directory.objects.get()
    options = Options(
        format="hsds-3-json",
        language=read.language or row.supplier.language or directory.languages[0],
        partial=bool(read.missed),
        allow_withdrawals=allow_withdrawals,
        by=_BY,
    )
    return running.run(folder, row.supplier.name, options)


def _digest(folder: Path) -> str:
    digest = blake2b(digest_size=16)
    for file in sorted(folder.iterdir()):
        digest.update(file.name.encode())
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _note(row: Pull, read: Read, report: Report) -> None:
    row.problems += read.missed
    if not read.numbers.get("services"):
        row.problems.append(_("The API lists no services."))
    if report.changed_nothing:
        row.outcome = Pull.Outcome.WAITS
        row.problems += [problem.message for problem in report.problems if not problem.record]
    elif read.missed:
        row.outcome = Pull.Outcome.PARTIAL
