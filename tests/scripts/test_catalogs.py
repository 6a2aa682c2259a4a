"""The catalogs of translations are whole: what has no French fails the check."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from scripts import catalogs

pytestmark = pytest.mark.programs
ROOT = Path(settings.BASE_DIR)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogs alone, of a portal whose strings are not asked for."""
    shutil.copytree(ROOT / "locale", tmp_path / "locale")
    monkeypatch.setattr(catalogs, "ROOT", tmp_path)
    monkeypatch.setattr(catalogs, "extract", lambda root: None)
    return tmp_path


def faults() -> str:
    return "\n".join(catalogs.check())


def test_the_catalogs_are_complete_and_compiled(copy: Path) -> None:
    assert faults() == ""


def test_what_is_not_translated_or_guessed_or_not_compiled_is_named(copy: Path) -> None:
    po = catalogs.po(copy, "fr_CA")
    whole = po.read_text()
    for more, named in (
        ('msgid "A new sentence."\nmsgstr ""\n', "A new sentence."),
        ('#, fuzzy\nmsgid "An old one."\nmsgstr "Une phrase."\n', "An old one."),
        ('msgid "Not compiled."\nmsgstr "Pas compilé."\n', "the .mo is not what"),
    ):
        po.write_text(f"{whole}\n{more}")
        assert named in faults()


def test_a_translation_that_loses_a_value_does_not_compile(copy: Path) -> None:
    po = catalogs.po(copy, "fr_CA")
    wrong = '#, python-brace-format\nmsgid "{host} is slow."\nmsgstr "L’hôte est lent."\n'
    po.write_text(f"{po.read_text()}\n{wrong}")
    with pytest.raises(subprocess.CalledProcessError):
        faults()


@pytest.mark.whole
def test_every_string_of_the_code_is_in_the_catalogs() -> None:
    command = [sys.executable, "-m", "scripts.catalogs", "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
