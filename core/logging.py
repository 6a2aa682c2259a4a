"""Logs as fields, without personal data.

What other people wrote never gets into a line: of an exception only its type and where it was
raised, since messages quote values (PostgreSQL puts whole rows into DETAIL); of a URL not its
query, which holds the admin's search words; no bodies, no credentials, no arbitrary objects. An
exception class whose messages are our own, without personal data, has `safe_to_log = True`.

JSON lines in production. With DEBUG, coloured lines, and exceptions with their messages.
"""

import copy
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import structlog
from django.core.exceptions import ImproperlyConfigured

REDACTED = "[redacted]"
_ROOT = f"{Path(__file__).resolve().parent.parent}/"

_UNSAFE_KEYS = re.compile(
    r"(^|_)(authorization|auth|password|passwd|secret|token|cookie|cookies|session|headers|"
    r"body|data|payload|content|params|query|snapshot|record|sql)$",
    re.IGNORECASE,
)
_UNSAFE_TEXT = (
    (re.compile(r"(?<=[\w/$])\?[^\s\"'<>]+"), f"?{REDACTED}"),  # the query of a URL
    (re.compile(r"://[^/\s@]+@"), f"://{REDACTED}@"),  # credentials in a URL
    (re.compile(r"\b(Basic|Bearer)\s+[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    (re.compile(r"\bDETAIL:.*", re.DOTALL), f"DETAIL: {REDACTED}"),
)
_WRONG_HOST = "django.security.DisallowedHost"
_PLAIN = (bool, int, float, Decimal, UUID, date, time, timedelta, type(None))
# What Celery puts into its own lines about a task.
_UNSAFE_ARGUMENTS = frozenset({"exc", "traceback", "args", "kwargs", "return_value"})

Event = MutableMapping[str, Any]


def config(*, debug: bool) -> dict[str, Any]:
    """Return Django's LOGGING: everything goes to standard error, through `SafeFormatter`."""
    quiet = ("django.server", "weasyprint", "fontTools", "urllib3", "kombu", "amqp", "pikepdf")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"safe": {"()": SafeFormatter, "debug": debug}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "safe"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},
            # The request line says it already; and a wrong Host header is only noise.
            **{name: {"level": "CRITICAL"} for name in ("django.request", _WRONG_HOST)},
            **{name: {"handlers": [], "level": "ERROR", "propagate": True} for name in quiet},
        },
    }


def configure(*, debug: bool) -> None:
    """Set up structlog, and log what no one caught in the same way as everything else."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_SHARED,
            arguments_by_type,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if not (debug or sys.stderr.isatty()):  # a person at a terminal may see the message
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread


_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class SafeFormatter(structlog.stdlib.ProcessorFormatter):
    """Formats structlog's lines and those of all libraries alike."""

    def __init__(self, *args: Any, debug: bool = False, **kwargs: Any) -> None:
        last: list[structlog.typing.Processor] = (
            [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
            if debug
            else [exception_by_place, structlog.processors.JSONRenderer()]
        )
        super().__init__(
            processors=[self.remove_processors_meta, redact, *last],
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, *_SHARED],
        )

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)  # other handlers get the same one
        record.args = _safe_arguments(record.args)
        return super().format(record)


def _safe_arguments(arguments: Any) -> Any:
    if isinstance(arguments, Mapping):
        return {
            name: REDACTED if name in _UNSAFE_ARGUMENTS else _safe_argument(argument)
            for name, argument in arguments.items()
        }
    return tuple(map(_safe_argument, arguments or ()))


def _safe_argument(argument: Any) -> Any:
    return _name(type(argument)) if isinstance(argument, BaseException) else argument


def arguments_by_type(_logger: Any, _method: str, event: Event) -> Event:
    """Replace exceptions among positional arguments by their types, before they are formatted."""
    if "positional_args" in event:
        event["positional_args"] = _safe_arguments(event["positional_args"])
    return event


def exception_by_place(_logger: Any, _method: str, event: Event) -> Event:
    """Replace `exc_info` by the types and places of the exception and of what caused it."""
    event.pop("stack_info", None)
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(describe(error))
    return event


def describe(error: BaseException) -> Iterator[str]:
    """Yield lines about an exception: its type, the places it went through, its causes."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        yield ("caused by " if seen else "") + _summary(cause)
        seen.add(id(cause))
        for frame in traceback.extract_tb(cause.__traceback__):
            yield f"  {frame.filename.removeprefix(_ROOT)}:{frame.lineno} in {frame.name}"
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _summary(error: BaseException) -> str:
    name = _name(type(error))
    if getattr(error, "safe_to_log", False) or isinstance(error, ImproperlyConfigured):
        return f"{name}: {error}"
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)  # of psycopg
    return f"{name} ({constraint})" if constraint else name


def _name(kind: type) -> str:
    return (
        kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    )


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Replace what may hold personal data or secrets, by the name of its key or by its form."""
    return {
        key: value if key == "exc_info" else _redacted(key, value) for key, value in event.items()
    }


def _redacted(key: str, value: Any) -> Any:
    if _UNSAFE_KEYS.search(key):
        return REDACTED
    if isinstance(value, str):
        for pattern, replacement in _UNSAFE_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {str(name): _redacted(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", inner) for inner in value]
    return value if isinstance(value, _PLAIN) else f"<{_name(type(value))}>"


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger(__name__).critical("uncaught_exception", exc_info=error)


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None and not isinstance(caught.exc_value, SystemExit):
        structlog.get_logger(__name__).critical("uncaught_exception", exc_info=caught.exc_value)
