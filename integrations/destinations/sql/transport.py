"""The sql destination."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection

from core.text.sentences import Term
from integrations.capabilities import Capability, Finding
from integrations.destinations.sql import comparing, sentences
from integrations.destinations.sql.database import connecting, schema
from integrations.destinations.sql.database.errors import RowRefused, refused, translated
from integrations.destinations.sql.database.tables import SHAPES, Tables, tables
from integrations.destinations.sql.options import SQLITE, SqlOptions, encrypted_columns
from integrations.destinations.sql.reading import Reader
from integrations.destinations.sql.rows import Content, Unfit, content_of, fitted, line
from integrations.destinations.sql.sealing import Seal
from integrations.destinations.sql.writing import Writer
from integrations.transport import (
    Batch,
    BatchReceipt,
    Comparison,
    Parcel,
    Receipt,
    Rejected,
    Targets,
    Transport,
    Updates,
)
from integrations.usual_fields import USUAL_FIELDS

AT_ONCE = 500  # referrals in a transaction


class SqlTransport(Transport):
    """Keeps the latest version of each referral in the tables of a partner's database."""

    label = Term("SQL database")
    OptionsForm = SqlOptions
    target_fields = USUAL_FIELDS
    updates = Updates.LATEST
    removes = True
    batches = True
    repeatable = True  # a version that is there already is written over itself
    targets = Targets.FIXED
    noun = Term("copy")
    comparable = True
    takes_files = True  # those that may leave are listed, without their bytes
    usual_files = ()

    def __init__(
        self, options: Mapping[str, Any], findings: Mapping[Capability, Finding] | None = None
    ) -> None:
        super().__init__(options, findings)
        key = self.options["encryption_key"]
        self._encrypted = encrypted_columns(self.options)
        self._seal = Seal(key) if key else None

    @property
    def _tables(self) -> Tables:
        return tables(self.options["prefix"], self.options["schema"] or "", tuple(self._encrypted))

    def check(self) -> str:
        """Sign in and look at the tables; nothing is made."""
        where = connecting.database(self.options)
        if where.url.drivername == SQLITE:
            with translated():
                path = connecting.checked_file(str(where.url.database))
            if not path.exists():
                return sentences.ANSWERS_EMPTY(where=where.where)
        with self._connected() as connection, translated(), connection.begin():
            if not schema.exist(connection, self._tables):
                return sentences.ANSWERS_EMPTY(where=where.where)
            schema.inspect_ours(connection, self._tables, self.destination_id)
        return sentences.ANSWERS(where=where.where)

    def deliver(self, parcel: Parcel) -> Receipt:
        return Receipt(parcel.ledger.once("copy", lambda: self._bring(parcel)))

    def remove(self, parcel: Parcel) -> Receipt:
        return Receipt(parcel.ledger.once("remove", lambda: self._bring(parcel)))

    def deliver_batch(self, batch: Batch) -> BatchReceipt:
        """Write many referrals, each whole; a run that is cut goes on where it was."""
        with self._connected() as connection:
            writing = _Writing(connection, self._tables, self._seal, self.destination_id)
            writing.prepare()
            for parcels in _chunks(batch.parcels, AT_ONCE):
                writing.write(parcels)
            writing.write_listings(batch.listings)
        return writing.receipt(batch.id)

    def compare(
        self, batch: Batch, forgotten: Callable[[Sequence[str]], Collection[str]]
    ) -> Mapping[str, Comparison]:
        with self._connected() as connection:
            with translated(), connection.begin():
                schema.inspect_ours(connection, self._tables, self.destination_id)
            here = comparing.written(batch)
            with translated(), connection.begin():
                there = comparing.read(Reader(connection, self._tables, self._seal), forgotten)
        return {name: Comparison(here[name].sum, there[name].sum) for name in here}

    def take_over(self) -> None:
        with self._connected() as connection, translated(), connection.begin():
            schema.take_over(connection, self._tables, self.destination_id)

    def there(self) -> Iterator[Sequence[tuple[str, int]]]:
        last = ""
        with self._connected() as connection:
            reader = Reader(connection, self._tables, self._seal)
            while True:
                with (
                    translated(),
                    connection.begin(),
                ):  # no longer than a page: others write meanwhile
                    page = reader.page(last)
                if not page:
                    return
                yield page
                last, _ = page[-1]

    def discard(self, references: Sequence[str]) -> None:
        with self._connected() as connection, translated(), connection.begin():
            Writer(connection, self._tables, self._seal).discard(references, self.destination_id)

    def _bring(self, parcel: Parcel) -> str:
        with self._connected() as connection:
            writing = _Writing(connection, self._tables, self._seal, self.destination_id)
            writing.prepare()
            writing.write([parcel])
        if why := writing.refused.get(parcel.version):
            raise Rejected(why)
        return parcel.reference

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = connecting.engine(connecting.database(self.options))
        with translated():
            connection = engine.connect()
        with closing(connection):
            yield connection


