import gzip
import io
import socket
import threading
import time
import tracemalloc

import pytest
from requests_toolbelt import MultipartEncoder

from core.outbound import (
    AddressRefused,
    Interrupted,
    NoAnswer,
    Obstacle,
    OutboundError,
    Unreachable,
    send,
    session,
)
from tests.core.outbound.servers import answering, in_chunks, serving

SOON = 0.4  # seconds: a deadline that is meant to pass


def test_an_answer_comes_back_whatever_its_status():
    with serving(answering(422, b'{"message": "no"}', Content_Type="application/json")) as server:
        answer = send("POST", server.url("/a"), data=b"{}")
    assert (answer.status, answer.body, answer.truncated) == (422, b'{"message": "no"}', False)
    assert answer.headers["content-type"] == "application/json"


def test_the_request_arrives_as_it_was_given():
    seen = []

    def serve(peer):
        seen.append(peer.request())
        peer.answer()

    with serving(serve) as server:
        send(
            "POST",
            server.url("/a"),
            params={"external_reference": "35 02"},
            headers={"Authorization": "Bearer secret"},
            data=b'{"a": 1}',
        )
    (request,) = seen
    assert request.method == "POST"
    assert request.target == "/a?external_reference=35+02"
    assert request.body == b'{"a": 1}'
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert "python" not in request.headers["user-agent"]


def test_the_environment_changes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    seen = []

    def serve(peer):
        seen.append(peer.request())
        peer.answer()

    with serving(serve) as server:
        assert send("GET", server.url()).status == 200
    assert "authorization" not in seen[0].headers


def test_cookies_are_not_kept():
    seen = []

    def serve(peer):
        while request := peer.request():
            seen.append(request)
            peer.answer(Set_Cookie="session=1; Path=/")

    with serving(serve) as server:
        send("GET", server.url())
        send("GET", server.url())
    assert "cookie" not in seen[1].headers


# -- Addresses --------------------------------------------------------------------------------


