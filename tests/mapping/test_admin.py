"""A mapping is checked as a whole when it is saved, and the errors stand at the rule."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations import destinations
from integrations.models import Organization
from mapping.editing import exchange
from mapping.models import Mapping
from tests.forms import form_on
from tests.mapping.editor import form_of, opened, place_of, save, url_of, with_rule
from tests.people import client_of

pytestmark = pytest.mark.django_db

LIST, ADD = reverse("admin:mapping_mapping_changelist"), reverse("admin:mapping_mapping_add")


@pytest.fixture
def birchwood() -> Organization:
    return Organization.objects.create(caredove_id="812", name="Birchwood")


@pytest.fixture
def liaison(birchwood: Organization) -> Client:
    return client_of("Liaison", birchwood)


@pytest.fixture
def mapping(shipped: Mapping, birchwood: Organization) -> Mapping:
    return exchange.copy_mapping(shipped, birchwood, "Ours")


def rule_of(mapping: Mapping, target: str) -> dict[str, object]:
    rules = exchange.export_mapping(mapping)["rules"]
    (found,) = (rule for rule in rules if rule["target"] == target)
    return dict(found)


def test_saving_what_nobody_touched_keeps_it_as_it_is(liaison: Client, mapping: Mapping) -> None:
    before = exchange.export_mapping(mapping)
    assert save(liaison, mapping, opened(liaison, mapping)).status_code == 302
    assert exchange.export_mapping(mapping) == before
    assert mapping.versions.count() == 1
    assert mapping.rules.first().history.count() == 1


def test_a_rule_reads_fields_by_the_names_that_people_choose(
    liaison: Client, mapping: Mapping
) -> None:
    posted = with_rule(
        opened(liaison, mapping),
        "client.city",
        "Registrant – City",
        "form answers - town",
        combine="join",
        combine_separator=" / ",
        use_0="truncate",
        use_0_length="40",
        use_1="default",
        use_1_value="not known",
    )
    assert save(liaison, mapping, posted).status_code == 302
    assert rule_of(mapping, "client.city") == {
        "target": "client.city",
        "from": ["registrant.address.city", "answer:town"],
        "transforms": [
            {"name": "join", "separator": " / "},
            {"name": "truncate", "length": 40},
            {"name": "default", "value": "not known"},
        ],
    }


def test_what_was_saved_is_shown_again_as_it_was_chosen(liaison: Client, mapping: Mapping) -> None:
    posted = with_rule(opened(liaison, mapping), "client.city", "Form answers – town")
    save(liaison, mapping, posted)
    again = opened(liaison, mapping)
    assert again[f"{place_of(again, 'client.city')}sources"] == ["Form answers – town", ""]


def test_a_rule_is_taken_away_by_emptying_it(liaison: Client, mapping: Mapping) -> None:
    save(liaison, mapping, with_rule(opened(liaison, mapping), "client.city"))
    assert not mapping.rules.filter(target="client.city").exists()


@pytest.fixture
def opened_wide(birchwood: Organization) -> Mapping:
    """A mapping of a kind whose mappings may fill fields of their own."""
    content = destinations.default_mapping("webhook")
    assert content is not None
    return exchange.copy_mapping(exchange.install_shipped("webhook", content), birchwood, "Wide")


def new_place(posted: dict[str, list[str]]) -> str:
    """The beginning of the names of the fields where one more field can be named."""
    (name,) = (name for name, value in posted.items() if name.endswith("-target") and value == [""])
    return name.removesuffix("target")


def with_new(posted: dict[str, list[str]], target: str, *sources: str) -> dict[str, list[str]]:
    """The form with a field of its own, typed where one more can be named."""
    prefix = new_place(posted)
    return posted | {f"{prefix}target": [target], f"{prefix}sources": [*sources, ""]}


def test_a_field_of_its_own_is_named_on_the_page(liaison: Client, opened_wide: Mapping) -> None:
    posted = with_new(opened(liaison, opened_wide), "client.pronouns", "Registrant – Gender")
    assert save(liaison, opened_wide, posted).status_code == 302
    rule = rule_of(opened_wide, "client.pronouns")
    assert rule["from"] == ["registrant.gender"]
    again = opened(liaison, opened_wide)
    assert place_of(again, "client.pronouns")
    assert new_place(again)  # and one more can be named
    assert save(liaison, opened_wide, again).status_code == 302
    taken_away = with_rule(opened(liaison, opened_wide), "client.pronouns")
    assert save(liaison, opened_wide, taken_away).status_code == 302
    assert not opened_wide.rules.filter(target="client.pronouns").exists()


@pytest.mark.parametrize("name", ["", "1st", "a b", "client", "client.city", "a" * 101])
def test_a_name_that_cannot_be_stays_on_the_page_with_its_fault(
    liaison: Client, opened_wide: Mapping, name: str
) -> None:
    posted = with_new(opened(liaison, opened_wide), name, "Registrant – Gender")
    response = save(liaison, opened_wide, posted)
    assert response.status_code == 200
    assert any(row.faults for row in response.context["faulty_rows"])
    shown = form_on(response)
    assert [name] in [value for key, value in shown.items() if key.endswith("-target")]
    assert ["Registrant – Gender", ""] in shown.values()


def test_a_closed_kind_offers_no_field_of_its_own(liaison: Client, mapping: Mapping) -> None:
    assert "One more field" not in liaison.get(url_of(mapping)).content.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "fields", "words"),
    [
        (["registrant.town"], {}, "There is no source field “registrant.town”."),
        (["City"], {"use_0": "shout"}, "There is no transform “shout”."),
        (["Registrant – City"], {"use_0": "truncate"}, "Truncate: “length” is missing."),
        (["Registrant – City"], {"use_0": "truncate", "use_0_length": "no"}, "a whole number"),
        (["Registrant – City"], {"use_0": "value_table", "use_0_table": "towns"}, "no value table"),
        (
            ["Registrant – City"],
            {"use_0": "truncate", "use_0_length": "500"},
            "the field holds 100",
        ),
    ],
)
def test_a_fault_stands_at_the_rule_that_has_it(
    liaison: Client,
    mapping: Mapping,
    sources: list[str],
    fields: dict[str, str],
    words: str,
) -> None:
    posted = with_rule(opened(liaison, mapping), "client.city", *sources, **fields)
    response = save(liaison, mapping, posted)
    (row,) = response.context["faulty_rows"]
    assert row.target.key == "client.city"
    assert words in " ".join(row.faults)
    assert "It is not saved yet" in response.content.decode()
    assert rule_of(mapping, "client.city")["from"] == ["registrant.address.city"]


def test_what_was_typed_wrong_is_there_to_be_fixed(liaison: Client, mapping: Mapping) -> None:
    posted = with_rule(opened(liaison, mapping), "client.city", "Town", "Registrant – City")
    again = form_on(save(liaison, mapping, posted))
    assert again[f"{place_of(again, 'client.city')}sources"] == ["Town", "Registrant – City", ""]


def test_a_required_field_without_a_rule_has_the_fault_itself(
    liaison: Client, mapping: Mapping
) -> None:
    response = save(liaison, mapping, with_rule(opened(liaison, mapping), "client.last_name"))
    (row,) = response.context["faulty_rows"]
    assert row.target.key == "client.last_name"
    assert "which is required" in row.faults[0]


def test_two_people_do_not_save_over_each_other(liaison: Client, mapping: Mapping) -> None:
    early = opened(liaison, mapping)
    save(liaison, mapping, with_rule(early, "client.city", "Registrant – Street"))
    late = save(liaison, mapping, with_rule(early, "client.email", "Requester – E-mail"))
    assert "Somebody saved this mapping" in late.content.decode()
    assert rule_of(mapping, "client.email")["from"] == ["registrant.email"]
    assert save(liaison, mapping, form_on(late)).status_code == 302
    assert rule_of(mapping, "client.email")["from"] == ["requester.email"]


# -- Value tables ------------------------------------------------------------------------------


def test_rows_of_a_value_table_are_changed_added_and_removed(
    liaison: Client, mapping: Mapping
) -> None:
    posted = opened(liaison, mapping) | {
        "tables-0-sent": ["female", "two spirit", "male", ""],
        "tables-0-value": ["F", "2S", "", ""],
        "tables-0-fallback": ["U"],
    }
    assert save(liaison, mapping, posted).status_code == 302
    table = {"female": "F", "two spirit": "2S", "male": "", "*": "U"}
    assert mapping.engine_tables() == {"gender": table}


def test_pasted_rows_are_shown_before_they_are_saved(liaison: Client, mapping: Mapping) -> None:
    before = mapping.engine_tables()
    posted = opened(liaison, mapping) | {"tables-0-paste": ["female\tF\nnon-binary\tX\noops"]}
    response = save(liaison, mapping, posted)
    page = response.content.decode()
    assert "2 rows understood: 1 new, 1 changed, 0 the same." in page
    assert "Line 3 was left out" in page
    assert mapping.engine_tables() == before
    assert save(liaison, mapping, form_on(response)).status_code == 302
    entries = mapping.engine_tables()["gender"]
    assert (entries["female"], entries["non-binary"]) == ("F", "X")


def test_pasted_rows_are_understood_without_the_rest_of_the_page(
    liaison: Client, mapping: Mapping
) -> None:
    posted = {"tables-3-name": "gender", "tables-3-paste": "female\tF"}
    url = reverse("admin:mapping_paste", args=[mapping.pk])
    page = liaison.post(f"{url}?number=3", posted).content.decode()
    assert "1 row understood" in page
    assert 'name="tables-3-sent" value="female"' in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"tables-0-name": ["two words"]}, "made of up to 50 letters"),
        ({"tables-0-sent": ["", ""], "tables-0-value": ["F", ""]}, "does not say which value"),
        ({"tables-0-sent": ["a", "a"], "tables-0-value": ["F", "M"]}, "“a” appears twice"),
        ({"tables-0-sent": ["*"], "tables-0-value": ["F"]}, "use “Anything else”"),
        ({"tables-900-name": ["gender"]}, "Another table is named “gender”"),
    ],
)
def test_a_fault_of_a_table_stands_there(
    liaison: Client, mapping: Mapping, typed: dict[str, list[str]], words: str
) -> None:
    before = exchange.export_mapping(mapping)
    response = save(liaison, mapping, opened(liaison, mapping) | typed)
    assert words in response.content.decode()
    assert exchange.export_mapping(mapping) == before


def test_a_table_in_use_cannot_be_deleted_and_one_that_is_not_can(
    liaison: Client, mapping: Mapping
) -> None:
    posted = opened(liaison, mapping) | {"tables-0-delete": ["1"]}
    (row,) = save(liaison, mapping, posted).context["faulty_rows"]
    assert "no value table “gender”" in row.faults[0]
    save(liaison, mapping, with_rule(posted, "client.gender"))
    assert mapping.engine_tables() == {}


# -- Whose it is -------------------------------------------------------------------------------


def test_a_shipped_mapping_can_be_read_and_not_changed(client: Client, shipped: Mapping) -> None:
    administrator = client_of("Administrator")
    page = administrator.get(url_of(shipped))
    assert "Registrant – First name" in page.content.decode()
    assert "rules-0-target" not in page.content.decode()
    assert administrator.post(url_of(shipped), {}).status_code == 403
    delete = reverse("admin:mapping_mapping_delete", args=[shipped.pk])
    assert administrator.get(delete).status_code == 403


def test_a_copy_belongs_to_the_organization_of_who_makes_it(
    liaison: Client, shipped: Mapping, birchwood: Organization
) -> None:
    chosen = {"action": "copy", "_selected_action": [shipped.pk]}
    asked = liaison.get(liaison.post(LIST, chosen).url)
    response = liaison.post(ADD, form_on(asked) | {"name": ["Intake"]})
    copied = Mapping.objects.get(name="Intake")
    assert response.url == url_of(copied)
    assert (copied.organization, copied.shipped) == (birchwood, False)
    assert copied.engine_rules() == shipped.engine_rules()
    assert copied.versions.get().note == "Copied from “default”"


def test_a_liaison_makes_no_mapping_for_everybody_or_for_others(
    liaison: Client, shipped: Mapping
) -> None:
    other = Organization.objects.create(caredove_id="9", name="Elsewhere")
    for organization in ("", other.pk):
        posted = {"start": shipped.pk, "name": "Mine", "organization": organization}
        assert liaison.post(ADD, posted).status_code == 200
    assert not Mapping.objects.filter(name="Mine").exists()


def test_a_name_that_is_taken_is_refused(liaison: Client, mapping: Mapping) -> None:
    posted = {"start": mapping.pk, "name": "Ours", "organization": mapping.organization_id}
    assert "of this name already" in liaison.post(ADD, posted).content.decode()


def test_an_administrator_makes_a_mapping_for_everybody(shipped: Mapping) -> None:
    posted = {"start": shipped.pk, "name": "For all", "organization": ""}
    client_of("Administrator").post(ADD, posted)
    shared = Mapping.objects.get(name="For all")
    assert shared.organization is None


def test_everybody_reads_what_is_shared_and_administrators_change_it(
    liaison: Client, shipped: Mapping
) -> None:
    shared = exchange.copy_mapping(shipped, None, "For all")
    assert liaison.get(url_of(shared)).status_code == 200
    assert liaison.post(url_of(shared), {}).status_code == 403
    administrator = client_of("Administrator")
    assert save(administrator, shared, opened(administrator, shared)).status_code == 302


@pytest.mark.parametrize(
    ("page", "more"),
    [("history", []), ("tests", []), ("paste", []), ("put_back", [1]), ("remove_test", [1])],
)
def test_the_mapping_of_another_organization_is_not_there(
    mapping: Mapping, page: str, more: list[int]
) -> None:
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    stranger = client_of("Liaison", elsewhere)
    name = "mapping_mapping_history" if page == "history" else f"mapping_{page}"
    url = reverse(f"admin:{name}", args=[mapping.pk, *more])
    assert stranger.get(url).status_code == 404
    assert stranger.post(url).status_code == 404
    if page not in ("history", "tests"):
        support = client_of("Support", mapping.organization)
        assert support.post(url).status_code == 403


def test_the_page_names_the_listings_that_use_it(liaison: Client, mapping: Mapping) -> None:
    assert "No listing of yours uses it" in liaison.get(url_of(mapping)).content.decode()


def test_the_form_states_what_is_wrong_with_a_name(liaison: Client, mapping: Mapping) -> None:
    response = save(liaison, mapping, opened(liaison, mapping) | {"name": [""]})
    assert form_of(response).errors["name"]
