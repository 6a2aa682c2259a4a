"""Messages of other countries' booking and referral services, with what Caredove's have."""

import json
from pathlib import Path

from integrations.sources.account import texts_of
from integrations.sources.caredove import fhir
from tests.integrations.sources.caredove.messages import REFERENCE

FILES = sorted(Path("tests/fixtures/elsewhere").glob("*.json"))
SERVICE = "https://caredove.com/fhir/NamingSystem/id-service"


def load(name: str) -> dict:
    return json.loads(Path(f"tests/fixtures/elsewhere/{name}.json").read_bytes())


def adopted(message: dict) -> dict:
    """Return the message with a Reference #, an event code and a listing of Caredove's."""
    resources = [entry["resource"] for entry in message["entry"]]
    resources[0]["eventCoding"] = {"code": "notify-add-service-request"}
    asked = next(r for r in resources if r["resourceType"] == "ServiceRequest")
    number = {"type": {"text": "Caredove Reference #"}, "value": REFERENCE}
    asked["identifier"] = [*asked.get("identifier", []), number]
    services = [r for r in resources if r["resourceType"] == "HealthcareService"]
    if not services:
        services = [{"resourceType": "HealthcareService", "id": "svc-1", "name": "Counselling"}]
        message["entry"].append({"resource": services[0]})
        asked.setdefault("performer", []).append({"reference": "HealthcareService/svc-1"})
    services[0].setdefault("identifier", []).append({"system": SERVICE, "value": "4417"})
    return message


def read(name: str):
    event = fhir.parse(json.dumps(adopted(load(name))).encode())
    assert event.references[0] == REFERENCE
    assert event.listing_id == "4417"
    assert event.warnings == ()
    return event.document


def also(document) -> dict[str, str]:
    return {
        ": ".join(filter(None, [part.get("group"), part.get("label")])): part["text"]
        for part in document["also_sent"]
    }


def test_an_english_referral_is_read_as_an_intake_worker_would():
    document = read("nhs-bars-referral")
    assert "routed" not in document  # it is based on a care plan
    assert document["requester"] == {
        "first_name": "Fatima",
        "last_name": "Okafor-Byrne",
        "organization": "West Yorkshire 111",
        "phone": "0113 496 0999",
    }
    assert document["reason"] == "Chest pain"
    also_sent = also(document)
    assert also_sent["Flag"] == "Violent behaviour at home address, active"
    assert "within 4 hours" in also_sent["Care plan"]
    assert "Called 111 with chest pain" in also_sent["Encounter"]
    assert also_sent["Requester: Name"] == "Dr Fatima Okafor-Byrne MRCGP"


def test_an_english_booking_goes_by_its_schedule():
    document = read("nhs-bars-booking")
    assert document["appointment"]["provider_full_name"] == "Tahmid Haque"
    assert document["appointment"]["status"] == "booked"
    assert also(document)["Appointment: Service type"] == "Falls clinic"


def test_an_english_cancellation_gives_the_reason():
    document = read("nhs-bars-cancelled")
    assert document["request_status"] == "revoked"
    assert document["appointment"]["status"] == "cancelled"
    assert also(document)["Appointment: Cancellation reason"] == "Patient unable to attend"


def test_an_ontario_referral_is_read_whole():
    document = read("ontario-ereferral")
    assert [a["value"] for a in document["form_answers"]] == ["Type 2", "no", "9.8 %"]
    assert [a["filename"] for a in document["attachments"]] == ["labs.txt"]
    also_sent = also(document)
    assert also_sent["Allergy"].startswith("Metformin, Active, reaction")
    assert (
        also_sent["Registrant: Jurisdictional health number: Id health card version code"] == "AB"
    )
    assert also_sent["Requester: Fax"] == "613-555-0112"


def test_an_ontario_message_states_who_wrote_it():
    document = read("ontario-communication")
    (message,) = document["messages"]
    assert (message["side"], message["sender"]) == ("provider", "Nurse Joan Hall")
    assert document["requester"]["last_name"] == "Wu"
    assert also(document)["Practitioner role"].startswith("Nurse Joan Hall")


def test_a_canadian_condition_keeps_its_name_beside_its_state():
    document = read("pan-canadian-ereferral")
    assert document["reason"] == "Depressive disorder"
    also_sent = also(document)
    assert also_sent["Condition"] == "Depressive disorder, active (2025-10)"
    assert also_sent["Registrant: Pronouns"] == "they/them"
    assert document["requester"]["last_name"] == "van der Berg"
    assert document["registrant"]["contacts"][0]["name"] == "Leetia Kilabuk"


def test_an_australian_request_shows_no_codes():
    document = read("australian-erequesting")
    also_sent = also(document)
    assert also_sent["Registrant: Indigenous status"].endswith("Islander origin")
    assert also_sent["Encounter"] == "finished, class ambulatory"
    assert document["service"] == "Full blood count"


def test_an_ocean_referral_reports_no_sign_in_link_and_no_internal_note():
    document = read("ocean-ereferral")
    shown = " ".join(texts_of(document))
    assert "applaunch" not in shown
    assert "finance" not in shown
    assert document["reason"] == "Palpitations & syncope"
    assert also(document)["Referral: Referral health service"] == "Cardiology"
    assert [a["filename"] for a in document["attachments"]] == ["ecg.txt"]
