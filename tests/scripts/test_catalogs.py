"""The catalogs of translations are whole: what has no French fails the check."""

import ast
import re
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


def test_no_string_is_marked_where_the_extractor_does_not_look() -> None:
    """xgettext sees no call inside an f-string: its text would stay English, and no check fail."""
    marks = re.compile(r"\b(?:_|gettext|ngettext|pgettext|gettext_lazy)\(")
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ROOT.iterdir()
        if (room / "__init__.py").exists() and room.name not in catalogs.IGNORED
        for path in room.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FormattedValue) and marks.search(ast.unparse(node.value))
    ]
    assert not hidden


def test_no_line_of_french_ends_before_a_colon_or_inside_guillemets() -> None:
    """Their space does not break, as the Office québécois de la langue française writes it."""
    po = catalogs.po(ROOT, "fr_CA").read_text()
    french = re.findall(r'^msgstr(?:\[\d\])? "(.*)"$', po, re.MULTILINE)
    assert not [text for text in french if re.search(r"« | »| :(?:\s|$|\\)", text)]


@pytest.mark.whole
def test_every_string_of_the_code_is_in_the_catalogs() -> None:
    command = [sys.executable, "-m", "scripts.catalogs", "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
