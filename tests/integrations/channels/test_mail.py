"""An e-mail is taken, or what the mail server says tells who must act."""

import socket
from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage, get_connection

from integrations.channels import mail
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)
from tests.mail import MailServer, running_mail_server

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running_mail_server() as running:
        yield running


def letter(address: tuple[str, int], *to: str, **given: object) -> EmailMessage:
    host, port = address
    connection = get_connection(SMTP, host=host, port=port, timeout=2, **given)
    recipients = list(to or ["ana@clinic.example"])
    return EmailMessage("Subject", "Text", "us@portal.example", recipients, connection=connection)


def failure(server: MailServer, *to: str, **given: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        mail.send(letter(server.server_address, *to, **given))
    return caught.value


def test_what_is_taken_is_sent(server: MailServer):
    mail.send(letter(server.server_address))
    (got,) = server.mails
    assert got.get_content().strip() == "Text"


@pytest.mark.parametrize(
    ("word", "answer", "error", "kind"),
    [
        ("RCPT", "450 later", TryAgain, ErrorKind.FAILING),
        ("RCPT", "550 nobody of that name", Rejected, ErrorKind.REFUSED),
        ("MAIL", "451 later", TryAgain, ErrorKind.FAILING),
        ("MAIL", "553 not from you", Misconfigured, ErrorKind.MISADDRESSED),
        ("MAIL", "530 sign in first", Misconfigured, ErrorKind.CREDENTIALS),
        ("DATA", "421 closing", TryAgain, ErrorKind.FAILING),
        ("DATA", "554 spam", Rejected, ErrorKind.REFUSED),
        (".", "452 full", TryAgain, ErrorKind.FAILING),
        (".", "552 too large", Rejected, ErrorKind.REFUSED),
        ("GREETING", "421 too many", TryAgain, ErrorKind.FAILING),
        ("GREETING", "554 no service here", Misconfigured, ErrorKind.MISADDRESSED),
    ],
)
def test_a_refusal_states_who_must_act(
    server: MailServer, word: str, answer: str, error: type[DeliveryError], kind: ErrorKind
):
    server.answers = {word: answer}
    if word == "RCPT":
        server.refusing = answer
    found = failure(server)
    assert (type(found), found.kind, found.exchange.code) == (error, kind, f"SMTP {answer[:3]}")
    assert answer[4:] in found.exchange.body
    assert server.mails == []


def test_a_refused_recipient_is_named_by_its_code_alone(server: MailServer):
    server.refusing = "550 <ana@clinic.example> is unknown"
    found = failure(server)
    assert found.message == "The mail server refused the recipient (550)."
    assert "ana@clinic.example" not in f"{found!r} {found}"


def test_credentials_that_are_not_accepted_are_an_administrators_turn(server: MailServer):
    server.answers = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 no"}
    found = failure(server, username="us", password="wrong")
    assert (type(found), found.kind) == (Misconfigured, ErrorKind.CREDENTIALS)


@pytest.mark.parametrize("given", [{"use_tls": True}, {"username": "us", "password": "secret"}])
def test_a_server_that_cannot_do_what_is_set_up_is_an_administrators_turn(
    server: MailServer, given: dict[str, object]
):
    assert isinstance(failure(server, **given), Misconfigured)


def test_where_nobody_listens_nothing_was_sent():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Down) as caught:
            mail.send(letter(taken.getsockname()))
    assert caught.value.cause == "it refused the connection"
    assert not caught.value.maybe_done


def test_a_server_that_never_greets_has_got_nothing(server: MailServer):
    server.silent = True
    assert isinstance(failure(server), Down)


def test_one_that_closes_the_connection_at_once_has_got_nothing(server: MailServer):
    server.answers = {"GREETING": ""}
    found = failure(server)
    assert isinstance(found, Down)
    assert found.cause == "it closed the connection before anything was sent"


def test_what_is_not_answered_at_its_end_may_have_been_taken(server: MailServer):
    server.answers = {".": ""}
    found = failure(server)
    assert (type(found), found.kind, found.maybe_done) == (Unconfirmed, ErrorKind.SILENT, True)


def test_what_was_taken_is_sent_however_the_server_closes(server: MailServer):
    server.answers = {"QUIT": "500 what?"}
    mail.send(letter(server.server_address))
    assert len(server.mails) == 1


def test_the_id_of_a_message_is_the_same_on_every_try(settings: object):
    settings.DEFAULT_FROM_EMAIL = "Dovetail <dovetail@portal.example>"  # type: ignore[attr-defined]
    assert mail.message_id("of-1") == mail.message_id("of-1") == "<of-1@portal.example>"
