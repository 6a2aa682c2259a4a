from pathlib import Path

import pytest
from django.core.checks import run_checks

from referrals.summary import checks
from referrals.summary.rendering.fonts import CJK, EVERYTHING, Font


def reported() -> list[str]:
    return [
        f"{error.id} {error.hint}" for error in run_checks() if error.id.startswith("referrals")
    ]


def test_this_machine_has_what_the_summary_needs() -> None:
    assert reported() == []


def test_a_missing_font_is_an_error_that_names_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = Font("Gone", CJK.package, tmp_path / "gone.ttc", None, EVERYTHING)
    monkeypatch.setattr(checks, "FONTS", (gone,))

    assert reported() == ["referrals.E001 apt-get install fonts-noto-cjk"]


def test_a_missing_library_is_an_error_that_names_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "LIBRARIES", {"libgone.so.0": "libgone0"})

    assert reported() == ["referrals.E002 apt-get install libgone0"]


def test_the_subsetting_library_is_needed() -> None:
    assert "libharfbuzz-subset0" in checks.LIBRARIES.values()
