"""Connections that keep to the checked addresses and to one deadline.

A session is kept for each thread and policy, so connections stay open between calls: over TLS that
saves more than half of the CPU time and two or three round trips.
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse as RawResponse
from http.client import RemoteDisconnected, parse_headers
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any, ClassVar

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from core.outbound import certificates
from core.outbound.addresses import Policy

IDLE_SECONDS = 15  # an older connection may be dead without a sign of it: a firewall dropped it
BLOCK = 64 * 1024
SWITCHING_PROTOCOLS = HTTPStatus.SWITCHING_PROTOCOLS


@dataclass
class Call:
    """The call under way in this thread. Times are those of `time.monotonic`."""

    policy: Policy
    connect_by: float
    deadline: float
    connected: bool = False  # bytes of the request may go out
    begun: bool = False  # the request's head is out: the other side may act on it

    def connecting(self) -> float:
        """Return the seconds left to connect; raises TimeoutError when there are none."""
        return _left(min(self.connect_by, self.deadline))

    def remaining(self) -> float:
        """Return the seconds left of the whole call; raises TimeoutError when there are none."""
        return _left(self.deadline)


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


_call: ContextVar[Call] = ContextVar("call")


@contextmanager
def during(call: Call) -> Iterator[None]:
    """Make `call` the one whose policy and deadline hold for this thread's connections."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


# -- Sockets that end with the call -----------------------------------------------------------


class DeadlineSocket(socket.socket):
    """Waits no longer than the call lasts, however slowly the other side drips."""

    ended = False  # the other side has closed its half

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_call.get().remaining())
        received = super().recv_into(*args, **kwargs)
        self.ended = not received
        return received

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_call.get().remaining())
        super().sendall(*args, **kwargs)


class _DeadlineTLSSocket(ssl.SSLSocket):
    """The same over TLS."""

    ended = False

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_call.get().remaining())
        received = super().recv_into(*args, **kwargs)
        self.ended = not received
        return received

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_call.get().remaining())
        return super().send(*args, **kwargs)


def _addresses(host: str, port: int, seconds: float) -> list[Any]:
    """Resolve a name within so many seconds: the system's resolver itself knows no deadline."""
    answers: SimpleQueue[list[Any] | OSError] = SimpleQueue()

    def resolve() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(socket.gaierror("not a name"))

    threading.Thread(target=resolve, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError("no answer from the resolver") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def open_connection(
    host: str, port: int, tls: bool, sort: type[socket.socket] = DeadlineSocket
) -> socket.socket:
    """Resolve once, check every address, and connect to one of exactly these."""
    call = _call.get()
    found = _addresses(host, port, call.connecting())
    for *_, sockaddr in found:
        call.policy.check(host.rstrip("."), ip_address(sockaddr[0]), tls)
    failure: OSError = socket.gaierror("no address")
    for tried, (family, kind, protocol, _, sockaddr) in enumerate(found):
        connection = sort(family, kind, protocol)
        try:
            connection.settimeout(call.connecting() / (len(found) - tried))
            connection.connect(sockaddr)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(call.connecting())  # for the TLS handshake, which comes next
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


# -- Connections ------------------------------------------------------------------------------


class _FinalResponse(RawResponse):
    """Skips interim answers such as 103: the next one on this connection is another's answer."""

    def _read_status(self) -> tuple[str, int, str]:
        found = super()._read_status()  # type: ignore[misc]
        while 100 < found[1] < 200 and found[1] != SWITCHING_PROTOCOLS:
            parse_headers(self.fp)
            found = super()._read_status()  # type: ignore[misc]
        return found  # type: ignore[no-any-return]


class _Connection(HTTPConnection):
    tls: ClassVar[bool] = False
    response_class = _FinalResponse
    idle_since = 0.0

    def _new_conn(self) -> socket.socket:
        try:
            return open_connection(self._dns_host, self.port or self.default_port, self.tls)
        except OSError as error:
            raise NewConnectionError(self, "not connected") from error

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _call.get().connected = True
        # The head goes out first and in one piece. If that fails, the other side has no whole head
        # and can act on nothing, as on a kept connection that was closed meanwhile.
        super().send(data)
        _call.get().begun = True

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        connected: Any = self.sock
        response = super().getresponse()
        if connected.ended:  # http.client takes a head that was cut off for a short one
            raise RemoteDisconnected("closed in the head")
        return response


class _TLSConnection(_Connection, HTTPSConnection):
    tls = True


class _IdleLimit(HTTPConnectionPool):
    """Closes a kept connection that was idle for too long, instead of sending into the void."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        if not connection.is_closed and time.monotonic() - connection.idle_since > IDLE_SECONDS:
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)


class _PlainPool(_IdleLimit):
    ConnectionCls = _Connection


class _TLSPool(_IdleLimit, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


# -- Sessions ---------------------------------------------------------------------------------


def tls_context() -> ssl.SSLContext:
    """Return what TLS is spoken with; its sockets keep to the time of the call."""
    return certificates.tls_context(_DeadlineTLSSocket)


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_maxsize=1, max_retries=Retry(0, redirect=0, read=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context, blocksize=BLOCK)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave it to the context, which would else load all authorities for each connection."""


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Follow nothing: requests would read the whole body of a redirect, however large."""
        return None


class _Kept(threading.local):
    def __init__(self) -> None:
        self.sessions: dict[tuple[Policy, str], requests.Session] = {}


_kept = _Kept()
os.register_at_fork(after_in_child=lambda: _kept.sessions.clear())


def session(policy: Policy) -> requests.Session:
    """Return this thread's session for the policy; its calls need `during`."""
    key = (policy, settings.CA_BUNDLE)
    if key not in _kept.sessions:
        _kept.sessions[key] = _new_session()
    return _kept.sessions[key]


def _new_session() -> requests.Session:
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(tls_context())
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
