"""Each transform writes its form, and says when it does not tell everything."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.engine.transforms import TRANSFORMS, Context

CONTEXT = Context(
    ZoneInfo("America/Toronto"),
    {"gender": {"female": "F", "Male": "male", "other": "X", "*": "U"}, "strict": {"a": "b"}},
)

WHOLE, LOSSY, FLAGGED = "whole", "lossy", "flagged"

CASES = [
    ("date", {}, "1991-06-29", "1991-06-29", WHOLE),
    ("date", {"format": "DD/MM/YYYY"}, "1991-06-29", "29/06/1991", WHOLE),
    ("date", {}, "2026-03-19T02:30:00Z", "2026-03-18", LOSSY),
    ("date", {}, "1991-06", "1991-06", FLAGGED),
    ("date", {}, "2026-02-30", "2026-02-30", FLAGGED),
    ("datetime", {}, "2026-03-19T18:30:00Z", "2026-03-19T14:30:00-04:00", WHOLE),
    ("datetime", {}, "2026-01-19T18:30:00.000+00:00", "2026-01-19T13:30:00-05:00", WHOLE),
    (
        "datetime",
        {"time_zone": "America/Vancouver"},
        "2026-03-19T18:30:00Z",
        "2026-03-19T11:30:00-07:00",
        WHOLE,
    ),
    ("datetime", {}, "2026-03-19T18:30:00", "2026-03-19T18:30:00-04:00", LOSSY),
    ("datetime", {}, "2026-03-19", "2026-03-19", FLAGGED),
    ("datetime", {}, "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-12:00", FLAGGED),
    ("phone", {}, "(705) 555-0142", "705-555-0142", WHOLE),
    ("phone", {}, "1 705 555 0142 x12", "705-555-0142 ext. 12", WHOLE),
    ("phone", {}, "705-555-0142 poste 12", "705-555-0142 ext. 12", WHOLE),
    ("phone", {}, "705-555-0142 #12", "705-555-0142 ext. 12", WHOLE),
    ("phone", {}, "+33 1 42 68 53 00", "+33 1 42 68 53 00", WHOLE),
    ("phone", {}, "1-800-FLOWERS", "800-356-9377", LOSSY),
    ("phone", {}, "555-0142", "555-0142", FLAGGED),
    ("phone", {}, "ask at the desk", "ask at the desk", FLAGGED),
    ("phone", {"format": "international"}, "705-555-0142", "+1 705-555-0142", WHOLE),
    ("phone", {"format": "e164"}, "705-555-0142", "+17055550142", WHOLE),
    ("phone", {"format": "e164"}, "705-555-0142 ext 3", "+17055550142", LOSSY),
    ("postal_code", {}, "p0a1b0", "P0A 1B0", WHOLE),
    ("postal_code", {}, "H2X-1Y4", "H2X 1Y4", WHOLE),
    ("postal_code", {}, "75008", "75008", WHOLE),
    ("province", {}, "Ontario", "ON", WHOLE),
    ("province", {}, "quebec", "QC", WHOLE),
    ("province", {}, "Qc", "QC", WHOLE),
    ("province", {}, "CA-BC", "BC", WHOLE),
    ("province", {}, "Île-du-Prince-Édouard", "PE", WHOLE),
    ("province", {}, "Territoires du Nord-Ouest", "NT", WHOLE),
    ("province", {}, "N.W.T.", "NT", WHOLE),
    ("province", {}, "Terre-Neuve-et-Labrador", "NL", WHOLE),
    ("province", {}, "Labrador", "NL", LOSSY),
    ("province", {}, "ON 5", "ON 5", WHOLE),
    ("province", {}, "Bavaria", "Bavaria", WHOLE),
    ("country", {}, "Canada", "CA", WHOLE),
    ("country", {}, "CAN", "CA", WHOLE),
    ("country", {}, "Kenya", "Kenya", WHOLE),
    ("language_name", {}, "fr", "French", WHOLE),
    ("language_name", {}, "fra", "French", WHOLE),
    ("language_name", {}, "FR", "French", WHOLE),
    ("language_name", {}, "fr-CA", "French", LOSSY),
    ("language_name", {}, "iu", "Inuktitut", WHOLE),
    ("language_name", {}, "crk", "Cree (Plains)", WHOLE),
    ("language_name", {}, "moh", "Mohawk (Kanien’kéha)", WHOLE),
    ("language_name", {}, "mic", "Mi’kmaq", WHOLE),
    ("language_name", {}, "Tagalog", "Tagalog", WHOLE),
    ("language_name", {}, "Ga", "Ga", WHOLE),
    ("language_name", {}, "qqq", "qqq", FLAGGED),
    ("join", {}, ["a", " b", True], "a, b, yes", WHOLE),
    ("join", {"separator": " / "}, ["a", "b"], "a / b", WHOLE),
    ("value_table", {"table": "gender"}, " MALE ", "male", WHOLE),
    ("value_table", {"table": "gender"}, "female", "F", LOSSY),
    ("value_table", {"table": "gender"}, "agender", "U", LOSSY),
    ("value_table", {"table": "gender"}, "*", "U", LOSSY),
    ("value_table", {"table": "strict"}, "z", "z", FLAGGED),
    ("default", {"value": "none"}, None, "none", WHOLE),
    ("default", {"value": "none"}, "some", "some", WHOLE),
    ("default", {"value": "none"}, False, False, WHOLE),
    ("truncate", {"length": 4}, "abcdef", "abcd", LOSSY),
    ("truncate", {"length": 6}, "abcdef", "abcdef", WHOLE),
]


@pytest.mark.parametrize(("name", "options", "value", "written", "remark"), CASES)
def test_a_value_is_written_in_the_form_of_the_transform(
    name: str, options: dict[str, Any], value: Any, written: Any, remark: str
) -> None:
    result = TRANSFORMS[name](value, options, CONTEXT)
    assert result.value == written
    assert result.lossy == (remark == LOSSY)
    if remark == FLAGGED:
        assert result.problem


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
@given(value=st.text())
def test_no_text_makes_a_transform_fail_and_no_problem_quotes_it(name: str, value: str) -> None:
    options = {
        "value_table": {"table": "gender"},
        "default": {"value": "x"},
        "truncate": {"length": 3},
    }.get(name, {})
    result = TRANSFORMS[name]([value] if name == "join" else value, options, CONTEXT)
    assert len(value) < 4 or value not in result.problem


def test_every_transform_has_a_case() -> None:
    assert {case[0] for case in CASES} == set(TRANSFORMS)


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        ("truncate", {}, "“length” is missing."),
        ("truncate", {"length": "4"}, "“length” must be a whole number above 0."),
        ("truncate", {"length": True}, "“length” must be a whole number above 0."),
        ("truncate", {"length": 0}, "“length” must be a whole number above 0."),
        ("date", {"format": "D"}, "“format” must be one of"),
        ("datetime", {"time_zone": "Toronto"}, "“time_zone” must be a time zone"),
        ("datetime", {"time_zone": 5}, "“time_zone” must be text."),
        ("phone", {"colour": "red"}, "it has no option “colour”."),
    ],
)
def test_a_bad_option_is_named(name: str, options: dict[str, Any], fault: str) -> None:
    assert TRANSFORMS[name].faults(options)[0].startswith(fault)


def test_the_result_does_not_show_its_value_in_logs() -> None:
    assert "705" not in repr(TRANSFORMS["phone"]("705-555-0142", {}, CONTEXT))
