"""The client in the docs follows a directory."""

import io
import re
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from django.test import Client

from directory import changes
from directory.data_partners import tokens
from directory.models import Entry, Secrecy
from directory.views.agreements import KEYS
from tests.directory import agreed, make
from tests.services import ROOT

pytestmark = pytest.mark.usefixtures("directory")
DOCS = (Path(ROOT) / "docs/directory/data-partners.md").read_text()


def ask(request, timeout):
    """Answer as the portal would over HTTP."""
    parts = urlsplit(request.full_url)
    answer = Client().get(f"{parts.path}?{parts.query}", headers=dict(request.header_items()))
    if answer.status_code != 200:
        raise HTTPError(request.full_url, answer.status_code, "", None, None)
    return io.BytesIO(answer.content)


def test_the_client_of_the_docs_has_what_the_partner_sees():
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    program = {}
    exec(code, program)
    program["urlopen"] = ask
    services = [make.service(f"Service {number}") for number in range(3)]
    token = tokens.make(agreed.partner())
    copy = {}
    cursor = program["follow"]("http://testserver", token, copy)
    assert len(copy) == 6
    Entry.objects.filter(pk=services[0].pk).update(secrecy=Secrecy.YES)
    services[1].name = {"en": "Another name"}
    services[1].save()
    changes.changed([one.pk for one in services[:2]])
    program["follow"]("http://testserver", token, copy, cursor)
    names = {one["name"] for (kind, _), one in copy.items() if kind == "service"}
    assert names == {"Another name", "Service 2"}


def test_the_docs_name_each_key_of_include():
    assert [key for key in KEYS if f"`{key}`" not in DOCS] == []
