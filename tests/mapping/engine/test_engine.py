"""The engine loses nothing, and says what is wrong with a rule."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.engine import engine
from mapping.engine.engine import Rule, apply
from mapping.engine.lines import lines
from mapping.source import parts
from mapping.source.labels import in_words
from mapping.source.languages import language_name
from mapping.source.provinces import province_code
from mapping.source.times import for_people, parse_date, parse_instant
from mapping.source.unreadable import CAUSES
from tests.mapping.rules import CONTEXT, TORONTO, rules_for
from tests.strategies import documents, tokens_of


def to_be_passed_on(document: Any) -> dict[parts.Path, parts.Value]:
    """What the record or its note has to say: all but what stands aside, in the summary."""
    aside = {path for line in lines(document, TORONTO) if line.aside for path in line.paths}
    return {path: value for path, value in parts.leaves(document) if path not in aside}


def everything_passed_on(outcome: engine.Outcome) -> str:
    return "\n".join([*map(str, outcome.record.values()), *map(str, outcome.note)])


# -- Nothing is lost -----------------------------------------------------------------------------


@given(st.data())
def test_every_text_of_a_document_is_in_a_field_or_in_the_note(data: st.DataObject) -> None:
    document = data.draw(documents(tokens=True, typed=False))
    outcome = apply(data.draw(rules_for(document)), document, CONTEXT)
    sent = tokens_of([*to_be_passed_on(document).values()])
    assert sent <= tokens_of(everything_passed_on(outcome))


@given(st.data())
def test_every_typed_value_is_reported_in_one_of_its_forms(data: st.DataObject) -> None:
    document = data.draw(documents())
    outcome = apply(data.draw(rules_for(document)), document, CONTEXT)
    texts = everything_passed_on(outcome)
    for path, value in to_be_passed_on(document).items():
        assert any(form in texts for form in forms_of(path, value)), path


@given(st.data())
def test_every_path_is_reported_by_a_line_or_by_a_field(data: st.DataObject) -> None:
    document = data.draw(documents())
    outcome = apply(data.draw(rules_for(document)), document, CONTEXT)
    in_note = {path for line in outcome.note for path in line.paths}
    assert outcome.lossy <= in_note
    assert outcome.unused & to_be_passed_on(document).keys() <= in_note


@given(documents(tokens=True))
def test_without_rules_the_note_states_everything(document: Any) -> None:
    outcome = apply([], document, CONTEXT)
    assert outcome.unused == {path for path, _ in parts.leaves(document)}
    assert tokens_of([*to_be_passed_on(document).values()]) <= tokens_of(
        outcome.record.get("note", "")
    )


def forms_of(path: parts.Path, value: parts.Value) -> set[str]:
    """Every form in which a record or a person would recognise the value."""
    if path[-1] == "former":
        return {"former"}
    if path[-1] == "cause":
        return {CAUSES.get(str(value), "could not be read").removeprefix("{field} ")}
    if isinstance(value, bool):
        return {str(value), "yes" if value else "no"}
    text = str(value).strip()
    forms = {text, text[:1].upper() + text[1:], for_people(text, TORONTO)}
    forms |= {language_name(text) or text, province_code(text) or text}
    forms |= phone_forms(text) | {text.replace(" ", "").replace("-", "").upper()}
    forms |= {f"{form[:3]} {form[3:]}" for form in forms if len(form) == 6}
    forms |= {"CA"} if text in ("Canada", "CAN") else set()
    if day := parse_date(text):
        forms.add(f"{day:%d/%m/}{day.year:04}")
    if instant := parse_instant(text, TORONTO):
        forms |= instant_forms(text, instant)
    if path[-1] in ("type", "form", "form_name", "label"):  # a key of a sender, in words
        forms.add(in_words(text))
    if path[-1] in ("classification", "request_status"):
        spaced = text.replace("-", " ")
        forms |= {spaced, spaced.capitalize()}
    return forms


def phone_forms(text: str) -> set[str]:
    digits = re.sub(r"\D", "", text).removeprefix("1")
    dashed = f"{digits[:3]}-{digits[3:6]}-{digits[6:10]}"
    whole = f"{dashed} ext. {digits[10:]}" if digits[10:] else dashed
    return {whole, f"+1{digits}", "+33 1 42 68 53 00", "+33142685300"} if digits[6:] else {text}


def instant_forms(text: str, instant: Any) -> set[str]:
    elsewhere = parse_instant(text, ZoneInfo("America/Vancouver"))
    return {instant.isoformat(), elsewhere.isoformat() if elsewhere else text}


def test_a_refusal_that_a_rule_takes_for_norwegian_is_in_the_note_too() -> None:
    rule = Rule("plain.0", ("routed",), (("join", {}), ("language_name", {})))
    outcome = outcome_of(rule, {"routed": False})
    assert outcome.record["plain.0"] == "Norwegian"
    assert "no" in [line.text for line in outcome.note]


# -- What a rule does ------------------------------------------------------------------------------


def outcome_of(rule: Rule, document: Any) -> engine.Outcome:
    return apply([rule], document, CONTEXT)


def test_a_rule_takes_the_first_source_that_is_not_empty() -> None:
    rule = Rule("plain.0", ("requester.phone", "registrant.phone_1"))
    document = {"requester": {"phone": "  "}, "registrant": {"phones": [{"number": "12"}]}}
    assert outcome_of(rule, document).record == {"plain.0": "12"}


def test_a_joining_rule_takes_all_sources() -> None:
    rule = Rule("plain.0", ("requester.first_name", "requester.last_name"), (("join", {}),))
    document = {"requester": {"first_name": "Harleen", "last_name": "Singh"}}
    assert outcome_of(rule, document).record == {"plain.0": "Harleen, Singh"}


def test_a_source_that_stood_back_goes_to_the_note() -> None:
    rule = Rule("plain.0", ("requester.first_name", "requester.last_name"))
    document = {"requester": {"first_name": "Harleen", "last_name": "Singh"}}
    assert outcome_of(rule, document).record["note"] == "Requester's last name: Singh"


def test_transforms_apply_in_their_order() -> None:
    uses = (("truncate", {"length": 2}), ("value_table", {"table": "gender"}))
    document = {"registrant": {"gender": "female"}}
    assert outcome_of(Rule("plain.0", ("registrant.gender",), uses), document).record == {
        "plain.0": "fe",
        "note": "Gender: female",
    }


def test_a_value_that_a_table_empties_is_kept_in_the_note() -> None:
    rule = Rule("plain.0", ("registrant.gender",), (("value_table", {"table": "gender"}),))
    record = outcome_of(rule, {"registrant": {"gender": "other"}}).record
    assert record == {"note": "Gender: other"}


def test_a_default_stands_in_for_a_value_that_is_not_there() -> None:
    rule = Rule("plain.0", ("registrant.gender",), (("default", {"value": "unknown"}),))
    assert outcome_of(rule, {}).record == {"plain.0": "unknown"}


def test_a_form_answer_is_read_by_its_key() -> None:
    document = {
        "form_answers": [
            {"key": "a", "label": "First", "value": "1"},
            {"key": "b", "label": "Second", "value": "2"},
        ]
    }
    record = outcome_of(Rule("plain.0", ("answer:b",)), document).record
    assert record == {"plain.0": "2", "note": "First: 1"}


def test_a_rule_for_the_note_opens_it() -> None:
    document = {"priority": "urgent", "service": "Counselling"}
    record = outcome_of(Rule("note", ("service",)), document).record
    assert record == {"note": "Counselling\nPriority: urgent"}


def test_what_a_rule_read_without_loss_does_not_come_twice() -> None:
    document = {"priority": "urgent"}
    rules = [
        Rule("plain.0", ("priority",), (("truncate", {"length": 2}),), 1),
        Rule("plain.1", ("priority",), (), 2),
    ]
    outcome = apply(rules, document, CONTEXT)
    assert outcome.record == {"plain.0": "ur", "plain.1": "urgent"}
    assert outcome.lossy == frozenset()


def test_a_problem_names_its_rule_and_not_the_value() -> None:
    rule = Rule("plain.0", ("registrant.phone_1",), (("phone", {}),), 4)
    outcome = outcome_of(rule, {"registrant": {"phones": [{"number": "ask Daniel"}]}})
    assert str(outcome.problems[0]).startswith("Rule 4 (plain.0): This is not a phone number")
    assert "Daniel" not in repr(outcome)


# -- Broken rules ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Rule("plain.9", ("reference",)), engine.UnknownTarget),
        (Rule("plain.0", ("registrant.shoe_size",)), engine.UnknownSource),
        (Rule("plain.0", ("answer:",)), engine.UnknownSource),
        (Rule("plain.0"), engine.UnknownSource),
        (Rule("plain.0", ("reference",), (("shout", {}),)), engine.UnknownTransform),
        (
            Rule("plain.0", ("reference",), (("phone", {}), ("join", {}))),
            engine.UnknownTransform,
        ),
        (Rule("plain.0", ("reference",), (("truncate", {}),)), engine.BadOption),
        (
            Rule("plain.0", ("reference",), (("value_table", {"table": "x"}),)),
            engine.UnknownValueTable,
        ),
    ],
)
def test_a_broken_rule_is_refused_by_name(rule: Rule, error: type[engine.MappingError]) -> None:
    with pytest.raises(error, match=re.escape(f"Rule 0 ({rule.target})")):
        outcome_of(rule, {})


def test_two_rules_for_one_target_are_refused() -> None:
    rules = [Rule("plain.0", ("reference",), (), place) for place in (1, 2)]
    with pytest.raises(engine.DoubleTarget, match=r"Rule 2 .* Rule 1 .* fills this field already"):
        apply(rules, {}, CONTEXT)
