"""What no code of the portal calls: a shell, what evaluates text, chance that can be guessed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import ROOT

ROOMS = ("access", "alerts", "config", "core", "directory", "integrations", "mapping", "referrals")
EVALUATING = {"eval", "exec", "compile", "__import__"}
UNPICKLING = {"pickle", "marshal", "shelve", "dill"}
WEAK = {"md5", "sha1", "MD5", "SHA1", "ECB", "PKCS1v15", "TripleDES", "ARC4", "Blowfish", "DES"}

ALLOWED = {
    # The standard says of a file's hash that it is SHA-1: it finds files that were cut off.
    "integrations/sources/caredove/reading/files.py": ["md5", "sha1"],
    # By how much a retry is put off: nobody gains by guessing it.
    "referrals/delivering/settling.py": ["random"],
}


def calls_in(source: str) -> Iterator[str]:
    """Yield what a source names that it should not."""
    for node in ast.walk(ast.parse(source)):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", None)
            if called in EVALUATING:
                yield f"{called}()"
            if any(word.arg == "shell" for word in node.keywords):
                yield "shell="
        if isinstance(node, ast.Attribute) and name in ("system", "popen", "getoutput"):
            yield str(name)
        if isinstance(node, ast.Attribute | ast.Name) and name in WEAK:
            yield str(name)
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.partition(".")[0] for alias in node.names}
            names.add((getattr(node, "module", "") or "").partition(".")[0])
            yield from names & (UNPICKLING | {"random"})


def sources() -> Iterator[Path]:
    for room in (*ROOMS, "workplace"):
        yield from (ROOT / room).rglob("*.py")


def test_no_code_calls_them():
    found = {}
    for path in sources():
        calls = sorted(set(calls_in(path.read_text(encoding="utf-8"))))
        if calls and path.name != "contract.py" and "migrations" not in path.parts:
            found[f"{path.relative_to(ROOT)}"] = calls
    assert found == ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        *("eval('1')", "exec(text)", "import pickle", "from random import choice"),
        *("subprocess.run(x, shell=True)", "os.system(x)", "hashlib.md5(x)", "modes.ECB()"),
    ],
)
def test_what_would_be_one_is_seen(source: str):
    assert list(calls_in(source))


def test_no_script_keeps_anything_in_the_browser():
    keeping = ("localStorage", "sessionStorage", "indexedDB", "document.cookie", "eval(")
    scripts = [path for room in (*ROOMS, "workplace") for path in (ROOT / room).rglob("*.js")]
    assert scripts
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in keeping if word in text], path
