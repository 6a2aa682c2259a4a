"""An encrypted copy of the database and of MEDIA_ROOT, as both were at one moment; and back again.

The file is a tar, encrypted for the holder of a private key (`core.encryption.age`): a manifest,
the database, and the stored files, which stay encrypted with the portal's own keys within it. It
holds neither these keys nor STATE_ROOT: they are kept elsewhere, and a mark that is restored with
its database says nothing.

One moment: while no file may be deleted or replaced, the database's snapshot is taken and every
file is linked. What is written later is in neither, and what is deleted later is in both.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from django.apps import apps
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.utils._os import safe_join
from psycopg.conninfo import make_conninfo

from core.database import clock
from core.encryption import age, derived_keys
from core.storage import EncryptedFileStorage

FORMAT = 1
MANIFEST, DATABASE, FILES = "manifest.json", "database", "files/"
_LONGEST_MANIFEST = 10 * 1024 * 1024
_LEFT_BEHIND = 24 * 3600  # seconds: by then a killed backup's links are of no use to anybody
_KEY_CHECK = "backup: which keys it needs"
_NOT_FOR_LIBPQ = ("context", "cursor_factory", "prepare_threshold", "client_encoding", "password")
storage = EncryptedFileStorage()


class NotRestored(Exception):
    """Why a backup is not restored, for the person who asked."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `keys` are the ids of ENCRYPTION_KEYS, each with a check."""

    made_at: str
    vendor: str
    keys: dict[str, str]
    migrations: list[str]
    files: int
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.made_at)


# -- Backing up ------------------------------------------------------------------------------------


def make(path: Path, recipient: X25519PublicKey) -> Manifest:
    """Write a backup to a new file, which appears at `path` when it is whole."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as out:
            sealing = age.Sealing(out, recipient)
            manifest = _write(sealing)
            sealing.close()
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _write(out: Any) -> Manifest:
    _remove_left_behind()
    storage.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=storage.root, prefix=".backup-") as folder:
        with storage.still():
            dump = _SNAPSHOTS[connection.vendor]()
            made_at = clock.now()
            links = storage.link_all(Path(folder))
        copy = Path(folder) / ".database"
        dump(copy)
        manifest = Manifest(
            made_at=made_at.isoformat(),
            vendor=connection.vendor,
            keys=_key_checks(),
            migrations=sorted(
                f"{app}.{name}" for app, name in MigrationLoader(connection).applied_migrations
            ),
            files=len(links),
        )
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, MANIFEST, BytesIO(json.dumps(asdict(manifest)).encode()))
            with copy.open("rb") as file:
                _add(tar, DATABASE, file)
            for name, link in links.items():
                with link.open("rb") as file:
                    _add(tar, FILES + name, file)
    return manifest


def _add(tar: tarfile.TarFile, name: str, file: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = file.seek(0, os.SEEK_END), 0o600
    file.seek(0)
    tar.addfile(member, file)


def _remove_left_behind() -> None:
    for folder in storage.root.glob(".backup-*"):
        if folder.stat().st_mtime < time.time() - _LEFT_BEHIND:
            shutil.rmtree(folder, ignore_errors=True)


def _snapshot_of_sqlite() -> Callable[[Path], None]:
    """Begin a transaction that sees the database as it is now; return what copies it."""
    source = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=30)
    source.execute("BEGIN")
    source.execute("SELECT COUNT(*) FROM sqlite_master")  # only now does it look

    def dump(path: Path) -> None:
        with closing(source), closing(sqlite3.connect(path)) as copy:
            source.backup(copy)

    return dump


def _snapshot_of_postgresql() -> Callable[[Path], None]:
    """The same, by a transaction whose snapshot `pg_dump` takes over."""
    source = psycopg.connect(**connection.get_connection_params(), autocommit=True)
    source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    found: Any = source.execute("SELECT pg_export_snapshot()").fetchone()

    def dump(path: Path) -> None:
        with source:
            options = ["--format=custom", "--no-owner", "--no-privileges"]
            _postgres("pg_dump", *options, f"--snapshot={found[0]}", f"--file={path}")

    return dump


_SNAPSHOTS: Mapping[str, Callable[[], Callable[[Path], None]]] = {
    "sqlite": _snapshot_of_sqlite,
    "postgresql": _snapshot_of_postgresql,
}


def _postgres(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database; its password is in no command line."""
    params = connection.get_connection_params()
    given = {name: value for name, value in params.items() if name not in _NOT_FOR_LIBPQ}
    command = [_program(program), *arguments, f"--dbname={make_conninfo(**given)}"]
    # None of our secrets but this one.
    env = {"PATH": os.environ.get("PATH", ""), "PGPASSWORD": params.get("password", "")}
    subprocess.run(command, check=True, env=env)  # noqa: S603 - nobody else's words are in it


