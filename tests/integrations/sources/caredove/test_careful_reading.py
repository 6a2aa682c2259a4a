"""What a careful intake worker would miss: whole, in its place, and of whom it is said."""

import pytest

from integrations.sources.parsed import ParsedEvent
from tests.integrations.sources.caredove.messages import bundle, parse, plain_event, request

PERSON = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Roy", "given": ["Al"]}]}


def also_sent(event: ParsedEvent) -> list[str]:
    """Return the lines of what is also sent."""
    parts = event.document.get("also_sent", [])
    return [": ".join(p[k] for k in ("group", "label", "text") if p.get(k)) for p in parts]


def of_fhir(*resources, person=None, **members) -> ParsedEvent:
    asked = request(**{"status": "active", "subject": {"reference": "Patient/p1"}, **members})
    return parse(bundle(asked, PERSON | (person or {}), *resources))


def of_plain(**referral) -> ParsedEvent:
    return parse(plain_event(**referral))


# -- States ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "line"),
    [
        (
            {
                "resourceType": "MedicationStatement",
                "status": "active",
                "medicationCodeableConcept": {"text": "Lithium 300 mg"},
            },
            "Medication: Lithium 300 mg, active",
        ),
        (
            {"resourceType": "MedicationRequest", "status": "stopped", "code": {"text": "Iron"}},
            "Medication: Iron, stopped",
        ),
        (
            {"resourceType": "Flag", "status": "active", "code": {"text": "Dog at home"}},
            "Flag: Dog at home, active",
        ),
        (
            {
                "resourceType": "Coverage",
                "status": "active",
                "type": {"text": "Extended health"},
                "subscriberId": "ABC123",
            },
            "Coverage: Extended health, active, subscriber id ABC123",
        ),
    ],
)
def test_a_state_is_kept_though_the_request_is_in_the_same(resource, line):
    assert line in also_sent(of_fhir({**resource, "id": "x-90001"}))


def test_every_appointment_but_the_chosen_one_is_kept_with_its_state_and_length():
    both = [
        {
            "resourceType": "Appointment",
            "id": f"ap-9000{day}",
            "status": "booked",
            "start": f"2026-04-0{day}T14:00:00Z",
            "minutesDuration": 30,
        }
        for day in (1, 2)
    ]
    (line,) = also_sent(of_fhir(*both))
    assert line.startswith("Appointment: booked, 30 minutes (2026-04-01")


def test_an_appointment_begins_with_its_slot_when_it_states_no_time_itself():
    slot = {"resourceType": "Slot", "id": "s1", "start": "2026-04-01T14:00:00Z", "status": "busy"}
    booked = {"resourceType": "Appointment", "id": "ap-90001", "status": "booked"}
    event = of_fhir({**booked, "slot": [{"reference": "Slot/s1"}]}, slot)
    assert event.document["appointment"]["start"] == "2026-04-01T14:00:00+00:00"


# -- Addresses that people open --------------------------------------------------------------------

ROOM = "https://video.example/room/55"


@pytest.mark.parametrize(
    "members",
    [
        {"extension": [{"url": "https://x.example/ext-join-link", "valueUrl": ROOM}]},
        {"extension": [{"url": "https://x.example/virtual-visit", "valueUri": ROOM}]},
        {"virtualService": [{"addressUrl": ROOM}]},
        {"joinUrl": ROOM},
    ],
)
def test_the_link_to_join_an_appointment_is_passed_on(members):
    event = of_fhir(
        {"resourceType": "Appointment", "id": "ap-90001", "status": "booked", **members}
    )
    assert any(line.startswith("Appointment: ") and ROOM in line for line in also_sent(event))
    assert not event.warnings


@pytest.mark.parametrize("key", ["join_link", "join_url", "video_link", "meeting_url"])
def test_the_link_to_join_is_passed_on_of_a_plain_event(key):
    (line,) = also_sent(of_plain(appointment={"id": "7", key: ROOM}))
    assert line.endswith(ROOM)


def test_no_other_address_and_no_sign_in_link_is_passed_on():
    sign_in = "https://www.caredove.com/applaunch?x"
    appointment = {"id": "7", "join_link": sign_in, "api_url": ROOM, "source": ROOM}
    assert also_sent(of_plain(appointment=appointment)) == []


def test_contact_points_are_passed_on_by_their_kind_with_the_time_they_ended():
    former = {"period": {"end": "2019-05-05"}}
    person = {
        "telecom": [
            {"system": "phone", "value": "705-555-0142"},
            {"system": "phone", "value": "705-555-0101", **former},
            {"system": "email", "value": "a@x.example"},
            {"system": "email", "value": "old@x.example", **former},
            {"system": "url", "value": "https://social.example/al"},
        ]
    }
    assert also_sent(of_fhir(person=person)) == [
        "Registrant: Phone: 705-555-0101 (until 2019-05-05)",
        "Registrant: E-mail: old@x.example (until 2019-05-05)",
        "Registrant: Web address: https://social.example/al",
    ]


