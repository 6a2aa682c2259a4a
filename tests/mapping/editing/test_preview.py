"""A preview shows what the engine makes, and points out what is lost, made up or passed over."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mapping.editing.preview import Preview, preview
from mapping.engine import engine
from mapping.engine.engine import Context, Rule
from mapping.engine.targets import TargetField
from mapping.source.document import Document
from mapping.source.samples import samples
from tests.mapping.rules import CONTEXT, TORONTO, rules_for
from tests.strategies import documents

PERSON: Document = {
    "registrant": {"first_name": "Mireille", "last_name": "Tremblay", "gender": "non-binary"},
    "reason": "Low mood",
}
TARGETS = (
    TargetField("name", "Name", required=True, max_length=5),
    TargetField("other", "Other"),
    TargetField("note", "Note", takes_rest=True),
)


def shown(*rules: Rule, document: Document = PERSON) -> Preview:
    tables = {"gender": {"female": "F"}, "known": {"Low mood": "mood"}}
    return preview(rules, document, Context(TORONTO, tables, TARGETS))


def remarks(target: str, *rules: Rule, **more: Any) -> list[str]:
    rows = {row.target.key: row for row in shown(*rules, **more).rows}
    return [remark.text for remark in rows[target].remarks]


@given(st.data(), documents())
def test_it_shows_exactly_what_the_engine_makes(data: st.DataObject, document: Document) -> None:
    rules = data.draw(rules_for(document))
    made = preview(rules, document, CONTEXT)
    assert made.record == engine.apply(rules, document, CONTEXT).record
    assert {row.target.key: row.value for row in made.rows if row.value is not None} == made.record


def test_a_broken_rule_is_left_out_and_the_others_still_show() -> None:
    made = shown(Rule("other", ("registrant.shoe_size",)), Rule("name", ("registrant.last_name",)))
    assert made.record["name"] == "Tremb"
    assert "other" not in made.record


def test_what_is_cut_is_pointed_out() -> None:
    assert remarks("name", Rule("name", ("registrant.first_name",))) == [
        "It is longer than 5 characters and was cut."
    ]
    cut = Rule("other", ("registrant.first_name",), (("truncate", {"length": 3}),))
    assert remarks("other", cut) == ["The text is cut here; all of it goes to the note."]


def test_a_value_that_is_not_in_the_table_is_pointed_out() -> None:
    rule = Rule("other", ("registrant.gender",), (("value_table", {"table": "gender"}),))
    assert "has no entry for this value" in remarks("other", rule)[0]


def test_a_value_that_a_table_writes_differently_is_reported_without_a_warning() -> None:
    made = shown(Rule("other", ("reason",), (("value_table", {"table": "known"}),)))
    (remark,) = made.rows[1].remarks
    assert "goes to the note, too" in remark.text
    assert not remark.warns


def test_a_default_is_pointed_out_where_something_could_have_been_sent() -> None:
    default = (("default", {"value": "none"}),)
    assert "the default is used" in remarks("other", Rule("other", ("priority",), default))[0]
    assert remarks("other", Rule("other", (), default)) == []


def test_a_source_that_is_passed_over_is_named() -> None:
    rule = Rule("other", ("registrant.first_name", "registrant.last_name"))
    assert remarks("other", rule) == [
        "Registrant – Last name has a value, too; an earlier field comes first."
    ]


def test_a_required_field_that_stays_empty_is_pointed_out() -> None:
    assert "must be filled" in remarks("name", Rule("name", ("priority",)))[0]


def test_what_no_rule_reads_is_listed_and_goes_to_the_note() -> None:
    made = shown(Rule("name", ("registrant.first_name",)))
    assert [one.source.key for one in made.unread] == [
        "reason",
        "registrant.last_name",
        "registrant.gender",
    ]
    assert "Tremblay" in str(made.record["note"])


def test_every_shipped_sample_can_be_tried() -> None:
    for sample in samples():
        assert shown(Rule("name", ("registrant.last_name",)), document=sample.document).record