def _program(name: str) -> str:
    """Return the path of a program of PostgreSQL, which Debian keeps out of PATH."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    found = str(newest) if newest else shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name} is missing: install Debian's package postgresql-client.")
    return found


def _key_checks() -> dict[str, str]:
    return {key_id: key.hex()[:16] for key_id, key in derived_keys(_KEY_CHECK).items()}


# -- Restoring -------------------------------------------------------------------------------------


def restore(path: Path, identity: X25519PrivateKey) -> Manifest:
    """Fill an empty database and an empty MEDIA_ROOT from a backup, once all of it was read.

    Raises NotRestored, and NotReadable of `core.encryption.age`; nothing is changed then.
    """
    _refuse_what_is_not_empty()
    storage.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=storage.root, prefix=".restore-") as folder:
        with path.open("rb") as file:
            manifest = _unpack(age.Unsealing(file, identity), Path(folder))
        os.sync()  # once, and not for each file
        for one in sorted((Path(folder) / FILES).glob("*")):
            one.rename(storage.root / one.name)
        _LOADS[connection.vendor](Path(folder) / DATABASE)
    return manifest


def _refuse_what_is_not_empty() -> None:
    # What a new installation has is no content: its tables, without an organization or a person.
    ours = {*connection.introspection.django_table_names(), "django_migrations", "cache"}
    for table in connection.introspection.table_names():
        if table not in ours:
            raise NotRestored(f"The database is not empty: it has a table {table}, not Dovetail's.")
    for model in ("integrations.Organization", "referrals.InboundEvent", "auth.User"):
        found = apps.get_model(model)
        if _has_table(found) and found._base_manager.exists():
            raise NotRestored(
                f"The database is not empty: it has {found._meta.verbose_name_plural}. Restore "
                "into a new one, and keep this one until you know that it is not needed."
            )
    if next(storage.names(), None):
        raise NotRestored("MEDIA_ROOT is not empty. Restore into a new directory.")


def _has_table(model: Any) -> bool:
    return model._meta.db_table in connection.introspection.table_names()


def _unpack(source: age.Unsealing, folder: Path) -> Manifest:
    manifest, files = None, 0
    (folder / FILES).mkdir()
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]
            for member in tar:
                if manifest is None:
                    manifest = _read_manifest(tar, member)
                    continue
                files += member.name.startswith(FILES)
                _extract(tar, member, folder)
    except (tarfile.TarError, ValueError) as error:
        raise NotRestored("The file is no backup of Dovetail.") from error
    while source.read(age.CHUNK):  # to its end: until then, it may have been cut
        pass
    if manifest is None or files != manifest.files or not (folder / DATABASE).exists():
        raise NotRestored("The backup is not whole.")
    return manifest


def _read_manifest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    file = tar.extractfile(member)
    if member.name != MANIFEST or member.size > _LONGEST_MANIFEST or file is None:
        raise NotRestored("The file is no backup of Dovetail.")
    text = json.loads(file.read())
    if text.get("format") != FORMAT:
        raise NotRestored("The backup was made by a newer Dovetail. Install that one first.")
    manifest = Manifest(**text)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if manifest.vendor != connection.vendor:
        raise NotRestored(
            f"The backup is of {manifest.vendor}, and DATABASE_URL names {connection.vendor}."
        )
    ours = _key_checks()
    missing = [key for key, check in manifest.keys.items() if ours.get(key) != check]
    if missing:
        raise NotRestored(
            f"ENCRYPTION_KEYS lacks what the backup was made with: {', '.join(missing)}. Without "
            "these keys nothing that is stored of people could be read."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    installed = {config.label for config in apps.get_app_configs()}
    newer = [
        name
        for name in manifest.migrations
        if name not in known and name.partition(".")[0] in installed
    ]
    if newer:
        raise NotRestored(f"The backup was made by a newer Dovetail: it has {newer[-1]}.")


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one file of the backup below the folder, whatever its name says."""
    content = tar.extractfile(member)
    if content is None or not (member.name == DATABASE or member.name.startswith(FILES)):
        raise NotRestored("The file is no backup of Dovetail.")
    path = Path(safe_join(folder, member.name))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        shutil.copyfileobj(content, out)


def _load_sqlite(copy: Path) -> None:
    place = Path(connection.settings_dict["NAME"])
    connections.close_all()
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{place}{suffix}").unlink()
    shutil.copyfile(copy, part := place.with_name(f"{place.name}.part"))
    part.chmod(0o600)
    part.replace(place)
    os.sync()


def _load_postgresql(copy: Path) -> None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
    connections.close_all()
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _postgres("pg_restore", *options, str(copy))


_LOADS: Mapping[str, Callable[[Path], None]] = {
    "sqlite": _load_sqlite,
    "postgresql": _load_postgresql,
}
