"""What an attempt does before its payload can be built. Each step leaves something behind.

An attempt that is lost in between has sent nothing, and the next one finds what was left: a frozen
document, files that are here, a reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import cast

from django.conf import settings

from core import outbound
from core.database.rows import update_each, update_one
from integrations.models import Destination
from mapping.source.allowing import ALL, AllowList
from mapping.source.document import Document
from referrals.delivering.claiming import Lease
from referrals.models import Delivery, Referral, Version
from referrals.record import files
from referrals.record.documents import document_of

# Of a lease, for all files together: slow ones must not hold the referral back. The lease of a
# single delivery is extended before each of them; that of a run, between its rows alone.
FETCH_SHARE, FETCH_SHARE_IN_A_RUN = 1.5, 0.5
FILE_SHARE = 0.8  # of a lease, for one file


def freeze_document(version: Version, referral: Referral, *, with_intent: bool = False) -> Document:
    """Return what the version shows, on every try the same; kept from the first one on.

    `with_intent`: the intent keeps it, in the statement that keeps what is sent, or else the
    settling of the attempt. An attempt that is lost before has sent nothing that it could differ
    from.
    """
    if version.document is None:
        version.document = document_of(referral)
        if not with_intent:
            update_one(Version.objects.all(), version, document=version.document)
    return cast(Document, version.document)


def fill_row(
    version: Version,
    document: Document,
    allowed: AllowList,
    record: Mapping[str, object],
    files: Sequence[str] = (),
) -> None:
    """Let a version of a run say what it shows, what may leave, and its record: not saved yet.

    Carried again, or repeated, it brings the same, whatever the mapping is by then. `files` are
    the categories of the files that go with it.
    """
    if version.document is None:
        version.document = document
    kept = cast("dict[str, object]", version.data or {"record": dict(record)})
    version.data = kept | {"files": [{"category": category} for category in files]}
    version.allowed_fields = _names(allowed)


def keep_rows(filled: Sequence[Version]) -> None:
    """Save what `fill_row` has filled, before any of it leaves."""
    update_each(filled, "document", "data", "allowed_fields")


def mapped_before(version: Version, destination: Destination) -> dict[str, object] | None:
    """Return the record kept with a version of a run; None where other fields may leave now."""
    kept = version.data
    if kept is None or version.allowed_fields != _names(destination.allow_list()):
        return None
    return cast("dict[str, object]", kept["record"])


def _names(allowed: AllowList) -> list[str] | None:
    return None if ALL in allowed.names else list(allowed.names)


def choose_what_leaves(version: Version, destination: Destination) -> AllowList:
    """Return which fields may leave, and keep with the version what is let out by it."""
    allowed = destination.allow_list()
    names = _names(allowed)
    if version.allowed_fields != names:
        version.allowed_fields = names
        update_one(Version.objects.all(), version, allowed_fields=names)
    return allowed


def fetch_files(referral: Referral, lease: Lease | None) -> bool:
    """Fetch the files that are wanted, and store them; True when one is worth another try later.

    `lease` is that of a single delivery, and None in a run. Raises LeaseLost.
    """
    share = FETCH_SHARE if lease else FETCH_SHARE_IN_A_RUN
    with outbound.time_limit((settings.LEASE_TIME * share).total_seconds()):
        return files.fetch(referral, partial(_next_file, lease) if lease else nullcontext)


@contextmanager
def _next_file(lease: Lease) -> Iterator[None]:
    """Let the lease outlast the file, and leave time for what comes after it."""
    with outbound.time_limit((settings.LEASE_TIME * FILE_SHARE).total_seconds()):
        lease.extend()
        yield
    lease.extend()


def choose_reference(delivery: Delivery) -> None:
    """Give the delivery the referral's reference, which may have got better since it was opened.

    What may have arrived keeps the reference that it was sent with: it is looked for under that.
    """
    if delivery.reference != delivery.referral.reference and not (
        delivery.reference and (delivery.done or delivery.steps.exists())
    ):
        delivery.reference = delivery.referral.reference
        delivery.save(update_fields=["reference"])
