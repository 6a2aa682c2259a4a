import pytest

from integrations.sources.caredove import fhir
from integrations.sources.parsed import EventKind
from tests.integrations.sources.caredove.messages import (
    REFERENCE,
    bundle,
    load,
    parse,
    refusals,
    request,
)

EXTENSION = "http://help.caredove.com/developer-integrations/contactpoint-message-permission"


def document(*resources, **header):
    return parse(bundle(*resources, **header)).document


def registrant(**members):
    return document({"resourceType": "Patient", "id": "pt", **members})["registrant"]


# -- What is refused -----------------------------------------------------------------------------


def test_a_body_that_is_not_json_states_where():
    assert "line 1, column 2" in refusals(b"{oops", fhir)["Bundle"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "Bundle"),
        ("text", "Bundle"),
        ({}, "Bundle.resourceType"),
        ({"resourceType": "Patient"}, "Bundle.resourceType"),
        ({**bundle(), "type": "transaction"}, "Bundle.type"),
        ({**bundle(), "entry": []}, "Bundle.entry"),
        ({**bundle(), "entry": None}, "Bundle.entry"),
        ({**bundle(), "entry": [{"resource": {"resourceType": "Patient"}}]}, "Bundle.entry"),
    ],
)
def test_what_is_no_message_bundle_is_refused(body, field):
    assert set(refusals(body, fhir)) == {field}


def test_a_message_of_a_bundle_that_does_not_state_its_type_is_read():
    assert parse({**bundle(), "type": None}).references == (REFERENCE,)


# -- People --------------------------------------------------------------------------------------


def test_the_official_name_goes_first_and_the_others_are_kept():
    names = [
        {"use": "nickname", "given": ["Mimi"]},
        {"family": "Tremblay", "given": ["Mireille"]},
        {"use": "official", "family": "Tremblay-Okafor", "given": ["Mireille", "Ann", "Rose"]},
        {"use": "maiden", "family": "Tremblay"},
    ]
    person = registrant(name=names)
    assert (person["first_name"], person["middle_name"]) == ("Mireille", "Ann Rose")
    assert person["last_name"] == "Tremblay-Okafor"
    assert person["other_names"] == ["Mireille Tremblay", "Mimi", "Tremblay"]


@pytest.mark.parametrize("text", ["Mireille Ann Tremblay", "Tremblay, Mireille Ann"])
def test_a_name_that_is_only_text_is_taken_apart(text):
    person = registrant(name=[{"text": text}])
    assert [person[f"{part}_name"] for part in ("first", "middle", "last")] == [
        "Mireille",
        "Ann",
        "Tremblay",
    ]


def test_phones_and_emails_keep_use_rank_and_permission():
    permission = {"url": EXTENSION, "valueBoolean": False}
    telecom = [
        {"system": "phone", "value": "1", "use": "mobile", "rank": 2, "extension": [permission]},
        {"system": "sms", "value": "2", "use": "temp"},
        {"value": "3"},
        {"value": "a@example.org", "extension": [permission]},
        {"system": "phone", "value": "4", "use": "old"},
        {"system": "fax", "value": "5"},
    ]
    person = registrant(telecom=telecom)
    assert person["phones"] == [
        {"number": "1", "use": "mobile", "rank": 2, "may_text": False},
        {"number": "2"},
        {"number": "3"},
    ]
    assert person["emails"] == [{"address": "a@example.org", "may_email": False}]


def test_an_address_that_is_only_text_is_taken_apart_where_that_is_sure():
    address = {"text": "12 Mill Rd\nMilltown ON"}
    assert registrant(address=[{"use": "old", "city": "X"}, address])["addresses"] == [
        {"lines": ["12 Mill Rd"], "city": "Milltown", "province": "ON"}
    ]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ({"coding": [{"code": "fr", "display": "French"}]}, {"code": "fr", "name": "French"}),
        ({"coding": [{"code": "oj"}]}, {"code": "oj"}),
        ({"text": "Anishinaabemowin"}, {"name": "Anishinaabemowin"}),
        ("iu", {"code": "iu"}),
    ],
)
def test_a_language_has_a_code_a_name_or_both(language, expected):
    assert registrant(communication=[{"language": language}])["languages"] == [expected]


def test_relatives_are_contacts():
    relative = {
        "resourceType": "RelatedPerson",
        "relationship": [{"coding": [{"display": "Mother"}]}],
        "name": [{"given": ["Ada"], "family": "Roy"}],
        "telecom": [{"system": "phone", "value": "705-555-0120"}],
    }
    contacts = document({"resourceType": "Patient", "id": "pt"}, relative)["registrant"]["contacts"]
    assert contacts == [{"relationship": "Mother", "name": "Ada Roy", "phones": ["705-555-0120"]}]


