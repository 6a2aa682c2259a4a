"""The difference between two versions is said in words."""

from copy import deepcopy
from typing import Any

from core.compare import Difference
from mapping.editing.differences import differences
from mapping.engine.targets import target_fields

CONTENT: dict[str, Any] = {
    "name": "Ours",
    "destination_kind": "crms",
    "rules": [
        {"target": "client.city", "from": ["registrant.address.city"], "transforms": []},
        {
            "target": "client.gender",
            "from": ["registrant.gender"],
            "transforms": [{"name": "value_table", "table": "gender"}],
        },
    ],
    "value_tables": {"gender": {"female": "F", "*": "U"}},
}


def changed(**parts: Any) -> list[str]:
    new = {**deepcopy(CONTENT), **parts}
    return [str(one) for one in differences(CONTENT, new, target_fields("crms"))]


def test_nothing_differs_from_itself() -> None:
    assert changed() == []


def test_a_rule_that_was_added_changed_or_removed_is_reported_with_its_field() -> None:
    city = {"target": "client.city", "from": ["registrant.address.street"], "transforms": []}
    email = {"target": "client.email", "from": ["registrant.email"], "transforms": []}
    assert changed(rules=[city, email]) == [
        "Client – Gender: removed",
        "Client – City: Registrant – City → Registrant – Street",
        "Client – E-mail: added: Registrant – E-mail",
    ]


def test_entries_are_reported_one_by_one_and_a_table_as_a_whole() -> None:
    assert changed(value_tables={"gender": {"female": "w"}, "towns": {"a": "b"}}) == [
        "Value table gender: “female”: “F” → “w”",
        "Value table gender: anything else: removed",
        "Value table towns: added: 1 entry",
    ]


def test_another_name_and_another_order_are_reported() -> None:
    lines = changed(name="Theirs", rules=CONTENT["rules"][::-1])
    assert lines == ["Name: Ours → Theirs", "Order of the rules: as it was → changed"]


def test_what_was_removed_and_what_was_added_can_be_distinguished() -> None:
    assert Difference("City", was="a").now == ""
    assert Difference("City", now="a").was == ""
