"""The thirteen tolerance rules of the inbound contract, section 3."""

import base64
import json
from datetime import UTC, datetime

import pytest

from integrations.sources.caredove import fhir
from integrations.sources.parsed import EventKind
from referrals.record.snapshot import merge, view
from tests.integrations.sources.caredove.messages import (
    REFERENCE,
    REFERRAL_SYSTEM,
    UUID,
    bundle,
    load,
    parse,
    refusals,
    request,
)

BY_IDENTIFIER = {"identifier": {"system": REFERRAL_SYSTEM, "value": UUID}}
PDF = b"%PDF-1.4\n%%EOF\n"
ENCODED = base64.b64encode(PDF).decode()


def document(*attachments, **members):
    contents = [{"attachment": attachment} for attachment in attachments]
    return {"resourceType": "DocumentReference", "content": contents, **members}


def files(*resources):
    return parse(bundle(request(), *resources)).files


# -- Rule 1 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("focus", "references"),
    [
        ([{"reference": f"ServiceRequest/{REFERENCE}"}], (REFERENCE,)),
        ({"reference": f"ServiceRequest/{REFERENCE}"}, (REFERENCE,)),
        (
            {"reference": f"https://x.example/fhir/ServiceRequest/{REFERENCE}/_history/2"},
            (REFERENCE,),
        ),
        (BY_IDENTIFIER, (UUID,)),
        ([BY_IDENTIFIER], (UUID,)),
        ({"identifier": {"value": UUID}}, (UUID,)),
        ([BY_IDENTIFIER, {"reference": f"ServiceRequest/{REFERENCE}"}], (REFERENCE, UUID)),
        ([{"reference": "Task/7"}, {"reference": f"ServiceRequest/{REFERENCE}"}], (REFERENCE,)),
    ],
)
def test_rule_01_focus_is_a_list_or_one_object_with_a_reference_or_an_identifier(focus, references):
    assert parse(bundle(focus=focus)).references == references


@pytest.mark.parametrize("focus", [None, [], {}, [{}], "", [{"display": "the referral"}]])
def test_rule_01_a_message_that_names_no_referral_is_refused(focus):
    assert "names no referral" in refusals(bundle(focus=focus), fhir)["MessageHeader.focus"]


# -- Rule 2 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        {"eventCoding": {"code": "notify-add-service-request"}},
        {"eventCoding": {"code": "notify-add-service-request", "system": "s", "display": "Add"}},
        {"eventCoding": [{"code": "notify-add-service-request"}]},
        {"eventCoding": "notify-add-service-request"},
        {"eventCoding": None, "event": {"code": "notify-add-service-request"}},
        {"eventCoding": None, "event": {"coding": [{"code": "notify-add-service-request"}]}},
        {"eventCoding": None, "eventUri": "https://x.example/codes#notify-add-service-request"},
    ],
)
def test_rule_02_the_event_code_is_read_from_the_newer_and_the_older_coding(event):
    assert parse(bundle(**event)).kind is EventKind.RECEIVED


def test_rule_02_a_message_without_event_code_is_kept_as_unknown():
    event = parse(bundle(eventCoding=None))
    assert (event.code, event.kind) == ("", EventKind.UNKNOWN)


# -- Rule 3 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "patient"),
    [
        ("Patient/pt-1", {"id": "pt-1"}),
        ("urn:uuid:1f0e", {"id": "1f0e"}),
        ("urn:uuid:1f0e", {"fullUrl": "urn:uuid:1f0e"}),
        ("urn:uuid:1f0e", {"fullUrl": "urn:uuid:1f0e", "id": "other"}),
        ("1076646", {"fullUrl": "1076646"}),
        ("Patient/1076646", {"fullUrl": "1076646"}),
        ("Patient/1076646", {"fullUrl": "https://x.example/fhir/Patient/1076646"}),
        ("https://x.example/fhir/Patient/pt-1", {"id": "pt-1"}),
        ("Patient/pt-1/_history/3", {"id": "pt-1"}),
        ("pt-1", {"id": "pt-1"}),
    ],
)
def test_rule_03_a_reference_is_followed_however_it_is_written(reference, patient):
    others = [{"resourceType": "Patient", "id": "someone-else", "name": [{"family": "Wrong"}]}]
    named = {"resourceType": "Patient", "name": [{"family": "Right"}], **patient}
    event = parse(bundle(*others, named, request(subject={"reference": reference})))
    assert event.document["registrant"]["last_name"] == "Right"


def test_rule_03_a_reference_to_a_contained_resource_is_followed():
    contained = [{"resourceType": "Patient", "id": "p", "name": [{"family": "Inner"}]}]
    event = parse(bundle(request(contained=contained, subject={"reference": "#p"})))
    assert event.document["registrant"]["last_name"] == "Inner"


