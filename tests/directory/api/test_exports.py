"""Export files by request."""

import hashlib

import pytest

from directory.exporting.formats import FORMATS
from directory.exporting.writing import write
from directory.models import Directory
from directory.views.rules import api_view
from tests.directory import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

PATH = "/api/v1/directory/exports/"


def test_each_format_is_the_file_of_the_command(client, tmp_path):
    make.phone(service=make.service({"en": "Food bank", "fr": "Banque alimentaire"}))
    for name, format in FORMATS.items():
        answer = client.get(f"{PATH}{name}?lang=fr")
        assert answer.status_code == 200
        disposition = answer.headers["Content-Disposition"]
        assert f'filename="directory-{name}-fr-' in disposition
        assert disposition.endswith(f'.{format.extension}"')
        assert answer.headers["Content-Language"] == "fr"
        assert answer.headers["Cache-Control"] == "no-cache"
        body = b"".join(answer.streaming_content)
        if format.extension == "csv":
            written = write(format, api_view(), "fr", tmp_path)
            assert hashlib.sha256(body).hexdigest() == written.sha256


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("airs-3.0", 404),  # no agency
        ("icarol-csv?lang=de", 400),
        ("icarol-csv?page=2", 400),
        ("icarol-csv?lang=", 400),
    ],
)
def test_what_cannot_be_sent(client, path, status):
    assert client.get(f"{PATH}{path}").status_code == status


def test_who_may_not_read_the_api_gets_no_file(client):
    make.service()
    assert client.get(f"{PATH}icarol-csv", headers={"Authorization": "Bearer x"}).status_code == 401
    Directory.objects.update(public="pages")
    assert client.get(f"{PATH}icarol-csv").status_code == 401
    Directory.objects.all().delete()
    assert client.get(f"{PATH}icarol-csv").status_code == 404
