"""What is confidential is in no answer, file, search, count, error or log, whoever asks for it.

Each marker stands in a place of its own. First all of them are shown, so that this test can fail;
then *Confidential* is pressed, and nobody takes it in but the readers themselves.
"""

import zipfile

import pytest
from django.utils import timezone

from directory import changes, documents
from directory import models as rows
from directory.exporting.writing import FORMATS, write
from directory.importing.running import Options, run
from directory.listing.parameters import PATHS
from directory.models import Entry, Secrecy
from directory.taking_in import take_in
from directory.views.rules import api_view
from tests.directory import make
from tests.directory.importing import supplied
from tests.directory.importing.supplied import zipped

pytestmark = pytest.mark.usefixtures("directory")
BASE = "/hsds/3.1"


def marker(number: int) -> str:
    return f"marker{number:02}x"


def texts(number: int) -> dict[str, str]:
    """A marker in both languages."""
    return {"en": f"{marker(number)} street", "fr": f"rue {marker(number)}"}


class Shelter:
    """A confidential place, service, agency, phones, e-mails and people: each with markers."""

    def __init__(self) -> None:
        self.agency = make.agency("Region", email="marker01x@example.org")
        self.open = make.service("Meals", organization=self.agency, email="marker02x@example.org")
        self.place = make.location(
            texts(3), alternate_name=texts(4), description=texts(5), transportation=texts(6),
            external_identifier=marker(7), url={"en": f"https://{marker(8)}.example.org"},
            latitude=45.123456, longitude=-75.654321,
        )  # fmt: skip
        self.at = make.at(self.open, self.place, description=texts(9))
        make.address(self.place, address_1=texts(10), attention=texts(11), city=texts(12))
        rows.Accessibility.objects.create(location=self.place, description=texts(13))
        make.phone("613-555-0114", location=self.place, description=texts(14))
        rows.Schedule.objects.create(location=self.place, description=texts(15), notes=texts(15))
        self.phone = make.phone("613-555-0116", service=self.open, description=texts(16))
        self.contact = rows.Contact.objects.create(
            service=self.open, name=texts(17), title=texts(18), email="marker18x@example.org"
        )
        self.hidden = make.service(texts(19), description=texts(19), organization=self.agency)
        make.at(self.hidden, make.location("Hall"))
        self.other = make.agency(texts(20), description=texts(20))
        self.of_other = make.service("Legal clinic", organization=self.other)
        make.attribute(self.open, make.term("Food"))
        make.attribute(self.hidden, make.term(texts(21)))
        make.attribute(self.phone, make.term(texts(22)))
        make.attribute(self.place, make.term(texts(23)))
        self.other.programs.create(name=texts(24))
        make.location(texts(25), organization=self.other)
        make.phone("613-555-0126", contact=self.contact, description=texts(26))
        self.hall = make.location("Town hall", organization=self.agency)
        self.mail = make.address(self.hall, address_type="postal", address_1=texts(27))
        self.never = make.service(
            "Notes", internal_notes=marker(28), kept={"InternalNotes": marker(28)},
            organization=self.agency,
        )  # fmt: skip

    @property
    def keys(self) -> list[int]:
        return list(Entry.objects.values_list("pk", flat=True))

    def hide(self) -> None:
        """Press *Confidential* everywhere; nobody takes it in."""
        hidden = [self.place.pk, self.hidden.pk, self.other.pk]
        Entry.objects.filter(pk__in=hidden).update(secrecy=Secrecy.YES)
        rows.Phone.objects.filter(pk=self.phone.pk).update(secrecy=Secrecy.YES)
        rows.Contact.objects.filter(pk=self.contact.pk).update(secrecy=Secrecy.YES)
        rows.Agency.objects.filter(pk=self.agency.pk).update(email_secrecy=Secrecy.YES)
        rows.Service.objects.filter(pk=self.open.pk).update(email_secrecy=Secrecy.YES)
        rows.Address.objects.filter(pk=self.mail.pk).update(private=True)
        changes.changed([*hidden, self.agency.pk, self.open.pk, self.hall.pk])


SECRETS = [*map(marker, range(1, 29)), "555-0114", "555-0116", "555-0126", "45.1234", "75.6543"]


def found_in(text: str) -> set[str]:
    return {secret for secret in SECRETS if secret in text}


