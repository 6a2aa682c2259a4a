"""A kind of destination is added by one folder: the one that `docs/adding-a-destination.md` shows.

The portal runs from a copy of the project, in which nothing else is new.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.conftest import PROGRAMS
from tests.flow.portal import KEY, SECRET, Portal
from tests.project import copy_project
from tests.services import ROOT
from tests.world import REFERENCE, plain

FILE = re.compile(r"`(integrations/destinations/shared_folder/[\w.]+)`:\n\n```\w+\n(.*?)```", re.S)
LETTER = b"%PDF-1.4\n%%EOF\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with the folder of the documentation."""
    copy = copy_project(tmp_path / "project")
    write(copy)
    return copy


def write(project: Path) -> None:
    """Write the folder that the documentation shows into a project."""
    (project / "integrations/destinations/shared_folder").mkdir()
    for name, content in FILE.findall((ROOT / "docs/adding-a-destination.md").read_text()):
        (project / name).write_text(content)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def portal(
    request: pytest.FixtureRequest, portal_env: dict[str, str], project: Path, inbox: Path
) -> Iterator[Portal]:
    """The copy, configured to send to the new kind."""
    config = project / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(inbox)))
    manage(project, portal_env, "migrate")  # as every update does; it brings the kind's mapping
    manage(project, portal_env, "apply_config", str(config))
    with ExitStack() as stack:
        made = Portal(portal_env, stack, project)
        request.node.stash[PROGRAMS] = made.programs
        made.start("web", "dispatcher")
        yield made


def configuration(inbox: Path) -> dict[str, object]:
    return {
        "organizations": [
            {
                "id": "812",
                "name": "Birchwood Community Mental Health",
                "plan": "advanced_cbo",
                "listings": [{"id": "4417", "name": "Adult Counselling - Milltown"}],
            }
        ],
        "sources": [
            {"name": "caredove", "kind": "caredove", "basic": [{"key": KEY, "secret": SECRET}]}
        ],
        "destinations": [
            {
                "name": "Inbox",
                "organization": "812",
                "kind": "shared_folder",
                "options": {"folder": str(inbox)},
            }
        ],
        "triggers": [
            {"listing": "4417", "destination": "Inbox", "on": ["received"], "mapping": "default"}
        ],
    }


def manage(project: Path, env: dict[str, str], *command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_referral_goes_to_a_kind_that_is_one_new_folder(portal: Portal, inbox: Path):
    attachments = [{"id": "a1", "filename": "letter.pdf", "data": "JVBERi0xLjQKJSVFT0YK"}]
    portal.post(plain(attachments=attachments))
    assert portal.settled(REFERENCE)["external_id"] == f"{REFERENCE}.json"
    contents = {file.name: file.read_bytes() for file in inbox.iterdir()}
    record = json.loads(contents.pop(f"{REFERENCE}.json"))
    assert record["name"] == "Mireille Tremblay-Okafor"
    letter = f"referral-{REFERENCE}-attachment-1-{hashlib.sha256(LETTER).hexdigest()[:8]}.pdf"
    assert contents.pop(letter) == LETTER
    ((name, summary),) = contents.items()
    assert name == f"referral-{REFERENCE}-summary-{hashlib.sha256(summary).hexdigest()[:8]}.pdf"
    assert summary.startswith(b"%PDF")