def test_rule_03_a_reference_by_identifier_alone_is_followed():
    number = {"system": "https://x.example/mrn", "value": "12"}
    patients = [
        {"resourceType": "Patient", "id": "a", "name": [{"family": "Wrong"}]},
        {"resourceType": "Patient", "identifier": [number], "name": [{"family": "Right"}]},
    ]
    event = parse(bundle(request(subject={"identifier": number}), *patients))
    assert event.document["registrant"]["last_name"] == "Right"


def test_rule_03_a_dangling_subject_takes_nobody_else_for_the_registrant():
    patients = [{"resourceType": "Patient", "id": i, "name": [{"family": i}]} for i in ("a", "b")]
    event = parse(bundle(request(subject={"reference": "Patient/c"}), *patients))
    assert "registrant" not in event.document


# -- Rule 4 --------------------------------------------------------------------------------------


def test_rule_04_both_ids_of_a_referral_are_aliases_the_reference_number_first():
    identifiers = [
        {"system": REFERRAL_SYSTEM, "value": UUID, "type": {"text": "Caredove Inc."}},
        {"value": REFERENCE, "type": {"text": "Caredove Reference #"}},
    ]
    event = parse(bundle(request(id="sr-1", identifier=identifiers), focus="ServiceRequest/sr-1"))
    assert event.references == (REFERENCE, UUID)
    assert event.document["reference"] == REFERENCE


@pytest.mark.parametrize(
    "extension",
    [
        {
            "url": "http://ehealthontario.ca/fhir/StructureDefinition/ext-referral-identifier",
            "valueIdentifier": {"system": REFERRAL_SYSTEM, "value": UUID},
        },
        {
            "url": "http://ehealthontario.ca/fhir/StructureDefinition/ext-id-message-header",
            "valueString": UUID,
        },
    ],
)
def test_rule_04_the_header_extensions_name_the_referral(extension):
    assert parse(bundle(extension=[extension])).references == (REFERENCE, UUID)
    assert parse(bundle(extension=[extension], focus=None)).references == (UUID,)


def test_rule_04_ids_of_other_systems_users_and_parents_are_no_aliases():
    identifiers = [
        {"system": "https://emr.example.org/referral", "value": "7654321"},
        {"system": "https://emr.example.org/users", "value": "user-1", "type": "SSO"},
        {"value": "4099999990", "type": {"text": "Parent Reference #"}},
    ]
    event = parse(bundle(request(identifier=identifiers)))
    assert event.references == (REFERENCE,)
    assert event.document["parent_reference"] == "4099999990"
    assert [i["value"] for i in event.document["identifiers"]] == ["7654321"]


def test_rule_04_ids_that_only_one_message_knows_never_join_two_referrals():
    local = request(id="sr-1", subject={"reference": "Patient/pt-1"})
    assert "names no referral" in str(refusals(bundle(local, focus="ServiceRequest/sr-1"), fhir))


def test_rule_04_an_id_that_is_not_local_serves_where_there_is_no_better_one():
    event = parse(bundle(request(id="REQ-2026-88117"), focus="ServiceRequest/REQ-2026-88117"))
    assert event.references == ("REQ-2026-88117",)


def test_rule_04_a_routed_referral_is_not_its_parent():
    parent = {"resourceType": "ServiceRequest", "id": "4099999991"}
    child = request(basedOn=[{"reference": "ServiceRequest/4099999991"}])
    event = parse(bundle(parent, child, focus={"display": "see entries"}))
    assert event.references == (REFERENCE,)
    assert event.document["parent_reference"] == "4099999991"
    assert event.document["routed"] is True


def test_rule_04_a_second_reference_number_is_another_referrals():
    focus = [{"reference": f"ServiceRequest/{number}"} for number in (REFERENCE, "4100000009")]
    assert parse(bundle(focus=focus)).references == (REFERENCE,)


# -- Rules 5 and 6 -------------------------------------------------------------------------------


def test_rule_05_what_strict_fhir_requires_may_be_missing_and_extra_keys_may_occur():
    event = parse(load("caredove-notify-update-appointment"))
    assert event.document["appointment"]["start"] == "2019-04-04T12:30:00+00:00"
    assert event.warnings == ()


