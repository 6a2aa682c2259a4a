"""A mapping's parts are read once, and anew after each way of changing them."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mapping import known
from mapping.editing.exchange import export_mapping, import_mapping, install_shipped, put_back
from mapping.models import Mapping

pytestmark = pytest.mark.django_db

RULES = [{"target": "client.first_name", "from": ["registrant.first_name"]}]
TABLES = {"gender": {"F": "Female"}}


def content(*, targets: int = 1, value: str = "Female") -> dict[str, object]:
    rules = [*RULES, {"target": "client.last_name", "from": ["registrant.last_name"]}][:targets]
    tables = {"gender": {"F": value}}
    return {"name": "Ours", "destination_kind": "webhook", "rules": rules, "value_tables": tables}


def imported(**changed: object) -> Mapping:
    return import_mapping(content(**changed), None)  # type: ignore[arg-type]


def test_what_was_read_is_not_asked_for_again() -> None:
    mapping = imported()
    parts = known.parts_of(mapping)
    with CaptureQueriesContext(connection) as asked:
        assert known.parts_of(Mapping.objects.get(pk=mapping.pk)) is parts
    assert len(asked) == 1  # the mapping itself


@pytest.mark.parametrize(
    "change",
    [
        lambda: imported(targets=2),  # the editor stores by the same function
        lambda: imported(value="Woman"),
        lambda: put_back(imported(targets=2).versions.get(number=1)),
        lambda: install_shipped("webhook", {**content(targets=2), "name": "Ours"}),
    ],
    ids=["a rule", "only an entry of a table", "a restored version", "shipped"],
)
def test_each_change_is_seen_by_who_has_read_the_mapping_before(
    change: Callable[[], Mapping],
) -> None:
    known.parts_of(imported())
    change()
    now = Mapping.objects.get(name="Ours", destination_kind="webhook")
    parts = known.parts_of(now)
    assert parts.rules == now.engine_rules()
    assert parts.tables == now.engine_tables() == export_mapping(now)["value_tables"]
