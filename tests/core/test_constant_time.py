"""Secrets are compared in constant time: how long it takes tells nothing of where they differ."""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.project import PRODUCT
from tests.services import ROOT

# Each function that compares something presented with something secret.
COMPARING = {
    "core/encryption/sealed.py": "_open_frame",
    "core/web/views.py": "_may_see_metrics",
    "sandbox/requests.py": "",
}
SECRET = ("secret", "password", "token", "signature", "authorization", "digest", "hash")
# What is named so and is none, or is compared with what everybody knows.
NO_SECRETS = {
    "(username, password) == (USERNAME, PASSWORD)": "of a server that the contract suite sets up",
    "given.password == PASSWORD.encode()": "of a server that the contract suite sets up",
    "entry['of'] == hashes[one]": "with which options something was proved",
    "self.search_of != hashes.get(Capability.SEARCH_FINDS, '')": "with which options it was tried",
    "len(digest) == hashlib.sha256().digest_size": "a length",
    "secret != _PLACEHOLDER": "a word of ours in place of a secret",
    "shown.get('for') == _options_digest(destination)": "for which options a key was shown",
    "compare().digest() != shown": "what a page showed",
    "hashlib.new(name, content, usedforsecurity=False).hexdigest() == digest": "a check for damage",
    "hashlib.sha256(upload.content).hexdigest() != upload.sha256": "a check for damage",
    "file.sha256 != hashlib.sha256(parsed.content).hexdigest()": "a check for another file",
    "first.body_sha256 == event.body_sha256": "a check for another body",
    "digest == work.digests.get((keys[key].table.name, keys[key].id))": "a check for another row",
    "row.sent_digest != wanted[row.pk]": "a check for another row",
    "digest == before": "a check for another answer of a supplier",
    "entry.content_hash != before[entry.pk]": "what everybody may read",
    "(member.hash, member.cut) != (found, is_cut)": "what a view shows",
}


@cache
def modules() -> dict[str, ast.Module]:
    paths = [path for room in PRODUCT for path in sorted((ROOT / room).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def comparisons(tree: ast.AST) -> Iterator[str]:
    """Yield each comparison by == or != with something that is called a secret."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        if any(isinstance(how, ast.Eq | ast.NotEq) for how in node.ops):
            sides = [node.left, *node.comparators]
            if any(is_called_a_secret(side) for side in sides):
                yield ast.unparse(node)


def is_called_a_secret(side: ast.expr) -> bool:
    names = [
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(side)
        if isinstance(node, ast.Name | ast.Attribute)
    ]
    return any(word in name.lower() for name in names for word in SECRET)


@pytest.mark.slow
def test_no_secret_is_compared_by_equality() -> None:
    found = {text for tree in modules().values() for text in comparisons(tree)}
    assert found - set(NO_SECRETS) == set()


@pytest.mark.parametrize("text", ["token == given", "given != f'Bearer {settings.METRICS_TOKEN}'"])
def test_such_a_comparison_is_seen(text: str) -> None:
    assert list(comparisons(ast.parse(text))) == [text]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "function"), COMPARING.items(), ids=COMPARING)
def test_what_is_presented_is_compared_in_constant_time(file: str, function: str) -> None:
    tree = modules()[file]
    inside = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == (function or node.name)
    ]
    calls = {
        node.func.attr
        for part in inside
        for node in ast.walk(part)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert "compare_digest" in calls
