"""A mapping that is exported and imported is the same mapping; errors name the key."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from integrations import destinations
from integrations.models import Organization
from mapping.editing import exchange
from mapping.engine.targets import target_fields
from mapping.models import Mapping
from mapping.source import catalogue

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
entries = st.dictionaries(texts, texts.filter(bool), max_size=4)


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Any]:
    """A mapping for CRMS as it is exported, with a rule for each required field and some more."""
    fields = target_fields("crms")
    required = [field.key for field in fields if field.required]
    others = [field.key for field in fields if not field.required]
    targets = required + draw(st.lists(st.sampled_from(others), unique=True))
    sources = st.lists(st.sampled_from([field.key for field in catalogue.fields()]), min_size=1)
    tables = draw(st.dictionaries(st.sampled_from(["gender", "town", "A-1"]), entries, max_size=2))
    uses = [
        {"name": "date"},
        {"name": "phone", "format": "e164"},
        {"name": "default", "value": "x"},
    ]
    uses += [{"name": "value_table", "table": name} for name in tables]
    return {
        "name": draw(texts.filter(bool)),
        "destination_kind": "crms",
        "rules": [
            {
                "target": target,
                "from": draw(sources),
                "transforms": draw(st.lists(st.sampled_from(uses), max_size=2)),
            }
            for target in targets
        ],
        "value_tables": tables,
    }


class TestRoundTrip(TestCase):
    @given(mappings())
    def test_an_imported_mapping_is_exported_as_it_was(self, data: dict[str, Any]) -> None:
        mapping = exchange.import_mapping(data, None)
        assert exchange.export_mapping(mapping) == data
        assert mapping.engine_rules() == exchange.read(data).engine_rules()


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(caredove_id="812", name="Birchwood")


def test_what_is_the_same_is_not_written_again(
    organization: Organization, shipped_data: dict[str, Any]
) -> None:
    first = exchange.import_mapping(shipped_data, organization)
    again = exchange.import_mapping(copy.deepcopy(shipped_data), organization)
    assert again.changed_at == first.changed_at
    assert first.history.count() == 1


def test_another_version_replaces_the_first(
    organization: Organization, shipped_data: dict[str, Any]
) -> None:
    first = exchange.import_mapping(shipped_data, organization)
    shipped_data["rules"].pop()
    again = exchange.import_mapping(shipped_data, organization)
    assert again == first
    assert again.rules.count() == len(shipped_data["rules"])
    assert again.changed_since(first.changed_at)


def test_a_mapping_belongs_to_its_organization(
    organization: Organization, shipped: Mapping, shipped_data: dict[str, Any]
) -> None:
    own = exchange.import_mapping(shipped_data, organization)
    assert own != shipped
    assert own.organization == organization
    assert not own.shipped


@pytest.mark.parametrize("kind", sorted(destinations.kinds()))
def test_every_mapping_that_ships_can_be_installed_again_and_again(db: None, kind: str) -> None:
    data = destinations.default_mapping(kind)
    if data is not None:
        first, again = (exchange.install_shipped(kind, data) for _ in range(2))
        assert first == again
        assert again.shipped
        assert again.changed_at == first.changed_at


@pytest.mark.django_db
def test_a_shipped_mapping_is_not_replaced(shipped: Mapping, shipped_data: dict[str, Any]) -> None:
    shipped_data["rules"].pop()
    with pytest.raises(exchange.ExchangeError) as caught:
        exchange.import_mapping(shipped_data, None)
    assert caught.value.errors[0][0] == "name"


BROKEN = [
    ("name", lambda data: data.update(name="")),
    ("name", lambda data: data.update(name=7)),
    ("mapping", lambda data: data.pop("rules")),
    ("mapping", lambda data: data.update(colour="red")),
    ("rules", lambda data: data.update(destination_kind="fax")),
    ("rules", lambda data: data["rules"].pop(0)),
    ("rules[3].target", lambda data: data["rules"][3].update(target="client.shoe_size")),
    ("rules[3].from", lambda data: data["rules"][3].update({"from": "reference"})),
    ("rules[3].from", lambda data: data["rules"][3].update({"from": ["registrant.town"]})),
    ("rules[3].transforms", lambda data: data["rules"][3].update(transforms=[{"name": "shout"}])),
    ("rules[3].transforms", lambda data: data["rules"][3].update(transforms=[{}])),
    ("rules[3]", lambda data: data["rules"][3].update(sources=[])),
    ("rules[7].transforms", lambda data: data["value_tables"].pop("gender")),
    ("value_tables.two words", lambda data: data["value_tables"].update({"two words": {}})),
    ("value_tables.gender", lambda data: data["value_tables"].update(gender=[])),
    ("value_tables.gender.male", lambda data: data["value_tables"]["gender"].update(male=True)),
    ("value_tables.gender.True", lambda data: data["value_tables"]["gender"].update({True: "x"})),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "damage"), BROKEN)
def test_an_error_names_the_key_and_nothing_is_written(
    shipped_data: dict[str, Any], key: str, damage: Any
) -> None:
    damage(shipped_data)
    with pytest.raises(exchange.ExchangeError) as caught:
        exchange.import_mapping(shipped_data, None)
    assert caught.value.errors[0][0] == key
    assert not Mapping.objects.filter(shipped=False).exists()
