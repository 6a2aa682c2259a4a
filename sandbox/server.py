"""The HTTP server: finds the route, lets the call take effect or fail, sends the answer."""

import json
import logging
import re
import socket
import ssl
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Condition, Thread
from typing import Any

from sandbox import api, control, notices, pages
from sandbox.answers import Answer, Line, message
from sandbox.inbox import Referral
from sandbox.requests import Body, Request
from sandbox.rules.faults import ANSWER, Effect, Fault, Mode
from sandbox.rules.options import MEBIBYTE, Options
from sandbox.state import Call, Seen, State
from sandbox.tls import self_signed

logger = logging.getLogger(__name__)

GRACE_SECONDS = 5  # for requests under way when the sandbox stops
IDLE_SECONDS = 60
MAX_BODY_BYTES = 256 * MEBIBYTE  # larger ones are not even read, to be refused in good order


class NotUnderstood(Exception):
    """The request's frame is unusable: an answer, after which the line is closed."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


Route = tuple[str, re.Pattern[str], Callable[..., Call | Answer]]
_ID = r"([A-Z]{2}-\d{1,12})"


def _route(method: str, pattern: str, view: Callable[..., Call | Answer]) -> Route:
    return method, re.compile(pattern, re.ASCII), view


ROUTES = (
    _route("GET", r"/api/v1/ping", api.ping),
    _route("GET", r"/api/v1/referrals", api.look_up),
    _route("POST", r"/api/v1/referrals", api.create),
    _route("POST", r"/api/v1/referrals/([^/]{1,4096})/attachments", api.attach),
    _route("GET", r"/sandbox/referrals", control.referrals),
    _route("GET", rf"/sandbox/files/{_ID}", control.file_bytes),
    _route("GET", r"/sandbox/ledger", control.counts),
    _route("GET", r"/sandbox/calls", control.calls),
    _route("GET", r"/sandbox/faults", control.planned_faults),
    _route("POST", r"/sandbox/faults", control.add_fault),
    _route("DELETE", r"/sandbox/faults", control.clear_faults),
    _route("DELETE", r"/sandbox", control.clear),
    _route("POST", r"/notices", notices.receive),
    _route("GET", r"/sandbox/notices", notices.kept),
    _route("GET", r"/sandbox/elsewhere", control.elsewhere),
    _route("POST", r"/sandbox/elsewhere", control.elsewhere),
    _route("GET", r"/", pages.inbox),
    _route("GET", rf"/referrals/{_ID}", pages.referral),
    _route("GET", rf"/files/{_ID}", pages.view_file),
    _route("GET", rf"/files/{_ID}/download", pages.download_file),
    _route("GET", r"/(style\.css|icon\.svg)", pages.asset),
)


def find(state: State, request: Request) -> Call | Answer:
    """Return the call or the answer of the route that a request names."""
    is_api = request.path.startswith("/api/")
    if is_api and not request.has_credentials(state.options):
        return message(401, "The token is missing or not valid")
    if not is_api and not request.is_from_here():
        return message(403, "The sandbox is for this machine only")
    method = "GET" if request.method == "HEAD" else request.method
    fitting = [(route, path) for route in ROUTES if (path := route[1].fullmatch(request.path))]
    for (wanted, _, view), path in fitting:
        if wanted == method:
            return view(state, request, *path.groups())
    return message(405, "Method not allowed") if fitting else message(404, "Not found")


class Handler(BaseHTTPRequestHandler):
    """One connection. Parsing is the standard library's; answers go through the `Line`."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        state = self.server.state
        line = Line(self.connection, state.stopping)
        try:
            request = self._request()
            found = find(state, request)
            request.body.drain()
            if isinstance(found, Call):
                self._answer(line, found)
            else:
                line.whole(found, head_only=self.command == "HEAD")
        except NotUnderstood as error:
            line.whole(error.answer, close=True)
        except (ConnectionError, TimeoutError):
            line.close()
        if not line.is_open:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _request(self) -> Request:
        if "Transfer-Encoding" in self.headers:
            raise NotUnderstood(message(411, "A Content-Length is required"))
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"\d{1,15}", length, re.ASCII):
            raise NotUnderstood(message(400, "Content-Length is not a number"))
        if int(length) > MAX_BODY_BYTES:
            raise NotUnderstood(message(413, "The body is too large"))
        path, _, query = self.path.partition("?")
        return Request(self.command, path, query, self.headers, Body(self.rfile, int(length)))

    def _answer(self, line: Line, call: Call) -> None:
        state = self.server.state
        mode = state.faults.pick(call.step, call.reference, call.email)
        if mode is None:
            answer = call.apply()
            self._saw(call, None, answer.status)
            line.whole(answer, head_only=self.command == "HEAD")
        elif mode.effect is Effect.LATE:
            self._saw(call, mode, None)
            line.hang(state.options.hang_seconds)
            call.apply()
        else:
            self._fail(line, call, mode)

    def _fail(self, line: Line, call: Call, mode: Mode) -> None:
        options = self.server.state.options
        answer = call.apply() if mode.effect is Effect.FIRST else Answer(200)
        if not answer.is_success:  # there is nothing to spoil: it was refused on its own account
            self._saw(call, None, answer.status)
            line.whole(answer)
            return
        answer = mode.spoil(answer, options)
        self._saw(call, mode, answer.status if mode.is_answered else None)
        mode.deliver(line, answer, options)

    def _saw(self, call: Call, mode: Mode | None, status: int | None) -> None:
        seen = Seen(
            step=call.step,
            fault=mode.name if mode else "",
            status=status,
            request_id=self.headers.get("X-Request-ID", ""),
            idempotency_key=self.headers.get("Idempotency-Key", ""),
        )
        self.server.state.calls.append(seen)
        logger.info("%s: %s %s", seen.step, status or "no answer", seen.fault)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: paths and queries name referrals."""


class Server(ThreadingHTTPServer):
    """Listens on loopback only, and knows its open connections so that it can end them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, state: State) -> None:
        self.state = state
        self._connections: set[socket.socket] = set()
        self._changed = Condition()
        self.certificate = b""
        super().__init__(("127.0.0.1", state.options.port), Handler)
        if state.options.tls:
            context, self.certificate = self_signed()
            # Each connection shakes hands in its own thread, so that none waits for another.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer would ask the DNS for its own name
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._changed:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log where the sandbox broke, and not the error's words: they may quote a body."""
        error = sys.exception()
        if isinstance(error, ssl.SSLError):  # a sender that does not trust the certificate
            return
        place = "".join(traceback.format_tb(error.__traceback__ if error else None))
        logger.error("A request of the sandbox broke: %s\n%s", type(error).__name__, place)

    def end_connections(self) -> None:
        """Let answers under way go out, take nothing more in, then cut what is left."""
        with self._changed:
            self._cut(socket.SHUT_RD)
            self._changed.wait_for(lambda: not self._connections, timeout=GRACE_SECONDS)
            self._cut(socket.SHUT_RDWR)

    def _cut(self, how: int) -> None:
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(how)


