"""Nothing is lost in silence (rule 14): every value of a message is accounted for, truly."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.sources.account import Fate, Rule, is_empty, leaves, texts_of
from integrations.sources.caredove import fhir, plain
from integrations.sources.parsed import Unusable
from tests.cases import some
from tests.integrations.sources.caredove.messages import (
    FILES,
    bundle,
    load,
    plain_event,
    request,
)
from tests.integrations.sources.caredove.test_hostile_messages import objects, places, values

CASES = sorted(Path("tests/fixtures/cases").glob("*.json"))
MESSAGES = [
    pytest.param(message, id=f"{file.stem}-{number}")
    for file in (*FILES, *CASES)
    for content in [json.loads(file.read_bytes())]
    for number, message in enumerate(content if isinstance(content, list) else [content])
]
# Used in another form than as their words: a state, a kind, a file, a flag, a time.
TRANSFORMED = re.compile(
    r"(?:\.|^)(?:event_type|event|eventCoding|reason|code|status|businessStatus|gender|data|url|"
    r"contentType|content_type|size|hash|sha1|sha256|md5|creation|lastModified|authoredOn|"
    r"timestamp|last_updated|lastUpdated|occurred_at|start|end|birthDate|date_of_birth|at|sent|"
    r"received|time|may_text|may_email|submitted_at|content|id|filename|title|valueString|valueQuantity)(?:\.|$)"
)


def words(text) -> set[str]:
    return set(re.findall(r"\w+", str(text).casefold()))


def account_of(message):
    """Return the account of a message; reading it without one must come to the same."""
    endpoint, body = fhir if "resourceType" in message else plain, json.dumps(message).encode()
    event, entries = endpoint.account(body)
    assert endpoint.parse(body) == event
    return event, entries


def check(message) -> None:
    """Every leaf has one fate, and what is claimed of it stands in the result."""
    event, entries = account_of(message)
    assert [entry.path for entry in entries] == [path for path, _, _, _ in leaves(message)]
    also_sent = words(" ".join(texts_of(event.document.get("also_sent", []))))
    kept = words(" ".join(texts_of(event.document.get("unreadable", []))))
    envelope = [event.code, *event.references, event.organization_id, event.listing_id]
    used = words(" ".join([*texts_of(event.document), *envelope, fhir_id(message)]))
    for entry in entries:
        path = ".".join(map(str, entry.path))
        if is_empty(entry.value):
            assert entry.fate is Fate.LEFT_OUT, path
        elif isinstance(entry.value, str) and not re.search("[<&]", entry.value):
            sent_words = words(entry.value)
            if entry.fate is Fate.ALSO_SENT:
                assert sent_words <= also_sent, path
            elif entry.fate is Fate.UNREADABLE:
                assert sent_words <= kept or len(entry.value) > 200, path
            elif entry.fate is Fate.USED and not TRANSFORMED.search(path):
                assert sent_words - {"tel", "mailto", "dr", "md", "jr"} <= used, path


def fhir_id(message) -> str:
    headers = [e.get("resource", {}) for e in message.get("entry", []) if isinstance(e, dict)]
    ids = [r.get("id") for r in headers if isinstance(r, dict)]
    return " ".join(map(str, [message.get("event_id"), message.get("id"), *ids]))


@pytest.mark.parametrize("message", MESSAGES)
def test_every_value_of_a_message_is_accounted_for(message):
    check(message)


@pytest.mark.slow
@pytest.mark.parametrize("file", some(FILES), ids=lambda file: file.stem)
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_a_message_holds_beside_is_accounted_for(file, data):
    message, beside = json.loads(file.read_bytes()), []
    for _ in range(data.draw(st.integers(1, 3))):
        containers = [place for place in places(message) if isinstance(at(message, place), dict)]
        place = data.draw(st.sampled_from(containers))
        holder = at(message, place)
        if holder and data.draw(st.booleans()):  # perhaps what the rest depends on
            del holder[data.draw(st.sampled_from(sorted(holder)))]
        key = data.draw(st.text("abcdefghijklmnopqrstuvwxyzABC_", min_size=3, max_size=12))
        if key not in holder:
            holder[key] = data.draw(values | objects)
            beside.append((*place, key))
    try:
        account_of(message)
    except Unusable:
        return
    check_fates(message, beside)


def check_fates(message, beside) -> None:
    """What is told is there, and nothing of what stands `beside` is taken for an empty shell."""
    event, entries = account_of(message)
    also_sent = words(" ".join(texts_of(event.document.get("also_sent", []))))
    for entry in entries:
        if entry.why == Rule.EMPTY and any(entry.path[: len(p)] == p for p in beside):
            assert not words(entry.value) or not isinstance(entry.value, str), entry.path
        is_text = isinstance(entry.value, str) and entry.value.isprintable()
        if entry.fate is Fate.ALSO_SENT and is_text and not re.search("[<&]", entry.value):
            assert words(entry.value) <= also_sent, entry.path


def at(content, path):
    for step in path:
        content = content[step]
    return content


@pytest.mark.parametrize("part", ["key", "label"])
@pytest.mark.parametrize("sent", [{"en": "Allergies"}, ["Allergies", "Reactions"]])
def test_the_name_of_a_question_that_is_no_text_is_reported(part, sent):
    message = plain_event(form_answers=[{"key": "q1", "label": "Q", "value": "Latex", part: sent}])
    event, _ = account_of(message)
    assert "Allergies" in " ".join(texts_of(event.document["also_sent"]))


ODD_ANSWERS = [
    ({"valueRange": {"low": {"value": 3}, "high": {"value": 5}}}, "3 to 5"),
    ({"valueReference": {"type": "Patient", "identifier": {"value": "AB-123"}}}, "AB-123"),
    ({"valueWord": "Twice a week"}, "Twice a week"),
    ({"extension": [{"url": "https://x.example/why", "valueString": "Declined"}]}, "Declined"),
]


@pytest.mark.parametrize(("answer", "text"), ODD_ANSWERS)
def test_an_answer_of_another_shape_is_reported_with_its_question(answer, text):
    asked = {"linkId": "1", "text": "How often?", "answer": [answer]}
    form = {"resourceType": "QuestionnaireResponse", "id": "qr-77001", "item": [asked]}
    (line,) = account_of(bundle(request(), form))[0].document["also_sent"]
    assert "How often?" in line["text"]
    assert text in line["text"]


@pytest.mark.parametrize(
    "answer", [{"answer": "Twice"}, {"value": "", "comment": "Twice"}, {"text": ["Twice"]}]
)
@pytest.mark.parametrize("form", [{}, {"form": "intake"}, {"form": {"id": "f1", "name": "Intake"}}])
def test_what_stands_beside_a_question_without_an_answer_is_reported_with_it(answer, form):
    asked = {**form, "key": "q", "label": "How often?", **answer}
    document = account_of(plain_event(form_answers=[asked]))[0].document
    (line,) = document["also_sent"]
    assert "How often?" in line["text"]
    assert "Twice" in line["text"]
    assert "withdrawn" not in document


def test_a_field_that_no_reader_knows_is_reported():
    message = load("plain-received-with-attachments")
    message["referral"]["registrant"]["favourite_colour"] = "Green"
    event, _ = account_of(message)
    assert {
        "key": "Registrant/Favourite colour",
        "group": "Registrant",
        "label": "Favourite colour",
        "text": "Green",
    } in event.document["also_sent"]
