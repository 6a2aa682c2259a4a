"""What waited for the configuration goes again, by whatever path the configuration is changed."""

import ast
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

import config.urls  # noqa: F401 - with them, every screen of the admin is there
from core.database import clock
from integrations import configuration, hooks, pacing, probing
from integrations.configuration import transfer
from integrations.configuration.exporting import export
from integrations.history import putting_back
from integrations.history.sorts import SORTS
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from integrations.transport import Receipt
from mapping.editing import exchange
from mapping.models import Mapping
from referrals.models import Delivery
from tests.mapping.editor import opened, save
from tests.services import ROOT
from tests.world import World, plain

State, Reason = Delivery.State, Delivery.Reason
Change = Callable[[World, Client], object]


def stopped(world: World, reason: str) -> None:
    """Send a referral whose import has stopped for this reason."""
    world.send(plain())
    Delivery.objects.update(
        state=State.NEEDS_ATTENTION, reason=reason, due_at=None, error_at=clock.now()
    )


def standing(world: World) -> tuple[str, str]:
    return world.delivery.state, world.delivery.reason


# -- a listing is connected ------------------------------------------------------------------------


def connect_on_its_screen(world: World, client: Client) -> None:
    mapping, destination = world.config.mapping_id, world.destination.pk
    TriggerConfig.objects.all().delete()
    answer = {"destination": destination, "on": ["received"], "mapping": mapping, "enabled": "on"}
    url = reverse("admin:connect_listing", args=[world.listing.pk])
    assert client.post(url, {**answer, "_save": "yes"}).status_code == 302


def connect_like_another(world: World, client: Client) -> None:
    TriggerConfig.objects.all().delete()
    world.connect_again()


def go_live(world: World, client: Client) -> None:
    TriggerConfig.objects.update(enabled=False)
    url = reverse("admin:onboarding_live", args=[world.organization.pk])
    client.post(url, {"config": [world.config.pk]})


def apply_a_file(world: World, client: Client) -> None:
    text = export(world.organization)
    TriggerConfig.objects.all().delete()
    configuration.apply(text.encode())


def take_in_another_portals(world: World, client: Client) -> None:
    text = export(world.organization)
    TriggerConfig.objects.all().delete()
    transfer.take_in(text.encode(), {})


def put_back_what_was_deleted(world: World, client: Client) -> None:
    world.config.save()  # keeps a record of it
    record = SORTS[TriggerConfig].records.filter(id=world.config.pk).latest()
    TriggerConfig.objects.all().delete()
    putting_back.put_back(record, "it was right")


@pytest.mark.parametrize(
    "connect",
    [
        connect_on_its_screen,
        connect_like_another,
        go_live,
        apply_a_file,
        take_in_another_portals,
        put_back_what_was_deleted,
    ],
)
def test_a_listing_that_is_connected_sends_what_waited_for_it(
    world: World, admin_client: Client, connect: Change
):
    stopped(world, Reason.DISCONNECTED)
    connect(world, admin_client)
    assert TriggerConfig.objects.get().enabled
    assert standing(world) == (State.QUEUED, "")


def test_an_unchanged_file_connects_nothing_and_resumes_nothing(world: World):
    text = export(world.organization)
    stopped(world, Reason.DISCONNECTED)
    configuration.apply(text.encode())
    assert standing(world) == (State.NEEDS_ATTENTION, Reason.DISCONNECTED)


def test_looking_at_what_a_file_would_do_resumes_nothing(world: World):
    text = export(world.organization)
    stopped(world, Reason.DISCONNECTED)
    TriggerConfig.objects.all().delete()
    transfer.preview(text.encode(), {})
    assert standing(world) == (State.NEEDS_ATTENTION, Reason.DISCONNECTED)


@pytest.mark.parametrize("reason", sorted({*Reason.values} - {Reason.DISCONNECTED}))
def test_a_connection_resumes_nothing_that_waits_for_something_else(world: World, reason: str):
    stopped(world, reason)
    world.connect_again()
    assert standing(world) == (State.NEEDS_ATTENTION, reason)


def test_no_page_of_the_admin_saves_a_connection_by_itself():
    """It is done on the screens above; of the inlines, none may add, change or delete."""
    request: Any = None
    inlines = [
        inline(model_admin.model, admin.site)
        for model_admin in admin.site._registry.values()
        for inline in model_admin.get_inlines(request, obj=True)  # of a row that is there
        if inline.model in (TriggerConfig, Mapping, Destination)
    ]
    assert inlines
    for inline in inlines:
        assert not inline.has_add_permission(request)
        assert not inline.has_change_permission(request)
        assert not inline.has_delete_permission(request)


