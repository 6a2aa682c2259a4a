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