ROLE = {
    "resourceType": "PractitionerRole",
    "id": "r",
    "practitioner": {"reference": "Practitioner/p"},
}
PERSON = {
    "resourceType": "Practitioner",
    "id": "p",
    "name": [{"given": ["Harleen"], "family": "Singh"}],
    "telecom": [{"system": "phone", "value": "person"}],
}


@pytest.mark.parametrize(
    ("role", "phone"),
    [(ROLE, "person"), ({**ROLE, "telecom": [{"system": "phone", "value": "role"}]}, "role")],
)
def test_the_requesters_phone_is_the_roles_before_the_persons(role, phone):
    sent = document(request(requester={"reference": "PractitionerRole/r"}), role, PERSON)
    assert sent["requester"] == {"first_name": "Harleen", "last_name": "Singh", "phone": phone}


def test_a_requester_may_be_a_person_an_organization_or_only_a_name():
    organization = {"resourceType": "Organization", "id": "o", "name": "Clinic"}
    by_person = document(request(requester="Practitioner/p"), PERSON)["requester"]
    by_organization = document(request(requester="Organization/o"), organization)["requester"]
    by_name = document(request(requester={"display": "Harleen Singh"}))["requester"]
    assert by_person["last_name"] == by_name["last_name"] == "Singh"
    assert by_organization == {"organization": "Clinic"}


# -- The request and how it stands ---------------------------------------------------------------


def service(**members):
    return {"resourceType": "HealthcareService", "id": "svc-4417", **members}


@pytest.mark.parametrize(
    ("resources", "listing_id"),
    [
        (
            [
                service(
                    identifier=[
                        {
                            "system": "https://caredove.com/fhir/NamingSystem/id-service",
                            "value": "9",
                        }
                    ]
                )
            ],
            "9",
        ),
        ([service()], "4417"),
        ([service(id="abc")], ""),
        ([request(performer={"reference": "HealthcareService/4418"})], "4418"),
        (
            [service(), service(id="svc-4418"), request(performer="HealthcareService/svc-4418")],
            "4418",
        ),
        ([service(), service(id="svc-4418")], ""),
    ],
)
def test_the_listing_is_known_by_its_identifier_or_by_the_digits_of_its_id(resources, listing_id):
    assert parse(bundle(*resources)).listing_id == listing_id


@pytest.mark.parametrize(
    ("task", "status", "substatus"),
    [
        ({"status": "requested", "businessStatus": {"text": "Submitted"}}, "submitted", None),
        ({"status": "requested"}, None, None),
        ({"status": "received"}, None, {"classification": "received"}),
        (
            {"status": "ready", "businessStatus": {"text": "Ready to go"}},
            None,
            {"label": "Ready to go", "classification": "ready"},
        ),
        (
            {"status": "ready", "businessStatus": {"text": "Booked (Ready)"}},
            "booked",
            {"label": "Ready", "classification": "ready"},
        ),
        (
            {"status": "rejected", "businessStatus": {"text": "Ineligible"}},
            "closed",
            {"label": "Ineligible", "classification": "rejected"},
        ),
        (
            {"status": "failed", "statusReason": {"text": "No Show"}},
            "closed",
            {"label": "No Show", "classification": "failed"},
        ),
        ({"status": "entered-in-error"}, "closed", {"classification": "entered-in-error"}),
        ({"status": "levitating"}, None, {"classification": "levitating"}),
    ],
)
def test_a_task_states_how_the_referral_stands(task, status, substatus):
    read = document({"resourceType": "Task", "id": "t", **task})
    assert (read.get("status"), read.get("substatus")) == (status, substatus)


def test_of_several_tasks_the_latest_of_this_referral_counts():
    parent = {"resourceType": "ServiceRequest", "id": "4099999991"}

    def task(status, day, based_on=REFERENCE):
        reference = {"reference": f"ServiceRequest/{based_on}"}
        return {
            "resourceType": "Task",
            "id": status,
            "status": status,
            "basedOn": [reference],
            "authoredOn": f"2026-03-{day}",
            "code": {"coding": [{"code": "process-request"}]},
        }

    tasks = [task("ready", 12), task("received", 10), task("rejected", 30, "4099999991")]
    assert document(parent, request(), *tasks)["substatus"]["classification"] == "ready"


