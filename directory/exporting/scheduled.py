"""Writes files on a schedule: each time a run of its own.

A file is made whole here, brought under a temporary name, and renamed: whoever reads the folder
finds the last good file until the new one is there. A run that fails is tried again soon, a few
times, and then at its next time.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from core.database import clock
from core.database.due import Due
from core.timing import schedule
from directory import aside
from directory.exporting.kind import NothingToWrite
from directory.exporting.places import place_of
from directory.exporting.whose import NoSuchPartner, view_named
from directory.exporting.writing import FORMATS, Written, write
from directory.models import Directory, ExportRun, ScheduledExport
from integrations.destinations.sftp.bringing import bring
from integrations.destinations.sftp.places.place import Place
from integrations.transport import DeliveryError

DUE = Due(ScheduledExport)
LEASE = timedelta(hours=2)
TRIES = 4  # in a row, before the next time of the schedule
_SOON = timedelta(minutes=15)
_BLOCK = 1 << 18
_KEPT_RUNS = 100  # of one export

logger = structlog.get_logger(__name__)


def beside() -> Callable[[], None]:
    """Return what the dispatcher does at each of its turns: begin an export that is due."""
    return aside.beside(DUE, run)


def run(key: int, *, now: bool = False) -> ExportRun | None:
    """Write an export's file, if it is due or `now`; None where another one does, or it is not."""
    if now:
        ScheduledExport.objects.filter(pk=key).update(due_at=clock.now())
    # Of several dispatchers, or a command beside one, one wins; if it dies, the lease runs out.
    until = DUE.claim(key, clock.now(), LEASE)
    if until is None:
        return None
    export = ScheduledExport.objects.select_related("destination").get(pk=key)
    row = ExportRun.objects.create(export=export, started_at=timezone.now())
    try:
        _write(export, row)
        row.state = ExportRun.State.DONE
    except (DeliveryError, NothingToWrite, NoSuchPartner) as failed:
        row.state, row.message = ExportRun.State.FAILED, failed.message
    except Exception:
        # What it is stands in the log; the list of runs says that it failed.
        logger.exception("an export failed", export=export.pk)
        row.state = ExportRun.State.FAILED
        row.message = _(
            "The export failed because of an error in Dovetail. The log has the details."
        )
    row.ended_at = timezone.now()
    row.save()
    # Only if the claim is still ours: who came after the lease ran out decides when it is due.
    failures = 0 if row.state == ExportRun.State.DONE else export.failures + 1
    DUE.settle(export, until, due_at=_next(export, failures, row.ended_at), failures=failures)
    _forget_old(export)
    return row


def next_time(export: ScheduledExport, at: datetime) -> datetime:
    """Return when the schedule comes next after a moment; raises BadSchedule."""
    return schedule.read(export.schedule).after(at, Directory.objects.get().zone)


def _next(export: ScheduledExport, failures: int, at: datetime) -> datetime:
    planned = next_time(export, at)
    return min(planned, at + _SOON) if 0 < failures < TRIES else planned


# -- one file -------------------------------------------------------------------------------------


def _write(export: ScheduledExport, row: ExportRun) -> None:
    with TemporaryDirectory(prefix="dovetail-export-") as folder:
        view = view_named(export.partner)
        written = write(FORMATS[export.format], view, export.language, Path(folder))
        row.file, row.sha256 = written.path.name, written.sha256
        row.size = written.path.stat().st_size
        row.rows, row.not_carried = dict(written.rows), dict(written.not_carried)
        with place_of(export.destination, export.folder) as place:
            place.check_folder()
            _bring(place, written)
            _remove_old(place, export)  # after: at no moment is there no file


def _bring(place: Place, written: Written) -> None:
    path = written.path
    line = f"{written.sha256}  {path.name}\n".encode()
    # The file first: a checksum without its file would look as if the file was lost.
    bring(place, path.name, path.stat().st_size, lambda at: _blocks(path, at), place.keep_alive)
    bring(place, f"{path.name}.sha256", len(line), lambda at: iter([line[at:]]), place.keep_alive)


def _blocks(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(_BLOCK):
            yield block


def _remove_old(place: Place, export: ScheduledExport) -> None:
    """Keep the newest files of this format and language; nothing else is touched."""
    extension = FORMATS[export.format].extension
    named = re.compile(
        rf"directory-{re.escape(export.format)}-{re.escape(export.language)}-\d{{8}}\.{extension}"
    )
    # The folder may hold files of others: only names that we give are ours to delete.
    found = sorted(name for name in place.names("") if named.fullmatch(name))
    for name in found[: -max(export.keep, 1)]:
        place.remove(name)
        place.remove(f"{name}.sha256")


def _forget_old(export: ScheduledExport) -> None:
    old = ExportRun.objects.filter(export=export).values_list("pk", flat=True)[_KEPT_RUNS:]
    ExportRun.objects.filter(pk__in=list(old)).delete()
