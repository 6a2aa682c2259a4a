"""The main job on real input, over HTTP into a CRMS, by the programs that the Procfile names."""

from base64 import b64decode
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.flow.crms import Crms
from tests.flow.fileserver import FileServer
from tests.flow.portal import FHIR, PLAIN, Portal, eventually
from tests.world import FIXTURES, REFERENCE, example, plain

LETTER = b64decode("JVBERi0xLjQKJSVFT0YK")
SAMPLE = (FIXTURES / "samples" / "caredove-notify-update-appointment.json").read_bytes()


def body_of(name: str) -> bytes:
    return (FIXTURES / "examples" / name).read_bytes()


def files_in(crms: Crms) -> dict[str, bytes]:
    """Return the files of the referral in CRMS by their names."""
    return {f["filename"]: crms.content(f["id"]) for f in crms.referral(REFERENCE)["attachments"]}


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF, its line breaks as spaces."""
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return " ".join(text.replace("\u200b", "").split())


def event_id(answer) -> str:
    content = answer.json()
    return content["id"] if "id" in content else content["issue"][0]["diagnostics"]


@pytest.mark.postgres  # the set-up of production: a worker imports
def test_a_plain_event_becomes_a_referral_with_its_files(everything: Portal, crms: Crms):
    answer = everything.post(body_of("event-plain.json"))
    assert (answer.status_code, answer.json()["duplicate"]) == (202, False)
    done = everything.settled(REFERENCE)
    referral = crms.referral(REFERENCE)
    assert done["external_id"] == referral["id"]
    assert referral["body"] == example("crms-create-referral.json")
    files = files_in(crms)
    assert files.pop(f"referral-{REFERENCE}-attachment-1.pdf") == LETTER
    (summary,) = files.values()
    assert list(files) == [f"referral-{REFERENCE}-summary.pdf"]
    text = text_of(summary)
    for words in (
        "Birchwood Community Mental Health",
        "Adult Counselling - Milltown",
        REFERENCE,
        "Mireille Ann Tremblay-Okafor",
        "118 Birch St",
        "705-555-0177",
        "Harleen Singh",
        "Milltown Family Health Team",
        "Noor Haddad",
        "Anxiety and low mood since January",
        "Living situation",
        "intake-letter.pdf",
        "phq9.png",
    ):
        assert words in text, words


def test_a_full_fhir_message_becomes_a_referral_with_its_files(everything: Portal, crms: Crms):
    answer = everything.post(body_of("fhir-full-referral.json"), FHIR)
    assert answer.status_code == 200
    everything.settled(REFERENCE)
    referral = crms.referral(REFERENCE)
    expected = example("crms-create-referral.json")
    for group in ("client", "requester"):
        assert referral["body"][group] == expected[group]
    files = files_in(crms)
    assert LETTER in files.values()
    text = text_of(files[f"referral-{REFERENCE}-summary.pdf"])
    for words in ("Tremblay-Okafor", "Access needs: ground-floor office please", "Daniel Okafor"):
        assert words in text, words
    assert "<b>" not in text
    assert "<b>" not in referral["body"]["referral_note"]


def test_both_paths_of_the_fhir_endpoint_and_the_plain_endpoint_lead_to_one_referral(
    everything: Portal, crms: Crms
):
    posted = [
        everything.post(body_of("fhir-full-referral.json"), FHIR),
        everything.post(
            body_of("fhir-partial-appointment.json"), "/fhir/MessageHeader/$process-message"
        ),
        everything.post(body_of("event-plain.json"), PLAIN),
    ]
    assert [answer.status_code for answer in posted] == [200, 200, 202]
    for answer in posted:
        assert everything.event(event_id(answer))["reference"] == REFERENCE
    everything.settled(REFERENCE)
    assert len(crms.referrals()) == 1


def test_an_appointment_before_its_details_waits_for_them(everything: Portal, crms: Crms):
    early = everything.post(plain("referral.received", registrant=None))
    assert everything.event(event_id(early))["outcome"] == "waiting"
    booked = everything.post(body_of("fhir-partial-appointment.json"), FHIR)
    everything.event(event_id(booked))
    assert everything.import_of(REFERENCE)["state"] == "waiting"
    assert not crms.referrals()
    everything.post(body_of("fhir-full-referral.json"), FHIR)
    everything.settled(REFERENCE)
    appointment = crms.referral(REFERENCE)["body"]["appointment"]
    assert appointment["start"] == "2026-03-19T14:30:00-04:00"


def test_the_published_sample_is_taken_in_and_states_what_it_lacks(everything: Portal):
    answer = everything.post(SAMPLE, FHIR)
    assert answer.status_code == 200
    found = everything.event(event_id(answer))
    assert (found["status"], found["reference"]) == ("opened", "5791084828")
    assert "which listing" in found["reason"]
    assert everything.get("/api/v1/referrals/94jd7597-d19a-41c2-bb9a-3077s53bd9ae")


def test_the_published_sample_is_part_of_a_referral_that_is_known(everything: Portal, crms: Crms):
    everything.event(event_id(everything.post(plain(reference="5791084828"))))
    assert everything.post(SAMPLE, FHIR).status_code == 200
    everything.settled("5791084828")
    (referral,) = crms.referrals()
    assert referral["external_reference"] == "5791084828"


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
def test_an_attachment_by_url_is_fetched_with_the_credentials_and_arrives_unchanged(
    everything: Portal, crms: Crms, files: FileServer, size: int
):
    content = bytes(n * 7 % 251 for n in range(size))
    url = files.put("/files/phq9.png", content)
    attachments = [{"id": "a2", "filename": "phq9.png", "content_type": "image/png", "url": url}]
    everything.post(plain(attachments=attachments))
    assert everything.settled(REFERENCE)["missing_files"] == []
    assert files_in(crms)[f"referral-{REFERENCE}-attachment-1.png"] == content
    assert files.asked == ["/files/phq9.png"]


def test_a_file_that_cannot_be_had_holds_only_itself_back(everything: Portal, crms: Crms):
    everything.post(body_of("event-plain.json"))
    done = everything.settled(REFERENCE)
    assert [missing["filename"] for missing in done["missing_files"]] == ["phq9.png"]
    assert "sandbox.caredove.example" in done["missing_files"][0]["problem"]
    names = {file["filename"] for file in crms.referral(REFERENCE)["attachments"]}
    assert names == {
        f"referral-{REFERENCE}-summary.pdf",
        f"referral-{REFERENCE}-attachment-1.pdf",
    }


def test_a_file_that_comes_later_is_added_to_the_referral(
    everything: Portal, crms: Crms, files: FileServer
):
    url = f"http://{files.host}/files/late.png"
    files.failing = True
    everything.post(plain(attachments=[{"id": "a2", "filename": "late.png", "url": url}]))
    assert everything.settled(REFERENCE)["missing_files"]
    files.put("/files/late.png", b"late")
    files.failing = False

    eventually(lambda: not everything.settled(REFERENCE)["missing_files"], "the late file")
    assert b"late" in files_in(crms).values()
    (referral,) = crms.referrals()
    assert len(referral["attachments"]) == 2
