"""What an error of a database means for a delivery. Nobody else reads codes of databases.

By the SQLSTATE of PostgreSQL, the number of MySQL, the text of SQLite and of a connection that
PostgreSQL has not let in, which has no code.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core import outbound
from core.text.sentences import Cause
from integrations.destinations.sql import sentences
from integrations.destinations.sql.sealing import Unreadable
from integrations.http.network import delivery_error
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Exchange,
    Misconfigured,
    Rejected,
    TryAgain,
)

LONGEST_REASON = 300  # characters
SOON = timedelta(seconds=2)

CREDENTIALS, NO_DATABASE, NOT_ALLOWED, CHANGED = "credentials", "no database", "denied", "changed"
READ_ONLY, FULL, STOPPING, BUSY, SLOW = "read-only", "full", "stopping", "busy", "slow"
LOST, TLS, NO_TLS, REFUSED = "lost", "tls", "no tls", "refused"

# SQLSTATE by its beginning; the longest that fits wins.
_SQLSTATES = {
    "28": CREDENTIALS,
    "3D": NO_DATABASE,
    "3F": NO_DATABASE,
    "42": CHANGED,
    "42501": NOT_ALLOWED,
    "25006": READ_ONLY,
    "53": FULL,
    "57P": STOPPING,
    "57014": SLOW,
    "55P03": BUSY,
    "40": BUSY,
    "08": LOST,
    "22": REFUSED,
    "23": REFUSED,
    "44": REFUSED,
    "P0001": REFUSED,  # a trigger of the partner's
}
_NUMBERS = {
    **dict.fromkeys((1045, 1698, 1251, 2059, 4151), CREDENTIALS),
    **dict.fromkeys((1044, 1049), NO_DATABASE),
    **dict.fromkeys((1142, 1143, 1227, 1370), NOT_ALLOWED),
    **dict.fromkeys((1054, 1146, 1136, 1364, 1060, 1051), CHANGED),
    **dict.fromkeys((1290, 1792, 1836), READ_ONLY),
    **dict.fromkeys((1021, 1114, 1040, 1203, 1041), FULL),
    **dict.fromkeys((1053, 1077), STOPPING),
    **dict.fromkeys((1205, 1213), BUSY),
    **dict.fromkeys((1969, 3024), SLOW),
    **dict.fromkeys((2006, 2013, 2014, 2055), LOST),
    3159: NO_TLS,
    **dict.fromkeys(
        (1048, 1062, 1216, 1217, 1264, 1292, 1366, 1406, 1451, 1452, 1644, 3819, 4025), REFUSED
    ),
}
# In what a server or a driver says, in this order.
_WORDS = (
    (r"certificate|tlsv1|ssl error", TLS),
    (r"does not support SSL|SSL is required|no encryption", NO_TLS),
    (r"password authentication|no pg_hba|role .* does not exist|Login failed", CREDENTIALS),
    (r"database .* does not exist|Cannot open database|unable to open database", NO_DATABASE),
    (r"starting up|shutting down|recovery", STOPPING),
    (r"too many (clients|connections)|remaining connection slots|database or disk is full", FULL),
    (r"readonly database|read-only", READ_ONLY),
    (r"database (table )?is locked|deadlock", BUSY),
    (r"no such (table|column)|has no column|not a database|malformed", CHANGED),
    (r"permission denied", NOT_ALLOWED),
    (r"timeout|timed out", SLOW),
    (r"constraint failed", REFUSED),
    (r"FATAL:", CREDENTIALS),  # in whatever language: it has not let us in
    (r"server closed|connection reset|Lost connection|broken pipe|not connected", LOST),
)
_SECRETIVE = re.compile(r"^connection (to server at|failed).*?(FATAL:|failed:|error:)\s*", re.S)


class RowRefused(Exception):
    """The database refuses the values of a row: which, is found out one by one."""

    def __init__(self, reason: str) -> None:
        super().__init__(type(self).__name__)
        self.reason = reason


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a driver raises into a DeliveryError, or RowRefused. No statement is in it."""
    try:
        yield
    except outbound.OutboundError as error:
        raise delivery_error(error) from None
    except DBAPIError as error:
        raise _meaning(error.orig) from None
    except Unreadable as error:
        raise Misconfigured(sentences.OTHER_KEY_THERE(column=str(error))) from None
    except (SQLAlchemyError, UnicodeError):
        words = sentences.FAILING(reason=sentences.NO_REASON())
        raise TryAgain(words, maybe_done=True) from None
    except OSError as error:
        words = sentences.LOST(reason=type(error).__name__)
        raise TryAgain(words, kind=ErrorKind.SILENT, maybe_done=True) from None


