"""Whatever is sent is parsed, or refused with reasons: nothing else happens."""

import copy
import json
import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.sources.account import texts_of
from integrations.sources.caredove import fhir, plain
from integrations.sources.parsed import Unusable
from mapping.source.document import Document
from tests.cases import some
from tests.core.text.test_markup import DANGEROUS, Working
from tests.integrations.sources.caredove.messages import (
    FILES,
    bundle,
    endpoint_of,
    plain_event,
    request,
)

KEYS = sorted(
    {key for file in FILES for key in re.findall(r'"(\w+)":', file.read_text())} | {"internal"}
)
EXAMPLES = 12  # for each file

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(["", "<b>x</b>", "2026-03-11", "Patient/pt-1", "urn:uuid:1", "#", "/", "?"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=25,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=8)


def check(body: bytes, endpoint) -> None:
    """Parse; what comes out keeps the promises of the document, in every string."""
    try:
        envelope = endpoint.read_envelope(body)
    except Unusable:
        with pytest.raises(Unusable):
            endpoint.parse(body)
        return
    event = endpoint.parse(body)
    assert event.references == envelope.references != ()
    assert len(envelope.event_id) <= 200
    assert len(envelope.code) <= 100
    assert msgspec.convert(event.document, Document) == event.document
    shown = json.dumps(event.document, ensure_ascii=False)
    for text in texts_of(event.document):
        assert not DANGEROUS.search(text)
        assert Working(text).found == []
    assert "applaunch" not in shown.lower()
    assert [file.key for file in event.files] == [
        attachment["key"] for attachment in event.document.get("attachments", [])
    ]


@given(st.binary(max_size=300), st.sampled_from([plain, fhir]))
def test_any_bytes_are_refused_or_parsed(body, endpoint):
    check(body, endpoint)


@given(values, st.sampled_from([plain, fhir]))
def test_any_json_is_refused_or_parsed(content, endpoint):
    check(json.dumps(content).encode(), endpoint)


@given(objects, objects)
def test_a_plain_event_of_anything_is_parsed(event, referral):
    body = {**event, **plain_event()}
    body["referral"] = {**referral, **body["referral"]}
    check(json.dumps(body).encode(), plain)


KINDS = [
    "Patient", "Task", "Appointment", "Communication", "DocumentReference", "Binary",
    "QuestionnaireResponse", "HealthcareService", "Practitioner", "PractitionerRole",
    "Organization", "RelatedPerson", "Location", "Condition", "ServiceRequest", "Unknown",
]  # fmt: skip
resources = st.builds(
    lambda kind, members: {**members, "resourceType": kind}, st.sampled_from(KINDS), objects
)


@given(st.lists(resources, max_size=6), objects)
def test_a_bundle_of_anything_is_parsed(others, members):
    about = request(**{k: v for k, v in members.items() if k not in ("id", "resourceType")})
    check(json.dumps(bundle(about, *others)).encode(), fhir)


def places(content, path=()):
    """Yield the path of everything in the content."""
    yield path
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from places(value, (*path, key))


@pytest.mark.slow
@pytest.mark.parametrize("file", some(FILES), ids=lambda file: file.stem)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_message_in_which_anything_was_changed_is_refused_or_parsed(file, data):
    content = json.loads(file.read_bytes())
    endpoint = endpoint_of(content)
    for _ in range(data.draw(st.integers(1, 4))):
        *path, last = data.draw(st.sampled_from([p for p in places(content) if p]))
        holder = content
        for step in path:
            holder = holder[step]
        change = data.draw(st.sampled_from(["drop", "double", "replace", "mark"]))
        if change == "drop":
            holder.pop(last)
            if not content:
                return
        elif change == "double":
            holder[last] = [copy.deepcopy(holder[last]), holder[last]]
        elif change == "mark" and isinstance(holder[last], str):
            holder[last] = (
                f"<img src=x onerror=y>{holder[last]}&lt;b&gt; www.caredove.com/applaunch?x"
            )
        else:
            holder[last] = data.draw(values)
    check(json.dumps(content).encode(), endpoint)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_message_cut_off_anywhere_is_refused(file):
    body = file.read_bytes().strip()
    endpoint = endpoint_of(json.loads(body))
    for end in range(0, len(body) - 1, max(1, len(body) // 60)):
        with pytest.raises(Unusable):
            endpoint.parse(body[:end])


def test_references_in_a_circle_end():
    circle = [
        {"resourceType": "PractitionerRole", "id": "a", "practitioner": "PractitionerRole/b"},
        {"resourceType": "PractitionerRole", "id": "b", "practitioner": "PractitionerRole/a"},
        {"resourceType": "Communication", "sender": "PractitionerRole/a", "payload": "Hi"},
    ]
    about = request(requester="PractitionerRole/a", basedOn="ServiceRequest/3502768696")
    check(json.dumps(bundle(about, *circle, eventCoding="send-communication")).encode(), fhir)