def test_reasons_of_every_kind_are_kept():
    condition = {"resourceType": "Condition", "id": "c", "code": {"text": "Grief"}}
    read = document(
        request(
            reasonCode=[{"text": "Low mood"}, {"coding": [{"code": "1", "display": "Anxiety"}]}],
            reasonReference=[{"reference": "Condition/c"}, {"display": "Sleep"}],
        ),
        condition,
    )
    assert read["reason"] == "Low mood\nAnxiety\nGrief\nSleep"


# -- Appointment ---------------------------------------------------------------------------------


def test_an_appointment_names_its_provider_and_place():
    place = {
        "resourceType": "Location",
        "id": "l",
        "name": "Main office",
        "address": {"line": ["40 Main St"], "city": "Milltown"},
    }
    actors = ["Patient/pt", "PractitionerRole/r", "Location/l"]
    meeting = {
        "resourceType": "Appointment",
        "id": "7",
        "status": "Booked",
        "minutesDuration": "30",
        "participant": [{"actor": {"reference": actor}} for actor in actors],
    }
    assert document(meeting, place, ROLE, PERSON)["appointment"] == {
        "id": "7",
        "status": "booked",
        "duration_minutes": 30,
        "location": "Main office, 40 Main St, Milltown",
        "provider_full_name": "Harleen Singh",
    }


def test_of_several_appointments_the_last_that_stands_is_shown():
    meetings = [
        {"resourceType": "Appointment", "id": str(n), "status": status}
        for n, status in enumerate(["booked", "pending", "cancelled", "entered-in-error"])
    ]
    assert document(*meetings)["appointment"]["id"] == "1"
    assert document(*meetings[2:])["appointment"]["status"] == "cancelled"


# -- Form answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
        ({"valueInteger": 0}, "0"),
        ({"valueDecimal": 1.5}, "1.5"),
        ({"valueString": "<b>x</b>"}, "x"),
        ({"valueDate": "2026-03"}, "2026-03"),
        ({"valueDateTime": "2026-03-01T10:00:00Z"}, "2026-03-01T10:00:00Z"),
        ({"valueTime": "10:00:00"}, "10:00:00"),
        ({"valueUri": "https://example.org"}, "https://example.org"),
        ({"valueCoding": {"code": "a", "display": "Alone"}}, "Alone"),
        ({"valueCoding": {"code": "a"}}, "a"),
        ({"valueCodeableConcept": {"text": "Alone"}}, "Alone"),
        ({"valueQuantity": {"value": 61.5, "unit": "kg"}}, "61.5 kg"),
        ({"valueReference": {"display": "Dr. Roy"}}, "Dr. Roy"),
        ({"valueAttachment": {"title": "form.pdf"}}, "form.pdf"),
    ],
)
def test_an_answer_of_any_type_becomes_text(answer, text):
    form = {"resourceType": "QuestionnaireResponse", "item": [{"linkId": "q", "answer": [answer]}]}
    answer = {"form": "place-1", "key": "q", "label": "q", "value": text}
    assert document(form)["form_answers"] == [answer]


def test_answers_keep_the_order_and_the_groups_of_the_form():
    def asked(key, *values, **more):
        return {
            "linkId": key,
            "text": f"Q{key}",
            "answer": [{"valueString": v} for v in values],
            **more,
        }

    group = {"linkId": "g", "text": "Household", "item": [asked("1", "a", "b"), asked("2", "c")]}
    follow_up = asked("3", "d")
    follow_up["answer"][0]["item"] = [asked("4", "e")]
    first = {"resourceType": "QuestionnaireResponse", "id": "f1", "item": [group, follow_up]}
    second = {"resourceType": "QuestionnaireResponse", "id": "f2", "item": [asked("1", "z")]}
    order = [{"reference": f"QuestionnaireResponse/{key}"} for key in ("f1", "f2")]
    read = document(second, first, request(supportingInfo=order))["form_answers"]
    assert [(a["form"], a["key"], a["label"], a["value"]) for a in read] == [
        ("place-2", "1", "Household – Q1", "a, b"),
        ("place-2", "2", "Household – Q2", "c"),
        ("place-2", "3", "Q3", "d"),
        ("place-2", "4", "Q4", "e"),
        ("place-1", "1", "Q1", "z"),
    ]


# -- Messages ------------------------------------------------------------------------------------

SERVICE = service(providedBy={"reference": "Organization/812"})
SIDES = [
    request(requester={"reference": "PractitionerRole/r"}, performer="HealthcareService/svc-4417"),
    SERVICE,
    {**ROLE, "organization": {"reference": "Organization/o"}},
    PERSON,
    {"resourceType": "Organization", "id": "o", "name": "Clinic"},
    {"resourceType": "Organization", "id": "812", "name": "Birchwood"},
    {
        "resourceType": "PractitionerRole",
        "id": "worker",
        "organization": {"reference": "Organization/812"},
        "healthcareService": [{"reference": "HealthcareService/svc-4417"}],
    },
]