# -- a mapping is stored ---------------------------------------------------------------------------


def own(world: World) -> Mapping:
    """Give the listing a mapping that people may change, with two versions."""
    mapping = exchange.copy_mapping(world.config.mapping, world.organization, "Ours")
    TriggerConfig.objects.update(mapping=mapping)
    return mapping


def save_in_the_editor(world: World, client: Client) -> None:
    mapping = own(world)
    assert save(client, mapping, opened(client, mapping)).status_code == 302


def put_a_version_back(world: World, client: Client) -> None:
    mapping = own(world)
    mapping.rules.first().delete()
    assert client.post(reverse("admin:mapping_put_back", args=[mapping.pk, 1])).status_code == 302
    assert exchange.export_mapping(mapping) == mapping.versions.first().content


def apply_a_file_with_it(world: World, client: Client) -> None:
    mapping = own(world)
    text = export(world.organization)
    mapping.rules.first().delete()
    configuration.apply(text.encode())


def upgrade(world: World, client: Client) -> None:
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    world.renew_mapping()


@pytest.mark.parametrize(
    "store", [save_in_the_editor, put_a_version_back, apply_a_file_with_it, upgrade]
)
def test_a_mapping_that_is_stored_sends_what_it_had_stopped(
    world: World, admin_client: Client, store: Change, django_capture_on_commit_callbacks: Any
):
    stopped(world, Reason.MAPPING)
    with django_capture_on_commit_callbacks(execute=True):
        store(world, admin_client)
    assert standing(world) == (State.QUEUED, "")


def test_a_copy_of_a_mapping_sends_nothing(world: World, django_capture_on_commit_callbacks: Any):
    stopped(world, Reason.MAPPING)
    with django_capture_on_commit_callbacks(execute=True):
        exchange.copy_mapping(world.config.mapping)
    assert standing(world) == (State.NEEDS_ATTENTION, Reason.MAPPING)


# -- a destination is released ---------------------------------------------------------------------


def press_test_connection(world: World, client: Client) -> None:
    client.post(reverse("admin:integrations_destination_test", args=[world.destination.pk]))


def choose_test_connection(world: World, client: Client) -> None:
    chosen = {"action": "test_connections", "_selected_action": [world.destination.pk]}
    client.post(reverse("admin:integrations_destination_changelist"), chosen)


def check_it_from_the_command_line(world: World, client: Client) -> None:
    call_command("check_destination", world.destination.name)


def probe_it(world: World, client: Client) -> None:
    Destination.objects.update(probe_at=clock.now())
    assert probing.probe(world.destination.pk)


def let_one_through(world: World, client: Client) -> None:
    """It was paused for failures, and takes a referral again."""
    Destination.objects.update(
        paused_at=None,
        paused_reason=None,
        failures=5,
        paused_until=clock.now(),
        paused_code="HTTP 503",
    )
    destination = Destination.objects.get()
    pacing.note(destination, Receipt("DEMO-1"), clock.now(), first=True)


@pytest.mark.parametrize(
    "release",
    [
        press_test_connection,
        choose_test_connection,
        check_it_from_the_command_line,
        probe_it,
        let_one_through,
    ],
)
def test_a_destination_that_is_released_gets_what_waited_for_it(
    world: World, admin_client: Client, release: Change
):
    stopped(world, Reason.CONNECTION)
    world.destination.pause("It said 401.", clock.now())
    release(world, admin_client)
    now = Destination.objects.get()
    assert (now.paused_at, now.paused_until) == (None, None)
    assert standing(world) == (State.QUEUED, "")


@pytest.mark.parametrize(
    "test",
    [press_test_connection, choose_test_connection, check_it_from_the_command_line],
)
def test_a_good_test_asks_what_the_destination_can_do(
    world: World, admin_client: Client, test: Change
):
    with mock.patch.object(hooks.destination_tested, "_answer") as asked:
        test(world, admin_client)
    asked.assert_called_once_with(world.destination)


# -- a connection is deleted -----------------------------------------------------------------------


def delete_it(world: World, client: Client) -> None:
    url = reverse("admin:integrations_triggerconfig_delete", args=[world.config.pk])
    client.post(url, {"post": "yes"})