# -- Narratives ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (
            {
                "resourceType": "Basic",
                "code": {"text": "Housing"},
                "text": {"status": "additional", "div": "<div>Lives in a <b>shelter</b></div>"},
            },
            "Lives in a shelter",
        ),
        (
            {
                "resourceType": "Composition",
                "title": "Summary",
                "section": [
                    {
                        "title": "History",
                        "text": {"status": "generated", "div": "<div>Migraine</div>"},
                    }
                ],
            },
            "section History, Migraine",
        ),
    ],
)
def test_a_narrative_that_states_more_is_passed_on(resource, text):
    assert any(text in line for line in also_sent(of_fhir({**resource, "id": "n-90001"})))


def test_a_narrative_that_was_generated_from_the_rest_is_not_repeated():
    basic = {
        "resourceType": "Basic",
        "id": "n-90001",
        "code": {"text": "Housing"},
        "text": {"status": "generated", "div": "<div>Housing</div>"},
    }
    assert also_sent(of_fhir(basic)) == ["Basic: Housing"]


# -- Of whom and of what ---------------------------------------------------------------------------


def test_the_rest_of_something_names_what_it_is_the_rest_of():
    condition = {
        "resourceType": "Condition",
        "id": "c-90001",
        "code": {"text": "PTSD"},
        "severity": {"text": "Severe"},
    }
    guardian = {
        "resourceType": "RelatedPerson",
        "id": "r-90001",
        "patient": {"reference": "Patient/p1"},
        "relationship": [{"text": "Guardian"}],
        "name": [{"family": "Roy", "given": ["Nils"]}],
        "period": {"end": "2020-01-01"},
    }
    person = {
        "contact": [
            {"relationship": [{"text": who}], "name": {"text": name}, "address": {"line": [street]}}
            for who, name, street in (("Mother", "Eva", "1 Elm"), ("Sister", "Ida", "2 Oak"))
        ]
    }
    asked = {"reasonReference": [{"reference": "Condition/c-90001"}]}
    assert also_sent(of_fhir(condition, guardian, person=person, **asked)) == [
        "Registrant: Contact Eva: Address: 1 Elm",
        "Registrant: Contact Ida: Address: 2 Oak",
        "Condition: PTSD, severity Severe",
        "Contact: Nils Roy (until 2020-01-01)",
    ]


def test_the_version_code_of_a_health_card_is_passed_on_with_the_card():
    card = {
        "type": {"text": "Health card"},
        "value": "1234567890",
        "extension": [{"url": "https://x.example/version-code", "valueString": "AB"}],
    }
    assert also_sent(of_fhir(person={"identifier": [card]})) == [
        "Registrant: Health card: Version code: AB"
    ]
    sent = {"number": "1234567890", "version": "AB"}
    assert also_sent(of_plain(registrant={"last_name": "Roy", "health_card": sent})) == [
        "Registrant: Health card: Number: 1234567890, Version: AB"
    ]


def test_an_identifier_goes_by_its_type():
    doctor = {
        "resourceType": "Practitioner",
        "id": "d1",
        "identifier": [{"type": {"text": "CPSO"}, "value": "98765"}],
        "name": [{"family": "Abara"}],
    }
    asked = of_fhir(doctor, requester={"reference": "Practitioner/d1"})
    assert also_sent(asked) == ["Requester: CPSO: 98765"]


# -- People ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("display", ["Milltown Family Health Team", "Main Street Clinic"])
def test_an_organization_in_the_place_of_a_role_s_practitioner_is_no_person(display):
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"display": display}}
    event = of_fhir(role, requester={"reference": "PractitionerRole/r1"})
    assert event.document["requester"] == {"organization": display}


def test_the_requester_is_reached_by_what_ranks_first_and_is_not_former():
    phones = [
        {"system": "phone", "value": "705-555-0101", "use": "old"},
        {"system": "phone", "value": "705-555-0102", "rank": 2},
        {"system": "phone", "value": "705-555-0103", "rank": 1},
    ]
    role = {"resourceType": "PractitionerRole", "id": "r1", "telecom": phones}
    event = of_fhir(role, requester={"reference": "PractitionerRole/r1"})
    assert event.document["requester"] == {"phone": "705-555-0103"}


def test_an_address_whose_parts_have_gaps_is_filled_from_its_text():
    sent = {"line": ["9 Pine Rd"], "city": "Milltown", "text": "9 Pine Rd, Milltown ON P0A 1B0"}
    event = of_fhir(person={"address": [sent]})
    (address,) = event.document["registrant"]["addresses"]
    assert (address["province"], address["postal_code"]) == ("ON", "P0A 1B0")
    assert also_sent(event) == []


