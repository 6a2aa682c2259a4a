"""The least that can be done with an event: a WSGI function and PostgreSQL's driver.

`gunicorn tests.bench.raw_portal` serves it on the database of DATABASE_URL, which is PostgreSQL. A
thread keeps its connection.
"""

import os
import threading
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

URL = os.environ["DATABASE_URL"]
TABLE = "CREATE TABLE IF NOT EXISTS raw_event (id uuid PRIMARY KEY, body bytea NOT NULL)"
_local = threading.local()


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Store the body of a POST; answer anything else."""
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        _connection().execute("INSERT INTO raw_event VALUES (%s, %s)", [uuid.uuid4(), body])
    start_response("202 Accepted", [("Content-Length", "0")])
    return []


def _connection() -> psycopg.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(URL, autocommit=True)
    return _local.connection


with psycopg.connect(URL) as connection:
    connection.execute(TABLE)
