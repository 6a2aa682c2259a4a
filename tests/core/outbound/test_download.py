import gzip
import hashlib
import io

import pytest

from core.outbound import (
    AddressRefused,
    ContentRefused,
    Declined,
    NoAnswer,
    Unreachable,
    download,
)
from tests.core.outbound.servers import answering, in_chunks, serving

FILE = b"%PDF-1.7 " + b"x" * 200_000


def fetch(url, into=None, **options):
    options = {"hosts": ["127.0.0.1"], "max_bytes": 1_000_000, "total_seconds": 5, **options}
    return download(url, into if into is not None else io.BytesIO(), **options)


def site(pages, seen):
    """A server with some pages: path to (status, body, headers)."""

    def serve(peer):
        while request := peer.request():
            seen.append(request)
            status, body, headers = pages.get(request.target, (404, b"", {}))
            peer.answer(status, body, **headers)

    return serve


def test_a_file_is_written_whole_and_described():
    into = io.BytesIO()
    with serving(answering(body=FILE, Content_Type="Application/PDF; charset=x")) as server:
        found = fetch(server.url("/files/Ada%27s%20form.pdf?key=1"), into)
    assert into.getvalue() == FILE
    assert found.content_type == "application/pdf"
    assert found.size == len(FILE)
    assert found.sha256 == hashlib.sha256(FILE).hexdigest()
    assert found.filename == "Ada's form.pdf"
    assert "Ada" not in repr(found)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="form.pdf"', "form.pdf"),
        ("attachment; filename=form.pdf", "form.pdf"),
        ("attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        (r'attachment; filename="C:\\Users\\a.pdf"', "a.pdf"),
        ("attachment", "b"),
        ("", "b"),
    ],
)
def test_the_name_is_the_senders_last_segment(disposition, name):
    with serving(answering(body=b"x", Content_Disposition=disposition)) as server:
        assert fetch(server.url("/a/b")).filename == name


def test_only_hosts_on_the_list_are_asked():
    with serving(answering(body=FILE)) as server:
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is not on the list"):
            fetch(server.url(), hosts=["files.example"])
        assert server.connections == []


def test_a_host_on_the_list_must_not_lead_inside(names):
    names["files.example"] = ["169.254.169.254"]
    with pytest.raises(AddressRefused, match="not a public address"):
        fetch("https://files.example/a", hosts=["files.example"])


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (("portal", "s3cret"), "Basic cG9ydGFsOnMzY3JldA=="),
        ("t0ken", "Bearer t0ken"),
        (None, None),
    ],
)
def test_credentials_are_given_to_the_host(auth, header):
    seen = []
    with serving(site({"/a": (200, b"x", {})}, seen)) as server:
        fetch(server.url("/a"), auth=auth)
    assert seen[0].headers.get("authorization") == header


def test_credentials_follow_a_redirect_at_home_and_nowhere_else():
    home_seen, other_seen = [], []
    with serving(site({"/file": (200, FILE, {})}, other_seen)) as other:
        pages = {
            "/a": (302, b"", {"Location": "/b"}),
            "/b": (307, b"", {"Location": other.url("/file")}),
        }
        with serving(site(pages, home_seen)) as home:
            into = io.BytesIO()
            fetch(home.url("/a"), into, auth=("portal", "s3cret"))
    assert into.getvalue() == FILE
    assert all("authorization" in request.headers for request in home_seen)
    assert [request.headers.get("authorization") for request in other_seen] == [None]


def test_a_redirect_to_a_host_that_is_not_listed_is_refused():
    pages = {"/a": (302, b"", {"Location": "https://evil.example/a"})}
    with (
        serving(site(pages, [])) as server,
        pytest.raises(AddressRefused, match=r"evil\.example is not on the list"),
    ):
        fetch(server.url("/a"))


