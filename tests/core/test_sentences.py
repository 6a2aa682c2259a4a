"""A row stores a cause and its values; people read the sentence that is made of them."""

import copy
import json
import pickle

import pytest
from django.template import Context, Template
from django.utils import translation

from core.fields import EncryptedSentenceField, EncryptedSentencesField, SentenceField
from core.text import sentences
from core.text.sentences import Cause, Sentence, join, loaded, stored
from mapping import sentences as of_mapping
from referrals import sentences as of_referrals

GREETING = Cause("test_greeting", "{name} says: {words}")
COUNTED = Cause("test_counted", "There is {count} more.", "There are {count} more.")
WITHIN = Cause("test_within", "{reason}: it is looked for.")
AGAIN = Cause("test_again", "An earlier try may have arrived")


def test_what_is_stored_is_the_cause_and_its_values_and_what_is_read_is_the_sentence() -> None:
    sentence = GREETING(name="CRMS", words="“No, {thanks}”")

    kept = stored(sentence)

    assert json.loads(kept) == [
        {"cause": "test_greeting", "values": {"name": "CRMS", "words": "“No, {thanks}”"}}
    ]
    assert loaded(kept) == sentence == "CRMS says: “No, {thanks}”"
    assert stored(loaded(kept)) == kept


@pytest.mark.parametrize(
    "text",
    ["", "An earlier version stored this.", "{braces} and [brackets]", '[{"cause": "no"}]', "�"],
)
def test_a_text_of_an_earlier_version_or_a_person_comes_back_as_it_is(text: str) -> None:
    assert loaded(stored(text)) == text
    assert loaded(text) == text


def test_a_person_cannot_write_what_would_be_taken_for_a_cause() -> None:
    forged = '[{"cause":"test_greeting","values":{"name":"x","words":"y"}}]'

    assert loaded(stored(forged)) == forged


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "There are 0 more."), (1, "There is 1 more."), (2, "There are 2 more.")],
)
def test_numbers_have_their_own_sentence(count: int, text: str) -> None:
    assert COUNTED(count=count) == text
    assert loaded(stored(COUNTED(count=count))) == text


def test_a_sentence_may_stand_within_another() -> None:
    sentence = WITHIN(reason=AGAIN())

    assert (
        sentence == loaded(stored(sentence)) == "An earlier try may have arrived: it is looked for."
    )
    assert "An earlier try" not in stored(sentence)


def test_several_are_joined_and_stay_what_they_are() -> None:
    sentence = join([GREETING(name="A", words="b."), "", "Somebody's own text.", COUNTED(count=1)])

    assert sentence == "A says: b. Somebody's own text. There is 1 more."
    assert loaded(stored(sentence)) == sentence
    kept = loaded(stored(sentence))
    assert isinstance(kept, Sentence)
    assert kept.causes == ["test_greeting", sentences.WORDS, "test_counted"]


def test_lists_are_written_with_commas_and_other_values_as_their_text() -> None:
    sentence = GREETING(name=["a", "b"], words=ValueError("c"))

    assert sentence == loaded(stored(sentence)) == "a, b says: c"


def test_a_cause_knows_its_sentence_and_its_words_of_an_earlier_version() -> None:
    assert AGAIN.made(AGAIN())
    assert AGAIN.made(loaded(stored(AGAIN())))
    assert AGAIN.made("An earlier try may have arrived")
    assert not AGAIN.made("Something else")
    assert not AGAIN.made(COUNTED(count=1))


def test_a_cause_of_a_kind_that_is_gone_is_still_named() -> None:
    assert loaded('[{"cause":"fax_was_busy","values":{}}]') == "fax was busy"


def test_no_two_causes_share_a_key() -> None:
    with pytest.raises(ValueError, match="test_again"):
        Cause("test_again", "Another sentence.")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_a_copy_keeps_its_cause(copied) -> None:  # type: ignore[no-untyped-def]
    assert stored(copied(COUNTED(count=3))) == stored(COUNTED(count=3))


def test_a_list_of_sentences_keeps_each_cause_and_whatever_else_it_holds() -> None:
    field = EncryptedSentencesField()
    given = [GREETING(name="CRMS", words="No."), "Somebody's own.", 7, None, ["nested"]]

    read = field.load(field.dump(given))

    assert read == given
    assert stored(read[0]) == stored(given[0])
    assert "CRMS says" not in field.dump(given).decode()


def test_sentences_by_name_keep_each_cause() -> None:
    field = EncryptedSentencesField()
    given = {"letter.pdf": COUNTED(count=2)}

    read = field.load(field.dump(given))

    assert read == given
    assert stored(read["letter.pdf"]) == stored(COUNTED(count=2))


@pytest.mark.parametrize("field", [SentenceField(), EncryptedSentenceField()], ids=str)
def test_a_dump_of_the_database_keeps_the_cause(field) -> None:  # type: ignore[no-untyped-def]
    assert field.to_python(stored(COUNTED(count=2))) == "There are 2 more."
    assert stored(field.to_python(stored(COUNTED(count=2)))) == stored(COUNTED(count=2))
    assert field.to_python(None) is None


def test_a_sentence_is_in_the_language_of_whoever_it_is_shown_to() -> None:
    kept = stored(of_referrals.WITHDREW_MESSAGES(count=3))
    with translation.override("fr-ca"):
        french = loaded(kept)
        assert french == "Caredove a retiré 3 messages. Supprimez-les dans la destination."
    page = Template("{{ it }}").render(Context({"it": french}))
    for shown in (str(french), f"{french}", page):
        assert shown == "Caredove withdrew 3 messages. Remove it there."


def test_a_sentence_within_another_is_in_the_same_language_and_a_quotation_stays() -> None:
    why = of_mapping.NO_TABLE(table="b")
    failed = join([of_referrals.MAPPING_FAILED(mapping="A", why=why), "Date is required."])
    with translation.override("fr-ca"):
        assert loaded(stored(failed)).replace("\xa0", " ") == (
            "La correspondance « A » ne fonctionne pas : la correspondance n’a pas de table de "
            "valeurs « b ». Date is required."
        )


def test_none_is_one_in_french_and_many_in_english() -> None:
    for count, english, french in ((0, "events", "0 événement "), (1, "event", "1 événement ")):
        sentence = of_referrals.RECEIVED(count=count, reference="1")
        assert f"{count} {english} received" in str(sentence)
        with translation.override("fr-ca"):
            assert french in str(sentence)


def test_a_cause_that_nothing_has_declared_yet_is_looked_for_once() -> None:
    loads: list[Cause] = []
    sentences.load_causes_with(
        lambda: loads.append(Cause("test_late", "{name} was declared where it is used."))
    )
    for _ in range(2):
        kept = json.dumps([{"cause": "test_late", "values": {"name": "It"}}])
        assert loaded(kept.replace(" ", "")) == "It was declared where it is used."
        assert loaded('[{"cause":"test_never_declared","values":{}}]') == "test never declared"
    assert len(loads) == 1


def test_quoted_words_have_the_quotation_marks_of_the_readers_language() -> None:
    kept = stored(GREETING(name="CRMS", words="“Name is required”."))

    with translation.override("fr-ca"):
        assert loaded(kept).endswith("«\N{NO-BREAK SPACE}Name is required\N{NO-BREAK SPACE}».")
    assert "“Name is required”." in loaded(kept)
