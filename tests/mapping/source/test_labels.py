"""Labels for people: what senders call things, without keys, ids and addresses."""

import pytest
from django.utils import translation

from mapping.source import labels
from mapping.source.document import Document, Identifier


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("date_of_birth", "Date of birth"),
        ("referral.registrant.date_of_birth", "Date of birth"),
        ("patientInstruction", "Patient instruction"),
        ("Patient.contact[0].birthDate", "Birth date"),
        ("risk-level", "Risk level"),
        ("living_situation#2", "Living situation 2"),
        ("PHQ9_total", "PHQ9 total"),
        ("niveau_de_détresse", "Niveau de détresse"),
        ("What would help most?", "What would help most?"),
        ("qr-1", ""),
        ("3.2", ""),
        ("", ""),
        ("urn:uuid:0b5c8a9e-1111-2222-3333-444455556666", ""),
        ("0b5c8a9e-1111-2222-3333-444455556666", ""),
        ("https://x.example/Questionnaire/intake", ""),
        ("sha256-9f86d081884c7d65", ""),
    ],
)
def test_a_key_is_shown_as_what_it_states(key: str, words: str) -> None:
    assert labels.in_words(key) == words


@pytest.mark.parametrize(
    ("label", "key", "shown"),
    [
        ("Living situation", "living", "Living situation"),
        ("living_situation", "living_situation", "Living situation"),
        ("", "living_situation", "Living situation"),
        ("", "1.2", "Question 4"),
        ("1.2", "1.2", "Question 4"),
        ("Do you smoke?", "Do you smoke?", "Do you smoke?"),
        ("https://x.example/q/3", "3", "Question 4"),
        ("", "", "Question 4"),
    ],
)
def test_a_question_is_shown_by_its_label_else_by_what_its_key_states(
    label: str, key: str, shown: str
) -> None:
    assert labels.answer_label({"label": label, "key": key}, 4) == shown


def answers(*forms: tuple[str, str]) -> Document:
    return {
        "form_answers": [
            {"form": form, "form_name": name, "key": "1", "label": "Allergies", "value": "yes"}
            for form, name in forms
        ]
    }


@pytest.mark.parametrize(
    ("forms", "titles"),
    [
        ([("", "")], [""]),
        ([("qr-7", "")], [""]),
        ([("qr-7", "Intake")], ["Intake"]),
        ([("qr-7", "Intake"), ("qr-8", "Call")], ["Intake", "Call"]),
        ([("qr-7", "Intake"), ("qr-8", "Intake")], ["Intake", "Intake (2)"]),
        ([("qr-7", ""), ("qr-8", "")], ["Form 1", "Form 2"]),
        ([("", ""), ("qr-8", "")], ["", "Form 2"]),
        ([("qr-7", "https://x.example/Q"), ("qr-8", "Call")], ["Form 1", "Call"]),
        (
            [("https://x.example/Questionnaire/intake|1.0", ""), ("https://x.example/Q/77", "")],
            ["Intake", "Form 2"],
        ),
    ],
)
def test_forms_are_distinguished_by_name_else_by_number(
    forms: list[tuple[str, str]], titles: list[str]
) -> None:
    assert list(labels.form_titles(answers(*forms)).values()) == titles


def test_a_form_without_an_answer_has_no_title() -> None:
    unanswered: Document = {"form_answers": [{"form": "qr-7", "label": "Allergies", "value": " "}]}
    assert labels.form_titles(unanswered) == {}


@pytest.mark.parametrize(
    ("identifier", "label", "issuer"),
    [
        (
            {"type": "JHN", "system": "https://fhir.example/NamingSystem/ca-on-patient-hcn"},
            "Provincial health number",
            "Ontario",
        ),
        (
            {"type": "JHN", "system": "https://fhir.example/NamingSystem/ca-qc-patient-id"},
            "Provincial health number",
            "Quebec",
        ),
        ({"type": "MR", "system": "Milltown Hospital"}, "Medical record number",
         "Milltown Hospital"),
        ({"type": "Chart #", "system": "urn:oid:2.16.840.1.113883.4.59"}, "Chart #", ""),
        ({"system": "https://emr.example.org/referral"}, "Identifier", ""),
        ({"type": "https://x.example/type"}, "Identifier", ""),
    ],
)  # fmt: skip
def test_an_identifier_states_its_kind_and_who_gave_it(
    identifier: Identifier, label: str, issuer: str
) -> None:
    assert (labels.identifier_label(identifier), labels.issuer(identifier)) == (label, issuer)


@pytest.mark.parametrize(
    ("group", "label", "shown"),
    [
        ("Registrant", "General practitioner", "Registrant: General practitioner"),
        ("Allergy", "", "Allergy"),
        ("", "Marital status", "Marital status"),
        ("Flag", "flag", "Flag"),
        ("", "", "Also sent"),
        ("Registrant", "https://x.example/StructureDefinition/x", "Registrant"),
        ("Registrant", "marital_status", "Registrant: Marital status"),
        ("Appointment", "participant[0].actor", "Appointment: Actor"),
        ("Contact: Mother", "Preferred_time", "Contact: Mother: Preferred time"),
    ],
)
def test_what_was_also_sent_states_what_it_belongs_to(group: str, label: str, shown: str) -> None:
    assert labels.also_sent_label({"group": group, "label": label, "text": "x"}) == shown


def test_what_belongs_together_stands_together_in_the_order_of_the_message() -> None:
    groups = ["Registrant", "Allergy", "Registrant", "Flag", "Allergy"]
    document: Document = {
        "also_sent": [
            {"key": str(place), "group": group, "text": f"{place}"}
            for place, group in enumerate(groups)
        ]
    }
    texts = [part["text"] for _, part in labels.also_sent_in_order(document)]
    assert texts == ["0", "2", "1", "4", "3"]


@pytest.mark.parametrize(
    ("code", "french"),
    [("female", "féminin"), ("booked", "rendez-vous pris"), ("Two-spirit", "Two-spirit")],
)
def test_a_known_code_is_written_in_the_readers_language(code: str, french: str) -> None:
    assert labels.word(code) == code
    with translation.override("fr-ca"):
        assert labels.word(code) == french


@pytest.mark.parametrize("code", ["booked", "noshow", "entered-in-error", "on-hold", "my-own-code"])
def test_a_code_of_several_words_reads_in_english_as_it_came(code: str) -> None:
    assert labels.code(code) == code.replace("-", " ")


def test_the_status_of_an_appointment_is_written_in_the_readers_language() -> None:
    with translation.override("fr-ca"):
        assert labels.code("entered-in-error") == "saisi par erreur"
        assert labels.code("my-own-code") == "my own code"
