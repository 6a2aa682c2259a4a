"""Each save keeps a version, with who and why; any can be compared and put back."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Organization
from mapping.editing import exchange
from mapping.models import Mapping, MappingTest
from mapping.source.samples import sample
from tests.forms import form_on
from tests.mapping.editor import opened, save, with_rule
from tests.people import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapping(shipped: Mapping) -> Mapping:
    birchwood = Organization.objects.create(caredove_id="812", name="Birchwood")
    return exchange.copy_mapping(shipped, birchwood, "Ours")


@pytest.fixture
def liaison(mapping: Mapping) -> Client:
    return client_of("Liaison", mapping.organization, name="harleen")


def change(liaison: Client, mapping: Mapping, note: str = "") -> None:
    """Read the city from the street, and save."""
    posted = with_rule(opened(liaison, mapping), "client.city", "Registrant – Street")
    assert save(liaison, mapping, posted | {"note": [note]}).status_code == 302


def test_a_save_keeps_a_version_with_its_author_and_note(liaison: Client, mapping: Mapping) -> None:
    change(liaison, mapping, "Their wish")
    newest = mapping.versions.first()
    assert (newest.number, newest.author_name, newest.note) == (2, "harleen", "Their wish")
    assert newest.content == exchange.export_mapping(mapping)


def test_an_import_keeps_a_version_too(mapping: Mapping) -> None:
    content = exchange.export_mapping(mapping)
    content["value_tables"]["gender"]["female"] = "F"
    exchange.import_mapping(content, mapping.organization)
    assert mapping.versions.first().note == "Imported"
    exchange.import_mapping(content, mapping.organization)
    assert mapping.versions.count() == 2


def test_the_list_states_in_words_what_each_changed(liaison: Client, mapping: Mapping) -> None:
    change(liaison, mapping, "Their wish")
    url = reverse("admin:mapping_mapping_history", args=[mapping.pk])
    page = liaison.get(url).content.decode()
    assert "1 change from version 1" in page
    assert "Registrant – Street" in page
    assert "harleen" in page
    compared = liaison.get(url, {"old": 2, "new": 1}).context["compared"]
    assert [str(one) for one in compared] == [
        "Client – City: Registrant – Street → Registrant – City"
    ]


def test_a_version_is_put_back_as_a_new_one(liaison: Client, mapping: Mapping) -> None:
    before = exchange.export_mapping(mapping)
    change(liaison, mapping)
    liaison.post(reverse("admin:mapping_put_back", args=[mapping.pk, 1]))
    assert exchange.export_mapping(mapping) == before
    newest = mapping.versions.first()
    assert (newest.number, newest.note) == (3, "Version 1 again")
    assert newest.author_name == "harleen"


def test_a_version_that_does_not_work_any_more_is_not_put_back(
    liaison: Client, mapping: Mapping
) -> None:
    version = mapping.versions.get()
    version.content["rules"][0]["target"] = "gone"
    version.save()
    url = reverse("admin:mapping_put_back", args=[mapping.pk, 1])
    page = liaison.post(url, follow=True).content.decode()
    assert "does not work any more" in page
    assert mapping.rules.filter(target="external_reference").exists()


# -- Test cases --------------------------------------------------------------------------------


@pytest.fixture
def case(mapping: Mapping) -> MappingTest:
    document = sample("complete").document  # type: ignore[union-attr]
    return MappingTest.objects.create(
        mapping=mapping,
        name="Complete",
        document=document,
        time_zone="America/Toronto",
        expected={**expected(), "client.city": "Milltown"},
        origin="invented",
        kept_at="2026-01-01T00:00Z",
    )


def expected() -> dict[str, object]:
    """What the default mapping makes of the complete sample, without the note."""
    from mapping.engine import engine
    from mapping.engine.targets import target_fields
    from tests.mapping.rules import TORONTO

    shipped = Mapping.objects.get(shipped=True, destination_kind="crms")
    context = engine.Context(TORONTO, shipped.engine_tables(), target_fields("crms"))
    document = sample("complete").document  # type: ignore[union-attr]
    record = dict(engine.apply(shipped.engine_rules(), document, context).record)
    del record["referral_note"]
    return record


def bad_save(liaison: Client, mapping: Mapping, **more: str) -> object:
    posted = with_rule(opened(liaison, mapping), "client.city", "Registrant – Street")
    return save(liaison, mapping, posted | {name: [value] for name, value in more.items()})


def test_a_test_case_that_passes_lets_a_save_pass(
    liaison: Client, mapping: Mapping, case: MappingTest
) -> None:
    posted = with_rule(opened(liaison, mapping), "requester.phone")
    del case.expected["requester.phone"]
    case.save()
    assert save(liaison, mapping, posted).status_code == 302


def test_a_test_case_that_fails_stops_the_save_and_shows_the_difference(
    liaison: Client, mapping: Mapping, case: MappingTest
) -> None:
    response = bad_save(liaison, mapping)
    page = response.content.decode()
    assert "A test case gives something else now" in page
    assert "118 Birch St, Unit 4" in page
    assert "although “Complete” fails" in page
    assert mapping.versions.count() == 1


def test_it_is_saved_anyway_by_who_names_the_case(
    liaison: Client, mapping: Mapping, case: MappingTest
) -> None:
    answer = {f"test-{case.pk}": "anyway", "note": "Street in front"}
    assert bad_save(liaison, mapping, **answer).status_code == 302
    assert mapping.versions.first().note == ("Street in front. Saved although “Complete” failed.")
    page = liaison.get(reverse("admin:mapping_tests", args=[mapping.pk])).content.decode()
    assert "fails" in page


def test_a_case_is_renewed_by_who_states_that_it_is_right_now(
    liaison: Client, mapping: Mapping, case: MappingTest
) -> None:
    assert bad_save(liaison, mapping, **{f"test-{case.pk}": "renew"}).status_code == 302
    case.refresh_from_db()
    assert case.expected["client.city"] == "118 Birch St, Unit 4"
    assert "referral_note" not in case.expected
    assert bad_save(liaison, mapping).status_code == 302


def test_a_note_is_held_to_a_case_that_has_it(
    liaison: Client, mapping: Mapping, case: MappingTest
) -> None:
    case.expected["referral_note"] = "Something else"
    case.save()
    response = save(liaison, mapping, opened(liaison, mapping))
    assert [one.what for one in response.context["failures"][0].differences] == [
        "Referral – Referral note"
    ]


def test_a_case_is_removed(liaison: Client, mapping: Mapping, case: MappingTest) -> None:
    liaison.post(reverse("admin:mapping_remove_test", args=[mapping.pk, case.pk]))
    assert not mapping.tests.exists()
    assert form_on(liaison.get(reverse("admin:mapping_tests", args=[mapping.pk])))
