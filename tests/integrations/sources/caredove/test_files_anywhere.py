"""Files that stand where one does not look for them are attached all the same (rule 24)."""

import base64
import json

import pytest

from integrations.sources.caredove import fhir, plain
from tests.integrations.sources.caredove.messages import bundle, parse, plain_event, request


def data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ONE = {"filename": "one.txt", "content_type": "text/plain", "data": data("One file")}
TWO = {"filename": "two.txt", "content_type": "text/plain", "data": data("Two files")}
FETCHED = {"filename": "three.txt", "url": "https://files.example/3"}


def answer(value) -> dict:
    return {"form_answers": [{"key": "upload", "label": "Upload", "value": value}]}


@pytest.mark.parametrize(
    ("members", "names"),
    [
        (answer(ONE), ["one.txt"]),
        (answer([ONE, TWO]), ["one.txt", "two.txt"]),
        (answer([ONE, FETCHED]), ["one.txt", "three.txt"]),
        (answer({"files": [ONE, TWO], "note": "x"}), ["one.txt", "two.txt"]),
        (answer([[ONE], [TWO]]), ["one.txt", "two.txt"]),
        ({"notes": [{"text": "See file", "attachments": [ONE]}]}, ["one.txt"]),
        ({"appointment": {"attachments": [ONE, TWO]}}, ["one.txt", "two.txt"]),
        ({"documents": {"letter": ONE}}, ["one.txt"]),
        ({"attachments": [ONE], **answer(ONE)}, ["one.txt"]),
        ({"messages": [{"text": "x", "attachments": [ONE]}]}, ["one.txt"]),
        (answer({**ONE, "internal": True}), []),
        (answer("one.txt"), []),
        (answer({"filename": "one.txt"}), []),
    ],
)
def test_a_file_anywhere_in_a_plain_event_is_attached(members, names):
    event = parse(plain_event(**members))
    assert [file.filename for file in event.files] == names


def binary(key: str, text: str) -> dict:
    return {
        "resourceType": "Binary",
        "id": key,
        "contentType": "text/plain",
        "data": data(text),
    }


def form(*answers: dict) -> dict:
    item = [{"linkId": "1", "text": "Upload", "answer": list(answers)}]
    return {"resourceType": "QuestionnaireResponse", "id": "resp-12345", "item": item}


def document(*attachments: dict, **members) -> dict:
    content = [{"attachment": list(attachments)}]
    return {"resourceType": "DocumentReference", "id": "doc-12345", "content": content, **members}


@pytest.mark.parametrize(
    ("resources", "count"),
    [
        ([binary("bin-12345", "alone")], 1),
        ([binary("bin-12345", "alone"), binary("bin-12346", "another")], 2),
        ([form({"valueReference": {"reference": "Binary/b-1"}}), binary("b-1", "x")], 1),
        ([form({"valueAttachment": {"title": "a.txt", "data": data("a")}})], 1),
        ([form({"valueAttachment": [{"data": data("a")}, {"data": data("b")}]})], 2),
        ([document({"data": data("a")}, {"data": data("b")})], 2),
        ([document({"url": "Binary/b-1"}), binary("b-1", "x")], 1),
        # What a file that was withdrawn, or is another's, refers to is no file either.
        ([document({"url": "Binary/b-1"}, status="entered-in-error"), binary("b-1", "x")], 0),
        (
            [
                document({"url": "Binary/b-1"}, subject={"reference": "Patient/p-9"}),
                {"resourceType": "Patient", "id": "p-9"},
                {"resourceType": "Patient", "id": "p-1"},
                binary("b-1", "x"),
            ],
            0,
        ),
    ],
)
def test_a_file_anywhere_in_a_bundle_is_attached(resources, count):
    event = parse(bundle(request(subject={"reference": "Patient/p-1"}), *resources))
    assert len(event.files) == count


# -- Keys that the bytes of a body do not show -----------------------------------------------------


def escaped(body: str, word: str) -> bytes:
    """Return the body with a letter of a word written as an escape."""
    assert word in body
    return body.replace(word, f"\\u{ord(word[0]):04x}{word[1:]}").encode()


PLAIN = json.dumps(plain_event(attachments=[ONE], documents={"letter": TWO}))
FHIR = json.dumps(
    bundle(
        request(
            extension=[
                {
                    "url": "https://x.example/letter",
                    "valueAttachment": {"contentType": "text/plain", "data": data("One file")},
                }
            ]
        )
    )
)


@pytest.mark.parametrize(
    ("endpoint", "body", "count"),
    [
        (plain, escaped(PLAIN, "filename"), 2),
        (plain, PLAIN.encode("utf-16"), 2),
        (plain, PLAIN.encode("utf-16-le"), 2),
        (fhir, escaped(FHIR, "data"), 1),
        (fhir, FHIR.encode("utf-16"), 1),
    ],
)
def test_a_file_is_found_however_its_keys_are_written(endpoint, body, count):
    assert len(endpoint.parse(body).files) == count


@pytest.mark.parametrize("word", ["internal", "staff_only"])
def test_what_is_internal_is_left_out_however_its_key_is_written(word):
    body = json.dumps(plain_event(**{word: "Difficult family"}))
    for written in (body.encode(), escaped(body, word), body.encode("utf-16")):
        assert "also_sent" not in plain.parse(written).document
