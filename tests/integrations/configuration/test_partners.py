"""A partner and its destination are linked by a file: by either of the two, and by both alike."""

import json
from typing import Any

import pytest

from integrations import configuration
from integrations.configuration import exporting
from integrations.configuration.problems import ConfigurationError
from integrations.models import Destination, Organization, Source

pytestmark = pytest.mark.django_db

OPTIONS = {
    "url": "https://partner.example/in",
    "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
}


def webhook(name: str = "Push", organization: str = "812", **given: Any) -> dict[str, Any]:
    options = OPTIONS | given
    return {"name": name, "organization": organization, "kind": "webhook", "options": options}


def partner(name: str = "Housing", **given: Any) -> dict[str, Any]:
    return {"name": name, "kind": "partner", **given}


def apply(sources: list[Any], destinations: list[Any]) -> list[str]:
    organizations = [{"id": one, "name": f"Agency {one}"} for one in ("812", "900")]
    content = {
        "organizations": organizations,
        "sources": sources,
        "destinations": destinations,
    }
    return list(configuration.apply(json.dumps(content).encode()).lines())


def refused(sources: list[Any], destinations: list[Any]) -> str:
    with pytest.raises(ConfigurationError) as error:
        apply(sources, destinations)
    return str(error.value)


def linked() -> dict[str, str]:
    rows = Source.objects.exclude(destination=None).select_related("destination")
    return {source.name: str(source.destination) for source in rows}


def test_either_of_the_two_names_the_link() -> None:
    for sources, destinations in (
        ([partner(destination="Push")], [webhook()]),
        ([partner(destination="812/Push")], [webhook()]),
        ([partner()], [webhook(partner="Housing")]),
        ([partner(destination="Push")], [webhook(partner="Housing")]),
    ):
        Source.objects.all().delete()
        apply(sources, destinations)
        assert linked() == {"Housing": "Push"}
        again = apply(sources, destinations)
        assert all(line.endswith(" unchanged") for line in again), again
    source = Source.objects.get()
    assert [one.caredove_id for one in source.organizations.all()] == ["812"]
    assert source.updates == "none"
    apply([partner(updates="allow")], [webhook()])
    assert Source.objects.get().updates == "allow"
    assert linked() == {"Housing": "Push"}  # who names no link changes none
    apply([partner(destination="")], [webhook()])
    assert linked() == {}


def test_two_that_disagree_are_refused() -> None:
    two = [webhook("One"), webhook("Two", partner="Housing")]
    assert "disagree" in refused([partner(destination="One")], two)
    both = [partner("Housing", destination="One"), partner("Other", destination="One")]
    assert "answers for “One” already" in refused(both, [webhook("One")])
    apply([partner(destination="One")], [webhook("One")])
    message = refused([partner("Other", destination="One")], [webhook("One")])
    assert "“Housing” answers for “One” already" in message
    assert linked() == {"Housing": "One"}


def test_two_partners_may_change_places() -> None:
    where = [webhook("One"), webhook("Two")]
    apply([partner("A", destination="One"), partner("B", destination="Two")], where)
    apply([partner("A", destination="Two"), partner("B", destination="One")], where)
    assert linked() == {"A": "Two", "B": "One"}


def test_what_cannot_be_linked_is_refused_by_its_key() -> None:
    missing = refused([partner(destination="Nowhere")], [])
    assert "sources[0].destination" in missing
    assert "no destination “Nowhere”" in missing
    several = [webhook("Push"), webhook("Push", "900")]
    assert "several" in refused([partner(destination="Push")], several)
    foreign = partner(destination="900/Push", organizations=["812"])
    assert "for no other" in refused([foreign], several)
    assert "options.partner" in refused([], [webhook(partner="Nobody")])
    sender = {"name": "Housing", "kind": "caredove"}
    assert "Only a partner" in refused([sender], [webhook(partner="Housing")])
    demo = {"name": "Demo", "organization": "812", "kind": "demo"}
    assert "destination" in refused([partner(destination="Demo")], [demo])
    unknown = {**demo, "options": {"partner": "Housing"}}
    assert "not an option" in refused([partner()], [unknown])


def test_what_is_exported_can_be_applied() -> None:
    apply([partner(destination="Push", updates="allow")], [webhook()])
    text = exporting.export(Organization.objects.get(caredove_id="812"))
    assert "destination: Push" in text
    assert "updates: allow" in text
    assert Destination.objects.get().partner == Source.objects.get()
