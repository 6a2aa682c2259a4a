"""Numbers of a protocol are read where it is spoken; everywhere else they are shown, no more."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import ROOT

ROOMS = ("config", "core", "access", "mapping", "integrations", "referrals", "alerts", "workplace")
SPEAK_HTTP = (
    "core/outbound",
    "integrations/channels",
    "integrations/http",
    "integrations/destinations",
    "integrations/sources/caredove/listings.py",  # asks Caredove's listing API
    "integrations/sources/caredove/fhir/outcomes.py",  # as does the API:
    "referrals/api",  # it gives answers of its own
)
CODES = range(100, 600)


def readings(source: str) -> Iterator[int]:
    """Yield the lines where something is decided by a status code."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                if any(map(_is_status, sides)) and any(map(_has_code, sides)):
                    yield node.lineno
            case ast.BinOp(left=left, right=right):
                if _is_status(left) and _is_number(right):
                    yield node.lineno
            case (
                ast.Subscript(slice=key) | ast.Call(func=ast.Attribute(attr="get"), args=[key, *_])
            ):
                if isinstance(key, ast.Attribute) and _is_status(key):
                    yield node.lineno
            case ast.Match(subject=subject):
                if _is_status(subject):
                    yield node.lineno


def _is_status(node: ast.AST) -> bool:
    named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return "status" in named or named in ("code", "last_code")


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _has_code(node: ast.AST) -> bool:
    return any(
        (isinstance(one, ast.Constant) and (one.value in CODES or _is_shown_code(one.value)))
        or (isinstance(one, ast.Name) and one.id == "HTTPStatus")
        for one in ast.walk(node)
    )


def _is_shown_code(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("HTTP ", "SMTP "))


@pytest.mark.parametrize(
    "line",
    [
        "answer.status == 200",
        "429 == last.status_code",
        "error.status in (401, 403)",
        "error.status in range(500, 600)",
        "200 <= answer.status < 300",
        "answer.status >= HTTPStatus.BAD_REQUEST",
        "exchange.status // 100",
        "SAID[answer.status]",
        "SAID.get(answer.status, 'x')",
        "last.code == 'HTTP 503'",
    ],
)
def test_what_reads_a_number_is_found(line: str) -> None:
    assert list(readings(line))


@pytest.mark.parametrize("line", ["f'({last.code})'", "task.status == 'ready'", "size > 500"])
def test_what_reads_none_is_let_be(line: str) -> None:
    assert not list(readings(line))


def test_no_module_outside_a_transport_reads_a_number() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(SPEAK_HTTP) and "migrations" not in path.parts
        for line in readings(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_who_may_read_them_exists() -> None:
    assert [place for place in SPEAK_HTTP if not Path(ROOT / place).exists()] == []