def _meaning(error: Any) -> Exception:
    code, reason = _code(error), _reason(error)
    meaning = _by_code(error) or _by_words(_whole(error)) or _by_class(error)
    if meaning == REFUSED:
        return RowRefused(reason)
    return _delivery_error(meaning, reason, Exchange(code))


def refused(reason: str) -> Rejected:
    """Return the error of one referral whose row the database refuses."""
    return Rejected(sentences.REFUSED(reason=reason))


def _delivery_error(meaning: str, reason: str, exchange: Exchange) -> DeliveryError:
    stopping: dict[str, tuple[Cause, ErrorKind]] = {
        CREDENTIALS: (sentences.CREDENTIALS, ErrorKind.CREDENTIALS),
        NOT_ALLOWED: (sentences.NOT_ALLOWED, ErrorKind.CREDENTIALS),
        NO_DATABASE: (sentences.NO_DATABASE, ErrorKind.MISADDRESSED),
        NO_TLS: (sentences.NO_TLS, ErrorKind.MISADDRESSED),
    }
    if meaning in stopping:
        cause, kind = stopping[meaning]
        return Misconfigured(cause(reason=reason), exchange, kind=kind)
    if meaning == CHANGED:
        return Misconfigured(sentences.CHANGED(differences=reason), exchange)
    if meaning == TLS:
        why, remedy = sentences.CAUSE_TLS(), sentences.REMEDY_TLS()
        return Down(sentences.LOST(reason=reason), cause=why, remedy=remedy)
    passing: dict[str, tuple[Cause, ErrorKind]] = {
        READ_ONLY: (sentences.READ_ONLY, ErrorKind.FAILING),
        FULL: (sentences.FULL, ErrorKind.FAILING),
        STOPPING: (sentences.STOPPING, ErrorKind.FAILING),
        BUSY: (sentences.BUSY, ErrorKind.FAILING),
        SLOW: (sentences.SLOW, ErrorKind.SILENT),
        LOST: (sentences.LOST, ErrorKind.SILENT),
    }
    cause, kind = passing.get(meaning, (sentences.FAILING, ErrorKind.FAILING))
    # A transaction that was cut may have been committed.
    cut = meaning not in (READ_ONLY, FULL, BUSY)
    after = SOON if meaning == BUSY else None
    return TryAgain(cause(reason=reason), exchange, kind=kind, maybe_done=cut, after=after)


# -- reading what drivers raise ------------------------------------------------------------------


def _by_code(error: Any) -> str:
    first = error.args[0] if getattr(error, "args", ()) else None
    if isinstance(first, int) and first in _NUMBERS:
        return _NUMBERS[first]
    sqlstate = getattr(error, "sqlstate", None) or first  # the latter of pyodbc
    if not isinstance(sqlstate, str) or not re.fullmatch(r"[0-9A-Z]{5}", sqlstate):
        return ""
    fitting = [one for one in _SQLSTATES if sqlstate.startswith(one)]
    return _SQLSTATES[max(fitting, key=len)] if fitting else ""


def _by_words(text: str) -> str:
    return next((one for words, one in _WORDS if re.search(words, text, re.IGNORECASE)), "")


def _by_class(error: Any) -> str:
    if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
        return REFUSED
    name = type(error).__name__
    if name in ("IntegrityError", "DataError"):
        return REFUSED
    return STOPPING if name == "OperationalError" else ""


def _code(error: Any) -> str:
    number = error.args[0] if getattr(error, "args", ()) else None
    if isinstance(number, int):
        return f"MySQL {number}"
    if sqlstate := getattr(error, "sqlstate", None):
        return f"SQLSTATE {sqlstate}"
    return str(getattr(error, "sqlite_errorname", "") or "")


def _whole(error: Any) -> str:
    return " ".join(str(one) for one in getattr(error, "args", ()))


def _reason(error: Any) -> str:
    """Return what the database says, in short: the first line, which quotes no other column."""
    text = getattr(getattr(error, "diag", None), "message_primary", None)
    if not text:
        texts = [one for one in getattr(error, "args", ()) if isinstance(one, str)]
        text = _SECRETIVE.sub("", texts[-1]) if texts else ""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first[:LONGEST_REASON].rstrip(". ") or sentences.NO_REASON()
