"""One screen connects a listing: what is offered, what is missing, what it would have done."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from mapping.editing import exchange
from mapping.models import Mapping
from referrals.answers import dry_run
from tests.people import client_of
from tests.world import World, make_world, options, plain


@pytest.fixture
def world(db: None) -> World:
    return make_world(on=["received"])


@pytest.fixture
def fresh(world: World) -> ServiceListing:
    return ServiceListing.objects.create(
        organization=world.organization, caredove_id="4418", name="Maison de la santé – L’Île"
    )


@pytest.fixture
def stranger(world: World) -> World:
    """Another organization with everything of its own."""
    organization = Organization.objects.create(caredove_id="900", name="Elsewhere")
    listing = ServiceListing.objects.create(
        organization=organization, caredove_id="9001", name="Their listing"
    )
    destination = Destination.objects.create(
        organization=organization, name="Their CRMS", kind="demo", options=options("demo")
    )
    mapping = Mapping.objects.create(
        name="theirs", destination_kind="demo", organization=organization
    )
    config = TriggerConfig.objects.create(
        listing=listing, destination=destination, on=["archived"], mapping=mapping
    )
    return World(organization, listing, world.source, destination, config)


@pytest.fixture
def liaison(world: World) -> Client:
    return client_of(LIAISON, world.organization)


def screen(listing: ServiceListing) -> str:
    return reverse("admin:connect_listing", args=[listing.pk])


def others(config: TriggerConfig) -> str:
    return reverse("admin:connect_others", args=[config.listing_id, config.destination_id])


def filled(world: World, **given: Any) -> dict[str, Any]:
    return {
        "destination": world.destination.pk,
        "on": ["booked", "received"],
        "mapping": world.config.mapping_id,
        "enabled": "on",
        "_save": "Connect",
        **given,
    }


# -- Choosing -------------------------------------------------------------------------------------


def test_listings_that_are_not_connected_come_first(
    liaison: Client, world: World, fresh: ServiceListing, stranger: World
) -> None:
    page = liaison.get(reverse("admin:connect_listing"))

    assert list(page.context["listings"]) == [fresh, world.listing]
    found = liaison.get(reverse("admin:connect_listing"), {"q": "santé"})
    assert list(found.context["listings"]) == [fresh]


def test_choosing_is_quick(
    liaison: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        listing = ServiceListing.objects.create(
            organization=world.organization, caredove_id=f"L{number}", name=f"Listing {number}"
        )
        TriggerConfig.objects.create(
            listing=listing,
            destination=world.destination,
            on=["received"],
            mapping=world.config.mapping,
        )
    with django_assert_max_num_queries(15):
        liaison.get(reverse("admin:connect_listing"))


# -- The form --------------------------------------------------


def test_only_what_fits_the_listing_is_offered(
    liaison: Client, world: World, fresh: ServiceListing, stranger: World
) -> None:
    Mapping.objects.create(name="for CRMS", destination_kind="crms")

    form = liaison.get(screen(fresh)).context["form"]

    assert list(form.fields["destination"].queryset) == [world.destination]
    assert list(form.fields["mapping"].queryset) == [world.config.mapping]
    assert form["destination"].value() == world.destination.pk


def test_a_liaison_connects_a_listing(liaison: Client, world: World, fresh: ServiceListing) -> None:
    answer = liaison.post(screen(fresh), filled(world), follow=True)

    config = TriggerConfig.objects.get(listing=fresh)
    assert set(config.on) == {"booked", "received"}
    assert config.enabled
    assert f"{fresh} is connected to Birchwood CRMS." in answer.content.decode()
    assert AuditEvent.objects.get(action="connect listing").object_id == str(config.pk)


def test_a_change_is_written_down_with_what_it_was(liaison: Client, world: World) -> None:
    url = f"{screen(world.listing)}?destination={world.destination.pk}"

    liaison.post(url, filled(world, on=["archived"]))

    world.config.refresh_from_db()
    assert world.config.on == ["archived"]
    assert AuditEvent.objects.get(action="change connection").detail == {
        "changes": {"Triggers": ["Received", "Archived"]}
    }


def test_nothing_is_connected_without_a_trigger(
    liaison: Client, world: World, fresh: ServiceListing
) -> None:
    page = liaison.post(screen(fresh), filled(world, on=[])).content.decode()

    assert "Choose at least one trigger." in page
    assert not TriggerConfig.objects.filter(listing=fresh).exists()


def test_a_pair_that_is_connected_already_is_refused_in_words(
    liaison: Client, world: World
) -> None:
    page = liaison.post(f"{screen(world.listing)}?new", filled(world)).content.decode()

    assert "is connected to Birchwood CRMS already" in page


def test_each_trigger_states_what_it_means_and_what_to_beware_of(
    liaison: Client, world: World
) -> None:
    page = liaison.get(screen(world.listing)).content.decode()

    assert page.count('type="checkbox" name="on"') == 16
    assert "The sub-status was set to Ready." in page
    assert "CRMS takes nothing back" in page


@pytest.mark.parametrize(("on", "warned"), [(["booked"], False), (["archived", "edited"], True)])
def test_early_and_late_together_are_warned_of(
    liaison: Client, world: World, on: list[str], warned: bool
) -> None:
    world.config.on = on
    world.config.save()

    assert liaison.get(screen(world.listing)).context["mixed"] is warned


def test_another_connection_fills_the_form_and_changes_nothing(
    liaison: Client, world: World, fresh: ServiceListing
) -> None:
    form = liaison.get(screen(fresh), {"copy": world.config.pk}).context["form"]

    assert form["on"].value() == ["received"]
    assert form["mapping"].value() == world.config.mapping_id
    assert TriggerConfig.objects.count() == 1


# -- What is missing, and who may --------------------------------------------------


def test_what_is_missing_is_linked_for_those_who_can_fix_it(
    liaison: Client, admin_client: Client, world: World
) -> None:
    of_liaison = liaison.get(screen(world.listing)).content.decode()
    of_administrator = admin_client.get(screen(world.listing)).content.decode()

    assert "never tested. Ask an administrator." in of_liaison
    url = reverse("admin:integrations_destination_change", args=[world.destination.pk])
    assert f'never tested. <a href="{url}">Open the destination</a>' in of_administrator


def test_support_looks_and_changes_nothing(world: World) -> None:
    support = client_of(SUPPORT, world.organization)

    page = support.get(screen(world.listing))

    assert page.status_code == 200
    assert page.context["form"] is None
    refused = support.post(screen(world.listing), filled(world, on=["archived"]))
    assert refused.status_code == 403
    assert support.get(others(world.config)).status_code == 403
    world.config.refresh_from_db()
    assert world.config.on == ["received"]


def test_another_organization_is_not_there(liaison: Client, world: World, stranger: World) -> None:
    theirs, foreign = filled(world), filled(world, destination=stranger.destination.pk)

    assert liaison.get(screen(stranger.listing)).status_code == 404
    assert liaison.post(screen(stranger.listing), theirs).status_code == 404
    assert liaison.get(others(stranger.config)).status_code == 404
    assert liaison.post(f"{screen(world.listing)}?new", foreign).status_code == 200
    page = liaison.get(screen(world.listing), {"copy": stranger.config.pk})
    assert page.context["form"]["on"].value() == ["received"]
    assert "Their" not in page.content.decode()
    assert not TriggerConfig.objects.filter(listing=world.listing, on=["archived"]).exists()


def test_whoever_may_nothing_sees_nothing(world: World) -> None:
    nobody = client_of("", world.organization)

    assert nobody.get(screen(world.listing)).status_code == 403
    assert nobody.get(reverse("admin:connect_listing")).status_code == 403


# -- What it would have done --------------------------------------------------


def test_a_dry_run_shows_numbers_and_references_and_saves_nothing(
    liaison: Client, world: World
) -> None:
    world.send(plain(number=1, reference="4100000001"))
    world.send(plain("appointment.booked", number=2, reference="4100000002"))

    page = liaison.post(screen(world.listing), filled(world, on=["booked"], _dry_run="yes"))

    tally = page.context["tally"]
    assert (tally.events, tally.referrals, tally.differences) == (2, 2, 2)
    shown = page.content.decode()
    assert "4100000001" in shown
    assert "It would differ for 2 referrals" in shown
    assert "Tremblay" not in shown
    world.config.refresh_from_db()
    assert world.config.on == ["received"]
    assert AuditEvent.objects.get(action="rehearse connection").detail == {"referrals": 2}


def test_a_long_dry_run_goes_on_where_it_was(
    liaison: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "AT_ONCE", 2)
    for number in range(3):
        world.send(plain(number=number, reference=f"410000000{number}"))
    data = filled(world, _dry_run="yes")

    first = liaison.post(screen(world.listing), data)
    assert not first.context["tally"].done
    again = data | {"_dry_run": "on", "tally": first.context["carried"]}
    second = liaison.post(screen(world.listing), again).context["tally"]

    assert second.done
    assert len({row.reference for row in second.rows}) == 3
    assert AuditEvent.objects.filter(action="rehearse connection").count() == 1


def test_a_tally_that_somebody_made_up_counts_for_nothing(liaison: Client, world: World) -> None:
    data = filled(world, _dry_run="on", tally="made:up")

    assert liaison.post(screen(world.listing), data).context["tally"].referrals == 0


# -- Others --------------------------------------------------


def test_others_are_connected_as_the_plan_stated(
    liaison: Client, world: World, fresh: ServiceListing
) -> None:
    plan = liaison.post(others(world.config), {"listings": [fresh.pk]})
    (change,) = plan.context["plan"]
    assert not TriggerConfig.objects.filter(listing=fresh).exists()

    agreed = {
        "listings": [fresh.pk],
        "agreed": [f"{fresh.pk}:{change.digest()}"],
        "_apply": "yes",
    }
    liaison.post(others(world.config), agreed)

    assert TriggerConfig.objects.get(listing=fresh).on == ["received"]
    assert AuditEvent.objects.get(action="connect like another").detail == {"like": "4417"}


def test_what_would_be_overwritten_is_not_ticked(
    liaison: Client, world: World, fresh: ServiceListing
) -> None:
    TriggerConfig.objects.create(
        listing=fresh,
        destination=world.destination,
        on=["archived"],
        mapping=world.config.mapping,
    )

    page = liaison.post(others(world.config), {"listings": [fresh.pk]}).content.decode()

    assert "Triggers: Archived → Received" in page
    assert f'id="agreed_{fresh.pk}">' in page  # and not checked
    liaison.post(others(world.config), {"listings": [fresh.pk], "_apply": "yes"})
    assert TriggerConfig.objects.get(listing=fresh).on == ["archived"]


def test_others_of_another_organization_are_not_offered(
    liaison: Client, world: World, stranger: World
) -> None:
    page = liaison.post(others(world.config), {"listings": [stranger.listing.pk]})

    assert "plan" in page.context
    assert "Their listing" not in page.content.decode()
    assert not TriggerConfig.objects.filter(
        listing=stranger.listing, destination=world.destination
    ).exists()


# -- What a dry run must not tell --------------------------------------------------------------


def tried(client: Client, listing: ServiceListing, **given: Any) -> Any:
    return client.post(screen(listing), {**given, "_dry_run": given.pop("_dry_run", "begin")})


def guess_at_first_names(world: World, name: str) -> Mapping:
    """Return a mapping that leaves a required field empty for those who are called so."""
    mapping = exchange.copy_mapping(world.config.mapping, world.organization, f"guess {name}")
    guess = {
        "target": "name",
        "from": ["registrant.first_name"],
        "transforms": [{"name": "value_table", "table": "guess"}],
    }
    exchange.import_mapping(
        {
            "name": mapping.name,
            "destination_kind": "demo",
            "rules": [guess],
            "value_tables": {"guess": {name: ""}},
        },
        world.organization,
    )
    return mapping


def test_a_liaison_cannot_guess_names_by_what_would_stay_empty(
    world: World, liaison: Client
) -> None:
    world.send(plain())
    fates = {
        name: [
            row.then
            for row in tried(
                liaison,
                world.listing,
                **filled(world, mapping=guess_at_first_names(world, name).pk),
            )
            .context["tally"]
            .rows
        ]
        for name in ("Mireille", "Somebody else")
    }
    assert len(fates["Mireille"]) == 1
    assert fates["Mireille"] == fates["Somebody else"]


def test_a_liaison_who_claims_a_listing_is_not_shown_its_older_referrals(
    world: World, stranger: World
) -> None:
    world.send(plain() | {"service_listing": {"id": "4418"}})
    claimed = ServiceListing.objects.create(
        organization=stranger.organization, caredove_id="4418", name="Ours now"
    )
    theirs = client_of(LIAISON, stranger.organization, name="theirs")
    tally = tried(theirs, claimed, **filled(stranger)).context["tally"]
    assert (tally.events, tally.referrals, tally.rows) == (0, 0, [])


def test_what_a_page_carries_is_worth_nothing_to_another_person(
    world: World, stranger: World, liaison: Client
) -> None:
    world.send(plain())
    carried = tried(liaison, world.listing, **filled(world)).context["carried"]
    theirs = client_of(LIAISON, stranger.organization, name="theirs")
    page = tried(theirs, stranger.listing, **filled(stranger, _dry_run="on", tally=carried))
    assert page.context["tally"].rows == []
