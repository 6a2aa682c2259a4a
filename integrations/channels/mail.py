"""One e-mail, by Django's backend, and what a mail server's refusal means."""

import smtplib
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from core.outbound import Obstacle
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

KEPT_BYTES = 1024  # of what a mail server says
CREDENTIALS = (530, 534, 535)
# Why there was no connection; the first that fits. Some are kinds of others.
_OBSTACLES: tuple[tuple[type[BaseException], Obstacle], ...] = (
    (socket.gaierror, Obstacle.NAME),
    (ssl.SSLCertVerificationError, Obstacle.CERTIFICATE),
    (ssl.SSLError, Obstacle.TLS),
    (ConnectionRefusedError, Obstacle.REFUSED),
    (TimeoutError, Obstacle.SLOW),
    (smtplib.SMTPServerDisconnected, Obstacle.CLOSED),
    (ConnectionError, Obstacle.CLOSED),
)


def send(mail: EmailMessage) -> None:
    """Send an e-mail over its connection; returns when the mail server has taken it.

    The connection, and which addresses it may lead to, are the caller's; without one it is the one
    that is set for the portal.
    Raises Down when there is no connection, Misconfigured when the server does not let us send,
    Rejected when it refuses a recipient or the message for good, TryAgain when for now, and
    Unconfirmed when it fell silent afterwards: then the mail may have been taken.
    """
    connection = mail.connection or get_connection()
    try:
        try:
            connection.open()
        except (smtplib.SMTPException, OSError) as error:
            raise _not_connected(error) from None
        try:
            connection.send_messages([mail])
        except (smtplib.SMTPException, OSError) as error:
            raise _not_taken(error) from None
    finally:
        with suppress(smtplib.SMTPException, OSError):  # what was taken is taken, however it ends
            connection.close()


def message_id(of: str) -> str:
    """Return the `Message-ID` of a message: the same on every try, so that a repeat is known."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "dovetail"
    return f"<{of}@{host}>"


def _not_connected(error: Exception) -> DeliveryError:
    """Return what it means that a connection, or signing in on it, failed: nothing was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(error)
    is_cut = isinstance(error, smtplib.SMTPServerDisconnected)
    if isinstance(error, smtplib.SMTPException) and not is_cut:
        return Misconfigured(_unable(error))  # it knows no TLS, or no way of ours to sign in
    found = (obstacle for kind, obstacle in _OBSTACLES if isinstance(error, kind))
    cause, remedy = DOWN[next(found, Obstacle.OTHER)]
    return Down(_unable(error), cause=cause(), remedy=remedy())


def _not_taken(error: Exception) -> DeliveryError:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _recipients_refused(error)
        case smtplib.SMTPResponseException():
            return _refused(error)
        case smtplib.SMTPNotSupportedError():
            return Rejected(_unable(error))  # an address that this server cannot send to
        case _:
            return Unconfirmed(_unable(error))


def _recipients_refused(error: smtplib.SMTPRecipientsRefused) -> DeliveryError:
    codes = [code for code, _ in error.recipients.values()]
    text = sentences.RECIPIENT_REFUSED(codes=codes)
    kept = _exchange(codes, (words for _, words in error.recipients.values()))
    if any(code >= 500 for code in codes):
        return Rejected(text, kept)
    return TryAgain(text, kept)


def _refused(error: smtplib.SMTPResponseException) -> DeliveryError:
    code = error.smtp_code
    text = sentences.MAIL_REFUSED(code=code)
    kept = _exchange([code], [error.smtp_error])
    if isinstance(error, smtplib.SMTPAuthenticationError) or code in CREDENTIALS:
        return Misconfigured(text, kept, kind=ErrorKind.CREDENTIALS)
    if code < 500:
        return TryAgain(text, kept)
    if isinstance(error, smtplib.SMTPDataError):
        return Rejected(text, kept)
    return Misconfigured(text, kept)  # the greeting or the sender, which every mail has


def _unable(error: Exception) -> str:
    return sentences.MAIL_NOT_TAKEN(error=type(error).__name__)


def _exchange(codes: Iterable[int], words: Iterable[bytes | str]) -> Exchange:
    """Return what is kept: the codes, and what the server said, which may quote an address."""
    lines = [line.decode("utf-8", "replace") if isinstance(line, bytes) else line for line in words]
    code = "SMTP " + ", ".join(str(code) for code in dict.fromkeys(codes))
    return Exchange(code, body="\n".join(lines)[:KEPT_BYTES])
