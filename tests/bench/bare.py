"""The bare library calls: what a referral's stages would cost if nothing of ours stood around them.

Each is fed with what the portal itself did for the same referral, which a `Recording` holds.
"""

import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import requests
from requests_toolbelt import MultipartEncoder

from tests.bench import portal
from tests.bench.figures import cpu_seconds

Statement = tuple[str, Any]


@dataclass
class Recording:
    """What the portal did for one referral."""

    body: bytes = b""
    statements: list[Statement] = field(default_factory=list)
    encrypted: list[bytes] = field(default_factory=list)
    decrypted: list[bytes] = field(default_factory=list)
    template: tuple[Any, ...] = ()
    page: str = ""
    families: tuple[str, ...] = ()
    parcel: Any = None

    @property
    def transactions(self) -> int:
        """How often something was committed: by COMMIT, or by a write outside a transaction."""
        count, inside = 0, False
        for sql, _ in self.statements:
            inside = (inside or sql.startswith("BEGIN")) and sql != "COMMIT"
            count += sql == "COMMIT" or (not inside and sql.startswith(("INSERT", "UPDATE")))
        return count


@contextmanager
def recording() -> Iterator[Recording]:
    """Note what the portal does in the block; notes are cheap next to what they note."""
    from django.db import connection

    from core import encryption
    from integrations.destinations.crms.transport import CrmsTransport
    from referrals.summary import pdf
    from referrals.summary.rendering.pool import Pool

    made = Recording()

    def executed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        made.statements.append((sql, params))
        return execute(sql, params, many, context)

    def noted(owner: Any, name: str, note: Callable[..., None]) -> Any:
        original = getattr(owner, name)

        def call(*args: Any) -> Any:
            note(*args)
            return original(*args)

        return mock.patch.object(owner, name, call)

    def rendered(_pool: Any, page: str, families: tuple[str, ...]) -> None:
        made.page, made.families = page, families

    notes = (
        (connection, "_commit", lambda: made.statements.append(("COMMIT", None))),
        (encryption, "encrypt", lambda value, *_: made.encrypted.append(value)),
        (encryption, "decrypt", lambda value, *_: made.decrypted.append(value)),
        (pdf, "render_to_string", lambda *args: setattr(made, "template", args)),
        (Pool, "render", rendered),
        (CrmsTransport, "deliver", lambda _, parcel: setattr(made, "parcel", parcel)),
    )
    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(executed))
        for owner, name, note in notes:
            stack.enter_context(noted(owner, name, note))
        yield made


class Bare:
    """The bare calls, each of which returns the seconds of CPU time that it took."""

    def __init__(self, directory: Path) -> None:
        from referrals.summary.rendering.pool import HERE

        self.directory = directory
        self.session = requests.Session()
        self.session.trust_env = False
        os.environ["FONTCONFIG_FILE"] = str(HERE / "fonts.conf")
        self.typesetter = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self.typesetter_pid = self.typesetter.submit(os.getpid).result()
        del os.environ["FONTCONFIG_FILE"]

    def __enter__(self) -> "Bare":
        return self

    def __exit__(self, *_: object) -> None:
        self.typesetter.shutdown()
        self.session.close()

    def calls(self, made: Recording) -> dict[str, Callable[[], float]]:
        """Return the call for each stage that has one; what it needs is prepared here."""
        return {
            "intake": own_time(lambda: self._intake(made.body)),
            "page": own_time(lambda: _page(made.template)),
            "rendering": lambda: self._rendering(made.page, made.families),
            "files": own_time(self._files(made.parcel)),
            "upload": own_time(self._upload(made.parcel)),
            "encryption": own_time(_encryption(made)),
        }

    def _intake(self, body: bytes) -> None:
        """Django's own way of a request through the same middleware, and the body's JSON."""
        assert post(body, "/bare") == 202
        json.loads(body)

    def _rendering(self, page: str, families: tuple[str, ...]) -> float:
        start = cpu_seconds(self.typesetter_pid)
        self.typesetter.submit(set_page, page, families).result()
        return cpu_seconds(self.typesetter_pid) - start

    def _files(self, parcel: Any) -> Callable[[], None]:
        """Encrypt what is stored, bring it to the disk for good, and read it again to send it."""
        contents = _contents(parcel)
        fernet = _fernet()
        part, whole = self.directory / "part", self.directory / "whole"

        def store() -> None:
            for content in contents:
                with part.open("wb") as file:
                    file.write(fernet.encrypt(content))
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(whole)
                directory = os.open(self.directory, os.O_RDONLY)
                os.fsync(directory)
                os.close(directory)
                fernet.decrypt(whole.read_bytes())

        return store

    def _upload(self, parcel: Any) -> Callable[[], None]:
        """Fetch the file that came by URL, create the referral, and add the same files to it."""
        from integrations.destinations.crms.body import create_body

        contents = _contents(parcel)
        record = create_body(f"9{parcel.reference}", parcel.record, {})
        crms = f"{os.environ['BENCH_CRMS']}/api/v1/referrals"
        picture = f"{os.environ['BENCH_FILES']}/{portal.PICTURE}"
        self.session.headers["Authorization"] = f"Bearer {portal.TOKEN}"

        def upload() -> None:
            assert self.session.get(picture).content == portal.picture()
            created = self.session.post(crms, json=record)
            for document, content in zip(parcel.documents, contents, strict=True):
                file = (document.name, io.BytesIO(content), document.content_type)
                fields = {"category": document.category, "sha256": document.sha256, "file": file}
                parts = MultipartEncoder(fields)
                answer = self.session.post(
                    f"{crms}/{created.json()['id']}/attachments",
                    data=parts,
                    headers={"Content-Type": parts.content_type},
                )
                assert answer.status_code == 201, answer.text

        return upload