class Sandbox:
    """A stand-in CRMS in this process: start it, steer it, look into it, stop it."""

    def __init__(self, options: Options) -> None:
        """Listen on the port; raises OSError, BadFault or BrokenLedger."""
        self._state = State(options)
        self._server = Server(self._state)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __repr__(self) -> str:
        return f"<Sandbox {self.url}>"

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        scheme = "https" if self._state.options.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> bytes:
        """The certificate of a sandbox with TLS, for those who want to trust it; PEM."""
        return self._server.certificate

    @property
    def referrals(self) -> list[Referral]:
        """What is in the inbox, oldest first, each with its attachments."""
        return list(reversed(self._state.inbox.referrals()))

    @property
    def calls(self) -> list[Seen]:
        """Every call so far, oldest first."""
        return list(self._state.calls)

    def fail(
        self,
        step: str,
        mode: str,
        times: int | None = 1,
        *,
        rate: float = 1.0,
        reference: str = "",
        skip: int = 0,
    ) -> None:
        """Plan a fault; raises BadFault. The parameters are those of `faults.Fault`."""
        self._state.faults.add(Fault(step, mode, times, rate, reference, skip))

    def answer(
        self, step: str, times: int | None = 1, *, reference: str = "", skip: int = 0, **given: Any
    ) -> None:
        """Plan an answer as it is given: status, and json, text or base64, headers, applied."""
        answer = json.dumps(given)
        self._state.faults.add(Fault(step, ANSWER, times, 1.0, reference, skip, answer))

    def clear_faults(self) -> None:
        self._state.faults.clear()

    def clear(self) -> None:
        """Forget referrals, files, faults and calls."""
        self._state.clear()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End gracefully: nobody is served any more when this returns."""
        self._state.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._state.ledger.close()


@contextmanager
def running_sandbox(**options: Any) -> Iterator[Sandbox]:
    """Run a sandbox with these `Options` for the length of a `with` block."""
    sandbox = Sandbox(Options(**options))
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
