"""Each source field reads what its label says, and knows what it read."""

from typing import Any

import pytest
from hypothesis import given

from mapping.source import catalogue, parts
from tests.strategies import documents


@given(documents(typed=False))
def test_a_reading_expresses_only_what_is_in_the_document(document: Any) -> None:
    leaves = {path for path, _ in parts.leaves(document)}
    for field in (*catalogue.fields(), *catalogue.answers_in(document)):
        reading = field.read(document)
        assert reading.paths <= leaves, field.key
        assert reading.paths == frozenset() or reading.value is not None


def test_keys_and_labels_are_distinct() -> None:
    fields = catalogue.fields()
    assert len({field.key for field in fields}) == len(fields)
    assert len({(field.group, field.label) for field in fields}) == len(fields)


@pytest.mark.parametrize("key", ["", "answer:", "answer: ", "registrant", "registrant.phone_3"])
def test_there_is_no_field_by_another_key(key: str) -> None:
    assert catalogue.find(key) is None


def test_form_answers_are_found_by_their_key_and_shown_by_their_label() -> None:
    document: Any = {
        "form_answers": [{"key": "a b", "label": "Living situation", "value": "Alone"}]
    }
    (field,) = catalogue.answers_in(document)
    assert (field.key, field.label) == ("answer:a b", "Living situation")
    assert field.read(document) == catalogue.find("answer:a b").read(document)


def test_the_health_number_is_the_identifier_of_that_type() -> None:
    identifiers = [{"type": "MRN", "value": "1"}, {"type": "JHN", "value": "0000000000"}]
    reading = catalogue.find("registrant.health_number").read(
        {"registrant": {"identifiers": identifiers}}
    )
    assert reading.value == "0000000000"
