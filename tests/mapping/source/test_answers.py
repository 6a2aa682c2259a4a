"""Form answers by name: as mappings have always named them, and exactly, by their form."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.models import Organization
from mapping.editing import editor, exchange, testing
from mapping.editing.wording import field_in_words
from mapping.engine.engine import Context, Rule, apply
from mapping.engine.targets import target_fields
from mapping.models import Mapping, MappingTest
from mapping.source import catalogue
from mapping.source.document import Document
from tests.mapping.editor import opened, save, url_of
from tests.mapping.rules import CONTEXT, TORONTO
from tests.people import client_of

# A mapping as it was exported, and its test case as it was kept, before answers named their form.
BEFORE = Path(__file__).parents[2] / "fixtures" / "mappings" / "before_forms.json"
INTAKE = "https://x.example/Questionnaire/intake|1.0"

TWO_FORMS: Document = {
    "form_answers": [
        {"form": "qr-7", "form_name": "Call", "key": "1", "label": "Outcome", "value": "Reached"},
        {"form": INTAKE, "form_name": "Intake", "key": "1", "label": "Allergies", "value": "Latex"},
        {"form": "", "key": "plain", "label": "Lives with", "value": "Parents"},
    ]
}


@pytest.fixture
def before() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(BEFORE.read_text())
    return content


@pytest.fixture
def mapping(db: None, before: dict[str, Any]) -> Mapping:
    birchwood = Organization.objects.create(caredove_id="812", name="Birchwood")
    return exchange.import_mapping(before["mapping"], birchwood)


def record_of(mapping: Mapping, document: Document) -> dict[str, Any]:
    context = Context(TORONTO, mapping.engine_tables(), target_fields("crms"))
    record = dict(apply(mapping.engine_rules(), document, context).record)
    del record["referral_note"]
    return record


# -- Mappings of before ----------------------------------------------------------------------------


def test_an_exported_file_is_imported_and_exported_as_it_was(
    mapping: Mapping, before: dict[str, Any]
) -> None:
    assert exchange.export_mapping(mapping) == before["mapping"]


def test_a_kept_test_case_passes(mapping: Mapping, before: dict[str, Any]) -> None:
    MappingTest.objects.create(mapping=mapping, **before["test_case"])
    (outcome,) = testing.run_saved(mapping, target_fields("crms"))
    assert outcome.passed, outcome.differences


def test_the_same_referral_with_forms_gives_the_same_record(
    mapping: Mapping, before: dict[str, Any]
) -> None:
    document = copy.deepcopy(before["test_case"]["document"])
    for answer in document["form_answers"]:
        answer |= {"form": INTAKE, "form_name": "Intake"}
    document["form_answers"].append(
        {"form": "qr-9", "key": "1", "label": "Outcome of call", "value": "Reached"}
    )
    assert record_of(mapping, document) == before["test_case"]["expected"]


def test_a_version_is_put_back_and_works(mapping: Mapping, before: dict[str, Any]) -> None:
    version = mapping.versions.get()
    changed = copy.deepcopy(before["mapping"])
    changed["rules"][-1]["from"] = ["reason"]
    exchange.import_mapping(changed, mapping.organization)
    exchange.put_back(version)
    mapping = Mapping.objects.get(pk=mapping.pk)
    assert exchange.export_mapping(mapping) == before["mapping"]
    document = before["test_case"]["document"]
    assert record_of(mapping, document) == before["test_case"]["expected"]


def test_the_editor_shows_it_and_saves_it_unchanged(
    mapping: Mapping, before: dict[str, Any]
) -> None:
    liaison = client_of("Liaison", mapping.organization)
    page = liaison.get(url_of(mapping)).content.decode()
    assert "Form answers – living_situation" in page
    assert save(liaison, mapping, opened(liaison, mapping)).status_code == 302
    rules = {rule["target"]: rule for rule in exchange.export_mapping(mapping)["rules"]}
    assert rules == {rule["target"]: rule for rule in before["mapping"]["rules"]}


# -- Names -----------------------------------------------------------------------------------------


def value_of(source: str, document: Document = TWO_FORMS) -> Any:
    return apply([Rule("plain.0", (source,))], document, CONTEXT).record.get("plain.0")


def test_the_short_name_is_the_first_answer_with_that_key_whatever_its_form() -> None:
    assert value_of("answer:1") == "Reached"
    assert value_of("answer:plain") == "Parents"


def test_the_exact_name_is_the_answer_of_one_form() -> None:
    assert value_of(catalogue.exact_key(INTAKE, "1")) == "Latex"
    assert value_of(catalogue.exact_key("qr-7", "1")) == "Reached"
    assert value_of(catalogue.exact_key("", "plain")) == "Parents"
    assert value_of(catalogue.exact_key("", "1")) is None


def test_both_names_are_offered_and_distinguished() -> None:
    offered = {field.key: field.label for field in catalogue.answers_in(TWO_FORMS)}
    assert offered == {
        "answer:1": "Outcome",
        "form:qr-7|1": "Outcome (only of Call)",
        "form:https://x.example/Questionnaire/intake%7C1.0|1": "Allergies (only of Intake)",
        "answer:plain": "Lives with",
    }


_names = st.text(st.sampled_from("ab1 |%7C25–—-:/#é"), min_size=1, max_size=12).map(str.strip)


@given(_names, _names.filter(bool))
def test_an_exact_name_holds_any_form_and_any_key(form: str, question: str) -> None:
    key = catalogue.exact_key(form, question)
    assert catalogue.form_and_question(key) == (form, question)
    answer = {"form": form, "key": question, "value": "here"}
    assert catalogue.find(key).read({"form_answers": [answer]}).value == "here"  # type: ignore


@given(_names, _names.filter(bool))
def test_what_the_editor_shows_of_a_name_it_understands_again(form: str, question: str) -> None:
    for key in (catalogue.exact_key(form, question), f"answer:{question}"):
        assert editor.source_key(editor._source_text(key)) == key


def test_an_exact_name_is_shown_in_words() -> None:
    words = field_in_words(catalogue.exact_key(INTAKE, "1"))
    assert words == "Form answers of https://x.example/Questionnaire/intake|1.0 – 1"
    assert editor.source_key(words) == catalogue.exact_key(INTAKE, "1")


@pytest.mark.parametrize("key", ["form:", "form:|", "form:qr-7", "form:qr-7|", "form:qr-7| "])
def test_a_name_without_a_question_is_no_field(key: str) -> None:
    assert catalogue.find(key) is None


# -- Everything also sent --------------------------------------------------------------------------


def test_everything_also_sent_is_one_field_that_a_rule_can_read() -> None:
    document: Document = {
        "also_sent": [
            {"key": "a", "group": "Allergy", "label": "", "text": "Penicillin (2019)"},
            {"key": "b", "group": "Registrant", "label": "Deceased", "text": "no"},
            {"key": "c", "group": "Allergy", "label": "", "text": "Latex"},
        ]
    }
    record = apply([Rule("plain.0", ("also_sent",))], document, CONTEXT).record
    assert record == {
        "plain.0": "Allergy: Penicillin (2019)\nAllergy: Latex\nRegistrant: Deceased: no"
    }


def test_the_preview_offers_both_names_in_its_chooser() -> None:
    from workplace.mapping_preview import _questions

    texts = [question["text"] for question in _questions(TWO_FORMS)]
    assert texts[:2] == ["Form answers – 1", "Form answers of qr-7 – 1"]
    assert [editor.source_key(text) for text in texts] == [
        field.key for field in catalogue.answers_in(TWO_FORMS)
    ]
