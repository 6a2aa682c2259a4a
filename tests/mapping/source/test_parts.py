"""Which of several is chosen: what is former gives way to whatever is current."""

from typing import Any

import pytest
from hypothesis import given

from mapping.source import parts
from tests.strategies import documents


def registrant(**lists: Any) -> Any:
    return {"registrant": lists}


@pytest.mark.parametrize(
    ("phones", "chosen"),
    [
        ([{"number": "1", "former": True, "rank": 1}, {"number": "2"}], (1,)),
        ([{"number": "1", "former": True}, {"number": "2"}, {"number": "3"}], (1, 2)),
        ([{"number": "1", "former": True}, {"number": "2", "former": True}], (0, 1)),
        ([{"number": "1", "former": True}, {"use": "home"}], (0,)),
        ([{"number": "1", "former": False}, {"number": "2", "former": True}], (0,)),
        ([], ()),
    ],
)
def test_a_former_phone_is_chosen_only_without_a_current_one(phones: Any, chosen: Any) -> None:
    assert parts.chosen_phones(registrant(phones=phones)) == chosen


@pytest.mark.parametrize(
    ("emails", "chosen"),
    [
        ([{"address": "a@x.org", "former": True, "rank": 1}, {"address": "b@x.org"}], 1),
        ([{"address": "a@x.org", "former": True}, {"rank": 1}], 0),
        ([{"address": "a@x.org", "former": True}], 0),
    ],
)
def test_a_former_e_mail_address_is_chosen_only_without_a_current_one(
    emails: Any, chosen: int
) -> None:
    assert parts.chosen_email(registrant(emails=emails)) == chosen


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        ([{"use": "home", "city": "Hearst", "former": True}, {"use": "work", "city": "Cobalt"}], 1),
        ([{"city": "Hearst", "former": True}, {"use": "old", "city": "Cobalt"}], 1),
        ([{"use": "home", "city": "Hearst", "former": True}, {"use": "home", "slot": "main"}], 0),
    ],
)
def test_a_former_address_is_chosen_only_without_a_current_one(addresses: Any, chosen: int) -> None:
    assert parts.chosen_address(registrant(addresses=addresses)) == chosen


def test_a_former_health_number_is_chosen_only_without_a_current_one() -> None:
    old, new = {"type": "JHN", "value": "1", "former": True}, {"type": "JHN", "value": "2"}
    assert parts.chosen_health_number(registrant(identifiers=[old, new])) == 1
    assert parts.chosen_health_number(registrant(identifiers=[old])) == 0
    assert (
        parts.chosen_health_number(registrant(identifiers=[{"type": "MR", "value": "3"}])) is None
    )


@given(documents())
def test_keys_places_and_what_is_not_former_are_no_leaves(document: Any) -> None:
    silent = {"key", "slot", "rank", "form", "form_name", "group", "path"}
    for path, value in parts.leaves(document):
        assert path[-1] not in silent
        assert path[-1] != "former" or value is True


@pytest.mark.parametrize(
    ("status", "withdrawn"),
    [("revoked", True), ("Entered-in-Error", True), ("active", False), ("", False)],
)
def test_a_request_that_is_taken_back_is_withdrawn(status: str, withdrawn: bool) -> None:
    assert parts.is_withdrawn({"request_status": status}) is withdrawn
