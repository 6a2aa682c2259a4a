"""The pages for duplicates and suppliers: what they show, and what people do there."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from directory.exporting import requested
from directory.models import Apart, Entry, Merge, Pull, RequestedFile, Supplier
from tests.directory import make
from tests.directory.importing import supplied
from tests.directory.importing.supplied import bring

pytestmark = pytest.mark.django_db


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def two():
    one = make.agency("Food Bank", email="a@example.org")
    other = make.agency("Food bank", email="b@example.org")
    make.phone(organization=other)
    return one, other, reverse("admin:directory_duplicate", args=[one.pk, other.pk])


def test_a_pair_is_listed_compared_merged_and_taken_back(editor):
    one, other, url = two()
    pairs = reverse("admin:directory_duplicates")
    assert f'href="{url}"' in text(editor.get(pairs))
    page = text(editor.get(url))
    assert all(value in page for value in ("a@example.org", "b@example.org", "613-555-0100"))
    editor.post(url, {"deed": "merge", "field-email": "other"})
    one.refresh_from_db()
    assert one.email == "b@example.org"
    assert Entry.objects.get(pk=other.pk).merged_into_id == one.pk
    page = text(editor.get(pairs))
    assert f'href="{url}"' not in page
    editor.post(pairs, {"merge": Merge.objects.get().pk})
    one.refresh_from_db()
    assert one.email == "a@example.org"


def test_two_people_who_merge_one_pair(editor):
    _one, _other, url = two()
    for _ in range(2):
        answer = editor.post(url, {"deed": "merge"}, follow=True)
    assert "merged already" in text(answer)
    assert Merge.objects.count() == 1


def test_a_pair_that_is_kept_apart_is_listed_no_more(editor):
    _one, _other, url = two()
    editor.post(url, {"deed": "apart"})
    assert Apart.objects.count() == 1
    assert url not in text(editor.get(reverse("admin:directory_duplicates")))


def test_what_cannot_be_compared_is_not_found(editor):
    one, _other, _url = two()
    service = make.service(organization=one)
    for pair in ((one.pk, service.pk), (one.pk, one.pk), (one.pk, 10**9), (one.pk, 10**30)):
        assert editor.get(reverse("admin:directory_duplicate", args=pair)).status_code == 404


def test_a_supplier_shows_its_pull_imports_and_what_staff_keep(editor, tmp_path):
    bring(tmp_path, supplied.small(), source="North")
    supplier = Supplier.objects.get()
    url = reverse("admin:directory_supplier", args=[supplier.pk])
    assert url in text(editor.get(reverse("admin:directory_suppliers")))
    pull = Pull.objects.create(
        supplier=supplier,
        url="https://north.example.org",
        token="secret-1",
        due_at=timezone.now() + timedelta(days=1),
        ended_at=timezone.now(),
        outcome=Pull.Outcome.WAITS,
        problems=["The API lists no services."],
    )
    page = text(editor.get(url))
    assert "The API lists no services." in page
    assert "secret-1" not in page
    editor.post(url, {"deed": "allow"})
    pull.refresh_from_db()
    assert pull.allow_once
    assert pull.due_at <= timezone.now()
    editor.post(url, {"deed": "undo", "import": supplier.imports.get().pk})
    assert Entry.objects.filter(withdrawn_by="undo").exists()


def test_a_page_of_no_supplier_is_not_found(editor):
    assert editor.get(reverse("admin:directory_supplier", args=[1])).status_code == 404


def test_a_file_is_asked_for_written_and_downloaded(editor, settings, tmp_path):
    settings.STATE_ROOT = tmp_path
    make.service(minimum_age=12)
    asked = editor.post(
        reverse("admin:directory_files"), {"format": "icarol-csv", "language": "fr"}
    )
    row = RequestedFile.objects.get()
    waiting = editor.get(asked.url)
    assert waiting.headers["Refresh"] == "2"
    done = requested.make(row.pk)
    assert (done.state, done.written, done.expected) == ("done", 2, 2)
    page = editor.get(asked.url)
    assert "Refresh" not in page.headers
    assert "service.minimum_age" in text(page)
    sent = editor.get(reverse("admin:directory_download", args=[row.pk]))
    assert done.file in sent.headers["Content-Disposition"]
    assert b"ResourceAgencyNum" in b"".join(sent.streaming_content)
    RequestedFile.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    requested.make(row.pk)
    assert not RequestedFile.objects.exists()
    assert not list((tmp_path / "directory-files").iterdir())


def test_a_file_of_nothing_says_why(editor, settings, tmp_path):
    settings.STATE_ROOT = tmp_path
    row = requested.ask("airs-3.0", "en", "jo")
    assert requested.make(row.pk).state == "failed"
    assert "needs an agency" in text(editor.get(reverse("admin:directory_file", args=[row.pk])))
    gone = editor.get(reverse("admin:directory_download", args=[row.pk]), follow=True)
    assert "Ask for it again" in text(gone)
