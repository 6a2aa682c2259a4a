"""From a flat record to the create body of the contract."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.destinations.crms.body import create_body
from integrations.destinations.crms.fields import TARGET_FIELDS

EXAMPLE = json.loads(
    (Path("tests/fixtures/examples/crms-create-referral.json")).read_text(encoding="utf-8")
)


def flat(body: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            record |= flat(value, f"{prefix}{key}.")
        else:
            record[f"{prefix}{key}"] = value
    return record


def test_the_example_of_the_contract_is_what_its_record_becomes() -> None:
    assert create_body("3502768696", flat(EXAMPLE), {}) == EXAMPLE


def test_the_reference_is_always_that_of_the_referral() -> None:
    body = create_body("3502768696", {"external_reference": "another"}, {})
    assert body == {"external_reference": "3502768696"}


def test_fields_go_by_the_names_that_crms_gives_them() -> None:
    names = {"client.first_name": "person.name.given", "external_reference": "ref"}
    body = create_body("7", {"client.first_name": "Ann", "client.city": "Milltown"}, names)
    assert body == {
        "person": {"name": {"given": "Ann"}},
        "client": {"city": "Milltown"},
        "ref": "7",
    }


@given(
    st.dictionaries(st.sampled_from([field.key for field in TARGET_FIELDS]), st.text(max_size=50))
)
def test_no_value_of_a_record_is_lost(record: dict[str, str]) -> None:
    expected = {**record, "external_reference": "7"}
    assert flat(create_body("7", record, {})) == expected


@pytest.mark.parametrize("field", TARGET_FIELDS, ids=lambda field: field.key)
def test_each_field_has_its_place_in_the_example(field: Any) -> None:
    assert field.key in flat(EXAMPLE)
