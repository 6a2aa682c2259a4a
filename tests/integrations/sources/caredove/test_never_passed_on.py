"""An internal note or a sign-in link is never passed on, wherever in a message it stands."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.sources.account import texts_of
from integrations.sources.parsed import Unusable
from tests.integrations.sources.caredove.messages import (
    FILES,
    bundle,
    endpoint_of,
    plain_event,
    request,
)
from tests.integrations.sources.caredove.test_hostile_messages import places

ELSEWHERE = sorted(Path("tests/fixtures/elsewhere").glob("*.json"))
MESSAGES = [json.loads(file.read_bytes()) for file in (*FILES, *ELSEWHERE)]
NOTE_MARK = "https://caredove.com/fhir/StructureDefinition/internal-note"
LINKS = [
    "https://my.caredove.com/applaunch?user=SECRET",
    "https://caredove.com/sso/SECRET",
    "www.caredove.com/launch/SECRET",
    "https://app.caredove.com/x?token=SECRET",
]


def extension(**value) -> dict:
    return {"extension": [{"url": NOTE_MARK, **value}]}


# What an object gets, by endpoint: a note, and the mark that it is internal.
INTERNAL = {
    "fhir": [
        extension(valueString="SECRET"),
        extension(extension=[{"url": "text", "valueString": "SECRET"}]),
        {"note": [{"text": "SECRET", **extension(valueBoolean=True)}]},
        {"note": {"text": "SECRET", **extension()}},
        {"note": [{"text": "SECRET", "category": [{"text": "Internal"}]}]},
        {"x": {"text": "SECRET", "type": {"coding": [{"code": "internal-note"}]}}},
        {"x": [[{"text": "SECRET", "meta": {"tag": [{"code": "internal"}]}}]]},
    ],
    "plain": [
        {"internal_note": "SECRET"},
        {"internalNotes": [{"text": "SECRET"}]},
        {"staff_only": ["SECRET"]},
        {"remark": {"text": "SECRET", "internal": True}},
        {"remarks": [{"text": "SECRET", "visibility": "internal"}]},
        {"value": [{"label": "SECRET", "audience": "staff only"}]},
        {"value": {"label": "Yes", "internal_comment": "SECRET"}},
    ],
}


def texts_passed_on(message, endpoint) -> list[str]:
    """Return every text that comes of a message; none when it is refused."""
    try:
        event = endpoint.parse(json.dumps(message).encode())
    except Unusable:
        return []
    return [*texts_of(event.document), *(file.filename for file in event.files)]


def at(content, path):
    for step in path:
        content = content[step]
    return content


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_an_internal_note_in_any_object_is_never_reported(data):
    message = copy.deepcopy(data.draw(st.sampled_from(MESSAGES)))
    endpoint = endpoint_of(message)
    holders = [p for p in places(message) if p and isinstance(at(message, p), dict)]
    holder = at(message, data.draw(st.sampled_from(holders)))
    kind = "fhir" if "resourceType" in message else "plain"
    holder.update(copy.deepcopy(data.draw(st.sampled_from(INTERNAL[kind]))))
    assert not [text for text in texts_passed_on(message, endpoint) if "SECRET" in text]


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_sign_in_link_in_any_text_is_never_reported(data):
    message = copy.deepcopy(data.draw(st.sampled_from(MESSAGES)))
    endpoint = endpoint_of(message)
    *path, last = data.draw(
        st.sampled_from([p for p in places(message) if p and isinstance(at(message, p), str)])
    )
    holder, link = at(message, path), data.draw(st.sampled_from(LINKS))
    before = data.draw(st.sampled_from(["", "(", f"{holder[last]} ", f"{holder[last]}, see "]))
    holder[last] = f"{before}{link}"
    assert not [text for text in texts_passed_on(message, endpoint) if "SECRET" in text]


@pytest.mark.parametrize("kind", ["QuestionnaireResponse", "Questionnaire"])
def test_a_sign_in_link_is_no_key_of_a_form(kind):
    form = {
        "resourceType": "QuestionnaireResponse",
        "id": LINKS[1] if kind == "QuestionnaireResponse" else "qr-1",
        "questionnaire": LINKS[1],
        "item": [{"linkId": "1", "text": "Q", "answer": [{"valueString": "A"}]}],
    }
    texts = texts_passed_on(bundle(request(), form), endpoint_of({"resourceType": "Bundle"}))
    assert "A" in texts
    assert not [text for text in texts if "SECRET" in text]


@pytest.mark.parametrize("mark", [{"valueBoolean": False}, None])
def test_what_is_not_internal_is_reported(mark):
    note = {"text": "Not secret", **(extension(**mark) if mark else {})}
    texts = texts_passed_on(bundle(request(note=[note])), endpoint_of({"resourceType": "Bundle"}))
    assert "Not secret" in texts


@pytest.mark.parametrize(
    "member", [{"type": "internal"}, {"category": "Internal use"}, {"visibility": "internal"}]
)
def test_people_are_reported_whatever_they_are_marked_as(member):
    event = plain_event(requester={"first_name": "Ife", "last_name": "Abara", **member})
    assert "Abara" in texts_passed_on(event, endpoint_of(event))
