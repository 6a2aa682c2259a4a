"""Every page says what a browser may load with it: nothing inline, nothing from elsewhere."""

import pytest
from django.test import Client

from tests.people import client_of

PAGES = [
    "/account/login/",
    "/admin/",
    "/api/v1/docs",
    "/healthz",
    "/no-such-page",
    "/static/no.css",
]


@pytest.mark.parametrize("address", PAGES)
def test_every_answer_carries_the_policy(address: str, client: Client, db: None):
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Permissions-Policy"].startswith("camera=()")
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_page_of_the_api_brings_its_script_as_a_file(client: Client, db: None):
    page = client.get("/api/v1/docs").content.decode()
    assert 'src="/api/v1/docs?script=' in page
    script = client.get("/api/v1/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")


def test_the_admin_has_nothing_inline(db: None):
    page = client_of("Administrator").get("/admin/").content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("address", [*PAGES, "/hsds/3.1", "/api/v1/events", "/metrics"])
def test_trace_is_refused_and_echoes_nothing(address: str, client: Client, db: None):
    answer = client.trace(address, headers={"X-Secret": "zq-secret"})
    assert answer.status_code in (404, 405)  # where there is no directory, nothing is there
    assert b"zq-secret" not in answer.content


@pytest.mark.parametrize(
    "address",
    [
        *("/.git/HEAD", "/.git/config", "/.env", "/.hg/", "/manage.py", "/requirements.txt"),
        *(
            "/static/",
            "/static/admin/",
            "/static/../manage.py",
            "/media/",
            "/var/",
            "/static//etc/",
        ),
    ],
)
def test_no_file_of_ours_and_no_list_of_files_is_served(address: str, client: Client, db: None):
    assert client.get(address).status_code == 404


def test_no_page_but_the_public_directorys_may_be_read_by_another_site(client: Client, db: None):
    asking = {"Origin": "https://elsewhere.example"}
    for address in (*PAGES, "/api/v1/events", "/api/v1/schema"):
        assert "Access-Control-Allow-Origin" not in client.get(address, headers=asking).headers
    public = client.get("/hsds/3.1", headers=asking).headers
    assert public.get("Access-Control-Allow-Origin") in ("*", None)
    assert "Access-Control-Allow-Credentials" not in public
