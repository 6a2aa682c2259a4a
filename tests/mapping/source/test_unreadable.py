"""What could not be read is named and explained."""

import pytest

from mapping.source.document import Unreadable
from mapping.source.unreadable import CAUSES, field_name, name_of, remark_on, sentence


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("referral.registrant.date_of_birth", "Date of birth"),
        ("Patient.birthDate", "Birth date"),
        ("Patient.telecom[0].rank", "Rank"),
        ("Patient.extension(https://x.example/may-text)", "Extension"),
        ("", "A value"),
    ],
)
def test_a_place_in_a_message_has_a_name(where: str, name: str) -> None:
    assert field_name(where) == name


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"path": "registrant.date_of_birth", "field": "Patient.birthDate"}, "Date of birth"),
        ({"path": "requester.phone", "field": "x"}, "Requester: Phone"),
        ({"path": "submitted_at"}, "Submitted at"),
        ({"path": "", "field": "referral.appointment.end"}, "End"),
        ({"path": "", "field": "item[3]"}, "Item"),
        ({}, "A value"),
    ],
)
def test_a_value_is_named_by_what_it_was_for_else_by_where_it_stood(
    part: Unreadable, name: str
) -> None:
    assert name_of(part) == name


@pytest.mark.parametrize("cause", [*CAUSES, "of a later version", ""])
def test_every_cause_makes_a_sentence_with_and_without_the_name(cause: str) -> None:
    for shown in (remark_on({"cause": cause}), sentence("referral.priority", cause, "x")):
        assert shown[0].isupper()
        assert shown.endswith(".")
        assert "{" not in shown


def test_a_sentence_quotes_what_came() -> None:
    shown = sentence("referral.registrant.date_of_birth", "ambiguous_date", "03/04/1991")
    assert shown == (
        "Date of birth came as “03/04/1991”, which can be read two ways: correct it in Caredove."
    )
    assert len(sentence("x.y", "not_text", "a" * 500)) < 300
