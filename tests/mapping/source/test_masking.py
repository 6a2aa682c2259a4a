"""A masked referral keeps its shape and none of its words."""

import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from mapping.source.document import Document
from mapping.source.languages import NAMES
from mapping.source.masking import masked
from mapping.source.parts import chosen_phones, leaves, value_at
from mapping.source.provinces import province_code
from mapping.source.samples import Sample, sample, samples
from tests.strategies import documents

STRUCTURE = {("form_answers", name) for name in ("form", "form_name", "key", "label")}
MASK = set("xXzZ" + string.digits + string.punctuation + string.whitespace)


def words(text: str) -> Callable[[str], bool]:
    known = set(text.split())
    return lambda given: given.strip().casefold() in known


# What may stay, and where: what a person says is in none of them. Kept apart from `masking`, which
# must not be asked whether it is right.
MAY_STAY: dict[tuple[str, ...], Callable[[str], bool]] = {
    ("request_status",): words("draft active on-hold revoked completed entered-in-error unknown"),
    ("status",): words("submitted booked closed"),
    ("priority",): words("routine urgent asap stat emergency"),
    ("substatus", "classification"): words(
        "received accepted ready in-progress on-hold completed rejected cancelled failed "
        "entered-in-error"
    ),
    ("registrant", "gender"): words("male female other unknown"),
    ("registrant", "languages", "code"): lambda given: len(given) <= 6 and given[:2].islower(),
    ("registrant", "languages", "name"): lambda given: given.strip().casefold() in LANGUAGES,
    ("registrant", "addresses", "use"): words("home work temp old billing"),
    ("registrant", "addresses", "province"): lambda given: province_code(given) is not None,
    ("registrant", "addresses", "country"): words("ca can canada us usa"),
    ("registrant", "phones", "use"): words("home mobile work"),
    ("registrant", "phones", "slot"): words("main alt"),
    ("registrant", "emails", "slot"): words("main"),
    ("registrant", "addresses", "slot"): words("main"),
    ("registrant", "identifiers", "type"): words("jhn"),
    ("appointment", "status"): words("booked pending proposed cancelled canceled entered-in-error"),
    ("form_answers", "value"): words("yes no"),
    ("messages", "side"): words("provider requester"),
    ("also_sent", "group"): lambda given: given.strip().casefold() in OUR_LABELS,
    ("also_sent", "label"): lambda given: given.strip().casefold() in OUR_LABELS,
    ("unreadable", "path"): lambda given: re.fullmatch(r"[a-z_.]+", given) is not None,
    ("unreadable", "cause"): lambda given: re.fullmatch(r"[a-z_]+", given) is not None,
    ("withdrawn", "part"): words("form_answers messages attachments also_sent"),
    ("attachments", "content_type"): words(
        "application/pdf image/png image/jpeg image/tiff text/plain"
    ),
}
OUR_LABELS = {
    "registrant", "requester", "provider", "referral", "appointment", "other appointment", "task",
    "listing", "organization", "attachment", "message", "alternate contact", "care team",
    "allergy", "condition", "medication", "observation", "report", "procedure", "immunization",
    "coverage", "consent", "flag", "family history", "goal", "device", "document", "note",
    "general practitioner", "marital status", "deceased", "pronouns", "gender identity",
    "birth place", "status", "status reason", "business status", "priority", "intent", "category",
    "description", "instructions", "patient instruction", "occurrence", "service type", "fax",
    "pager", "tty", "prefix", "suffix", "middle name", "whole name", "address", "version code",
}  # fmt: skip
LANGUAGES = {name.casefold() for name in NAMES.values()}


def may_stay(place: tuple[str, ...], text: str) -> bool:
    return place in STRUCTURE or (place in MAY_STAY and MAY_STAY[place](text))


