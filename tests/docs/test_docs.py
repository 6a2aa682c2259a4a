"""The documents keep up with the code."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from mapping.source.unreadable import CAUSES
from referrals import advice
from referrals.models import Delivery, InboundEvent

ROOT = Path(__file__).resolve().parents[2]
PAGES = [p.relative_to(ROOT) for p in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", Delivery.Reason.values)
def test_the_runbook_has_a_section_for_each_reason(reason: str):
    heading = reason.replace("_", " ").capitalize()
    assert re.search(rf"^### {heading}: ", text("docs/runbook.md"), re.MULTILINE)


@pytest.mark.parametrize(
    "one", [one for one in vars(advice).values() if isinstance(one, advice.Advice)]
)
def test_the_runbook_states_what_the_screens_state(one: advice.Advice):
    assert one.what in text("docs/runbook.md")


@pytest.mark.parametrize("label", InboundEvent.Outcome.labels)
def test_the_runbook_names_each_outcome_of_an_event(label: str):
    assert str(label) in text("docs/runbook.md")


@pytest.mark.parametrize("cause", CAUSES)
def test_the_runbook_states_what_to_do_about_each_warning_of_reading(cause: str):
    assert re.search(rf"^\| [^|]*`{cause}`[^|]* \|", text("docs/runbook.md"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_documents_lead_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", text(str(page)))
    assert [link for link in links if not (ROOT / page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_that_are_named_exist(page: Path):
    named = set(re.findall(r"manage\.py ([a-z_]+)", text(str(page))))
    assert named <= set(get_commands())


def test_every_room_of_the_architecture_exists():
    rooms = re.findall(r"^\| `([a-z/]+)/` \|", text("docs/architecture.md"), re.MULTILINE)
    assert rooms
    assert [room for room in rooms if not (ROOT / room).is_dir()] == []