def test_loopback_is_refused_unless_allowed(settings):
    settings.ALLOW_LOOPBACK = False
    with serving(answering()) as server:
        for url in (server.url(), server.url(host="localhost")):
            with pytest.raises(AddressRefused):
                send("GET", url)
        assert send("GET", server.url(), allow_loopback=True).status == 200
        settings.ALLOW_LOOPBACK = True
        with pytest.raises(AddressRefused):
            send("GET", server.url(), allow_loopback=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_a_disguised_address_is_refused_even_where_loopback_is_allowed(host):
    with pytest.raises(AddressRefused):
        send("GET", f"http://{host}:9/")


def test_a_name_that_leads_inside_is_refused(names):
    names["crms.example"] = ["10.0.0.5"]
    with pytest.raises(AddressRefused, match=r"crms\.example leads to 10\.0\.0\.5"):
        send("GET", "https://crms.example/")


def test_one_refused_address_refuses_the_name(names, trusted, settings):
    with serving(answering(), trusted.context("crms.example")) as server:
        names["crms.example"] = ["127.0.0.1", "169.254.169.254"]
        with pytest.raises(AddressRefused):
            send("GET", server.url(host="crms.example", scheme="https"))
        assert server.connections == []


def test_a_name_is_resolved_once_so_it_cannot_change_between_check_and_connection(
    names, trusted, monkeypatch
):
    answers = iter([["127.0.0.1"], ["10.0.0.5"], ["10.0.0.5"]])
    resolved = []
    resolve = session.socket.getaddrinfo

    def rebinding(host, port, *args, **kwargs):
        resolved.append(host)
        return [row for address in next(answers) for row in resolve(address, port, *args, **kwargs)]

    monkeypatch.setattr(session.socket, "getaddrinfo", rebinding)
    with serving(answering(), trusted.context("crms.example")) as server:
        url = server.url(host="crms.example", scheme="https")
        assert send("GET", url).status == 200
        assert resolved == ["crms.example"]
        session._kept.sessions.clear()
        with pytest.raises(AddressRefused):
            send("GET", url)


def test_a_kept_connection_is_not_used_by_a_call_that_may_not_have_it():
    with serving(answering()) as server:
        assert send("GET", server.url(), allow_loopback=True).status == 200
        with pytest.raises(AddressRefused):
            send("GET", server.url(), allow_loopback=False)


def test_another_address_of_the_name_is_tried_when_one_fails(names, trusted):
    with serving(answering(), trusted.context("crms.example")) as server:
        names["crms.example"] = ["127.0.0.2", "127.0.0.1"]  # nobody listens on the first
        assert send("GET", server.url(host="crms.example", scheme="https")).status == 200


def test_a_redirect_is_an_answer_like_any_other():
    with serving(answering(302, b"x" * 100, Location="http://127.0.0.1:1/")) as server:
        answer = send("GET", server.url())
    assert (answer.status, len(answer.body)) == (302, 100)


def test_the_body_of_a_redirect_is_capped_too():
    with serving(answering(302, b"x" * 5_000_000, Location="/again")) as server:
        answer = send("GET", server.url(), max_bytes=10)
    assert (answer.body, answer.truncated) == (b"x" * 10, True)


def test_ipv6_loopback_is_reached():
    with serving(answering(), address="::1") as server:
        assert send("GET", server.url(host="[::1]")).status == 200


# -- TLS --------------------------------------------------------------------------------------


def test_tls_is_verified_for_the_name_and_not_for_the_address(names, trusted):
    names["crms.example"] = ["127.0.0.1"]
    asked = []
    context = trusted.context("crms.example")
    context.sni_callback = lambda _, name, __: asked.append(name)
    with serving(answering(), context) as server:
        assert send("GET", server.url(host="crms.example", scheme="https")).status == 200
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            send("GET", server.url(scheme="https"))
    assert asked[0] == "crms.example"


def test_a_trailing_dot_is_no_other_name(names, trusted):
    names["crms.example."] = ["127.0.0.1"]
    with serving(answering(), trusted.context("crms.example")) as server:
        assert send("GET", server.url(host="crms.example.", scheme="https")).status == 200


def test_an_unknown_authority_is_not_trusted(names, authority):
    names["crms.example"] = ["127.0.0.1"]
    with (
        serving(answering(), authority.context("crms.example")) as server,
        pytest.raises(Unreachable, match="certificate is not trusted") as caught,
    ):
        send("GET", server.url(host="crms.example", scheme="https"))
    assert not caught.value.maybe_sent
    assert caught.value.obstacle is Obstacle.CERTIFICATE


def test_an_expired_certificate_is_not_trusted(names, trusted):
    names["crms.example"] = ["127.0.0.1"]
    with (
        serving(answering(), trusted.context("crms.example", expired=True)) as server,
        pytest.raises(Unreachable, match="expired"),
    ):
        send("GET", server.url(host="crms.example", scheme="https"))


def test_a_reset_during_the_handshake_is_unreachable(names, trusted):
    names["crms.example"] = ["127.0.0.1"]
    with (
        serving(lambda peer: peer.reset()) as server,
        pytest.raises(Unreachable) as caught,
    ):
        send("GET", server.url(host="crms.example", scheme="https"))
    assert not caught.value.maybe_sent


def test_something_else_than_tls_is_unreachable(names):
    names["crms.example"] = ["127.0.0.1"]

    def serve(peer):
        peer.send(b"220 mail.example ESMTP\r\n" * 10)

    with serving(serve) as server, pytest.raises(Unreachable, match="TLS connection failed"):
        send("GET", server.url(host="crms.example", scheme="https"))


def test_a_handshake_that_never_ends_is_unreachable(names):
    names["crms.example"] = ["127.0.0.1"]
    with (
        serving(lambda peer: peer.stopped.wait()) as server,
        pytest.raises(Unreachable, match="time was up"),
    ):
        send("GET", server.url(host="crms.example", scheme="https"), connect_seconds=SOON)


# -- Nothing was sent -------------------------------------------------------------------------


def test_a_name_that_does_not_exist_is_unreachable():
    with pytest.raises(Unreachable, match=r"crms\.invalid .* name could not be resolved") as caught:
        send("POST", "https://crms.invalid/a?name=Ada", data=b"x")
    assert caught.value.obstacle is Obstacle.NAME
    assert "Ada" not in str(caught.value)


def test_a_resolver_that_never_answers_is_unreachable(monkeypatch):
    stopped = threading.Event()
    monkeypatch.setattr(session.socket, "getaddrinfo", lambda *_, **__: stopped.wait() and [])
    with pytest.raises(Unreachable, match="time was up"):
        send("GET", "https://crms.example/", connect_seconds=SOON)
    stopped.set()


def test_a_refused_connection_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="refused the connection") as caught:
        send("POST", f"http://127.0.0.1:{port}/", data=b"x")
    assert not caught.value.maybe_sent
    assert caught.value.obstacle is Obstacle.REFUSED


@pytest.mark.parametrize("value", ["a\r\nInjected: 1", "é😀"])
def test_a_header_that_cannot_be_sent_is_refused_without_repeating_it(value):
    with serving(answering()) as server, pytest.raises(OutboundError) as caught:
        send("GET", server.url(), headers={"Authorization": f"Bearer s3cret{value}"})
    assert not caught.value.maybe_sent
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


