"""A kind of source is added by one folder: the one that `docs/adding-a-source.md` shows.

The portal runs from a copy of the project, in which nothing else is new.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
import yaml

from tests.conftest import PROGRAMS
from tests.flow import test_a_new_kind
from tests.flow.portal import KEY, SECRET, Portal
from tests.flow.test_a_new_kind import configuration, manage
from tests.integrations.sources import web_form
from tests.project import copy_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with the folder of the documentation."""
    copy = copy_project(tmp_path / "project")
    web_form.write(copy)
    return copy


@pytest.fixture
def portal(
    request: pytest.FixtureRequest, portal_env: dict[str, str], project: Path
) -> Iterator[Portal]:
    """The copy, configured to take events of the new kind and to send to the demo destination."""
    config = project / "config.yaml"
    config.write_text(yaml.safe_dump(configured()))
    manage(project, portal_env, "apply_config", str(config))
    with ExitStack() as stack:
        made = Portal(portal_env, stack, project)
        request.node.stash[PROGRAMS] = made.programs
        made.start("web", "dispatcher")
        yield made


def configured() -> dict[str, object]:
    content = configuration(Path())
    content["sources"] = [
        {"name": "form", "kind": web_form.KIND, "basic": [{"key": KEY, "secret": SECRET}]},
        {"name": "caredove", "basic": [{"key": "other", "secret": SECRET}]},
    ]
    content["destinations"] = [{"name": "Inbox", "organization": "812", "kind": "demo"}]
    return content


def test_a_referral_of_a_kind_that_is_one_new_folder_is_imported(portal: Portal) -> None:
    for key, status in (("other", 401), (KEY, 202), (KEY, 200)):
        answer = requests.post(
            portal.url + web_form.ADDRESS, json=web_form.entry(), auth=(key, SECRET), timeout=60
        )
        assert answer.status_code == status

    assert portal.settled(web_form.NUMBER)["external_id"] == f"DEMO-{web_form.NUMBER}-referral"
    assert portal.post(json.dumps({"event_type": "x"}).encode()).status_code == 401


def test_new_kinds_of_sources_and_destinations_need_no_migration(
    portal_env: dict[str, str], project: Path
) -> None:
    test_a_new_kind.write(project)
    manage(project, portal_env, "makemigrations", "--check", "--dry-run")  # after Django's checks
