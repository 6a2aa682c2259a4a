"""The file that the documentation shows is one that can be applied."""

import re
from pathlib import Path

import pytest

from integrations import configuration
from integrations.triggers import TRIGGER_KEYS

PAGE = (Path(__file__).parents[3] / "docs" / "connecting-caredove.md").read_text()


@pytest.mark.django_db
def test_the_documented_file_is_applied_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name in re.findall(r"env:(\w+)", example):
        monkeypatch.setenv(name, "a-secret-of-the-environment")

    report = configuration.apply(example.encode())

    assert "trigger configs: 1 created" in report.lines()


def test_every_trigger_is_documented() -> None:
    assert all(f"`{key}`" in PAGE for key in TRIGGER_KEYS)
