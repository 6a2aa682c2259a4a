"""One e-mail to all of its recipients, or to none, over a connection that is checked.

Where `integrations.channels.mail` sends by Django's backend, this sends what holds personal data:
only to addresses that may be reached, over TLS with a checked certificate, and so that it is known
at each moment whether the mail server may have taken it.
"""

import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from core.outbound import AddressRefused, Obstacle, Unreachable, streams, unreachable
from core.text.sentences import Cause
from integrations import sentences
from integrations.http.network import DOWN
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Exchange,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)

KEPT = 1024  # characters of what a mail server says
LONGEST_REASON = 300
WRITTEN = 64 * 1024  # bytes at a time
CREDENTIALS = (530, 534, 535, 538)
CLOSING = 421
TOO_LARGE = 552
SHORTEST_SECRET = 6  # characters; what is shorter is no secret


class Security(StrEnum):
    STARTTLS = "starttls"  # plain at first, then TLS before anything else is said
    TLS = "tls"
    NONE = "none"  # to this machine itself


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server that takes our e-mail. `name` is what we call ourselves there."""

    host: str
    port: int
    security: Security
    name: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    seconds: float = 180  # for a whole conversation, its message included


def check(server: Server, sender: str) -> None:
    """Connect, sign in, and ask whether this sender is accepted; sends nothing.

    Raises a DeliveryError.
    """
    with _conversation(server) as client:
        _begin(client, server, sender, 0)
        client.rset()


def send(server: Server, sender: str, recipients: Sequence[str], message: bytes) -> Exchange:
    """Send a message to all recipients; return what the server said when it took it.

    The message is whole lines that end in CR LF. One recipient refused, and nobody gets it.
    Raises Down when there is no connection, Misconfigured when the server does not let us send,
    Rejected when it refuses a recipient or the message for good, TryAgain when for now or when the
    connection broke before the message had ended, and Unconfirmed when no answer came after that:
    then the message may have been taken.
    """
    with _conversation(server) as client:
        _begin(client, server, sender, len(message))
        _name_recipients(client, server, recipients)
        code, words = client.docmd("DATA")
        if code != 354:
            raise _refused(server, code, words)
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        for start in range(0, len(stuffed), WRITTEN):
            client.write(stuffed[start : start + WRITTEN])
        return _end(client, server)


# -- The conversation ------------------------------------------------------------------------------


class _Client(smtplib.SMTP):
    """Connects as everything that goes out does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(server.host, server.port, local_hostname=server.name)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        secure = self._server.security is not Security.NONE
        connection = streams.connect(host, port, secure=secure)
        if self._server.security is Security.TLS:
            return streams.start_tls(connection, host)
        return connection

    def secure(self) -> None:
        """Turn the connection into TLS; what was said in clear before counts for nothing."""
        code, words = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, words)
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        self.sock = streams.start_tls(self.sock, self._server.host)
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def write(self, content: bytes) -> None:
        self.send(content)


@contextmanager
def _conversation(server: Server) -> Iterator[_Client]:
    """Give a connection that is secured and signed in, and raise what goes wrong in our words."""
    with streams.time_for(server.seconds):
        client = _connected(server)
        try:
            try:
                yield client
            except (smtplib.SMTPException, OSError):
                raise TryAgain(
                    _sentence(sentences.MAIL_CUT, server), kind=ErrorKind.SILENT
                ) from None
        finally:
            with suppress(smtplib.SMTPException, OSError):  # what was taken is taken
                client.putcmd("QUIT")
            client.close()


def _connected(server: Server) -> _Client:
    try:
        client = _Client(server)
    except AddressRefused as error:
        raise Misconfigured(error.message) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(server, error.smtp_code, error.smtp_error, always=True) from None
    except (Unreachable, smtplib.SMTPException, OSError) as error:
        raise _down(server, error) from None
    try:
        _sign_in(client, server)
    except BaseException:
        client.close()
        raise
    return client


