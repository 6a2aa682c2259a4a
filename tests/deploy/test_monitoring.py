"""Alert rules and dashboard: each figure that they name exists, and the rules fire in time."""

import json
import re
import subprocess

import pytest
import yaml
from django.test import Client

from tests.services import ROOT

RULES = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dovetail.json").read_text())
OF_PROMETHEUS = {"up"}  # written by it for each scrape
NAME = re.compile(r"\b(?:up|(?:dovetail|process|python)_\w+)\b")


def expressions() -> dict[str, str]:
    """Return what the rules and the dashboard ask for, by alert and by panel."""
    (group,) = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    rules = {rule["alert"]: rule["expr"] for rule in group["rules"]}
    panels = {
        panel["title"]: " ".join(target["expr"] for target in panel["targets"])
        for panel in DASHBOARD["panels"]
    }
    return rules | panels


@pytest.fixture
def figures(client: Client) -> set[str]:
    """The names of what /metrics shows."""
    shown = client.get("/metrics").content.decode()
    return set(re.findall(r"^# TYPE (\w+) ", shown, re.MULTILINE)) | set(
        re.findall(r"^(\w+)[ {]", shown, re.MULTILINE)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("what", expressions())
def test_every_figure_that_is_asked_for_exists(figures: set[str], what: str):
    named = set(NAME.findall(expressions()[what]))
    assert named
    assert named - OF_PROMETHEUS <= figures


@pytest.mark.django_db
def test_every_figure_of_our_own_is_on_the_dashboard(figures: set[str]):
    ours = {name for name in figures if name.startswith("dovetail_")}
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    assert ours
    assert ours <= set(NAME.findall(shown))


@pytest.mark.programs
@pytest.mark.parametrize(
    "command", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]]
)
def test_the_rules_fire_when_they_say(command: list[str]):
    done = subprocess.run(["promtool", *command], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.programs
def test_a_rule_that_does_not_fire_is_found(tmp_path):
    rules = (
        (RULES / "alerts.yml").read_text().replace("dovetail_stalled > 0", "dovetail_stalled > 9")
    )
    (tmp_path / "alerts.yml").write_text(rules)
    (tmp_path / "alerts_test.yml").write_text((RULES / "alerts_test.yml").read_text())
    command = ["promtool", "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "DovetailStalled" in done.stdout + done.stderr
