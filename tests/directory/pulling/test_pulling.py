"""Following another directory by its API, however that behaves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from directory.importing.undoing import undo
from directory.models import Entry, Pull, Service, Supplier
from directory.pulling.running import pull
from tests.directory.pulling.foreign import Foreign, service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("directory")]


@pytest.fixture
def foreign(settings):
    settings.ALLOW_LOOPBACK = True
    api = Foreign([service(number) for number in range(1, 6)])
    yield api
    api.close()


@pytest.fixture
def row(foreign):
    supplier = Supplier.objects.create(name="North", kind="hsds_api", rank=2)
    return Pull.objects.create(
        supplier=supplier, url=foreign.url, token="secret-1", due_at=timezone.now()
    )


def names():
    shown = Service.objects.filter(entry__withdrawn_by="")
    return sorted(one["en"] for one in shown.values_list("name", flat=True))


ALL = [f"Service {number}" for number in range(1, 6)]


def test_all_pages_are_brought_in_once_and_then_nothing_changes(foreign, row):
    done = pull(row.pk)
    assert (done.outcome, done.problems) == ("whole", [])
    assert names() == ALL
    assert Service.objects.first().phones.count() == 1
    assert done.due_at > timezone.now() + timedelta(hours=23)
    assert pull(row.pk) is None  # it is not due
    again = pull(row.pk, now=True)
    report = again.imports.get().report["records"]["service"]
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 0, 5)
    assert all(headers["Authorization"] == "Bearer secret-1" for _, _, headers in foreign.asked)


def test_what_is_listed_no_longer_is_withdrawn_and_comes_back_by_undo(foreign, row):
    pull(row.pk)
    foreign.services["en"] = foreign.services["en"][:4]
    done = pull(row.pk, now=True)
    assert names() == ALL[:4]
    undo(done.imports.get().pk, "jo")
    assert names() == ALL


def test_each_language_that_it_answers_is_taken(foreign, row):
    foreign.services["fr"] = [service(1, name="Banque alimentaire"), *foreign.services["en"][1:]]
    done = pull(row.pk)
    assert done.outcome == "whole"
    assert done.imports.count() == 2
    one = Service.objects.get(name__en="Service 1")
    assert one.name == {"en": "Service 1", "fr": "Banque alimentaire"}
    assert Service.objects.get(name__en="Service 2").name == {"en": "Service 2"}


@pytest.mark.parametrize("says_so", [True, False])
def test_a_language_that_it_does_not_answer_is_left_out(foreign, row, says_so):
    def answer(path, asked):
        status, headers, value = foreign.page(path, {**asked, "lang": "en"})
        return status, headers if says_so else {}, value

    foreign.answer = answer
    done = pull(row.pk)
    assert (done.outcome, done.imports.count()) == ("whole", 1)
    assert Service.objects.get(name__en="Service 1").name == {"en": "Service 1"}


def without_counts(foreign):
    def answer(path, asked):
        status, headers, page = foreign.page(path, asked)
        return status, headers, {"contents": page["contents"]} if status == 200 else page

    return answer


def test_an_api_without_counts_is_read_to_its_end(foreign, row):
    foreign.answer = without_counts(foreign)
    assert pull(row.pk).outcome == "whole"
    assert names() == ALL


def test_a_bare_list_is_all_that_there_is(foreign, row):
    foreign.per_page = 100

    def answer(path, asked):
        status, headers, page = foreign.page(path, asked)
        return status, headers, page["contents"] if status == 200 else page

    foreign.answer = answer
    assert pull(row.pk).outcome == "whole"
    assert names() == ALL


def missing(foreign, number, status=500):
    def answer(path, asked):
        is_it = path == "services" and asked.get("page") == str(number)
        return (status, {}, {}) if is_it else foreign.page(path, asked)

    return answer


def repeating(foreign):
    return lambda path, asked: without_counts(foreign)(path, {**asked, "page": "1"})


def cut_short(foreign):
    def answer(path, asked):
        status, headers, page = foreign.page(path, asked)
        return status, headers, {**page, "total_items": 50} if status == 200 else page

    return answer


def not_json(foreign):
    def answer(path, asked):
        is_it = path == "services" and asked.get("page") == "2"
        return (200, {}, b"<html>") if is_it else foreign.page(path, asked)

    return answer


@pytest.mark.parametrize(
    "bad",
    [lambda foreign: missing(foreign, 3), repeating, cut_short, not_json],
    ids=["fails midway", "repeats a page", "says more than comes", "a page is no JSON"],
)
def test_a_pull_that_missed_something_takes_the_rest_and_withdraws_nothing(foreign, row, bad):
    pull(row.pk)
    foreign.services["en"] = [service(6), *foreign.services["en"][:4]]
    foreign.answer = bad(foreign)
    done = pull(row.pk, now=True)
    assert done.outcome == "partial"
    assert done.problems
    assert names() == [*ALL, "Service 6"]


@pytest.mark.parametrize(
    "bad",
    [
        lambda path, asked: (500, {}, {}),
        lambda path, asked: (404, {}, {}),
        lambda path, asked: (401, {}, {}),
        lambda path, asked: (200, {}, b"\xff"),
        lambda path, asked: (200, {}, {"error": "no"}),
        lambda path, asked: (302, {"Location": "http://10.0.0.1/hsds/services"}, b""),
        lambda path, asked: (302, {"Location": "file:///etc/passwd"}, b""),
        lambda path, asked: (302, {"Location": "/hsds/services"}, b""),
    ],
    ids=["500", "404", "401", "no text", "no list", "private address", "a file", "in a circle"],
)
def test_a_pull_that_reads_nothing_changes_nothing_and_is_tried_again(foreign, row, bad):
    pull(row.pk)
    foreign.answer = bad
    done = pull(row.pk, now=True)
    assert done.outcome == "failed"
    assert len(done.problems) == 1
    assert "secret-1" not in str(done.problems)
    assert names() == ALL
    assert done.due_at < timezone.now() + timedelta(hours=1)


def test_the_token_goes_to_no_other_host(foreign, row):
    other = Foreign([])
    foreign.answer = lambda path, asked: (302, {"Location": f"{other.url}/{path}"}, b"")
    pull(row.pk)
    other.close()
    assert other.asked
    assert not any("Authorization" in headers for _, _, headers in other.asked)


def test_one_that_lists_nothing_waits_for_a_person(foreign, row):
    pull(row.pk)
    foreign.services["en"] = []
    done = pull(row.pk, now=True)
    assert done.outcome == "waits"
    assert "The API lists no services." in done.problems
    assert names() == ALL
    assert pull(row.pk, now=True, allow_withdrawals=True).outcome == "whole"
    assert names() == []


def test_an_api_that_knows_no_full_is_read_service_by_service(foreign, row):
    def answer(path, asked):
        if "full" in asked:
            return 400, {}, {}
        if path.startswith("services/"):
            key = path.removeprefix("services/")
            found = next(one for one in foreign.services["en"] if one["id"] == key)
            return 200, {}, found
        status, headers, page = foreign.page(path, asked)
        if status == 200:
            flat = [{k: v for k, v in one.items() if k != "phones"} for one in page["contents"]]
            page = {**page, "contents": flat}
        return status, headers, page

    foreign.answer = answer
    assert pull(row.pk).outcome == "whole"
    assert all(one.phones.count() == 1 for one in Service.objects.all())


def test_what_staff_withdrew_stays_withdrawn(foreign, row):
    pull(row.pk)
    Entry.objects.filter(service__name__en="Service 1").update(
        withdrawn_by="staff", withdrawn_at=timezone.now()
    )
    for _ in range(2):
        pull(row.pk, now=True)
    assert names() == ALL[1:]
