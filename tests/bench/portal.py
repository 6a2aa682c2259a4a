"""The portal that is measured: its environment, the systems around it, and what is sent to it."""

import base64
import json
import logging
import os
import random
import secrets
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
from PIL import Image

from tests.services import ROOT, answers, free_port, spawn

if TYPE_CHECKING:
    from tests.world import World

EXAMPLE = ROOT / "tests" / "fixtures" / "examples" / "fhir-full-referral.json"
PICTURE = "phq9.png"
ANNOUNCED_BYTES = '"size": 48211'  # of the picture, in the example
KEY, SECRET = "caredove", "a-secret-of-the-bench"
TOKEN = "a-token-of-the-bench"
NO_WAITING = {"RETRY_SCHEDULE": ",".join(["0"] * 8), "SETTLE_SECONDS": "0"}
# What stands in the example once for each message, and what in each referral.
MESSAGE_IDS = ("0b6f7a52-7a5e-4d5f-9a2e-6f3d1f0c9a11", "7d0b8a5a-0c70-4d5b-8f0c-1c2f6a1f0001")
REFERRAL_ID, REFERENCE = "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10", "3502768696"


def environment(directory: Path) -> dict[str, str]:
    """Return the environment of a portal in production mode that keeps its files here."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "ALLOW_LOOPBACK": "true",
        "CELERY_BROKER_URL": "",
        "MEDIA_ROOT": str(directory / "media"),
        "PYTHONWARNINGS": "ignore:No fonts configured:UserWarning",
        "RATE_LIMIT_PER_MINUTE": "0",
        **NO_WAITING,
    }


@contextmanager
def neighbours(directory: Path, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """Run a CRMS and a server of attachments, in processes whose CPU time is not counted.

    Yields their addresses, as further names of the environment.
    """
    files = directory / "files"
    files.mkdir()
    (files / PICTURE).write_bytes(picture())
    crms_port, files_port = free_port(), free_port()
    crms = [sys.executable, "manage.py", "crms_sandbox", "--port", str(crms_port)]
    server = [sys.executable, "-m", "http.server", str(files_port), "--bind", "127.0.0.1"]
    server += ["--protocol", "HTTP/1.1", "--directory", str(files)]
    with ExitStack() as stack:
        for command, port in (([*crms, "--token", TOKEN], crms_port), (server, files_port)):
            stack.enter_context(spawn(command, env, answers(f"http://127.0.0.1:{port}/")))
        yield {
            "BENCH_CRMS": f"http://127.0.0.1:{crms_port}",
            "BENCH_FILES": f"http://127.0.0.1:{files_port}",
        }


class Databases:
    """Empty databases of the portal, made as copies of one of each kind."""

    def __init__(self, directory: Path, env: dict[str, str], postgresql: str) -> None:
        self.directory, self.env = directory, env
        self._sqlite = directory / "empty.sqlite3"
        self._postgresql = urlsplit(postgresql)
        self._execute("CREATE DATABASE empty")
        for url in (f"sqlite:///{self._sqlite}", self._url("empty")):
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=ROOT, env=env | {"DATABASE_URL": url}, check=True)

    def new(self, kind: str, name: str) -> str:
        """Return the URL of a new database: `kind` is SQLite or PostgreSQL."""
        name = name.lower()
        if kind == "PostgreSQL":
            self._execute(f"CREATE DATABASE {name} TEMPLATE empty")
            return self._url(name)
        return f"sqlite:///{shutil.copy(self._sqlite, self.directory / f'{name}.sqlite3')}"

    def _url(self, name: str) -> str:
        return urlunsplit(self._postgresql._replace(path=f"/{name}"))

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self._postgresql.geturl(), autocommit=True) as connection:
            connection.execute(sql)


def start() -> None:
    """Set Django up in this process; what it logs is written, but to nowhere.

    A failure of the bench itself is shown in full: all its people are made up.
    """
    from config import wsgi  # noqa: F401 - sets Django up, and logging with it

    nowhere = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives
    for handler in logging.root.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(nowhere)
    sys.excepthook = sys.__excepthook__


def gather_statistics() -> None:
    """Let PostgreSQL know its tables, as it does by itself within a minute."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def make() -> "World":
    """Return a new world whose source may send with the credentials of `headers`."""
    from integrations.models import SourceCredential
    from integrations.sources.auth import hash_secret
    from tests.world import make_world

    world = make_world("crms", ["received"], base_url=os.environ["BENCH_CRMS"], token=TOKEN)
    world.source.attachment_hosts = ["127.0.0.1"]
    world.source.save()
    SourceCredential.objects.create(source=world.source, key=KEY, secret_hash=hash_secret(SECRET))
    return world


def make_folders() -> None:
    """Make the folders that the storage of a portal has after a few hundred files."""
    for kind in ("attachments", "summaries"):
        for number in range(256):
            Path(os.environ["MEDIA_ROOT"], kind, f"{number:02x}").mkdir(parents=True, exist_ok=True)


def headers() -> dict[str, str]:
    """Return the headers of a FHIR message."""
    basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    return {"Authorization": f"Basic {basic}", "Content-Type": "application/fhir+json"}


@cache
def picture() -> bytes:
    """Return a whole picture of about 180,000 bytes, the same in every process."""
    noise = random.Random(0).randbytes(3 * 245 * 245)
    file = BytesIO()
    Image.frombytes("RGB", (245, 245), noise).save(file, "PNG")
    return file.getvalue()


def message(number: int) -> bytes:
    """Return the full example as a message about another referral, with ids of its own."""
    text = EXAMPLE.read_text()
    assert ANNOUNCED_BYTES in text
    text = text.replace(ANNOUNCED_BYTES, f'"size": {len(picture())}')
    for known in (*MESSAGE_IDS, REFERRAL_ID):
        text = text.replace(known, str(uuid.uuid5(uuid.NAMESPACE_OID, f"{known}/{number}")))
    text = text.replace(REFERENCE, str(4_000_000_000 + number))
    where = os.environ.get("BENCH_FILES", "http://127.0.0.1:9")
    text = text.replace("https://sandbox.caredove.example/files", where)
    return json.dumps(json.loads(text)).encode()
