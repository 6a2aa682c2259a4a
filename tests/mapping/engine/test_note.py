"""A note that is too long is shortened from its longest lines; flags stay whole."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mapping.engine.engine import Context, apply
from mapping.engine.lines import ALSO_SENT, FORM, PERMISSIONS, Line
from mapping.engine.note import BEGINNING, CONTINUED, is_flag, note
from mapping.engine.targets import TargetField
from mapping.source.document import Document
from tests.mapping.rules import TORONTO

STORY = "She was first seen in spring. " * 400


def line(text: str, label: str = "Living situation", group: str = FORM) -> Line:
    return Line(label, text, frozenset(), group)


def note_of(document: Document, limit: int = 8000) -> list[str]:
    targets = (TargetField("note", "Note", takes_rest=True, max_length=limit),)
    record = apply([], document, Context(TORONTO, {}, targets)).record
    assert len(str(record["note"])) <= limit
    return str(record["note"]).splitlines()


# -- What is shortened -----------------------------------------------------------------------------


def test_a_long_answer_is_shortened_and_the_short_ones_behind_it_are_whole() -> None:
    kept_lines = note_of(
        {
            "form_answers": [
                {"key": "h", "label": "History", "value": STORY},
                {"key": "r", "label": "Risk of self-harm", "value": "HIGH"},
                {"key": "l", "label": "Living situation", "value": "Alone"},
            ],
            "priority": "stat",
            "registrant": {"phones": [{"number": "705-555-0142", "may_text": False}]},
        }
    )
    assert kept_lines[0].startswith("History: She was first seen in spring.")
    assert kept_lines[0].endswith("…")
    assert len(kept_lines[0]) > 7500
    assert kept_lines[1:] == [
        "Risk of self-harm: HIGH",
        "Living situation: Alone",
        "May text main phone: no",
        "Priority: stat",
        "Main phone: 705-555-0142",
        CONTINUED,
    ]


def test_the_longest_of_several_is_shortened_first() -> None:
    lines = [line(STORY, "History"), line("word " * 300, "Goals"), line("yes", "Smokes")]
    history, goals, smokes, _ = note("", lines, 4000).splitlines()
    assert (goals, smokes) == (f"Goals: {'word ' * 300}", "Smokes: yes")
    assert history.endswith("…")


def test_lines_of_one_length_are_shortened_alike() -> None:
    lines = [line("word " * 20, f"Question {number}") for number in range(100, 200)]
    *kept_lines, pointer = note("", lines, 8000).splitlines()
    assert pointer == CONTINUED
    assert [text[:13] for text in kept_lines] == [
        f"Question {number}:" for number in range(100, 200)
    ]
    assert all(text.endswith("…") for text in kept_lines)


def test_a_long_question_gives_room_to_its_answer() -> None:
    lines = [line("Nearly every day", "How often in the past two weeks " * 20)] * 5
    kept_lines = note("", lines, 400).splitlines()[:-1]
    assert all(text.endswith("…: Nearly every day") for text in kept_lines)


def test_where_not_all_can_begin_the_last_are_left_out() -> None:
    lines = [line("word " * 20, f"Question {number}") for number in range(1000, 2000)]
    *kept_lines, pointer = note("", lines, 500).splitlines()
    assert pointer == CONTINUED
    assert kept_lines == [f"Question {1000 + place}: word…" for place in range(len(kept_lines))]
    assert len(kept_lines) > 15


def test_what_a_rule_puts_first_is_shortened_like_any_other_line() -> None:
    first, second, _ = note(STORY, [line("Alone")], 1000).splitlines()
    assert first.startswith("She was")
    assert second == "Living situation: Alone"


@pytest.mark.parametrize("limit", [0, 1, 10, len(CONTINUED), len(CONTINUED) + 1, 60])
def test_no_limit_is_too_small(limit: int) -> None:
    assert len(note("", [line(STORY), line("HIGH", "Risk")], limit)) <= limit


def test_a_note_that_fits_stays_as_it_is() -> None:
    assert note("First", [line("Alone")], 8000) == "First\nLiving situation: Alone"
    assert note("First", [line(STORY)], None) == f"First\nLiving situation: {STORY}"


# -- Flags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Risk of self-harm", "HIGH"),
        ("Presenting problem", "Suicidal ideation with a plan"),
        ("Risque suicidaire", "élevé"),
        ("Motif", "Idées noires depuis janvier"),
        ("Automutilation", "oui"),
        ("Sécurité", "Ne pas rencontrer seule"),
        ("History", "Threatened staff with a weapon in 2024"),
        ("Home visit", "Aggressive dog"),
        ("Comportement", "Agressif envers le personnel"),
        ("Violence at home", "yes"),
        ("Allergies", "Penicillin"),
        ("Allergie", "arachides"),
        ("Urgency", "Within 24 hours"),
        ("Priorité", "P1"),
        ("Consent to contact", "no"),
        ("Messages", "Do not leave voicemail"),
        ("Téléphone", "Ne pas laisser de message sur la boîte vocale"),
        ("Other phone", "705-555-0190 (home, may text: no)"),
    ],
)
def test_a_short_line_about_risk_priority_or_permission_is_a_flag(label: str, text: str) -> None:
    assert is_flag(line(text, label))


@pytest.mark.parametrize("label", ["Flag", "Condition: Status", "Alert", "Allergy"])
def test_what_was_also_sent_of_a_clinical_kind_is_a_flag(label: str) -> None:
    assert is_flag(line("Epilepsy", label, ALSO_SENT))


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Living situation", "Alone"),
        ("Pharmacy", "Harmony Drugs"),
        ("Status", "Begun"),
        ("Ville", "Larmes"),
        ("History", f"Suicide attempt. {STORY}"),
    ],
)
def test_other_lines_and_long_ones_are_no_flags(label: str, text: str) -> None:
    assert not is_flag(line(text, label))


def test_permissions_are_flags_whatever_they_state() -> None:
    assert is_flag(line("maybe", "Phone", PERMISSIONS))


def test_flags_that_alone_exceed_the_limit_are_shortened_and_nothing_else_is_there() -> None:
    flags = [line(f"{'high ' * 40}", f"Risk {number}") for number in range(10, 20)]
    short = line("no", "May text main phone", PERMISSIONS)
    *kept_lines, pointer = note("", [*flags, line("Alone"), short], 1000).splitlines()
    assert pointer == CONTINUED
    assert [text[:8] for text in kept_lines[:-1]] == [f"Risk {number}:" for number in range(10, 20)]
    assert kept_lines[-1] == "May text main phone: no"


# -- Whatever the lines ----------------------------------------------------------------------------

_texts = st.one_of(
    st.text("ab \n", min_size=1, max_size=30),
    st.integers(1, 3000).map(lambda count: "word " * count),
    st.sampled_from(["Risk: high", "Suicidal", "Do not call", "stat", "Allergie: lait"]),
)
_lines: Any = st.lists(
    st.builds(line, _texts, st.sampled_from(["Question", "Risk", "How often? " * 30])), max_size=40
)


@given(st.sampled_from(["", "Opening", STORY]), _lines, st.integers(0, 9000))
def test_a_note_never_exceeds_its_limit(opening: str, lines: list[Line], limit: int) -> None:
    assert len(note(opening, lines, limit)) <= limit


@given(_lines, st.integers(100, 9000))
def test_flags_are_whole_wherever_they_fit(lines: list[Line], limit: int) -> None:
    flags = [str(one) for one in lines if is_flag(one)]
    assume(sum(len(flag) + 1 for flag in flags) + len(CONTINUED) <= limit)
    kept_lines = note("", lines, limit)
    for flag in flags:
        assert flag in kept_lines


@given(_lines, st.integers(100, 9000))
def test_every_line_begins_where_there_is_room_for_all_to_begin(
    lines: list[Line], limit: int
) -> None:
    needed = sum(len(str(one)) if is_flag(one) else BEGINNING for one in lines) + len(lines)
    assume(needed + len(CONTINUED) <= limit)
    kept_lines = note("", lines, limit)
    for one in lines:
        assert str(one)[:5] in kept_lines


@given(_lines, st.integers(100, 9000))
def test_no_line_is_shortened_while_a_longer_one_is_whole(lines: list[Line], limit: int) -> None:
    numbered = [line(one.text, f"{number:03}") for number, one in enumerate(lines)]
    whole = [one for one in numbered if not is_flag(one)]
    kept_lines = f"{note('', numbered, limit)}\n"
    kept = [len(str(one)) for one in whole if f"{one}\n" in kept_lines]
    cut = [
        len(str(one))
        for one in whole
        if f"{one}\n" not in kept_lines and f"{one.label}: " in kept_lines
    ]
    assert not kept or not cut or max(kept) <= min(cut)