def own_time(call: Callable[[], None]) -> Callable[[], float]:
    """Return the call as one that returns the CPU time which this process spent on it."""

    def timed() -> float:
        start = cpu_seconds(os.getpid())
        call()
        return cpu_seconds(os.getpid()) - start

    return timed


def post(body: bytes, path: str) -> int:
    """Send a request through the WSGI application of this process; return the answer's status."""
    from config.wsgi import application

    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": portal.headers()["Authorization"],
        "CONTENT_TYPE": portal.headers()["Content-Type"],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }
    answer = application(environ, lambda status, headers: statuses.append(status))
    list(answer)
    answer.close()
    return int(statuses[0].split()[0])


# -- WeasyPrint in a process of its own ------------------------------------------------------------

_setting: dict[str, Any] = {}


def set_page(page: str, families: tuple[str, ...]) -> int:
    """Set a page as PDF/UA by WeasyPrint alone, the stylesheet and fonts read once."""
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    from referrals.summary.rendering import fonts
    from referrals.summary.rendering.child import STYLESHEET

    if not _setting:
        configuration = FontConfiguration()
        rules = "".join(map(fonts.font_faces, families)) + STYLESHEET.read_text()
        rules += fonts.font_families(families)
        _setting["font_config"] = configuration
        _setting["stylesheets"] = [CSS(string=rules, font_config=configuration)]
    return len(HTML(string=page).write_pdf(pdf_variant="pdf/ua-1", **_setting))


# -- SQLite alone ----------------------------------------------------------------------------------


class Replica:
    """A copy of the portal's database, to which the driver alone sends the same statements."""

    def __init__(self, original: str, copy: Path) -> None:
        self.original, self.copy = original, copy

    def take(self) -> None:
        """Copy the database as it is now."""
        for file in self.copy.parent.glob(f"{self.copy.name}*"):
            file.unlink()
        with sqlite3.connect(self.original) as source, sqlite3.connect(self.copy) as target:
            source.backup(target)

    def replay(self, statements: list[Statement]) -> float:
        """Send the statements; return the seconds of CPU time."""
        from django.db import connection

        driver = connection.Database  # knows how to write times and ids
        replayed = driver.connect(self.copy, isolation_level=None)
        replayed.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        ready = [
            (sql % (("?",) * len(params)) if params else sql, params or ())
            for sql, params in statements
        ]
        start = cpu_seconds(os.getpid())
        for sql, params in ready:
            replayed.execute(sql, params).fetchall()
        spent = cpu_seconds(os.getpid()) - start
        replayed.close()
        return spent


# -- The others ------------------------------------------------------------------------------------


def _page(template: tuple[Any, ...]) -> None:
    from django.template.loader import render_to_string

    render_to_string(*template)


def _encryption(made: Recording) -> Callable[[], None]:
    fernet = _fernet()
    tokens = [value.rpartition(b":")[2] for value in made.decrypted]

    def encrypt() -> None:
        for value in made.encrypted:
            fernet.encrypt(value)
        for token in tokens:
            fernet.decrypt(token)

    return encrypt


def _fernet() -> Any:
    from core.encryption import keyring

    ring = keyring()
    return ring.fernets[ring.primary]


def _contents(parcel: Any) -> list[bytes]:
    contents = []
    for document in parcel.documents:
        with document.open() as stream:
            contents.append(stream.read())
    return contents