class _Writing:
    """One run over one connection: what was written, and what the database has refused."""

    def __init__(
        self, connection: Connection, tables: Tables, seal: Seal | None, writer_id: str
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._writer_id = writer_id
        self._writer = Writer(connection, tables, seal)
        self._digest = hashlib.sha256()
        self._size = 0
        self._rows = 0
        self.refused: dict[str, str] = {}  # why, by the id of the version

    def prepare(self) -> None:
        with translated(), self._connection.begin():
            schema.prepare(self._connection, self._tables, self._writer_id)

    def write(self, parcels: Sequence[Parcel]) -> None:
        """Write all of them in one transaction; where the database refuses one, each in its own."""
        contents = list(self._contents(parcels))
        try:
            self._write(contents)
        except RowRefused as error:
            if len(contents) == 1:
                self.refused[contents[0].parcel.version] = refused(error.reason).message
                return
            for content in contents:
                self._write_alone(content)
        for content in contents:
            self._count(content)

    def write_listings(self, listings: Iterable[Mapping[str, Any]]) -> None:
        """Write all listings, and remove what is none any more."""
        rows = [fitted("listing", one) for one in listings]
        if not rows:
            return
        with translated(), self._connection.begin():
            self._writer.replace_listings(rows)

    def receipt(self, name: str) -> BatchReceipt:
        sha256 = self._digest.hexdigest()
        return BatchReceipt(name, self._rows, self._size, sha256, refused=self.refused)

    def _contents(self, parcels: Iterable[Parcel]) -> Iterator[Content]:
        for parcel in parcels:
            try:
                yield content_of(parcel)
            except Unfit as error:
                self.refused[parcel.version] = _unfit(error)

    def _write(self, contents: Sequence[Content]) -> None:
        if contents:
            with translated(), self._connection.begin():
                self._writer.write(contents, self._writer_id)

    def _write_alone(self, content: Content) -> None:
        try:
            self._write([content])
        except RowRefused as error:
            self.refused[content.parcel.version] = refused(error.reason).message

    def _count(self, content: Content) -> None:
        """Note what a run consists of, the same when it is carried again."""
        if content.parcel.version in self.refused:
            return
        self._rows += 1
        lines = [line(name, row) for name, found in content.rows.items() for row in found]
        for one in lines or [f"remove {content.parcel.version}".encode()]:
            self._digest.update(one + b"\n")
            self._size += len(one) + 1


def _unfit(error: Unfit) -> str:
    table, _, column = error.column.partition(".")
    return sentences.UNFIT(column=column, kind=_KINDS[SHAPES[table][1][column].__name__]())


_KINDS: Mapping[str, Callable[[], str]] = {
    "Instant": sentences.A_MOMENT,
    "Date": sentences.A_DATE,
    "Integer": sentences.A_NUMBER,
    "BigInteger": sentences.A_NUMBER,
}


def _chunks(parcels: Iterable[Parcel], size: int) -> Iterator[list[Parcel]]:
    """Yield a few parcels at a time; a referral that comes twice is in two of them."""
    chunk: list[Parcel] = []
    names: set[str] = set()
    for parcel in parcels:
        if len(chunk) == size or parcel.reference in names:
            yield chunk
            chunk, names = [], set()
        chunk.append(parcel)
        names.add(parcel.reference)
    if chunk:
        yield chunk
