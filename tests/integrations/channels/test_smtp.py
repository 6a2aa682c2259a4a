"""What holds personal data goes to all recipients or to none, over TLS, and never twice."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.channels import smtp
from integrations.channels.smtp import Security
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Misconfigured,
    Rejected,
    TryAgain,
    Unconfirmed,
)
from tests.core.outbound import servers
from tests.mail import running_mail_server
from tests.smtp import PASSWORD, Mailbox, mail_server

SENDER = "referrals@birchwood.example"
MESSAGE = b"Subject: A referral\r\n\r\n.begins with a point\r\n..and two\r\nend\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> servers.Authority:
    return servers.authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority: servers.Authority) -> ssl.SSLContext:
    return authority.context("127.0.0.1")


@pytest.fixture
def mailbox(tls: ssl.SSLContext, authority: servers.Authority, settings: Any) -> Iterator[Mailbox]:
    settings.CA_BUNDLE = str(authority.path)
    with mail_server(tls, Security.STARTTLS) as running:
        yield running


def failure(server: smtp.Server, *to: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        smtp.send(server, SENDER, to or ("intake@partner.example",), MESSAGE)
    return caught.value


# -- What is sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_message_arrives_as_it_is_over_tls(
    security: Security, tls: ssl.SSLContext, authority: servers.Authority, settings: Any
):
    settings.CA_BUNDLE = str(authority.path)
    with mail_server(tls, security) as mailbox:
        signed_in = mailbox.server(security, username="portal", password=PASSWORD)
        reply = smtp.send(signed_in, SENDER, ["a@partner.example", "b@partner.example"], MESSAGE)
    assert mailbox.taken == [MESSAGE]
    assert mailbox.envelopes == [["a@partner.example", "b@partner.example"]]
    assert reply.code == "SMTP 250"


def test_a_connection_test_sends_nothing(mailbox: Mailbox):
    smtp.check(mailbox.server(Security.STARTTLS, username="portal", password=PASSWORD), SENDER)
    assert mailbox.commands == ["MAIL", "RSET"]


# -- All or none -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, 2])
def test_where_one_recipient_is_refused_nobody_gets_it(mailbox: Mailbox, place: int):
    to = [f"{name}@partner.example" for name in "abc"]
    mailbox.recipients[to[place]] = "550 5.1.1 no such user"
    found = failure(mailbox.server(Security.STARTTLS), *to)
    assert (type(found), found.kind) == (Rejected, ErrorKind.REFUSED)
    assert f"refused the recipient {to[place]}" in found.message
    assert "550 5.1.1 no such user" in found.message
    assert mailbox.commands[-1] == "RSET"
    assert "DATA" not in mailbox.commands
    assert mailbox.taken == []


def test_one_that_is_refused_for_good_is_quoted_before_one_that_is_for_now(mailbox: Mailbox):
    mailbox.recipients = {"a@partner.example": "450 later", "b@partner.example": "550 never"}
    found = failure(mailbox.server(Security.STARTTLS), *mailbox.recipients)
    assert isinstance(found, Rejected)
    assert "550 never" in found.message


# -- What a refusal means --------------------------------------------------------------------------

REFUSALS = [
    ("MAIL", "451 4.3.0 later", TryAgain, ErrorKind.FAILING),
    ("MAIL", "553 5.7.1 not from you", Misconfigured, ErrorKind.MISADDRESSED),
    ("MAIL", "530 5.7.0 sign in first", Misconfigured, ErrorKind.CREDENTIALS),
    ("MAIL", "552 5.3.4 too large", Rejected, ErrorKind.REFUSED),
    ("RCPT", "450 4.2.0 greylisted", TryAgain, ErrorKind.THROTTLED),
    ("RCPT", "421 4.3.2 closing", TryAgain, ErrorKind.FAILING),
    ("RCPT", "554 5.7.1 relaying denied", Rejected, ErrorKind.REFUSED),
    ("DATA", "452 4.3.1 full", TryAgain, ErrorKind.FAILING),
    ("DATA", "421 4.3.2 closing", TryAgain, ErrorKind.FAILING),
    ("DATA", "554 5.6.0 not accepted", Rejected, ErrorKind.REFUSED),
]


def test_a_refusal_states_who_must_act_and_quotes_the_server(mailbox: Mailbox):
    for command, answer, error, kind in REFUSALS:
        mailbox.answers = {command: [answer]}
        found = failure(mailbox.server(Security.STARTTLS))
        assert (type(found), found.kind) == (error, kind), (command, answer)
        assert found.exchange.code == f"SMTP {answer[:3]}"
        assert answer in found.message
        assert not found.maybe_done
    assert mailbox.taken == []


def test_a_message_that_is_too_large_is_not_even_offered(
    tls: ssl.SSLContext, authority: servers.Authority, settings: Any
):
    settings.CA_BUNDLE = str(authority.path)
    with mail_server(tls, Security.TLS, data_size_limit=20) as mailbox:
        found = failure(mailbox.server(Security.TLS))
    assert isinstance(found, Rejected)
    assert "too large" in found.message
    assert mailbox.commands == []


def test_wrong_credentials_are_an_administrators_turn_and_shown_to_nobody(mailbox: Mailbox):
    found = failure(mailbox.server(Security.STARTTLS, username="portal", password="not-this-one"))
    assert (type(found), found.kind) == (Misconfigured, ErrorKind.CREDENTIALS)
    assert "not-this-one" not in f"{found.message} {found.exchange.body} {found!r}"


# -- Where it broke decides whether it may be sent again -------------------------------------------


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
def test_what_breaks_before_the_message_is_sent_again(mailbox: Mailbox, command: str):
    mailbox.hangs_up_at = command
    found = failure(mailbox.server(Security.STARTTLS))
    assert (type(found), found.kind, found.maybe_done) == (TryAgain, ErrorKind.SILENT, False)


def test_what_breaks_after_its_end_may_have_been_taken(mailbox: Mailbox):
    mailbox.hangs_up_at = "DATA"
    found = failure(mailbox.server(Security.STARTTLS))
    assert (type(found), found.kind, found.maybe_done) == (Unconfirmed, ErrorKind.SILENT, True)
    assert mailbox.taken == [MESSAGE], "it was taken"


def test_an_answer_that_makes_no_sense_after_the_end_is_for_a_person():
    with running_mail_server() as server:
        host, port = server.server_address
        for answer in ("354 go on", "who are you"):
            server.answers = {".": answer}
            found = failure(smtp.Server(host, port, Security.NONE, "portal.example", seconds=60))
            assert (type(found), found.kind) == (Unconfirmed, ErrorKind.CONFLICT), answer


def test_a_connection_cut_within_the_message_has_brought_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = smtp.Server("127.0.0.1", listener.getsockname()[1], Security.NONE, "p", seconds=60)
        answers = iter([b"220 here", b"250 here", b"250 ok", b"250 ok", b"354 go on"])

        def cut_within() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as reply:
                for answer in answers:
                    connection.sendall(answer + b"\r\n")
                    if not answer.startswith(b"354"):
                        reply.readline()
                reply.read(100_000)  # and closed with more on its way: a reset

        thread = threading.Thread(target=cut_within)
        thread.start()
        with pytest.raises(DeliveryError) as caught:
            smtp.send(server, SENDER, ["a@partner.example"], b"x" * 40_000_000)
        thread.join()
    found = caught.value
    assert (type(found), found.kind, found.maybe_done) == (TryAgain, ErrorKind.SILENT, False)


# -- Nothing leaves in clear, or to whoever is not the server ------------------------------------


def test_a_certificate_that_nobody_trusts_or_that_has_expired_gets_nothing(
    authority: servers.Authority, settings: Any, tmp_path: Path
):
    settings.CA_BUNDLE = str(authority.path)
    stranger = servers.authority(tmp_path).context("127.0.0.1")
    for tls in (stranger, authority.context("127.0.0.1", expired=True), authority.context("else")):
        for security in (Security.STARTTLS, Security.TLS):
            with mail_server(tls, security) as mailbox:
                found = failure(mailbox.server(security))
            assert isinstance(found, Down)
            assert "certificate" in found.cause
            assert mailbox.commands == []


def test_a_server_without_starttls_gets_nothing():
    with mail_server(None, Security.NONE) as mailbox:
        found = failure(mailbox.server(Security.STARTTLS))
    assert isinstance(found, Misconfigured)
    assert "does not offer STARTTLS" in found.message
    assert mailbox.commands == []


def test_only_this_machine_is_reached_without_tls(monkeypatch: pytest.MonkeyPatch, settings: Any):
    settings.ALLOW_LOOPBACK = False
    with mail_server(None, Security.NONE) as mailbox:
        assert isinstance(failure(mailbox.server(Security.NONE)), Misconfigured)
        settings.ALLOW_LOOPBACK = True
        monkeypatch.setattr("core.outbound.streams.is_loopback", lambda _: False)
        found = failure(mailbox.server(Security.NONE))
    assert isinstance(found, Misconfigured)
    assert "without TLS" in found.message


@pytest.mark.parametrize("address", ["10.0.0.8", "169.254.169.254", "0.0.0.0"])
def test_no_address_within_is_reached(address: str):
    found = failure(smtp.Server(address, 25, Security.TLS, "portal.example", seconds=2))
    assert isinstance(found, Misconfigured)


def test_where_nobody_listens_or_greets_nothing_was_sent():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        found = failure(smtp.Server("127.0.0.1", port, Security.TLS, "portal.example"))
    assert isinstance(found, Down)
    assert found.cause == "it refused the connection"
    with running_mail_server() as server:
        server.silent = True
        host, port = server.server_address
        for security in Security:
            quiet = smtp.Server(host, port, security, "portal.example", seconds=0.3)
            assert isinstance(failure(quiet), Down), security
