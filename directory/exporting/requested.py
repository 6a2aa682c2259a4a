"""Files that people ask for on a page: written beside the dispatcher, with their progress."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connections
from django.utils import timezone
from django.utils.translation import gettext as _

from core.database import clock
from core.database.due import Due
from core.database.rows import update_one
from directory import aside
from directory.exporting.content.carried import Tally
from directory.exporting.kind import NothingToWrite
from directory.exporting.whose import NoSuchPartner, view_named
from directory.exporting.writing import FORMATS, file_name, today, write
from directory.models import NUMBERED, Membership, RequestedFile
from directory.taking_in import take_in

LEASE = timedelta(hours=2)
KEPT = timedelta(days=1)
_OPEN = (RequestedFile.State.QUEUED, RequestedFile.State.RUNNING)
_NOTED_EVERY = 1.0  # seconds
_FOLDER = "directory-files"

logger = structlog.get_logger(__name__)
DUE = Due(RequestedFile)


def beside() -> Callable[[], None]:
    """Return what the dispatcher does at each of its turns: write a file that was asked for."""
    return aside.beside(DUE, make, seconds=2.0)


def ask(format: str, language: str, by: str, partner: str = "") -> RequestedFile:
    """Ask for a file; raises NoSuchPartner."""
    view_named(partner)  # refused at once, not after the wait
    now = clock.now()
    return RequestedFile.objects.create(
        format=format, language=language, partner=partner, by=by, asked_at=now, due_at=now
    )


def path_of(row: RequestedFile) -> Path:
    """Return where the file of a request lies."""
    return Path(settings.STATE_ROOT) / _FOLDER / f"{row.pk}.{FORMATS[row.format].extension}"


def make(key: int) -> RequestedFile | None:
    """Write a file that is due, or forget one whose day is over; None where another one does."""
    until = DUE.claim(key, clock.now(), LEASE)
    if until is None:
        return None
    row = RequestedFile.objects.get(pk=key)
    if row.state not in _OPEN:
        path_of(row).unlink(missing_ok=True)  # first: a file whose row is gone would stay forever
        row.delete()
        return None
    try:
        _write(row)
        row.state = RequestedFile.State.DONE
    except (NothingToWrite, NoSuchPartner) as refused:
        row.state, row.message = RequestedFile.State.FAILED, refused.message
    except Exception:
        # What it is stands in the log; the page says that it failed.
        logger.exception("a file could not be written", file=row.pk)
        row.state = RequestedFile.State.FAILED
        row.message = _(
            "The file could not be written because of an error in Dovetail. "
            "The log has the details."
        )
    row.due_at = timezone.now() + KEPT
    row.save()
    return row


def _write(row: RequestedFile) -> None:
    take_in()  # or what is expected would be what was there before
    view, format = view_named(row.partner), FORMATS[row.format]
    expected = Membership.objects.filter(view=view, present=True, entry__kind__in=NUMBERED)
    row.state, row.expected = RequestedFile.State.RUNNING, expected.count()
    row.file = file_name(format, row.language, today())
    row.save()
    path = path_of(row)
    # Outside what a web server serves, and readable to nobody else: a partner's view is not public.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    tally = Tally()
    with _noting_progress(row, tally):
        written = write(format, view, row.language, path, tally)
    row.sha256, row.size = written.sha256, path.stat().st_size
    row.rows, row.not_carried = dict(written.rows), dict(sorted(written.not_carried.items()))
    row.written = sum(written.rows.values())


@contextmanager
def _noting_progress(row: RequestedFile, tally: Tally) -> Iterator[None]:
    """Note once a second how far the file is: from a thread, as its own one reads a snapshot."""
    done = threading.Event()

    def note() -> None:
        try:
            while not done.wait(_NOTED_EVERY):
                written = sum(tuple(tally.rows.values()))  # a copy: the other thread adds to it
                update_one(RequestedFile.objects.all(), row, written=written)
        finally:
            connections.close_all()  # a thread has its own, which nothing else would close

    thread = threading.Thread(target=note, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
