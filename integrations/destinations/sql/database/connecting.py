"""An engine for the database of a destination: to a checked address, over checked TLS.

Each driver is given the address that was checked, or the connection itself, and checks the
certificate by the name of the host. To this machine itself TLS is not asked for.
"""

import importlib
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from django.conf import settings
from pymysql.constants import CLIENT
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from core import outbound
from core.outbound import certificates
from core.outbound.addresses import is_loopback
from integrations.destinations.sql import sentences
from integrations.destinations.sql.options import PORTS, SQLITE, parsed
from integrations.transport import Misconfigured

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60  # for one statement: a lease lasts longer
_PRAGMAS_OFF = "-c statement_timeout={ms} -c lock_timeout={ms} -c TimeZone=UTC"
# What MySQL cannot store it shall refuse, and not cut.
_MYSQL_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', "
    f"innodb_lock_wait_timeout = {STATEMENT_SECONDS}"
)


@dataclass(frozen=True)
class Database:
    """Where the tables are. No secret is in its text."""

    url: URL
    password: str

    def __repr__(self) -> str:
        return f"<database {self.where}>"

    @property
    def where(self) -> str:
        """What people call it."""
        if self.url.drivername == SQLITE:
            return Path(str(self.url.database)).name
        return f"{self.url.database} at {self.url.host}"

    @property
    def host(self) -> str:
        return str(self.url.host).lower()

    @property
    def port(self) -> int:
        return self.url.port or PORTS[self.url.drivername]


def database(options: Mapping[str, Any]) -> Database:
    return Database(parsed(options["url"]), options["password"] or "")


@lru_cache(maxsize=16)
def engine(where: Database) -> Engine:
    """Return an engine that opens a connection for each use; nothing is opened yet.

    It is kept for the statements that it has compiled: that takes longer than to execute them.
    """
    creators: dict[str, Callable[[Database], Any]] = {
        "postgresql+psycopg": _postgresql,
        "mysql+pymysql": _mysql,
        "mssql+pyodbc": _mssql,
        SQLITE: _sqlite,
    }
    driver = where.url.drivername
    try:
        made = create_engine(
            f"{driver}://",
            creator=partial(creators[driver], where),
            poolclass=NullPool,
            hide_parameters=True,  # personal data, in the text of errors
            **({} if driver == SQLITE else {"isolation_level": "READ COMMITTED"}),
        )
    except ImportError:
        raise Misconfigured(sentences.NO_DRIVER(driver=driver.partition("+")[2])) from None
    if driver == SQLITE:
        event.listen(made, "begin", _begin_at_once)
    return made


def _begin_at_once(connection: Connection) -> None:
    # One that reads first and writes then would fail where another has written in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reach(where: Database) -> socket.socket:
    return outbound.connect(where.host, where.port, seconds=CONNECT_SECONDS)


def _is_local(reached: socket.socket) -> bool:
    """Return whether a connection leads to this machine itself."""
    return is_loopback(ip_address(reached.getpeername()[0]))


def _postgresql(where: Database) -> Any:
    """Connect with libpq, to exactly the address that answered."""
    with closing(_reach(where)) as reached:
        address, local = reached.getpeername()[0], _is_local(reached)
    tls: dict[str, Any] = {"sslmode": "prefer"}
    if not local:
        tls = {"sslmode": "verify-full", "sslrootcert": certificates.authorities()}
    return psycopg.connect(
        host=where.host,
        hostaddr=address,
        port=where.port,
        dbname=where.url.database,
        user=where.url.username or "",
        password=where.password,
        passfile="/nonexistent",  # no password but the one given
        gssencmode="disable",
        connect_timeout=CONNECT_SECONDS,
        tcp_user_timeout=STATEMENT_SECONDS * 1000,
        keepalives_idle=STATEMENT_SECONDS,
        client_encoding="utf8",
        application_name=str(where.url.query.get("application_name", "Dovetail")),
        options=_PRAGMAS_OFF.format(ms=STATEMENT_SECONDS * 1000),
        prepare_threshold=None,  # poolers in between know no prepared statements
        **tls,
    )


def _mysql(where: Database) -> Any:
    reached = _reach(where)
    local = _is_local(reached)
    connection = pymysql.Connection(
        host=where.host,
        port=where.port,
        user=where.url.username or "",
        password=where.password,
        database=where.url.database,
        charset="utf8mb4",
        ssl=None if local else certificates.tls_context(),  # without one, TLS is only preferred
        client_flag=CLIENT.FOUND_ROWS,
        init_command=_MYSQL_SESSION,
        read_timeout=STATEMENT_SECONDS,
        write_timeout=STATEMENT_SECONDS,
        connect_timeout=CONNECT_SECONDS,
        local_infile=False,
        defer_connect=True,
    )
    try:
        connection.connect(reached)
    except BaseException:
        reached.close()
        raise
    return connection


def _mssql(where: Database) -> Any:
    with closing(_reach(where)) as reached:
        address, local = reached.getpeername()[0], _is_local(reached)
    pyodbc = importlib.import_module("pyodbc")
    driver = str(where.url.query.get("driver", "ODBC Driver 18 for SQL Server"))
    words = {
        "DRIVER": driver,
        "SERVER": f"tcp:{address},{where.port}",
        "DATABASE": where.url.database,
        "UID": where.url.username,
        "PWD": where.password,
        "Encrypt": "optional" if local else "yes",
        "TrustServerCertificate": "no",
        "HostnameInCertificate": where.host,
    }
    text = ";".join(f"{name}={_braced(value)}" for name, value in words.items())
    return pyodbc.connect(text, timeout=CONNECT_SECONDS)


def _braced(value: Any) -> str:
    return "{" + str(value or "").replace("}", "}}") + "}"


# -- files ---------------------------------------------------------------------------------------


def _sqlite(where: Database) -> Any:
    path = checked_file(str(where.url.database))
    return sqlite3.connect(
        path, timeout=CONNECT_SECONDS, isolation_level=None, check_same_thread=False
    )


def checked_file(path: str) -> Path:
    """Return the file below EXPORT_ROOT; raises Misconfigured for any other place."""
    root = Path(settings.EXPORT_ROOT).resolve() if settings.EXPORT_ROOT else None
    if root is None:
        raise Misconfigured(sentences.NOT_BELOW_ROOT())
    file = (root / path).resolve()
    own = {Path(str(one["NAME"])).resolve() for one in settings.DATABASES.values() if one["NAME"]}
    if not file.is_relative_to(root) or file == root or file in own:
        raise Misconfigured(sentences.NOT_BELOW_ROOT())
    if not file.parent.is_dir():
        raise Misconfigured(sentences.NO_FILE())
    return file
