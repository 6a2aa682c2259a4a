"""What the actions of the trail are called on screens."""

import ast

from core.audit.wording import ACTIONS, in_words
from tests.project import PRODUCT
from tests.services import ROOT


def recorded() -> set[str]:
    """Return the keys of the actions that the code writes, where they are written out."""
    calls = (
        node
        for room in PRODUCT
        for module in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "audit.record"
        and len(node.args) > 1
    )
    return {str(call.args[1].value) for call in calls if isinstance(call.args[1], ast.Constant)}


def test_every_action_has_a_name_for_people() -> None:
    keys = recorded()
    assert len(keys) > 40
    assert keys - set(ACTIONS) == set()


def test_an_action_of_another_version_is_shown_by_its_key() -> None:
    assert in_words("moved_somewhere") == "Moved somewhere"