@pytest.mark.parametrize(
    "address", ["118 Birch St, Milltown ON P0A 1B0", {"text": "118 Birch St, Milltown ON P0A 1B0"}]
)
def test_an_address_as_text_is_read_in_a_plain_event(address):
    (read,) = of_plain(registrant={"address": address}).document["registrant"]["addresses"]
    assert (read["lines"], read["city"]) == (["118 Birch St"], "Milltown")


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        ({"name": "Singh, Harleen"}, ("Harleen", "Singh")),
        ({"full_name": "Dr. Harleen van der Berg, MD"}, ("Harleen", "van der Berg")),
        ({"first_name": "Harleen", "name": "Harleen Singh"}, ("Harleen", "Singh")),
        ({"first_name": "H", "last_name": "S", "name": "Harleen Singh"}, ("H", "S")),
    ],
)
def test_a_name_as_text_fills_the_gaps_of_a_plain_event(sent, names):
    from_plain = of_plain(requester=sent, registrant=sent).document
    for who in (from_plain["requester"], from_plain["registrant"]):
        assert (who["first_name"], who["last_name"]) == names


def test_a_plain_requester_is_read_in_the_shapes_that_a_registrant_is():
    sent = {"organization": {"name": "Milltown FHT", "fax": "705-555-0111"}, "email": "H <h@x.ca>"}
    event = of_plain(requester=sent)
    assert event.document["requester"]["organization"] == "Milltown FHT"
    assert event.document["requester"]["email"] == "h@x.ca"
    assert "Requester: Organization: Fax: 705-555-0111" in also_sent(event)
    assert not event.warnings


def test_permission_to_use_an_address_that_is_none_is_passed_on_beside_it():
    event = of_plain(registrant={"email": {"address": "not an address", "may_email": True}})
    assert "registrant" not in event.document
    assert also_sent(event) == ["Registrant: Email: Address: not an address, May email: yes"]


def test_a_place_in_parts_is_where_a_plain_appointment_is():
    event = of_plain(appointment={"location": {"name": "North", "address": "40 Main", "id": "9"}})
    assert event.document["appointment"]["location"] == "North, 40 Main"
    assert not event.warnings


@pytest.mark.parametrize("key", ["form_name", "form_title"])
def test_a_form_goes_by_its_name(key):
    (answer,) = of_plain(
        form_answers=[{"form": "wf", key: "Workflow", "key": "1", "label": "L", "value": "x"}]
    ).document["form_answers"]
    assert (answer["form"], answer["form_name"]) == ("wf", "Workflow")


def test_permissions_of_several_contacts_are_passed_on_with_whose_they_are():
    people = [{"name": "Eva", "may_contact": False}, {"name": "Ida", "may_contact": True}]
    assert also_sent(of_plain(registrant={"contacts": people})) == [
        "Registrant: Contact Eva: May contact: no",
        "Registrant: Contact Ida: May contact: yes",
    ]


# -- What belongs together -------------------------------------------------------------------------


def test_a_dose_stands_with_its_medication():
    medication = {"resourceType": "Medication", "id": "md-90001", "code": {"text": "Sertraline"}}
    asked = {
        "resourceType": "MedicationRequest",
        "id": "mr-90001",
        "status": "active",
        "medicationReference": {"reference": "Medication/md-90001"},
        "dosageInstruction": [{"text": "1 tablet daily"}],
    }
    line = "Medication: Sertraline, active, dosage instruction 1 tablet daily"
    assert also_sent(of_fhir(asked, medication)) == [line]
    assert also_sent(of_fhir(medication, asked)) == ["Medication: Sertraline", line]


def test_a_value_stands_behind_what_it_measures():
    pressure = {
        "resourceType": "Observation",
        "id": "o-90001",
        "code": {"text": "BP"},
        "component": [
            {"code": {"text": name}, "valueQuantity": {"value": value, "unit": "mmHg"}}
            for name, value in (("Systolic", 120), ("Diastolic", 80))
        ],
    }
    assert also_sent(of_fhir(pressure)) == [
        "Observation: BP, component Systolic: 120 mmHg, Diastolic: 80 mmHg"
    ]


@pytest.mark.parametrize("system", [{}, {"system": "https://x.example/class"}])
def test_the_code_of_something_that_has_a_name_is_not_passed_on(system):
    visit = {
        "resourceType": "Encounter",
        "id": "e-90001",
        "class": {"code": "EMER", "display": "emergency", **system},
    }
    assert also_sent(of_fhir(visit)) == ["Encounter: class emergency"]


def test_an_answer_of_groups_keeps_them_apart():
    meds = [{"name": "Sertraline", "dose": "50 mg"}, {"name": "Iron", "dose": "300 mg"}]
    (answer,) = of_plain(form_answers=[{"key": "m", "value": meds}]).document["form_answers"]
    assert answer["value"] == "Sertraline, Dose: 50 mg; Iron, Dose: 300 mg"


@pytest.mark.parametrize(
    "value",
    [
        "data:text/plain;base64,aGVsbG8=",
        ["data:text/plain;base64,aGVsbG8="],
        {"filename": "Drawing.txt", "content_type": "text/plain", "data": "aGVsbG8="},
    ],
)
def test_a_file_in_an_answer_is_a_file_and_no_text(value):
    event = of_plain(form_answers=[{"key": "d", "label": "Drawing", "value": value}])
    assert [(file.filename, file.content) for file in event.files] == [("Drawing.txt", b"hello")]
    assert "aGVsbG8" not in str(event.document)
