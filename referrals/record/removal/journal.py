"""The journal of deletions: what a restored backup must not bring back.

A backup holds people whose data is deleted later. Beside the database, and beside the backups,
stands a file with one line for each deletion: a keyed hash of the referral, why, and when. After a
restore, whatever was deleted since the backup was made is deleted again. The file names nobody.

It is written from the tombstones, soon after they were made, so no crash between the two loses a
line. Several programs may write it at once.
"""

import fcntl
import hmac
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core import audit
from core.database import clock
from core.encryption import derived_keys
from referrals.models import Referral
from referrals.record.removal import holds, retention

PURPOSE = "journal of deletions"
OVERLAP = timedelta(days=1)  # looked at once more: a transaction may have been long
UNDER_WAY = timedelta(minutes=5)  # the longest that a deletion takes
RESTORE = "restore"  # as the audit trail names who did it
_LINE = re.compile(r"([0-9a-f]{8}) ([0-9a-f]{64}) (\w+) (\S+\+00:00)")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_noted_until = _LONG_AGO  # by this process
_noted: set["Deletion"] = set()


class Deletion(NamedTuple):
    """One line: the id of the key of the hash, the hash, why, and when."""

    key_id: str
    referral: str
    why: str
    at: datetime


def note() -> int:
    """Write every deletion that is not in the journal yet; return how many there were."""
    global _noted_until
    now = clock.now()
    key_id, key = next(iter(derived_keys(PURPOSE).items()))
    # What a legal hold keeps is not deleted yet.
    gone = Referral.objects.filter(
        ~holds.on_hold(), purged_at__isnull=False, changed_at__gt=_noted_until
    )
    rows = gone.values_list("pk", "purged_why", "purged_at")
    found = {Deletion(key_id, _hash(key, pk), why, at) for pk, why, at in rows if at}
    new = found - _noted
    if new:
        with _open() as file:
            written = file.read()
            there = {line[1:] for line in _lines(written)}
            new = {line for line in new if line[1:] not in there}
            if written and not written.endswith("\n"):
                file.write("\n")  # after a line that a full disk has cut
            file.write("".join(f"{_written(line)}\n" for line in sorted(new, key=lambda x: x.at)))
            file.flush()
            os.fsync(file.fileno())
    _noted.clear()
    _noted.update(found)
    _noted_until = now - OVERLAP
    return len(new)


def delete_again(since: datetime, journal: Path | None = None) -> int:
    """Delete what the journal says was deleted since then; return how many referrals.

    `since` is when the backup was made. Raises OSError when the journal cannot be read.
    """
    # A deletion that was under way while the backup was made has an earlier time.
    since -= UNDER_WAY
    lines = [line for line in _lines((journal or path()).read_text()) if line.at > since]
    why = {(line.key_id, line.referral): line.why for line in lines}
    if not why:
        return 0
    keys = derived_keys(PURPOSE)
    count = 0
    for pk in Referral.objects.filter(purged_at=None).values_list("pk", flat=True):
        for key_id, key in keys.items():
            if found := why.get((key_id, _hash(key, pk))):
                count += _delete(pk, found)
    return count


@transaction.atomic
def _delete(pk: UUID, why: str) -> bool:
    referral = Referral.objects.select_for_update().filter(pk=pk, purged_at=None).first()
    if referral is None:  # it has become part of one that was deleted a moment ago
        return False
    # It was deleted after the backup: a legal hold that it still has was released by then.
    holds.release([pk, *Referral.objects.filter(merged_into=pk).values_list("pk", flat=True)])
    if why != Referral.PurgedWhy.EXPIRED:
        retention.revoke(referral, clock.now(), why=why)
    else:
        retention.purge(referral, clock.now(), why=why)
    audit.record(RESTORE, "delete data", referral)
    return True


def path() -> Path:
    return Path(settings.DELETIONS_JOURNAL)


@contextmanager
def _open() -> Iterator[Any]:
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _hash(key: bytes, pk: UUID) -> str:
    return hmac.digest(key, pk.bytes, "sha256").hex()


def _written(line: Deletion) -> str:
    return f"{line.key_id} {line.referral} {line.why} {line.at.astimezone(UTC).isoformat()}"


def _lines(text: str) -> Iterator[Deletion]:
    """Yield the lines that are whole."""
    for found in map(_LINE.fullmatch, text.splitlines()):
        if found:
            key_id, referral, why, at = found.groups()
            yield Deletion(key_id, referral, why, datetime.fromisoformat(at))