def delete_those_chosen(world: World, client: Client) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [world.config.pk], "post": "yes"}
    client.post(reverse("admin:integrations_triggerconfig_changelist"), chosen)


def delete_its_listing(world: World, client: Client) -> None:
    url = reverse("admin:integrations_servicelisting_delete", args=[world.listing.pk])
    client.post(url, {"post": "yes"})


def delete_its_listing_by_hand(world: World, client: Client) -> None:
    ServiceListing.objects.filter(pk=world.listing.pk).delete()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "delete", [delete_it, delete_those_chosen, delete_its_listing, delete_its_listing_by_hand]
)
def test_what_a_mapping_had_stopped_waits_for_a_connection_once_its_own_is_deleted(
    world: World, admin_client: Client, delete: Change
):
    stopped(world, Reason.MAPPING)
    delete(world, admin_client)
    assert not TriggerConfig.objects.exists()
    assert standing(world) == (State.NEEDS_ATTENTION, Reason.DISCONNECTED)
    assert world.delivery.trigger_config is None


@pytest.mark.parametrize("reason", sorted({*Reason.values} - {Reason.MAPPING}))
def test_what_stopped_for_another_reason_keeps_it_when_its_connection_is_deleted(
    world: World, reason: str
):
    stopped(world, reason)
    world.config.delete()
    assert standing(world) == (State.NEEDS_ATTENTION, reason)
    assert world.delivery.trigger_config is None


def test_only_what_the_deleted_connection_had_begun_waits_for_another(world: World):
    other = Organization.objects.create(caredove_id="900", name="Elsewhere")
    listing = ServiceListing.objects.create(organization=other, caredove_id="9", name="Theirs")
    theirs = TriggerConfig.objects.create(
        listing=listing, destination=world.destination, on=[], mapping=world.config.mapping
    )
    stopped(world, Reason.MAPPING)
    theirs.delete()
    assert standing(world) == (State.NEEDS_ATTENTION, Reason.MAPPING)


# -- nothing else changes it -----------------------------------------------------------------------

# Every function that saves a row in the rooms of the configuration, and why what waits hears of
# it. Whoever adds one here has looked whether it saves a connection or a mapping.
SAVING = {
    "connections._connect": "calls listing_connected",
    "connection._save": "the screen that connects a listing; calls listing_connected",
    "acting.go_live": "calls listing_connected",
    "putting_back.put_back": "of a connection, it calls listing_connected",
    "rows.write": "a row of a configuration file: `parts._trigger` calls listing_connected",
    "exchange._stored": "a mapping, whose parts are stored next",
    "exchange._store_rules": "called by store_parts, which calls mapping_stored",
    "exchange.store_table": "called by store_parts, which calls mapping_stored",
    "destinations.save": "Destination.save itself",
    "destinations.confirm_view": "tests the connection next, which calls destination_tested",
    "files._encrypted": "a PDF, and no row",
    "personal._keep": "what a person has chosen for themselves: nothing waits for it",
    "pages.agreement": "the directory: nothing waits for it",
    "comparing.bring_in": "listings: nothing waits for them",
    "secrets._save": "credentials of a source: nothing waits for them",
    "receivers.switch_off_its_sources": "sources: nothing waits for them",
    "testing.renew": "test cases of a mapping: nothing waits for them",
    "mapping_preview._keep": "test cases of a mapping: nothing waits for them",
    "mapping_preview._test_case": "test cases of a mapping: nothing waits for them",
}
ROOMS = ("mapping", "integrations", "workplace")


def saving() -> Iterator[str]:
    """Yield each function of these rooms that saves a row, with the name of its module."""
    for path in sorted(file for room in ROOMS for file in (ROOT / room).glob("**/*.py")):
        if {"migrations", "alerts", "sandbox"} & {*path.parts}:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(map(_saves, ast.walk(function))):
                yield f"{path.stem}.{function.name}"


def _saves(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "save"
    )


def test_every_function_that_saves_configuration_is_known():
    assert {*saving()} == {*SAVING}


def test_no_signal_of_a_saved_or_deleted_row_reaches_what_waits():
    from django.db.models import signals

    for signal in (signals.post_save, signals.pre_save, signals.post_delete, signals.pre_delete):
        for model in apps.get_models():
            for receiver in signal._live_receivers(model)[0]:
                assert not str(getattr(receiver, "__module__", "")).startswith("referrals"), (
                    receiver
                )