def test_a_redirect_to_a_listed_name_that_leads_inside_is_refused(names):
    names["files.example"] = ["10.0.0.5"]
    pages = {"/a": (302, b"", {"Location": "https://files.example/a"})}
    with serving(site(pages, [])) as server, pytest.raises(AddressRefused, match="not a public"):
        fetch(server.url("/a"), hosts=["127.0.0.1", "files.example"])


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "//u:p@127.0.0.1/"])
def test_a_redirect_to_something_else_is_refused(location):
    with (
        serving(site({"/a": (302, b"", {"Location": location})}, [])) as server,
        pytest.raises(AddressRefused),
    ):
        fetch(server.url("/a"))


def test_three_redirects_are_followed_and_a_fourth_is_not():
    pages = {f"/{n}": (302, b"", {"Location": f"/{n + 1}"}) for n in range(4)}
    pages["/4"] = (200, FILE, {})
    with serving(site(pages, [])) as server:
        assert fetch(server.url("/1")).size == len(FILE)
        with pytest.raises(Declined, match="too often"):
            fetch(server.url("/0"))


def test_a_redirect_to_nowhere_is_declined():
    with serving(answering(302)) as server, pytest.raises(Declined, match="nowhere"):
        fetch(server.url())


@pytest.mark.parametrize("status", [204, 401, 404, 429, 500])
def test_another_status_is_declined_and_nothing_is_written(status):
    into = io.BytesIO()
    with serving(answering(status, b"sorry")) as server, pytest.raises(Declined) as caught:
        fetch(server.url("/a?name=Ada"), into)
    assert caught.value.status == status
    assert "Ada" not in str(caught.value)
    assert into.getvalue() == b""


def test_a_file_over_the_limit_is_refused():
    with serving(answering(body=FILE)) as server:
        assert fetch(server.url(), max_bytes=len(FILE)).size == len(FILE)
        with pytest.raises(ContentRefused, match="more than"):
            fetch(server.url(), max_bytes=len(FILE) - 1)


def test_a_file_in_chunks_is_written_whole_up_to_the_limit():
    into = io.BytesIO()
    with serving(in_chunks(b"x" * 10, 10)) as server:
        assert fetch(server.url(), into, max_bytes=100).size == 100
        with pytest.raises(ContentRefused, match="more than"):
            fetch(server.url(), max_bytes=99)
    assert into.getvalue() == b"x" * 100


@pytest.mark.parametrize("piece", [b"x" * 1000, gzip.compress(bytes(1_000_000))])
def test_of_a_file_without_an_end_no_more_is_written_than_the_limit(piece):
    into = io.BytesIO()
    encoding = {} if piece[:1] == b"x" else {"Content_Encoding": "gzip"}
    with (
        serving(in_chunks(piece, **encoding)) as server,
        pytest.raises(ContentRefused, match="more than"),
    ):
        fetch(server.url(), into, max_bytes=10_000, total_seconds=60)
    assert len(into.getvalue()) <= 10_000


@pytest.mark.parametrize(
    ("content_type", "allowed"),
    [
        ("application/pdf", True),
        ("IMAGE/PNG", True),
        ("text/html; charset=utf-8", False),
        ("imagex/png", False),
        ("", False),
    ],
)
def test_only_some_types_may_be_taken(content_type, allowed):
    types = ["application/pdf", "image/*"]
    with serving(answering(body=b"x", Content_Type=content_type)) as server:
        if allowed:
            assert fetch(server.url(), content_types=types).size == 1
        else:
            with pytest.raises(ContentRefused, match="type"):
                fetch(server.url(), content_types=types)


def test_a_file_cut_short_is_not_taken_for_whole():
    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with serving(serve) as server, pytest.raises(NoAnswer):
        fetch(server.url())


def test_a_file_that_drips_ends_with_the_deadline():
    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not peer.stopped.wait(0.02):
            peer.send(b"x")

    with serving(serve) as server, pytest.raises(NoAnswer, match="time was up"):
        fetch(server.url(), total_seconds=0.4)


def test_a_full_disk_is_not_the_servers_fault():
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(28, "No space left on device")

    with serving(answering(body=FILE)) as server, pytest.raises(OSError, match="No space left"):
        fetch(server.url(), Full())


def test_a_server_that_is_away_is_unreachable():
    with pytest.raises(Unreachable):
        fetch("https://files.invalid/a", hosts=["files.invalid"])
