"""The widget: on the hosts that may show it, small, with the emergency line, without cookies."""

from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.staticfiles import finders
from django.test import Client

from directory.models import Directory
from directory.pages.widget import hosts
from tests.directory import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("embedded")]

SCRIPT, FRAME = "/directory/widget.js", "/directory/embed"


@pytest.fixture
def embedded(directory):
    Directory.objects.update(embed_hosts=["www.example.org", "https://town.example.org:8443/"])


def policy(answer):
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {part.split()[0]: part.split()[1:] for part in parts}


def test_the_script_is_small_and_knows_its_hosts_and_words(client):
    Directory.objects.update(emergency={"en": "Call 9-1-1", "fr": "Faites le 9-1-1"})
    answer = client.get(SCRIPT)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    text = answer.content.decode()
    assert "__KNOWN__" not in text
    assert all(word in text for word in ("Call 9-1-1", "Faites le 9-1-1", "www.example.org"))
    assert len(answer.content) <= 25 * 1024
    assert not answer.cookies


def test_a_first_visit_takes_at_most_60_kb(client):
    make.service()
    files = [finders.find(f"directory/{name}") for name in ("pages.css", "embed.js")]
    sizes = [len(client.get(path).content) for path in (SCRIPT, FRAME)]
    sizes += [Path(path).stat().st_size for path in files]
    assert sum(sizes) <= 60 * 1024


def test_only_the_hosts_that_are_listed_may_show_the_frame(client):
    answer = client.get(FRAME)
    assert policy(answer)["frame-ancestors"] == ["www.example.org", "town.example.org:8443"]
    assert policy(answer)["script-src"] == ["'self'"]
    assert "X-Frame-Options" not in answer.headers
    assert not answer.cookies
    # Nothing else may be framed by them.
    other = client.get("/directory/")
    assert "www.example.org" not in other.headers["Content-Security-Policy"]
    assert other.headers["X-Frame-Options"] == project.X_FRAME_OPTIONS


@pytest.mark.parametrize("path", [SCRIPT, FRAME])
def test_without_hosts_there_is_no_widget(client, path):
    Directory.objects.update(embed_hosts=[])
    assert client.get(path).status_code == 404
    Directory.objects.update(embed_hosts=["www.example.org"], public="false")
    assert client.get(path).status_code == 401
    Directory.objects.all().delete()
    assert client.get(path).status_code == 404


def test_the_frame_works_without_scripts_and_has_the_emergency_line(client):
    Directory.objects.update(emergency={"en": "Call 9-1-1"})
    make.service("Food bank")
    make.service("Shelter")
    page = client.get(FRAME).content.decode()
    assert "Call 9-1-1" in page
    found = client.post(f"{FRAME}?lang=en", {"need": "bank"}).content.decode()
    assert "Food bank" in found
    assert "Shelter" not in found
    assert 'target="_self"' in found
    # The script has the line itself.
    assert "Call 9-1-1" not in client.get(f"{FRAME}?by=script").content.decode()


def test_options_stand_in_the_address_and_the_language_in_every_link(client):
    make.service({"en": "Food bank", "fr": "Banque alimentaire"})
    page = client.get(f"{FRAME}?lang=fr&need=banque").content.decode()
    assert "Banque alimentaire" in page
    assert 'lang="fr"' in page
    assert "?lang=fr" in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["example.org"], ["example.org"]),
        (["*.example.org", "http://localhost:8000"], ["*.example.org", "localhost:8000"]),
        (["a b", "x;script-src *", "", "'self'", "example.org/path"], []),
    ],
)
def test_what_a_policy_can_name(given, expected):
    assert hosts(given) == expected


@pytest.mark.parametrize("path", [FRAME, "/directory/"])
def test_a_search_needs_no_cookie_whatever_origin_a_browser_names(path):
    """A frame sends `Origin: null`, and no cookie with a token against forgery."""
    make.service("Food bank")
    strict = Client(enforce_csrf_checks=True)
    found = strict.post(f"{path}?lang=en", {"need": "bank"}, headers={"Origin": "null"})
    assert found.status_code == 200
    assert "Food bank" in found.content.decode()