@pytest.mark.parametrize(
    ("clock", "time"),
    [
        ("2026-03-11 07:52:56pm", datetime.fromisoformat("2026-03-11T19:52:56")),
        ("2026-03-11 12:00:00am", datetime.fromisoformat("2026-03-11")),
        ("2026-03-11 07:52 pm", datetime.fromisoformat("2026-03-11T19:52")),
        ("some day", None),
    ],
)
def test_rule_05_a_clock_without_zone_is_a_local_time_and_no_instant(clock, time):
    event = parse({**bundle(), "last_updated": clock})
    assert (event.local_time, event.occurred_at) == (time, None)


def test_rule_05_a_timestamp_goes_before_a_clock_without_zone():
    event = parse(
        {**bundle(), "last_updated": "2026-03-11 07:52:56pm", "timestamp": "2026-03-11T23:52:57Z"}
    )
    assert (event.local_time, event.occurred_at) == (
        None,
        datetime(2026, 3, 11, 23, 52, 57, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "kind", [{"text": "Chart number"}, "Chart number", [{"text": "Chart number"}]]
)
def test_rule_06_the_type_of_an_identifier_is_an_object_or_a_plain_string(kind):
    patient = {"resourceType": "Patient", "identifier": [{"type": kind, "value": "12"}]}
    event = parse(bundle(patient))
    assert event.document["registrant"]["identifiers"] == [{"type": "Chart number", "value": "12"}]
    assert event.warnings == ()


# -- Rule 7 --------------------------------------------------------------------------------------


def test_rule_07_empty_shells_are_skipped():
    patient = {
        "resourceType": "Patient",
        "name": [{"use": "official"}, {"family": "Roy", "given": ["", None]}],
        "address": [{"use": "home"}, {"line": [""], "text": " "}],
        "telecom": [{"system": "phone", "use": "home"}, {"system": "email", "value": ""}, {}],
        "identifier": [{"system": "https://x.example"}],
        "communication": [{"preferred": True}],
        "contact": [{"relationship": []}],
        "birthDate": None,
    }
    form = {
        "resourceType": "QuestionnaireResponse",
        "item": [{"linkId": "1", "text": "Unanswered"}, {"linkId": "2", "answer": [{}]}],
    }
    shells = [form, document({}), {"resourceType": "Communication", "payload": [{}]}]
    event = parse(bundle(request(note=[{"text": "<p></p>"}]), patient, *shells))
    assert event.document == {"reference": REFERENCE, "registrant": {"last_name": "Roy"}}
    assert event.files == ()


# -- Rule 8 --------------------------------------------------------------------------------------


def test_rule_08_markup_and_entities_become_plain_text():
    note = "<p>Ground&nbsp;floor &amp; <b>no</b> stairs</p><p>BP &lt; 140, age <18</p>"
    event = parse(bundle(request(note=[{"text": note}])))
    assert event.document["notes"] == [{"text": "Ground floor & no stairs\n\nBP < 140, age <18"}]


TEXTS = [
    "text",
    "display",
    "family",
    "given",
    "line",
    "city",
    "state",
    "name",
    "description",
    "contentString",
]


def test_rule_08_no_text_of_a_message_keeps_markup():
    def marked(value, key=""):
        if isinstance(value, dict):
            return {name: marked(member, name) for name, member in value.items()}
        if isinstance(value, list):
            return [marked(item, key) for item in value]
        return f"<b onclick='x'>{value}</b><script>x</script>" if key in TEXTS else value

    raw = load("fhir-add-service-request")
    assert marked(raw) != raw
    assert parse(marked(raw)).document == parse(raw).document


# -- Rule 9 --------------------------------------------------------------------------------------


def test_rule_09_an_attachment_is_inline():
    (file,) = files(document({"title": "letter.pdf", "data": ENCODED}))
    assert (file.content, file.size, file.url, file.problem) == (PDF, len(PDF), "", "")


@pytest.mark.parametrize("member", ["data", "content"])
def test_rule_09_an_attachment_is_a_binary_of_the_same_bundle(member):
    binary = {
        "resourceType": "Binary",
        "id": "x",
        "contentType": "application/pdf",
        member: ENCODED,
    }
    (file,) = files(document({"title": "letter.pdf", "url": "Binary/x"}), binary)
    assert (file.content, file.content_type) == (PDF, "application/pdf")


def test_rule_09_an_attachment_is_at_an_address():
    url = "https://sandbox.caredove.example/files/phq9.png?a=1&copy=2&token=abc"
    (file,) = files(document({"url": url, "size": 48211}))
    assert (file.url, file.content, file.size) == (url, None, 48211)


def test_rule_09_the_name_is_the_title_or_an_extension_or_the_end_of_the_address():
    named = {"url": "https://x.example/caredove-filename", "valueString": "consent.pdf"}
    url = "https://x.example/f/r%C3%A9sum%C3%A9.pdf?x=1"
    attachments = [
        {"title": "t.pdf", "extension": [named]},
        {"extension": [named]},
        {},
        {"title": ""},
    ]
    found = files(*[document({"url": f"{url}&n={n}", **a}) for n, a in enumerate(attachments)])
    assert [file.filename for file in found] == ["t.pdf", "consent.pdf", "résumé.pdf", "résumé.pdf"]


def test_rule_09_a_name_is_made_safe():
    (file,) = files(document({"title": "../../etc/<b>pass</b>wd\u202efdp.exe", "data": ENCODED}))
    assert file.filename == "passwdfdp.pdf"


@pytest.mark.parametrize(
    ("attachment", "problem"),
    [
        ({"data": "not base64!"}, "not valid base64"),
        ({"data": 7}, "not valid base64"),
        ({"url": "Binary/gone"}, "does not hold the part"),
        ({"url": "file:///etc/passwd"}, "not one that can be fetched"),
        ({"url": "https://www.caredove.com/applaunch?x=1"}, "sign-in link"),
        ({}, "neither its content nor an address"),
    ],
)
def test_rule_09_a_file_that_cannot_be_had_gives_the_reason_and_refuses_nothing(
    attachment, problem
):
    event = parse(bundle(request(), document({"title": "letter.pdf", **attachment})))
    (file,) = event.files
    assert problem in file.problem
    assert (file.content, file.url) == (None, "")
    assert event.document["attachments"][0]["key"] == file.key


def test_rule_09_a_file_keeps_its_key_and_two_files_never_share_one():
    one, other = document({"data": ENCODED}, id="doc-1"), document({"data": "QUJD"}, id="doc-1")
    (first,), (second,) = files(one), files(other)
    assert first.key != second.key
    assert [file.key for file in files(one, one, other)] == [first.key, second.key]


# -- Rules 10 to 13 ------------------------------------------------------------------------------


def test_rule_10_unknown_resources_and_extensions_never_make_a_message_fail():
    unknown = [{"url": "https://x.example/unknown", "valueReference": {"reference": "Basic/b"}}]
    content = load("fhir-full-referral")
    for entry in content["entry"]:
        entry["resource"].setdefault("extension", []).extend(unknown)
    content["entry"] += [{"resource": {"resourceType": "Basic", "id": "b"}}, {"request": {}}, {}]
    event = parse(content)
    assert event.document == parse(load("fhir-full-referral")).document
    assert {warning.cause for warning in event.warnings} == {"unknown_extension"}


def test_rule_14_an_unknown_extension_is_reported_when_it_holds_text():
    content = load("fhir-full-referral")
    extensions = [{"url": "https://x.example/StructureDefinition/eye-colour", "valueCode": "green"}]
    patient = next(
        entry["resource"]
        for entry in content["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    )
    patient["extension"] = extensions
    also = parse(content).document["also_sent"]
    assert {
        "key": "Registrant/Eye colour",
        "group": "Registrant",
        "label": "Eye colour",
        "text": "green",
    } in also


@pytest.mark.parametrize(
    ("header_id", "bundle_id", "event_id"),
    [("h-1", "b-1", "h-1"), (None, "b-1", "b-1"), ("", "b-1", "b-1"), (None, None, "")],
)
def test_rule_11_the_key_is_the_id_of_the_header_or_of_the_bundle(header_id, bundle_id, event_id):
    content = {**bundle(id=header_id), "id": bundle_id}
    assert fhir.read_envelope(json.dumps(content).encode()).event_id == event_id


def test_rule_11_a_key_too_long_to_store_is_still_the_same_key():
    def key(text):
        return fhir.read_envelope(json.dumps(bundle(id=text)).encode()).event_id

    assert key("k" * 200) == "k" * 200
    assert len(key("k" * 201)) <= 200
    assert key("k" * 201) == key("k" * 201) != key("k" * 202)


def test_rule_12_an_older_message_fills_only_what_is_empty():
    newer, older = (
        parse(load("fhir-update-service-request")),
        parse(load("fhir-add-service-request")),
    )
    assert older.occurred_at < newer.occurred_at
    snapshot = merge({}, newer.document, newer.occurred_at)
    shown = view(merge(snapshot, older.document, older.occurred_at))
    assert shown["priority"] == "urgent"
    assert shown["reason"] == "Anxiety after a move; worse since last week"
    assert shown["registrant"]["first_name"] == "Élodie"


def test_rule_13_the_event_code_alone_is_not_trusted():
    event = parse(load("fhir-add-appointment-cancelled"))
    assert event.code == "notify-add-appointment"
    assert event.kind is EventKind.APPOINTMENT
    assert event.document["appointment"]["status"] == "cancelled"