def answers(client) -> str:
    """Return all that the API says: lists of each shape, and every entry by its id."""
    asked = [f"{BASE}/", f"{BASE}/openapi.json", f"{BASE}/profile"]
    for name, kind in PATHS.items():
        full = "&full=true" if kind not in ("taxonomy", "taxonomy_term") else ""
        asked += [f"{BASE}/{name}?extras=true{full}", f"{BASE}/{name}?format=ndjson"]
        ids = Entry.objects.filter(kind=kind).values_list("hsds_id", flat=True)
        asked += [f"{BASE}/{name}/{id}?extras=true" for id in ids]
    asked += [f"{BASE}/services?minimal=true", f"{BASE}/organizations?full_service=true"]
    outputs = []
    for language in ("en", "fr"):
        for path in asked:
            response = client.get(path, headers={"Accept-Language": language})
            body = b"".join(response) if response.streaming else response.content
            outputs.append(f"{body.decode()} {response.headers}")
    return "\n".join(outputs)


def files(tmp_path) -> str:
    """Return all that stands in files, in each format and language."""
    outputs = []
    for format in FORMATS.values():
        for language in ("en", "fr"):
            path = write(format, api_view(), language, tmp_path).path
            if not zipfile.is_zipfile(path):
                outputs.append(path.read_text(encoding="utf-8"))
                continue
            with zipfile.ZipFile(path) as packed:
                outputs += [packed.read(name).decode() for name in packed.namelist()]
    return "\n".join(outputs)


def matches(client) -> set[str]:
    """Return the secrets that a search finds, on any list, and where a distance finds the place."""
    found = set()
    for secret in SECRETS:
        for path in ("services", "service_at_locations", "organizations", "taxonomy_terms"):
            page = client.get(f"{BASE}/{path}", {"search": secret}).json()
            found |= {secret} if page["total_items"] else set()
    place = {"proximity": 1000, "latitude": 45.1234, "longitude": -75.6543}
    for path in ("services", "service_at_locations"):
        found |= (
            {"distance"} if client.get(f"{BASE}/{path}", place).json()["total_items"] else set()
        )
    return found


@pytest.fixture
def shelter() -> Shelter:
    shelter = Shelter()
    take_in()
    return shelter


def test_nothing_confidential_is_stated_from_the_moment_it_is_hidden(
    client, shelter, tmp_path, caplog
):
    assert found_in(answers(client)) >= {marker(number) for number in range(1, 28)}
    assert "distance" in matches(client)
    caplog.clear()
    shelter.hide()
    assert found_in(files(tmp_path)) == set()  # the first reader is a file
    assert found_in(answers(client)) == set()
    assert matches(client) == set()
    assert found_in(caplog.text) == set()


@pytest.mark.whole
def test_the_first_search_finds_nothing_confidential(client, shelter):
    shelter.hide()
    assert matches(client) == set()


@pytest.mark.whole
def test_an_earlier_version_put_back_stays_confidential(client, shelter):
    before = documents.read(shelter.keys)
    shelter.hide()
    for key, document in before.items():
        documents.put_back(key, document)
    changes.changed(list(before))
    assert found_in(answers(client)) == set()
    assert matches(client) == set()


def test_a_second_supplier_states_nothing_that_the_first_hides(client, shelter, tmp_path):
    """The shelter's address and phone, which come again under other names."""
    shelter.hide()
    make.address(shelter.place, address_1={"en": "77 Secret Lane"}, postal_code="K1B 2C3")
    changes.changed([shelter.place.pk])
    sent = {
        "organization": [supplied.organization()],
        "service": [supplied.service()],
        "location": [supplied.location(name="marker03x house", transportation="marker06x bus")],
        "service_at_location": [supplied.at(description="marker09x door")],
        "address": [
            {
                "id": "d1", "location_id": "l1", "address_1": "77 Secret Ln", "city": "marker12x",
                "state_province": "ON", "postal_code": "k1b2c3", "country": "CA",
                "address_type": "physical",
            }
        ],
        "phone": [supplied.phone(number="+1 613 555-0116", service_id="s1")],
    }  # fmt: skip
    report = run(zipped(tmp_path / "again.zip", sent), "Second", Options())
    assert report.exit_code == 0
    assert found_in(str(report.as_dict())) == set()
    assert found_in(answers(client)) == set()
    assert matches(client) == set()


@pytest.mark.whole
def test_withdrawn_and_not_public_entries_are_as_absent(client, shelter):
    hidden = [shelter.hidden.pk, shelter.other.pk]
    Entry.objects.filter(pk=hidden[0]).update(not_public=True)
    Entry.objects.filter(pk=hidden[1]).update(withdrawn_by="staff", withdrawn_at=timezone.now())
    changes.changed([*hidden, shelter.of_other.pk])
    assert found_in(answers(client)) & {marker(19), marker(20)} == set()
    assert matches(client) & {marker(19), marker(20)} == set()
