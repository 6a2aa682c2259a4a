"""A mapping is checked as a whole when it is saved, and the errors stand at the rule."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from mapping import exchange
from mapping.models import Mapping

pytestmark = pytest.mark.django_db

ADD = "admin:mapping_mapping_add"
REQUIRED = ("external_reference", "client.first_name", "client.last_name", "client.date_of_birth")


def rule(target: str, sources: str = "reference", transforms: object = ()) -> dict[str, str]:
    return {"target": target, "sources": sources, "transforms": json.dumps(list(transforms))}


def page(rules: list[dict[str, str]], tables: list[dict[str, str]] | None = None) -> dict[str, str]:
    """The form as a browser posts it."""
    posted = {"name": "Ours", "destination_kind": "crms", "organization": ""}
    for prefix, rows in (("rules", rules), ("value_tables", tables or [])):
        posted |= {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": "0"}
        for number, row in enumerate(rows):
            posted |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
            posted.setdefault(f"{prefix}-{number}-position", str(number + 1))
    return posted


def errors_of(response: object) -> list[list[dict[str, list[str]]]]:
    return [inline.formset.errors for inline in response.context["inline_admin_formsets"]]


def test_a_mapping_without_faults_is_saved_with_its_rules_and_tables(admin_client: Client) -> None:
    rules = [rule(target) for target in REQUIRED]
    use = {"name": "value_table", "table": "gender"}
    rules.append(rule("client.gender", "registrant.gender", [use]))
    table = {"name": "gender", "entries": "female = F\nmale = M", "fallback": "U"}
    admin_client.post(reverse(ADD), page(rules, [table]))
    mapping = Mapping.objects.get(name="Ours")
    assert [row.target for row in mapping.rules.all()] == [*REQUIRED, "client.gender"]
    assert mapping.engine_tables() == {"gender": {"female": "F", "male": "M", "*": "U"}}


@pytest.mark.parametrize(
    ("broken", "part", "words"),
    [
        (rule("client.shoe_size"), "target", "no field “client.shoe_size”"),
        (rule("external_reference"), "target", "fills this field already"),
        (rule("client.city", "registrant.town"), "sources", "no source field “registrant.town”"),
        (rule("client.city", ""), "sources", "has no default"),
        (rule("client.city", transforms=[{"name": "shout"}]), "transforms", "no transform “shout”"),
        (
            rule("client.city", transforms=[{"name": "value_table", "table": "towns"}]),
            "transforms",
            "no value table “towns”",
        ),
        (
            rule("client.city", transforms=[{"name": "truncate", "length": 500}]),
            "transforms",
            "the field holds 100",
        ),
    ],
)
def test_a_fault_stands_at_the_rule_that_has_it(
    admin_client: Client, broken: dict[str, str], part: str, words: str
) -> None:
    rules = [*(rule(target) for target in REQUIRED), broken]
    response = admin_client.post(reverse(ADD), page(rules))
    assert not Mapping.objects.filter(name="Ours").exists()
    (*others, faulty), _ = errors_of(response)
    assert not any(others)
    assert words in faulty[part][0]
    assert "Rule 5" in faulty[part][0]


def test_a_required_field_without_a_rule_is_named_above_the_rules(admin_client: Client) -> None:
    response = admin_client.post(reverse(ADD), page([rule(target) for target in REQUIRED[:3]]))
    rules, _ = response.context["inline_admin_formsets"]
    assert "client.date_of_birth" in rules.formset.non_form_errors()[0]
    assert not Mapping.objects.filter(name="Ours").exists()


def test_an_entry_of_another_form_is_refused(admin_client: Client) -> None:
    table = {"name": "gender", "entries": "female = F\nmale: M", "fallback": ""}
    response = admin_client.post(reverse(ADD), page([rule(t) for t in REQUIRED], [table]))
    _, (faulty,) = errors_of(response)
    assert "Line 2" in faulty["entries"][0]


def test_a_value_table_in_use_cannot_be_deleted(admin_client: Client, shipped: Mapping) -> None:
    mapping = exchange.copy_mapping(shipped)
    posted = edit_page(admin_client, mapping) | {"value_tables-0-DELETE": "on"}
    admin_client.post(edit_url(mapping), posted)
    assert mapping.value_tables.count() == 1


def test_saving_an_unchanged_mapping_keeps_it_as_it_is(
    admin_client: Client, shipped: Mapping
) -> None:
    mapping = exchange.copy_mapping(shipped)
    before = exchange.export_mapping(mapping)
    response = admin_client.post(edit_url(mapping), edit_page(admin_client, mapping))
    assert response.status_code == 302
    assert exchange.export_mapping(mapping) == before
    assert mapping.rules.first().history.count() == 1


def test_a_changed_entry_is_saved(admin_client: Client, shipped: Mapping) -> None:
    mapping = exchange.copy_mapping(shipped)
    posted = edit_page(admin_client, mapping) | {"value_tables-0-entries": "female = woman = F"}
    admin_client.post(edit_url(mapping), posted)
    assert mapping.engine_tables() == {"gender": {"female = woman": "F", "*": "unknown"}}


def test_a_shipped_mapping_can_be_read_but_not_changed(
    admin_client: Client, shipped: Mapping
) -> None:
    response = admin_client.get(edit_url(shipped))
    assert response.status_code == 200
    assert not response.context["has_change_permission"]
    assert b"registrant.first_name" in response.content
    assert b"female = female" in response.content
    assert admin_client.post(edit_url(shipped), {}).status_code == 403
    assert (
        admin_client.get(reverse("admin:mapping_mapping_delete", args=[shipped.pk])).status_code
        == 403
    )


def test_a_shipped_mapping_is_copied_to_be_changed(admin_client: Client, shipped: Mapping) -> None:
    for _ in range(2):
        posted = {"action": "copy", "_selected_action": [shipped.pk]}
        admin_client.post(reverse("admin:mapping_mapping_changelist"), posted)
    copies = Mapping.objects.filter(shipped=False, destination_kind="crms")
    assert {copy.name for copy in copies} == {"default (copy)", "default (copy 2)"}
    for copy in copies:
        assert copy.engine_rules() == shipped.engine_rules()


def edit_url(mapping: Mapping) -> str:
    return reverse("admin:mapping_mapping_change", args=[mapping.pk])


def edit_page(client: Client, mapping: Mapping) -> dict[str, str]:
    """What a browser posts when somebody opens the page and presses Save."""
    context = client.get(edit_url(mapping)).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    shown = {bound.html_name: bound.value() for form in forms for bound in form}
    return {name: "" if value is None else str(value) for name, value in shown.items()}