def texts(part: Any, place: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Every text of a document, with the place where it stands."""
    if isinstance(part, dict):
        return [one for key, value in part.items() for one in texts(value, (*place, key))]
    if isinstance(part, list):
        return [one for value in part for one in texts(value, place)]
    return [(place, part)] if isinstance(part, str) else []


@given(documents(typed=False))
def test_no_text_survives_but_words_of_closed_vocabularies(document: Document) -> None:
    for (place, before), (_, after) in zip(texts(document), texts(masked(document)), strict=True):
        if before == after and before.strip():
            assert may_stay(place, before), place


@given(documents(typed=False))
def test_what_is_masked_is_made_of_the_mask_alone(document: Document) -> None:
    """Not even a part of a word is left: a name in a text is gone with the text."""
    for place, after in texts(masked(document)):
        assert may_stay(place, after) or set(after) <= MASK | set("TZ"), place


PERSON = "Mireille Tremblay"


def with_person_everywhere(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: with_person_everywhere(value) for key, value in part.items()}
    if isinstance(part, list):
        return [with_person_everywhere(value) for value in part]
    return PERSON if isinstance(part, str) else part


@given(documents(typed=False))
def test_a_person_who_is_named_where_a_closed_word_belongs_is_masked_too(
    document: Document,
) -> None:
    for place, after in texts(masked(with_person_everywhere(document))):
        assert place in STRUCTURE or not set(PERSON.split()) & set(after.split()), place


@pytest.mark.parametrize("one", samples(), ids=lambda one: one.key)
def test_of_a_sample_nothing_stays_but_closed_words(one: Sample) -> None:
    for (place, before), (_, after) in zip(
        texts(one.document), texts(masked(one.document)), strict=True
    ):
        assert before != after or not before.strip() or may_stay(place, before), place


@given(documents())
def test_what_is_not_text_stays(document: Document) -> None:
    covered = masked(document)
    for path, value in leaves(document):
        if not isinstance(value, str):
            assert value_at(covered, path) == value


def test_a_text_keeps_its_length_its_capitals_and_its_marks() -> None:
    covered = masked({"registrant": {"last_name": "Tremblay-Okafor"}, "reason": "Côté\nà 5 h!"})
    assert covered["registrant"]["last_name"] == "Xxxxxxxx-Xxxxxx"
    assert covered["reason"] == "Xxxx\nx 5 x!"


def test_a_date_of_birth_becomes_another_date() -> None:
    for born in ("1991-06-29", "2001-02-03"):
        covered = masked({"registrant": {"date_of_birth": born}})["registrant"]["date_of_birth"]
        assert covered in ("2001-02-03", "2002-03-04")
        assert covered != born


def test_an_instant_keeps_how_exact_it_is_and_its_time_zone() -> None:
    covered = masked({"submitted_at": "2026-03-09T15:21:51.5-04:00"})
    assert covered["submitted_at"] == "2001-02-03T04:05:06.0-04:00"


def test_two_phones_stay_two() -> None:
    phones = [{"number": "705-555-0142"}, {"number": "(705) 555-0177"}]
    covered = masked({"registrant": {"phones": phones}})
    assert len(chosen_phones(covered)) == 2


def test_a_mask_is_never_what_was_there() -> None:
    names = ["x", "Xx", "5", "...", "Zz 4"]
    covered = masked({"registrant": {"other_names": names}})["registrant"]["other_names"]
    assert all(before != after for before, after in zip(names, covered, strict=True))


def test_closed_words_and_the_questions_of_a_form_stay() -> None:
    document = sample("long_french").document  # type: ignore[union-attr]
    covered = masked(document)
    assert covered["registrant"]["gender"] == "female"
    assert covered["registrant"]["addresses"][0]["province"] == "Québec"
    assert covered["form_answers"][1]["label"] == "Situation de vie"
    assert covered["form_answers"][1]["value"] == "Xxxx xxxxxxxx"


def test_only_names_that_anybody_may_know_stay_of_listing_and_organization() -> None:
    document = Document(organization={"name": "Birchwood"}, listing={"name": "Counselling"})
    covered = masked(document, frozenset({"Birchwood"}))
    assert covered["organization"]["name"] == "Birchwood"
    assert covered["listing"]["name"] == "Xxxxxxxxxxx"
    person = masked({"registrant": {"last_name": "Birchwood"}}, frozenset({"Birchwood"}))
    assert person["registrant"]["last_name"] == "Xxxxxxxxx"


def test_what_was_also_sent_shows_no_word_of_a_sender() -> None:
    covered = masked(
        {
            "also_sent": [
                {"key": "k", "group": "Allergy", "label": "", "text": "Penicillin, rash (2019)"},
                {"key": "k2", "group": "Registrant", "label": "Marital status", "text": "widowed"},
                {"key": "k3", "group": "Saga's extension", "label": "Saga", "text": "Lindqvist"},
            ]
        }
    )
    assert [tuple(part.values()) for part in covered["also_sent"]] == [
        ("x", "Allergy", "", "Xxxxxxxxxx, xxxx (5555)"),
        ("x5", "Registrant", "Marital status", "xxxxxxx"),
        ("x5", "Xxxx'x xxxxxxxxx", "Xxxx", "Xxxxxxxxx"),
    ]


def test_what_could_not_be_read_shows_what_it_was_for_and_not_what_came() -> None:
    part = {
        "field": "referral.registrant.Saga",
        "path": "registrant.date_of_birth",
        "cause": "ambiguous_date",
        "text": "03/04/1991, Saga",
    }
    covered = masked({"unreadable": [part]})["unreadable"][0]  # type: ignore[typeddict-item]
    assert covered["path"] == "registrant.date_of_birth"
    assert covered["cause"] == "ambiguous_date"
    assert "Saga" not in str(covered)
    assert "03/04/1991" not in str(covered)


def test_a_form_keeps_its_name_and_masks_its_answers() -> None:
    answer = {"form": "qr-7", "form_name": "Intake", "key": "1", "label": "Name", "value": "Saga"}
    covered = masked({"form_answers": [answer]})["form_answers"][0]  # type: ignore[typeddict-item]
    assert covered == {**answer, "value": "Xxxx"}
