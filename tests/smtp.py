"""A real mail server with TLS, in a thread of its own, that does as a test says."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from integrations.channels.smtp import Security, Server
from tests.services import free_port

PASSWORD = "the-password-of-the-portal"


class Mailbox:
    """Keeps what it takes. `answers` are its answers by command, one for each time.

    `recipients` are its answers by recipient; `after` is a command after which it hangs up.
    """

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.envelopes: list[list[str]] = []
        self.offered: list[bytes] = []  # whole messages, taken or not
        self.commands: list[str] = []
        self.answers: dict[str, list[str]] = {}
        self.recipients: dict[str, str] = {}
        self.hangs_up_at = ""
        self.port = 0

    def server(self, security: Security, **given: Any) -> Server:
        return Server("127.0.0.1", self.port, security, "portal.example", seconds=60, **given)

    def options(self, security: str, **given: Any) -> dict[str, Any]:
        """Return the options of a destination that sends here."""
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "security": security,
            "sender": "Birchwood <referrals@birchwood.example>",
            "recipients": "intake@partner.example",
            "passphrase": "maple-river-lantern-otter",
            **given,
        }

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer("MAIL", server)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer("RCPT", server, self.recipients.get(address, "250 OK"))

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:
        return self._answer("RSET", server)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.offered.append(envelope.content)
        answers = self.answers.get("DATA", [])
        if not answers or answers[0].startswith("250"):
            self.taken.append(envelope.content)
            self.envelopes.append(list(envelope.rcpt_tos))
        return self._answer("DATA", server)

    def _answer(self, command: str, server: Any, usual: str = "250 OK") -> str:
        """Return an answer; whoever hangs up has kept before what it takes."""
        self.commands.append(command)
        if self.hangs_up_at == command:
            server.transport.close()
        answers = self.answers.get(command, [])
        return answers.pop(0) if answers else usual


@contextmanager
def mail_server(tls: ssl.SSLContext | None, security: Security, **given: Any) -> Iterator[Mailbox]:
    """Run a mail server until the block ends; `given` is what aiosmtpd is told besides."""
    mailbox = Mailbox()
    mailbox.port = free_port()
    if security is Security.STARTTLS:
        given = {"tls_context": tls, "require_starttls": True, **given}
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        ssl_context=tls if security is Security.TLS else None,
        authenticator=mailbox.authenticate,
        auth_require_tls=security is Security.STARTTLS,
        **given,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
