"""An import is undone, where nobody has changed anything since."""

import pytest
from django.utils import timezone

from directory import changes, documents
from directory.importing.undoing import NotUndone, undo
from directory.models import Entry, Phone, Revision, Secrecy, Service, SupplierImport
from directory.taking_in import take_in
from tests.directory.importing import supplied
from tests.directory.importing.supplied import bring
from tests.directory.stored import members

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("directory"),
]


def service(name):
    return Service.objects.get(name__en=name)


def changed():
    rows = supplied.small()
    rows["service"][0] |= {"name": "Pantry", "description": "Now with words."}
    rows["phone"] = [supplied.phone(service_id="s1", number="613-555-0199")]
    return rows


def state():
    return {
        key: [item["fields"] for item in document[1:]]
        for key, document in documents.read(
            list(Entry.objects.values_list("pk", flat=True))
        ).items()
    }


def test_what_an_import_changed_is_put_back(tmp_path):
    bring(tmp_path, supplied.small())
    before = state()
    report = bring(tmp_path, changed())
    assert state() != before
    undone = undo(report.number, "Jo")
    assert (undone.put_back, undone.withdrawn, undone.left) == (2, 0, [])
    assert state() == before
    assert SupplierImport.objects.get(pk=report.number).state == SupplierImport.State.UNDONE


def test_what_an_import_brought_is_withdrawn_and_comes_back_with_the_next(tmp_path):
    report = bring(tmp_path, supplied.small())
    take_in()
    assert members()
    numbers = dict(Entry.objects.values_list("pk", "number"))
    undone = undo(report.number, "Jo")
    assert undone.withdrawn == 7
    take_in()
    assert not members()
    bring(tmp_path, supplied.small())
    take_in()
    assert dict(Entry.objects.values_list("pk", "number")) == numbers
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_what_an_import_withdrew_is_shown_again(tmp_path):
    rows = supplied.many(60)
    bring(tmp_path, rows)
    report = bring(tmp_path, {**rows, "service": rows["service"][:-1]})
    assert Entry.objects.filter(withdrawn_by="supplier").count() == 1
    undo(report.number, "Jo")
    assert not Entry.objects.exclude(withdrawn_by="").exists()


def test_what_somebody_has_changed_since_is_listed_and_stays(tmp_path):
    bring(tmp_path, supplied.small())
    report = bring(tmp_path, changed())
    one = service("Pantry")
    Revision.objects.create(entry=one.entry, at=timezone.now(), by="Jo", reason="edit", before=[])
    undone = undo(report.number, "Jo")
    assert [left["record"] for left in undone.left] == [f"service {one.entry.hsds_id}"]
    assert service("Pantry").description == {"en": "Now with words."}
    assert service("Shelter").phones.count() == 1


def test_what_has_become_confidential_stays_so(tmp_path):
    bring(tmp_path, supplied.small())
    report = bring(tmp_path, changed())
    Entry.objects.filter(kind="service").update(secrecy=Secrecy.YES)
    Phone.objects.update(secrecy=Secrecy.YES)
    changes.changed(list(Entry.objects.values_list("pk", flat=True)))
    undo(report.number, "Jo")
    assert set(Entry.objects.filter(kind="service").values_list("secrecy", flat=True)) == {"yes"}
    assert service("Food bank").phones.get().secrecy == Secrecy.YES


def test_an_import_is_undone_once(tmp_path):
    report = bring(tmp_path, supplied.small())
    undo(report.number, "Jo")
    with pytest.raises(NotUndone, match="undone"):
        undo(report.number, "Jo")
    with pytest.raises(NotUndone, match="no import 999"):
        undo(999, "Jo")
