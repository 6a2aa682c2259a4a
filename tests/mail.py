"""A mail server that takes e-mail over a real socket, or refuses it, or says nothing."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps what it takes in `mails`. `refusing` is an answer to RCPT; `silent` answers nothing.

    `answers` are its answers to other words of a client ("MAIL", "DATA", "." for the end of the
    data, "GREETING"); an empty one closes the connection.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mails: list[EmailMessage] = []
        self.refusing = ""
        self.silent = False
        self.answers: dict[str, str] = {}
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.silent:
            self.server.stopping.wait()
            return
        if not self._say_for("GREETING", "220 here"):
            return
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"QUIT" and "QUIT" not in self.server.answers:
                self._say("221 bye")
                return
            if not self._answer(word.decode()):
                return

    def _answer(self, word: str) -> bool:
        """Answer a word of the client; False to close the connection."""
        if word == "RCPT" and self.server.refusing:
            return self._say(self.server.refusing)
        if word == "DATA" and "DATA" not in self.server.answers:
            self._say("354 go on")
            mail = self._mail()
            if self.server.answers.get(".", "250").startswith("250"):
                self.server.mails.append(mail)
            return self._say_for(".", "250 taken")
        return self._say_for(word, "250 ok")

    def _say_for(self, word: str, usual: str) -> bool:
        line = self.server.answers.get(word, usual)
        return bool(line) and self._say(line)

    def _mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    def _say(self, line: str) -> bool:
        self.wfile.write(f"{line}\r\n".encode())
        return True


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    server = MailServer()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
