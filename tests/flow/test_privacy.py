"""Nobody's name on the way: not in what programs print, publish, or store in the open."""

import json
import re
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.db import connection
from redis import Redis

from alerts import watching, words
from alerts.models import Alert, AlertRecipient
from integrations.models import Destination
from tests.flow.crms import TOKEN, Crms
from tests.flow.fileserver import PASSWORD
from tests.flow.portal import FHIR, SECRET, Portal
from tests.flow.test_main_job import SAMPLE, body_of
from tests.world import REFERENCE, plain

PERSONAL = (
    *("Mireille", "Tremblay", "Okafor", "Daniel", "1991-06", "705-555", "555-01", "7055550"),
    *("mireille@example.org", "118 Birch", "P0A 1B0", "Harleen", "Singh", "Noor", "Haddad"),
    *("Anxiety", "Living situation", "intake-letter", "phq9", "0000000000", "ground-floor"),
    *(PASSWORD, SECRET, TOKEN),
)
CONFIGURATION = ("mapping_", "django_", "auth_")  # our own words, such as names of fields
SPOILT = ("400", "500-after", "html", "no-id", "reset-after", "login-page")


def assert_nothing_personal(text: str) -> None:
    for secret in PERSONAL:
        at = text.find(secret)
        assert at < 0, f"{secret}: …{text[max(0, at - 300) : at + 100]}…"


def everything_goes_wrong(portal: Portal, crms: Crms) -> None:
    """Make every kind of line that has to do with a person."""
    for body, path in (
        (body_of("fhir-full-referral.json"), FHIR),
        (body_of("fhir-partial-appointment.json"), FHIR),
        (SAMPLE, FHIR),
        (body_of("event-plain.json"), "/api/v1/events"),
    ):
        portal.post(body, path)
    portal.settled(REFERENCE)
    conflict = json.loads(body_of("event-plain.json"))
    conflict["referral"]["registrant"]["first_name"] = "Mireille-Anne"
    assert portal.post(conflict).status_code == 409
    assert portal.post(b'{"Mireille": "Tremblay-Okafor", "1991').status_code == 400
    assert portal.post({"event_type": "Anxiety", "referral": ["Mireille"]}).status_code == 400
    portal.get(f"/api/v1/referrals/{REFERENCE}?name=Mireille")
    for number, mode in enumerate(SPOILT):
        crms.fail("create", mode)
        reference = f"36{number:08}"
        refused = plain(number=number + 2, reference=reference)
        refused["referral"]["registrant"]["address"] = {"line1": "118 Birch St"}
        portal.post(refused)
        portal.settled(reference, "imported", "needs_attention")
    Destination.objects.get().release()  # a sign-in page has paused it
    spoil_the_mapping()
    portal.post(plain(number=50, reference="3600000050"))
    portal.settled("3600000050", "needs_attention")


def spoil_the_mapping() -> None:
    mapping = Destination.objects.get().trigger_configs.get().mapping
    mapping.rules.create(position=99, target="client.nowhere", sources=["registrant.first_name"])
    mapping.save()  # as the editor does: so its rules are known to have changed


@pytest.mark.postgres  # with a worker, which prints too
def test_no_program_prints_anything_personal(everything: Portal, crms: Crms):
    everything_goes_wrong(everything, crms)
    printed = everything.output()
    assert "request_finished" in printed
    assert_nothing_personal(printed)
    assert_nothing_personal(crms.program.output())
    assert_nothing_personal(requests.get(f"{everything.url}/metrics", timeout=60).text)
    assert_nothing_personal(alerts_of_what_went_wrong())
    assert_nothing_personal(stored_in_the_open())
    if settings.CELERY_BROKER_URL:
        broker = Redis.from_url(settings.CELERY_BROKER_URL)
        assert_nothing_personal("".join(str(broker.dump(key)) for key in broker.scan_iter()))


def alerts_of_what_went_wrong() -> str:
    """Return all that would be said of it, to whoever is alerted."""
    organization = Destination.objects.get().organization
    recipient = AlertRecipient.objects.create(organization=organization, address="a@b.example")
    watching.look()
    alerts = Alert.objects.filter(organization=organization)
    assert alerts
    said = (words.message(alert, recipient, "msg_1") for alert in alerts)
    return " ".join(f"{one.subject} {one.text} {one.payload}" for one in said)


def stored_in_the_open() -> str:
    """Return every column of every table as it is in the database, except of our own words."""
    found = []
    for table in connection.introspection.table_names():
        if not table.startswith(CONFIGURATION):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                found += cursor.fetchall()
    return " ".join(map(str, found))


def test_no_address_or_file_name_holds_anything_personal(everything: Portal, crms: Crms):
    everything.post(body_of("event-plain.json"))
    everything.settled(REFERENCE)
    names = [file["filename"] for file in crms.referral(REFERENCE)["attachments"]]
    assert names
    assert_nothing_personal(" ".join(names))
    addresses = re.findall(r'"request": "([^"]+)"', everything.output())
    assert any("/api/v1/events" in address for address in addresses)
    assert_nothing_personal(" ".join(addresses))


def test_nothing_personal_lies_on_the_disk_unencrypted(everything: Portal, crms: Crms):
    everything.post(body_of("fhir-full-referral.json"), FHIR)
    everything.post(body_of("event-plain.json"))
    everything.settled(REFERENCE)
    stored = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        assert_nothing_personal(path.read_bytes().decode("latin-1"))
        # More than four bytes: among megabytes of ciphertext, those come up by chance.
        assert b"%PDF-1." not in path.read_bytes()
    assert_nothing_personal(stored_in_the_open())
