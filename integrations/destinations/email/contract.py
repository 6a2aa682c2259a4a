"""How the contract suite tries this kind out; `docs/adding-a-destination.md` explains."""

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pikepdf
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from integrations.transport import (
    DeliveryError,
    Down,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)

PASSWORD = "the-password-of-the-portal"  # noqa: S105
PASSPHRASE = "maple-river-lantern-otter"  # noqa: S105
# By name: after which command the server answers what.
ANSWERS = {
    "sender": ("MAIL", "553 not from you"),
    "sender later": ("MAIL", "451 later"),
    "recipient": ("RCPT", "550 5.1.1 nobody of that name"),
    "recipient later": ("RCPT", "450 4.2.0 greylisted"),
    "message": ("DATA", "554 5.7.1 not accepted"),
    "message later": ("DATA", "452 4.3.1 full"),
}


class Mailbox:
    """Takes every message, or answers the next one as `failure` says."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.failure = ""

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any):  # type: ignore[no-untyped-def]
        right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        return AuthResult(success=right and self.failure != "credentials", handled=False)

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer("MAIL")

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer("RCPT")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self._answer("DATA")
        if answer.startswith("250"):
            self.taken.append(envelope.content)
        if self.failure == "silent":  # from then on: what it has taken is kept by now
            server.transport.close()
        return answer

    def _answer(self, command: str) -> str:
        word, answer = ANSWERS.get(self.failure, ("", ""))
        return answer if word == command else "250 OK"


class StandIn:
    """A mail server of its own."""

    things = 1  # of a parcel: its files are within the message
    a_person_looks = True  # nobody can ask a mail server what it took
    record: dict[str, Any] = {}
    failures: dict[str, type[DeliveryError]] = {
        "sender": Misconfigured,
        "sender later": TryAgain,
        "recipient": Rejected,
        "recipient later": TryAgain,
        "message": Rejected,
        "message later": TryAgain,
        "credentials": Misconfigured,
        "silent": Unconfirmed,
        "nobody there": Down,
    }

    def __init__(self, mailbox: Mailbox, port: int) -> None:
        self._mailbox = mailbox
        self.options: dict[str, Any] = {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "security": "none",
            "username": "portal",
            "password": PASSWORD,
            "sender": "Birchwood <referrals@birchwood.example>",
            "recipients": "intake@partner.example",
            "passphrase": PASSPHRASE,
        }

    def fail(self, failure: str) -> dict[str, Any]:
        if failure == "nobody there":
            return {**self.options, "smtp_port": unused_port()}
        self._mailbox.failure = failure
        return self.options

    def recover(self) -> None:
        self._mailbox.failure = ""

    def effects(self) -> list[str]:
        return [_opened(mail) for mail in self._mailbox.taken]


def _opened(content: bytes) -> str:
    """Return the id of a message, and the names of what its PDF holds."""
    mail = message_from_bytes(content, policy=policy.default)
    (attached,) = mail.iter_attachments()
    with pikepdf.open(io.BytesIO(attached.get_content()), password=PASSPHRASE) as pdf:
        return " ".join([mail["Message-ID"], *pdf.attachments])


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def stand_in(folder: Path) -> Iterator[StandIn]:
    mailbox = Mailbox()
    port = unused_port()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=mailbox.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield StandIn(mailbox, port)
    finally:
        controller.stop()
