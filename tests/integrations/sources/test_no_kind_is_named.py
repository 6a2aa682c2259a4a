"""No code outside the folder of a kind of source names the kind, or imports from it.

Words on screens, names of columns and migrations may say Caredove.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations import sources
from tests.services import ROOT

ROOMS = ("config", "core", "access", "mapping", "integrations", "referrals", "alerts", "workplace")
PACKAGE = "integrations.sources"
# A heading that people give a column of a table which they paste, and the option by which a
# destination names who answers it: words on a screen, in a configuration file, and of a column; and
# a word that no password may be made of.
WORDS = {
    ("access/signing_in/own_words.py", "caredove"),
    ("mapping/editing/pasting.py", "caredove"),
    ("integrations/configuration/parts.py", "partner"),
    ("integrations/configuration/partners.py", "partner"),
    ("integrations/configuration/transfer.py", "partner"),
    ("integrations/destinations/sql/database/tables.py", "partner"),
    ("integrations/models/sources.py", "partner"),
    ("referrals/admin/onward/whereabouts.py", "partner"),
    ("referrals/api/partner_schema.py", "partner"),
    ("referrals/delivering/building.py", "partner"),
    ("referrals/delivering/runs.py", "partner"),
    ("referrals/intake/answering.py", "partner"),
    ("referrals/record/beside.py", "partner"),
    ("workplace/directory/data_partners/pages.py", "partner"),
}


def files() -> Iterator[Path]:
    """Yield the modules of the portal that are neither migrations nor in a kind's folder."""
    folders = {ROOT / PACKAGE.replace(".", "/") / kind for kind in sources.kinds()}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in file.parts and not folders & set(file.parents):
                yield file


def names(code: str, kind: str, endpoints: set[str]) -> Iterator[str]:
    """Yield each place at which code imports from a kind's folder, or names the kind."""
    for node in ast.walk(ast.parse(code)):
        for found in _named(node, kind, endpoints):
            yield f"line {getattr(node, 'lineno', 0)}: {found}"


def _named(node: ast.AST, kind: str, endpoints: set[str]) -> Iterator[str]:
    match node:
        case ast.Import():
            modules = [alias.name for alias in node.names]
        case ast.ImportFrom():
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        case ast.Constant(value=str(text)):
            modules = re.findall(r"[\w.]+", text)
            if text.strip().lower() == kind:
                yield text
        case ast.Compare():
            modules = []
            yield from _texts([node.left, *node.comparators], endpoints)
        case ast.match_case():
            modules = []
            yield from _texts([node.pattern], endpoints)
        case _:
            modules = []
    folder = f"{PACKAGE}.{kind}"
    yield from (name for name in modules if name == folder or name.startswith(f"{folder}."))


def _texts(nodes: list[ast.expr] | list[ast.pattern], endpoints: set[str]) -> Iterator[str]:
    """Yield the names of endpoints among the operands of a comparison."""
    for part in nodes:
        for node in ast.walk(part):
            if isinstance(node, ast.Constant) and node.value in endpoints:
                yield str(node.value)


@pytest.mark.parametrize("kind", sources.kinds())
def test_no_module_names_a_kind(kind: str) -> None:
    endpoints = {endpoint.name for endpoint in sources.source_kind(kind).endpoints}
    found = {
        f"{path}: {place}"
        for file in files()
        if (path := str(file.relative_to(ROOT)))
        for place in names(file.read_text(), kind, endpoints)
        if (path, place.rpartition(": ")[2]) not in WORDS
    }

    assert found == set()


@pytest.mark.parametrize("kind", sources.kinds())
def test_no_template_asks_for_a_kind(kind: str) -> None:
    quoted = re.compile(rf"""["']{kind}["']""")
    found = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "templates").rglob("*"))
        if file.is_file() and file.suffix != ".woff2" and quoted.search(file.read_text())
    ]

    assert found == []


def test_the_whole_portal_is_looked_through() -> None:
    looked = {str(file.relative_to(ROOT)) for file in files()}
    assert {
        "referrals/intake/receiving.py",
        "integrations/sources/kind.py",
        "config/settings.py",
    } <= looked
    assert not any("caredove" in path for path in looked)


@pytest.mark.parametrize(
    "code",
    [
        "import integrations.sources.ocean",
        "import integrations.sources.ocean.links as links",
        "from integrations.sources import auth, ocean",
        "from integrations.sources.ocean import links",
        "from integrations.sources.ocean.links import without",
        "import_module('integrations.sources.ocean.links')",
        "if source.kind == 'ocean': pass",
        "match source.kind:\n    case 'ocean': pass",
        "def explain(kind='ocean'): pass",
        "KINDS = {'ocean': 1}",
        "Source.objects.filter(kind='ocean')",
        "if event.endpoint_name == 'tide': pass",
        "if event.endpoint_name in ('ebb', 'tide'): pass",
        "match event.endpoint_name:\n    case 'ebb' | 'tide': pass",
    ],
)
def test_each_form_that_can_name_a_kind_is_found(code: str) -> None:
    assert [*names(code, "ocean", {"tide"})]


@pytest.mark.parametrize(
    "code",
    [
        "from integrations.sources import auth",
        "ocean_id = models.CharField('Ocean id')",
        "say('Look in Ocean.')",
        "from integrations.sources.oceanic import links",
        "WORDS = ['tide']",
    ],
)
def test_words_and_columns_may_state_it(code: str) -> None:
    assert [*names(code, "ocean", {"tide"})] == []