# -- Perhaps it was ---------------------------------------------------------------------------


def head_then(content: bytes):
    def serve(peer):
        peer.request()
        peer.send(content)

    return serve


def reset_after_request(peer):
    peer.request()
    peer.reset()


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(lambda peer: peer.request(), id="closed without an answer"),
        pytest.param(reset_after_request, id="reset"),
        pytest.param(head_then(b"HTTP/1.1 201 Created\r\nContent-Le"), id="closed in the head"),
        pytest.param(
            head_then(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{"),
            id="closed in the body",
        ),
        pytest.param(
            head_then(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            id="closed in a chunk",
        ),
        pytest.param(
            head_then(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nab"),
            id="a chunk without a length",
        ),
        pytest.param(head_then(b"SSH-2.0-OpenSSH\r\n\r\n"), id="not HTTP"),
        pytest.param(head_then(b"HTTP/1.1 abc\r\n\r\n"), id="no status"),
        pytest.param(head_then(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000), id="endless header"),
        pytest.param(
            head_then(b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 200 + b"\r\n"), id="too many headers"
        ),
        pytest.param(
            head_then(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
            id="not gzip",
        ),
    ],
)
def test_a_broken_answer_may_mean_that_it_was_done(serve):
    with serving(serve) as server, pytest.raises(NoAnswer) as caught:
        send("POST", server.url("/a?name=Ada"), data=b"x", total_seconds=5)
    assert caught.value.maybe_sent
    assert str(caught.value).startswith("127.0.0.1 gave no whole answer: ")
    assert "Ada" not in str(caught.value)


def dripping(start: bytes, drop: bytes):
    def serve(peer):
        peer.request()
        peer.send(start)
        while not peer.stopped.wait(0.02):
            peer.send(drop)

    return serve


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(dripping(b"", b""), id="silence"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nA: ", b"x"), id="a header"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), id="a body"),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            id="chunks",
        ),
    ],
)
@pytest.mark.parametrize("tls", [False, True])
def test_the_deadline_ends_a_slow_drip(serve, tls, trusted):
    context = trusted.context("127.0.0.1") if tls else None
    with serving(serve, context) as server, pytest.raises(NoAnswer, match="time was up"):
        send("GET", server.url(scheme="https" if tls else "http"), total_seconds=SOON)


@pytest.mark.parametrize("tls", [False, True])
def test_the_deadline_ends_an_upload_that_nobody_reads(tls, trusted):
    context = trusted.context("127.0.0.1") if tls else None
    with (
        serving(lambda peer: peer.stopped.wait(), context) as server,
        pytest.raises(NoAnswer, match="time was up"),
    ):
        send(
            "POST",
            server.url(scheme="https" if tls else "http"),
            data=io.BytesIO(bytes(30_000_000)),
            total_seconds=SOON,
        )


def test_each_call_has_its_own_deadline():
    with serving(answering()) as server:
        send("GET", server.url(), total_seconds=SOON)
        time.sleep(SOON)
        assert send("GET", server.url(), total_seconds=SOON).status == 200
        assert len(server.connections) == 1


# -- Kept connections -------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_is_kept_for_the_next_call(tls, trusted):
    context = trusted.context("127.0.0.1") if tls else None
    with serving(answering(body=b"{}"), context) as server:
        for _ in range(3):
            assert send("POST", server.url(scheme="https" if tls else "http"), data=b"x").body
        assert len(server.connections) == 1


def test_a_connection_with_an_unread_answer_is_not_kept():
    with serving(answering(body=b"x" * 1000)) as server:
        for _ in range(2):
            assert send("GET", server.url(), max_bytes=10).truncated
        assert len(server.connections) == 2


def test_a_thread_does_not_use_the_connection_of_another():
    with serving(answering()) as server:
        send("GET", server.url())
        thread = threading.Thread(target=send, args=("GET", server.url()))
        thread.start()
        thread.join()
        assert len(server.connections) == 2


def one_answer_each(requests):
    """A server that closes after each answer without saying so."""

    def serve(peer):
        requests.append(peer.request())
        peer.answer()

    return serve


def test_a_kept_connection_that_was_closed_is_replaced():
    requests = []
    with serving(one_answer_each(requests)) as server:
        for _ in range(3):
            assert send("POST", server.url(), data=b"x").status == 200
            while server.connections[-1].connection.fileno() != -1:
                time.sleep(0.01)
    assert len(requests) == 3


def test_a_connection_that_was_idle_for_long_is_replaced(monkeypatch):
    monkeypatch.setattr(session, "IDLE_SECONDS", 0)
    with serving(answering()) as server:
        for _ in range(2):
            assert send("GET", server.url()).status == 200
        assert len(server.connections) == 2


def test_a_kept_connection_that_breaks_before_the_head_is_out_sent_nothing(monkeypatch):
    requests = []

    def serve(peer):
        requests.append(peer.request())
        peer.answer()
        peer.reset()

    with serving(serve) as server:
        assert send("POST", server.url(), data=b"x").status == 200
        # The race: the reset arrives after the look whether the connection is alive.
        monkeypatch.setattr("urllib3.connectionpool.is_connection_dropped", lambda _: False)
        time.sleep(0.1)
        with pytest.raises(Interrupted) as caught:
            send("POST", server.url(), data=b"x")
    assert not caught.value.maybe_sent
    assert len(requests) == 1


@pytest.mark.parametrize("interim", [b"103 Early Hints", b"102 Processing", b"100 Continue"])
def test_an_interim_answer_is_not_taken_for_the_answer(interim):
    def serve(peer):
        for number in (1, 2):
            peer.request()
            peer.send(b"HTTP/1.1 " + interim + b"\r\nLink: </a>; rel=preload\r\n\r\n")
            peer.answer(201, b"%d" % number)

    with serving(serve) as server:
        answers = [send("POST", server.url(), data=b"x") for _ in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(201, b"1"), (201, b"2")]


def test_a_kept_connection_that_breaks_after_it_is_never_sent_again(monkeypatch):
    requests = []

    def serve(peer):
        requests.append(peer.request())
        peer.answer()
        requests.append(peer.request())

    with serving(serve) as server:
        assert send("POST", server.url(), data=b"x").status == 200
        with pytest.raises(NoAnswer):
            send("POST", server.url(), data=b"x")
    assert len(requests) == 2


# -- Sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "truncated"), [(99, False), (100, False), (101, True)])
def test_an_answer_is_cut_at_the_limit_and_shows_it(length, truncated):
    with serving(answering(body=b"x" * length)) as server:
        answer = send("GET", server.url(), max_bytes=100)
    assert len(answer.body) == min(length, 100)
    assert answer.truncated is truncated


@pytest.mark.parametrize(("times", "truncated"), [(9, False), (10, False), (11, True)])
def test_an_answer_in_chunks_is_cut_at_the_limit_too(times, truncated):
    with serving(in_chunks(b"x" * 10, times)) as server:
        answer = send("GET", server.url(), max_bytes=100)
    assert (len(answer.body), answer.truncated) == (min(times * 10, 100), truncated)


@pytest.mark.parametrize("piece", [b"x" * 1000, gzip.compress(bytes(1_000_000))])
def test_of_an_answer_without_an_end_no_more_is_read_than_the_limit(piece):
    encoding = {} if piece[:1] == b"x" else {"Content_Encoding": "gzip"}
    with serving(in_chunks(piece, **encoding)) as server:
        answer = send("GET", server.url(), max_bytes=10_000, total_seconds=60)
    assert (len(answer.body), answer.truncated) == (10_000, True)


def test_a_compressed_bomb_stays_small():
    bomb = gzip.compress(bytes(100_000_000))
    with serving(answering(body=bomb, Content_Encoding="gzip")) as server:
        tracemalloc.start()
        answer = send("GET", server.url(), max_bytes=1000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.truncated
    assert peak < 5_000_000


def test_a_compressed_answer_is_read():
    with serving(answering(body=gzip.compress(b"hello"), Content_Encoding="gzip")) as server:
        assert send("GET", server.url()).body == b"hello"


def test_a_multipart_upload_is_streamed():
    class Zeros(io.RawIOBase):
        """A large file that takes no memory."""

        def __init__(self, length):
            self.len = self.left = length

        def read(self, size=-1):
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

        def tell(self):
            return self.len - self.left

    received = []

    def serve(peer):
        total = 0
        while not peer._buffer.endswith(b"--END--\r\n"):
            total += len(peer._buffer)
            peer._buffer = peer._buffer[-200:]
            peer._receive()
        received.append(total)
        peer.answer(201, b'{"id": "AT-1"}')

    length = 25 * 1024 * 1024
    with serving(serve) as server:
        encoder = MultipartEncoder({"file": ("a.pdf", Zeros(length), "application/pdf")}, "END")
        tracemalloc.start()
        answer = send(
            "POST",
            server.url(),
            data=encoder,
            headers={"Content-Type": encoder.content_type},
            total_seconds=60,
        )
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.status == 201
    assert received[0] >= length
    assert peak < 2_500_000


def test_nothing_personal_is_shown_of_an_answer():
    with serving(answering(body=b"Ada", X_Name="Ada")) as server:
        assert "Ada" not in repr(send("GET", server.url()))