@pytest.mark.parametrize(
    ("parties", "kind"),
    [
        ({"sender": "PractitionerRole/r"}, EventKind.MESSAGE_FROM_REQUESTER),
        ({"sender": "Practitioner/p"}, EventKind.MESSAGE_FROM_REQUESTER),
        ({"sender": "Organization/o"}, EventKind.MESSAGE_FROM_REQUESTER),
        ({"sender": "PractitionerRole/worker"}, EventKind.MESSAGE_FROM_PROVIDER),
        ({"sender": "HealthcareService/svc-4417"}, EventKind.MESSAGE_FROM_PROVIDER),
        ({"sender": "Organization/812"}, EventKind.MESSAGE_FROM_PROVIDER),
        ({"recipient": ["PractitionerRole/r"]}, EventKind.MESSAGE_FROM_PROVIDER),
        ({"recipient": ["HealthcareService/svc-4417"]}, EventKind.MESSAGE_FROM_REQUESTER),
        ({"sender": "Practitioner/stranger"}, EventKind.MESSAGE),
        ({}, EventKind.MESSAGE),
    ],
)
def test_the_side_of_a_message_is_read_from_its_sender(parties, kind):
    message = {
        "resourceType": "Communication",
        "id": "m",
        "payload": [{"contentString": "Hi"}],
        **parties,
    }
    event = parse(bundle(*SIDES, message, eventCoding={"code": "send-communication"}))
    assert event.kind is kind
    side = event.document["messages"][0].get("side", "")
    assert kind.value.endswith(side or "message")
    assert bool(event.warnings) is (kind is EventKind.MESSAGE)


def test_within_one_organization_the_nearer_party_decides():
    same = [*SIDES[:2], {**SIDES[2], "organization": {"reference": "Organization/812"}}, *SIDES[3:]]
    message = {"resourceType": "Communication", "payload": "Hi", "sender": "Practitioner/p"}
    event = parse(bundle(*same, message, eventCoding={"code": "send-communication"}))
    assert event.kind is EventKind.MESSAGE_FROM_REQUESTER


def test_a_message_keeps_only_an_id_that_lasts():
    def message(key):
        return {"resourceType": "Communication", "id": key, "payload": [{"contentString": "Hi"}]}

    read = document(message("comm-1"), message("88120001"))["messages"]
    assert read == [{"text": "Hi"}, {"id": "88120001", "text": "Hi"}]


# -- What is never passed on ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "mark",
    [
        {"category": [{"text": "Internal"}]},
        {"category": [{"coding": [{"code": "internal-note"}]}]},
        {"meta": {"security": [{"code": "internal"}]}},
        {"extension": [{"url": "https://x.example/internal-note", "valueBoolean": True}]},
    ],
)
def test_what_staff_wrote_for_themselves_is_never_passed_on(mark):
    attachment = {"title": "SECRET.pdf", "data": "QUJD"}
    event = parse(
        bundle(
            request(note=[{"text": "SECRET", **mark}] if "extension" in mark else []),
            {
                "resourceType": "Communication",
                "payload": [{"contentString": "SECRET"}, {"contentAttachment": attachment}],
                **mark,
            },
            {"resourceType": "DocumentReference", "content": [{"attachment": attachment}], **mark},
            {
                "resourceType": "QuestionnaireResponse",
                "item": [{"linkId": "1", "answer": [{"valueString": "SECRET"}]}],
                **mark,
            },
        )
    )
    assert event.document == {"reference": REFERENCE}
    assert event.files == ()


def test_internal_medicine_is_no_internal_note():
    letter = {
        "resourceType": "DocumentReference",
        "type": {"text": "Internal Medicine consult"},
        "content": [{"attachment": {"title": "consult.txt", "data": "QUJD"}}],
    }
    assert [file.filename for file in parse(bundle(letter)).files] == ["consult.txt"]


def test_the_launch_extension_of_a_task_leaves_no_trace():
    event = parse(load("fhir-add-service-request"))
    assert "applaunch" not in str((event.document, event.files, event.warnings))


def test_a_message_without_the_referral_does_not_rename_it():
    by_uuid = {"identifier": {"value": "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"}}
    event = parse(bundle(focus=by_uuid))
    assert event.references == ("b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10",)
    assert "reference" not in event.document