def _sign_in(client: _Client, server: Server) -> None:
    """Speak TLS and give the credentials; raises a DeliveryError. Nothing was sent by then."""
    try:
        client.ehlo_or_helo_if_needed()
        if server.security is Security.STARTTLS:
            if not client.has_extn("starttls"):
                raise Misconfigured(_sentence(sentences.MAIL_NO_TLS, server))
            client.secure()
            client.ehlo()
        if server.username:
            client.login(server.username, server.password)
    except smtplib.SMTPAuthenticationError as error:
        raise _not_signed_in(server, error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(server, error.smtp_code, error.smtp_error, always=True) from None
    except smtplib.SMTPServerDisconnected as error:
        raise _down(server, error) from None
    except smtplib.SMTPException:
        raise Misconfigured(_sentence(sentences.MAIL_NO_SIGN_IN, server)) from None
    except OSError as error:
        raise _down(server, error) from None


def _begin(client: _Client, server: Server, sender: str, size: int) -> None:
    most = client.esmtp_features.get("size", "")
    if size and most.isdecimal() and 0 < int(most) < size:
        raise Rejected(_sentence(sentences.MAIL_TOO_LARGE, server, most=int(most), size=size))
    sized = [f"SIZE={size}"] if size and client.has_extn("size") else []
    code, words = client.mail(sender, sized)
    if code != 250:
        raise _refused(server, code, words, always=code != TOO_LARGE)


def _name_recipients(client: _Client, server: Server, recipients: Sequence[str]) -> None:
    """Ask for every recipient, so that all that are refused can be named; raises where one is."""
    refused: list[tuple[str, int, bytes]] = []
    for recipient in recipients:
        code, words = client.rcpt(recipient)
        if code not in (250, 251, 252):
            refused.append((recipient, code, words))
        if code == CLOSING:
            break
    if not refused:
        return
    with suppress(smtplib.SMTPException, OSError):
        client.rset()
    # Of those that are refused for good the first is quoted: waiting would not help.
    recipient, code, words = max(refused, key=lambda one: one[1] >= 500)
    shown = _sentence(
        sentences.MAIL_RECIPIENT, server, recipient=recipient, reason=_quoted(server, code, words)
    )
    kept = _exchange(server, code, b"\n".join(words for _, _, words in refused))
    if code >= 500:
        raise Rejected(shown, kept)
    kind = ErrorKind.FAILING if code == CLOSING else ErrorKind.THROTTLED
    raise TryAgain(shown, kept, kind=kind)


def _end(client: _Client, server: Server) -> Exchange:
    """End the message, and return what the server says. From here on it may have been taken."""
    try:
        client.write(b".\r\n")
        code, words = client.getreply()
    except (smtplib.SMTPException, OSError):
        raise Unconfirmed(_sentence(sentences.MAIL_NO_ANSWER, server)) from None
    if 200 <= code < 300:
        return _exchange(server, code, words)
    if 400 <= code < 600:
        raise _refused(server, code, words)
    shown = _sentence(sentences.MAIL_UNCLEAR, server, reason=_quoted(server, code, words))
    raise Unconfirmed(shown, _exchange(server, code, words), kind=ErrorKind.CONFLICT)


# -- What went wrong -------------------------------------------------------------------------------


def _down(server: Server, error: Exception) -> Down:
    """Return what it means that there is no connection: nothing was sent."""
    failed = error if isinstance(error, Unreachable) else unreachable(error, server.host)
    found, why = failed.obstacle, failed.why
    if isinstance(error, smtplib.SMTPServerDisconnected):
        late = isinstance(error.__context__, TimeoutError)
        found, why = (Obstacle.SLOW if late else Obstacle.CLOSED), ""
    clause, remedy = (one() for one in DOWN[found])
    cause: str = why if found is Obstacle.CERTIFICATE else clause
    if found is Obstacle.TLS:
        remedy = sentences.CHECK_MAIL_TLS()
    return Down(_sentence(sentences.MAIL_DOWN, server, why=cause), cause=cause, remedy=remedy)


def _not_signed_in(server: Server, code: int, words: bytes | str) -> DeliveryError:
    kept, reason = _exchange(server, code, words), _quoted(server, code, words)
    if code < 500:
        return TryAgain(_sentence(sentences.MAIL_LATER, server, reason=reason), kept)
    shown = _sentence(sentences.MAIL_CREDENTIALS, server, reason=reason)
    return Misconfigured(shown, kept, kind=ErrorKind.CREDENTIALS)


def _refused(
    server: Server, code: int, words: bytes | str, *, always: bool = False
) -> DeliveryError:
    """Return what a refusal means. `always`: it is not for what this message holds."""
    kept = _exchange(server, code, words)
    quoted = _quoted(server, code, words)
    if code in CREDENTIALS:
        return _not_signed_in(server, code, words)
    if 400 <= code < 500:
        return TryAgain(_sentence(sentences.MAIL_LATER, server, reason=quoted), kept)
    if code < 400:
        return TryAgain(_sentence(sentences.MAIL_UNCLEAR_BEFORE, server, reason=quoted), kept)
    if always:
        return Misconfigured(_sentence(sentences.MAIL_NOT_FROM_US, server, reason=quoted), kept)
    return Rejected(_sentence(sentences.MAIL_NOT_ACCEPTED, server, reason=quoted), kept)


def _sentence(cause: Cause, server: Server, **values: object) -> str:
    return cause(host=server.host, **values)


def _quoted(server: Server, code: int, words: bytes | str) -> str:
    text = " ".join(_text(server, words).split())[:LONGEST_REASON]
    return f"{code} {text}".strip()


def _exchange(server: Server, code: int, words: bytes | str) -> Exchange:
    """Return what is kept: the code, and what the server said, which may quote an address."""
    return Exchange(f"SMTP {code}", body=_text(server, words)[:KEPT])


def _text(server: Server, words: bytes | str) -> str:
    """Return what the server said, without a password that it repeats."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    if len(server.password) >= SHORTEST_SECRET:
        text = text.replace(server.password, "[secret]")
    return text.replace("\0", "")
