"""The destination for files: lists of referrals, and the files that belong to them."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from core.outbound.addresses import is_this_machine
from core.spool import BLOCK, Spool, TooLarge
from core.text.sentences import Term
from integrations.capabilities import Capability, Finding
from integrations.destinations.sftp import options as chosen
from integrations.destinations.sftp import sentences
from integrations.destinations.sftp.bringing import bring
from integrations.destinations.sftp.options import SftpOptions
from integrations.destinations.sftp.places.in_folder import InFolder
from integrations.destinations.sftp.places.over_ftp import OverFtp
from integrations.destinations.sftp.places.over_ssh import OverSsh
from integrations.destinations.sftp.places.place import Place
from integrations.exports.columns import Columns
from integrations.exports.formats import About, Format, format_named
from integrations.exports.rows import Row, folder_of, path_of, row_of, safe
from integrations.payload import shown
from integrations.transport import (
    HASH_IN_NAME,
    SUMMARY,
    Action,
    Batch,
    BatchReceipt,
    DeliveryError,
    Document,
    Misconfigured,
    Parcel,
    Receipt,
    Rejected,
    Targets,
    Transport,
    Updates,
)
from integrations.usual_fields import USUAL_FIELDS

MEGABYTE = 1_000_000
QUIET_SECONDS = 20  # after which a connection is used, so that it stays


class SftpTransport(Transport):
    """Writes what is due as one list, and the files of its referrals before it."""

    label = Term("Files (SFTP, FTPS, folder)")
    OptionsForm = SftpOptions
    target_fields = USUAL_FIELDS
    updates = Updates.LATEST
    removes = True
    batches = True
    takes_files = True
    repeatable = True  # a file takes the place of another of its name
    targets = Targets.BY_HEADING
    noun = Term("export")
    usual_files = (SUMMARY,)

    def __init__(
        self, options: Mapping[str, Any], findings: Mapping[Capability, Finding] | None = None
    ) -> None:
        super().__init__(options, findings)
        given = self.options["schedule"] or chosen.AT_ONCE
        self.schedule = "" if given == chosen.AT_ONCE else given
        self.lists_all = self.options["content"] == chosen.ALL

    @property
    def is_stand_in(self) -> bool:
        return is_this_machine(self.options["host"] or "")

    def check(self) -> str:
        """Sign in, and see whether the folder is there; nothing is written."""
        with self._place() as place:
            place.check_folder()
        folder = self.options["folder"] or "."
        if self.options["protocol"] == chosen.LOCAL:
            return sentences.FOLDER_IS_THERE(folder=folder)
        return sentences.ANSWERS(host=self.options["host"], folder=folder)

    def body(self, reference: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return shown(reference, record, {})

    def deliver_batch(self, batch: Batch) -> BatchReceipt:
        with self._writing() as place:
            return self._carry(batch, place)

    def deliver(self, parcel: Parcel) -> Receipt:
        """Bring one referral as a list of its own."""
        with self._writing() as place:
            for document in parcel.documents:
                self._once(parcel, f"file:{document.key}", self._file_of(place, parcel, document))
            return Receipt(self._once(parcel, "list", self._list_of(place, parcel)))

    def remove(self, parcel: Parcel) -> Receipt:
        with self._writing() as place:
            return Receipt(self._once(parcel, "remove", self._list_of(place, parcel)))

    # -- One after the other ---------------------------------------------------------------------

    def _once(self, parcel: Parcel, step: str, do: Callable[[], str]) -> str:
        return parcel.ledger.once(step, do)

    def _file_of(self, place: Place, parcel: Parcel, document: Document) -> Callable[[], str]:
        def bring_it() -> str:
            self._bring_file(place, parcel, document, lambda: None)
            return document.name

        return bring_it

    def _list_of(self, place: Place, parcel: Parcel) -> Callable[[], str]:
        until = parcel.made_at or datetime.fromtimestamp(0, UTC)
        return lambda: self._carry(Batch(parcel.version, None, until, [parcel]), place).name

    # -- A run -----------------------------------------------------------------------------------

    def _carry(self, batch: Batch, place: Place) -> BatchReceipt:
        """Bring the files of each referral, then the list that names them, then its checksum."""
        columns = Columns(batch.columns, batch.fields)
        format_ = self._format(batch, columns)
        left: dict[str, tuple[str, ...]] = {}
        with Spool(self.options["max_megabytes"] * MEGABYTE) as spool:
            try:
                rows = format_.write(self._rows(batch, place, left), spool)
            except TooLarge:
                most = self.options["max_megabytes"]
                raise Misconfigured(sentences.TOO_LARGE(megabytes=most)) from None
            if not rows and not self.lists_all:
                return BatchReceipt("", 0, 0, "", columns=batch.columns)
            if batch.sha256 not in ("", spool.sha256):
                raise Rejected(sentences.NOT_THE_SAME())
            name = name_of(batch, format_.extension)
            bring(place, name, spool.size, spool.blocks, batch.keep)
            if self.options["checksums"]:
                line = f"{spool.sha256}  {name}\n".encode()
                bring(
                    place,
                    f"{name}.sha256",
                    len(line),
                    lambda start: iter([line[start:]]),
                    batch.keep,
                )
            size, sha256 = spool.size, spool.sha256
            return BatchReceipt(name, rows, size, sha256, columns=columns.known(), left=left)

    def _format(self, batch: Batch, columns: Columns) -> Format:
        about = About(batch.id, batch.since, batch.until)
        safe_for_spreadsheets = bool(self.options["safe_for_spreadsheets"])
        return format_named(self.options["format"], columns, about, safe=safe_for_spreadsheets)

    def _rows(self, batch: Batch, place: Place, left: dict[str, tuple[str, ...]]) -> Iterator[Row]:
        used = time.monotonic()
        for parcel in batch.parcels:
            # A newer version may have brought new files since a run that is repeated.
            if not batch.sha256 and (lies_there := self._remove_what_is_gone(place, parcel)):
                left[parcel.version] = lies_there
            for document in parcel.documents:
                self._bring_file(place, parcel, document, batch.keep)
            if time.monotonic() - used > QUIET_SECONDS:
                place.keep_alive()
                used = time.monotonic()
            yield row_of(parcel)

    def _bring_file(
        self, place: Place, parcel: Parcel, document: Document, keep: Callable[[], object]
    ) -> None:
        """Bring a file of a referral, if it is not there: its name is that of its content."""
        path = path_of(parcel, document)
        if place.size(path) == document.size:
            return
        place.changed = True
        place.make_folder(folder_of(parcel.reference))
        bring(place, path, document.size, lambda start: _blocks(document, start), keep)

    def _remove_what_is_gone(self, place: Place, parcel: Parcel) -> tuple[str, ...]:
        """Remove what this version takes away; return what of that still lies there."""
        if parcel.action is Action.REMOVE:
            return self._remove_files(place, parcel)
        return self._remove_withdrawn(place, parcel) if parcel.withdrawn else ()

    def _remove_withdrawn(self, place: Place, parcel: Parcel) -> tuple[str, ...]:
        """Remove the files that were withdrawn, under whatever number they were brought."""
        folder = folder_of(parcel.reference)
        named = {safe(document.name) for document in parcel.documents}
        try:
            gone = [
                name
                for name in place.names(folder)
                if name not in named and _has_content_of(name, parcel.withdrawn)
            ]
        except Misconfigured:  # it may be written there, and not read
            return (folder,)
        left = []
        for path in (f"{folder}/{name}" for name in gone):
            place.changed = True
            try:
                place.remove(path)
            except Misconfigured:
                left.append(path)
        return tuple(left)

    def _remove_files(self, place: Place, parcel: Parcel) -> tuple[str, ...]:
        """Remove the files of a referral; return what still lies there of it."""
        place.changed = True
        lists = tuple(name for name in parcel.lists if place.size(name) is not None)
        try:
            place.remove_folder(folder_of(parcel.reference))
        except Misconfigured:
            return folder_of(parcel.reference), *lists
        return lists

    @contextmanager
    def _writing(self) -> Iterator[Place]:
        """Give the place. What fails once something lies there says that it may have arrived."""
        with self._place() as place:
            try:
                place.check_folder()
                yield place
            except DeliveryError as error:
                error.maybe_done = place.changed
                raise

    def _place(self) -> Place:
        match self.options["protocol"]:
            case chosen.LOCAL:
                return InFolder(self.options)
            case chosen.SFTP:
                return OverSsh(self.options)
            case _:
                return OverFtp(self.options)


def name_of(batch: Batch, extension: str) -> str:
    """Return the name of a run's list: the same whenever it is carried."""
    until = batch.until.astimezone(UTC)
    return f"referrals-{safe(batch.organization)}-{until:%Y%m%dT%H%M%SZ}-{batch.id}.{extension}"


def _has_content_of(name: str, hashes: Collection[str]) -> bool:
    """Return whether a file, or the part of one, has this content by its name."""
    whole = PurePosixPath(name.removeprefix(".").removesuffix(".part")).stem
    return any(whole.endswith(f"-{sha256[:HASH_IN_NAME]}") for sha256 in hashes)


def _blocks(document: Document, start: int) -> Iterator[bytes]:
    with document.open() as stream:
        stream.seek(start)
        while block := stream.read(BLOCK):
            yield block
