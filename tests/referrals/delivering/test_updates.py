"""Destinations that take more than one version of a referral: in order, or the latest."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON
from core.database import clock
from core.models import AuditEvent
from integrations.destinations.demo import transport as demo
from integrations.transport import Down
from referrals import delivering, sentences
from referrals.models import Delivery, Version
from referrals.record.removal import retention
from tests.people import client_of
from tests.world import World, make_world, options, plain

pytestmark = pytest.mark.django_db

EACH: dict[str, Any] = {"updates": "each"}
LATEST: dict[str, Any] = {"updates": "latest", "repeatable": True}
KINDS = [EACH, {**EACH, "repeatable": True}, {**EACH, "look_up": False}, LATEST]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    demo.delivered.clear()
    demo.asked.clear()
    demo.misbehaved.clear()


def keeps(**given: Any) -> World:
    return make_world(on=["received", "edited", "closed_any"], **given)


def behave(world: World, behaviour: str = "succeed") -> None:
    world.destination.refresh_from_db()
    given = {**world.destination.options, "behaviour": behaviour}
    world.destination.options = options("demo", **given)
    world.destination.save()


def edit(world: World, number: int) -> None:
    world.send(plain("referral.edited", number=number, reason=f"reason {number}"))


def close(world: World, number: int) -> None:
    """Send a message that is no edit, and that a trigger is chosen for."""
    world.send(plain("referral.closed", number=number, reason=f"reason {number}"))


def run_all(world: World) -> Delivery:
    """Run what is due until nothing is."""
    for _ in range(10):
        if not delivering.run(world.delivery.pk):
            break
    return world.delivery


def brought() -> list[int]:
    """Return the numbers of the versions whose referral the destination has taken, in order."""
    return [effect.number for effect in demo.delivered if effect.step == "referral"]


def states(world: World) -> list[str]:
    return list(world.delivery.versions.order_by("number").values_list("state", flat=True))


def reasons(world: World) -> list[str | None]:
    """Return what each version shows of what the referral is about."""
    versions = world.delivery.versions.order_by("number")
    return [one.document.get("reason") if one.document else None for one in versions]


# -- An update after a success ---------------------------------------------------------------------


def after_the_referral(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Let something happen once the destination has taken the referral, and not yet its files."""
    apply = demo.DemoTransport._apply

    def first(transport: Any, effect: Any) -> str:
        external_id = apply(transport, effect)
        if effect.step == "referral" and not done:
            done.append(effect)
            act()
        return external_id

    done: list[Any] = []
    monkeypatch.setattr(demo.DemoTransport, "_apply", first)


@pytest.mark.parametrize("given", KINDS)
def test_an_update_follows_a_success(given: dict[str, Any]) -> None:
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    event = world.send(plain("referral.edited", number=2, reason="another"))
    assert (event.outcome, world.delivery.state) == ("updated", "queued")
    delivery = run_all(world)
    assert brought() == [1, 2]
    assert states(world) == ["accepted", "accepted"]
    assert (delivery.state, delivery.wanted, delivery.done) == ("imported", 2, 2)
    assert len({effect.version for effect in demo.delivered}) == 2
    assert delivery.triggers == ["received", "edited"]


def test_what_takes_a_referral_once_gets_no_second_version(world: World) -> None:
    world.send(plain())
    run_all(world)
    event = world.send(plain("referral.edited", number=2, reason="another"))
    assert event.outcome == "already_imported"
    assert world.delivery.versions.count() == 1


@pytest.mark.parametrize("given", KINDS)
def test_an_event_that_changes_nothing_and_fires_nothing_makes_no_version(
    given: dict[str, Any],
) -> None:
    world = make_world(on=["received"], **given)
    world.send(plain())
    run_all(world)
    event = world.send(plain("referral.edited", number=2))
    assert (event.outcome, world.delivery.wanted) == ("no_trigger", 1)


@pytest.mark.parametrize("given", [EACH, LATEST])
def test_a_form_that_is_always_empty_makes_no_version(given: dict[str, Any]) -> None:
    world = make_world(on=["received"], **given)
    empty, filled = ({"form": "intake", "key": "1", "value": value} for value in ("", "Latex"))
    world.send(plain(form_answers=[empty]))
    run_all(world)
    world.send(plain("referral.edited", number=2, form_answers=[empty]))
    assert world.delivery.wanted == 1
    world.send(plain("referral.edited", number=3, form_answers=[filled]))
    wanted = world.delivery.wanted
    world.send(plain("referral.edited", number=4, form_answers=[empty]))
    assert world.delivery.wanted == wanted + 1  # it takes an answer back


@pytest.mark.parametrize(("given", "wanted"), [(EACH, 1), (LATEST, 2)])
def test_the_latest_follows_each_change_whatever_it_fires(
    given: dict[str, Any], wanted: int
) -> None:
    world = make_world(on=["received"], **given)
    world.send(plain())
    run_all(world)
    edit(world, 2)
    assert world.delivery.wanted == wanted


# -- Several while the destination is down ---------------------------------------------------------


def three_while_down(monkeypatch: pytest.MonkeyPatch, **given: Any) -> World:
    """Let three updates come while nothing can be reached; then it is there again."""
    world = keeps(**given)
    world.send(plain())
    run_all(world)

    def down(*_: object) -> None:
        raise Down("It cannot be reached.", cause="no connection", remedy="Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(demo.DemoTransport, "deliver", down)
        for number in (2, 3, 4):
            edit(world, number)
            run_all(world)
    world.destination.refresh_from_db()
    assert world.destination.is_down
    world.destination.release()
    return world


@pytest.mark.parametrize("given", KINDS[:3])
def test_each_of_three_arrives_in_order(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    world = three_while_down(monkeypatch, **given)
    delivery = run_all(world)
    assert brought() == [1, 2, 3, 4]
    assert states(world) == ["accepted"] * 4
    assert reasons(world)[1:] == ["reason 2", "reason 3", "reason 4"]
    assert (delivery.state, delivery.done) == ("imported", 4)


def test_of_three_the_latest_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    world = three_while_down(monkeypatch, **LATEST)
    run_all(world)
    assert brought() == [1, 4]
    assert states(world) == ["accepted", "superseded", "superseded", "accepted"]
    assert reasons(world)[1:] == [None, None, "reason 4"]


# -- A refused one in the middle -------------------------------------------------------------------


def refused_in_the_middle(**given: Any) -> World:
    """Let version 2 be refused, and version 3 come after it, which repairs nothing."""
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    behave(world, "reject")
    edit(world, 2)
    run_all(world)
    behave(world)
    close(world, 3)
    return world


@pytest.mark.parametrize("given", KINDS[:3])
def test_a_refused_one_withholds_the_later_ones_of_its_referral_only(
    given: dict[str, Any],
) -> None:
    world = refused_in_the_middle(**given)
    delivery = run_all(world)
    assert (delivery.state, delivery.reason) == ("needs_attention", "rejected")
    assert states(world) == ["accepted", "refused", "open"]
    other = plain(number=9, reference="3502768697")
    world.send(other)
    of_another = Delivery.objects.get(reference="3502768697")
    delivering.run(of_another.pk)
    of_another.refresh_from_db()
    assert of_another.state == "imported"


@pytest.mark.parametrize("given", KINDS[:3])
def test_the_edit_that_repairs_it_takes_the_place_of_all_that_waited(
    given: dict[str, Any],
) -> None:
    world = refused_in_the_middle(**given)
    edit(world, 4)
    delivery = run_all(world)
    assert brought() == [1, 4]
    assert states(world) == ["accepted", "skipped", "skipped", "accepted"]
    assert reasons(world)[1:] == [None, None, "reason 4"]
    assert (delivery.state, delivery.done) == ("imported", 4)


def test_an_edit_that_no_trigger_is_chosen_for_repairs_too() -> None:
    world = make_world(on=["received", "closed_any"], **EACH)
    world.send(plain())
    run_all(world)
    behave(world, "reject")
    close(world, 2)
    run_all(world)
    behave(world)
    edit(world, 3)
    run_all(world)
    assert states(world) == ["accepted", "skipped", "accepted"]


def test_the_parcel_names_the_numbers_that_will_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    world = refused_in_the_middle(**EACH)
    edit(world, 4)
    seen = []
    deliver = demo.DemoTransport.deliver

    def watched(transport: Any, parcel: Any) -> Any:
        seen.append((parcel.number, parcel.skipped))
        return deliver(transport, parcel)

    monkeypatch.setattr(demo.DemoTransport, "deliver", watched)
    run_all(world)
    assert seen == [(4, (2, 3))]


def test_what_a_person_dismisses_lets_the_later_ones_go() -> None:
    world = refused_in_the_middle(**EACH)
    assert delivering.dismiss(world.delivery, "It is wrong.")
    delivery = run_all(world)
    assert brought() == [1, 3]
    assert states(world) == ["accepted", "dismissed", "accepted"]
    assert delivery.state == "imported"


def test_after_the_last_one_is_dismissed_the_delivery_is_where_it_was() -> None:
    world = keeps(**EACH)
    world.send(plain())
    run_all(world)
    behave(world, "reject")
    edit(world, 2)
    run_all(world)
    assert delivering.dismiss(world.delivery, "It is wrong.")
    assert (world.delivery.state, world.delivery.done) == ("imported", 1)


def test_a_newer_version_repairs_a_refused_one_where_the_latest_counts() -> None:
    world = refused_in_the_middle(**LATEST)
    run_all(world)
    assert brought() == [1, 3]
    assert states(world) == ["accepted", "superseded", "accepted"]


def test_an_update_that_is_out_of_tries_is_not_taken_for_an_import(settings: Any) -> None:
    settings.RETRY_SCHEDULE = [timedelta(minutes=1)]
    world = keeps(**EACH)
    world.send(plain())
    run_all(world)
    behave(world, "try_again")
    edit(world, 2)
    run_all(world)
    Delivery.objects.update(due_at=world.delivery.opened_at)
    delivery = run_all(world)
    assert (delivery.state, delivery.reason) == ("needs_attention", "gave_up")
    assert (delivery.done, states(world)) == (1, ["accepted", "open"])


# -- While one is on its way -----------------------------------------------------------------------


def on_the_way(monkeypatch: pytest.MonkeyPatch, world: World, *meanwhile: Any) -> None:
    """Run the delivery once, and let something happen before its answer is settled."""
    deliver = demo.DemoTransport.deliver
    todo = list(meanwhile)

    def first(transport: Any, parcel: Any) -> Any:
        for act in todo:
            act()
        todo.clear()
        return deliver(transport, parcel)

    with monkeypatch.context() as patch:
        patch.setattr(demo.DemoTransport, "deliver", first)
        delivering.run(world.delivery.pk)


@pytest.mark.parametrize("given", KINDS)
def test_what_comes_while_one_is_on_its_way_follows_it(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    world = keeps(**given)
    world.send(plain())
    on_the_way(monkeypatch, world, lambda: edit(world, 2))
    assert world.delivery.state == "queued"
    run_all(world)
    assert brought() == [1, 2]
    assert states(world) == ["accepted", "accepted"]
    assert reasons(world) == [None, "reason 2"]


@pytest.mark.parametrize("given", [EACH, LATEST])
def test_an_edit_while_one_is_on_its_way_repairs_it_when_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    world = make_world(on=["received"], **given)
    world.send(plain())
    behave(world, "reject")
    on_the_way(monkeypatch, world, lambda: edit(world, 2))
    behave(world)
    run_all(world)
    assert brought() == [2]
    assert states(world)[1] == "accepted"
    assert states(world)[0] in ("skipped", "superseded")


# -- The demo's options ----------------------------------------------------------------------------


def test_the_options_that_make_no_sense_together_are_refused() -> None:
    for wrong in (
        {"removes": True},
        {"updates": "latest"},
        {"updates": "each", "by_hand": True},
        {"updates": "latest", "repeatable": True, "by_hand": True},
    ):
        assert not demo.DemoOptions(wrong).is_valid(), wrong


# -- A revocation ----------------------------------------------------------------------------------

REMOVES = [{**one, "removes": True} for one in KINDS]


def revoke(world: World, number: int = 8) -> None:
    world.send(plain("referral.revoked", number=number))


@pytest.mark.parametrize("given", REMOVES)
def test_a_revocation_travels(given: dict[str, Any]) -> None:
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    revoke(world)
    delivery = run_all(world)
    assert [effect.step for effect in demo.delivered][-1] == "remove"
    removal = delivery.versions.get(action="remove")
    assert (removal.number, removal.why, removal.state) == (2, "revocation", "accepted")
    assert (delivery.state, delivery.done) == ("dismissed", 2)
    assert "was removed" in delivery.closed_why
    assert not delivery.has_uncleared_error
    assert not Version.objects.filter(document__isnull=False).exists()


@pytest.mark.parametrize("given", REMOVES)
def test_a_removal_waits_for_nothing(given: dict[str, Any]) -> None:
    world = refused_in_the_middle(**given)
    revoke(world)
    run_all(world)
    assert (brought()[0], demo.delivered[-1].step) == (1, "remove")
    assert states(world)[-1] == "accepted"
    assert set(states(world)[1:-1]) <= {"skipped", "superseded"}


@pytest.mark.parametrize("given", REMOVES)
def test_what_never_left_is_not_removed(given: dict[str, Any]) -> None:
    world = keeps(**given)
    world.send(plain())
    revoke(world)
    delivery = run_all(world)
    assert demo.delivered == []
    assert (delivery.state, states(world)) == ("dismissed", ["dismissed"])


@pytest.mark.parametrize("given", REMOVES)
def test_what_is_revoked_on_its_way_is_removed(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    world = keeps(**given)
    world.send(plain())
    after_the_referral(monkeypatch, lambda: revoke(world))
    delivery = run_all(world)
    assert [effect.step for effect in demo.delivered] == ["referral", "remove"]
    assert (delivery.state, states(world)[-1]) == ("dismissed", "accepted")


@pytest.mark.parametrize("given", [{"updates": "once"}, EACH, LATEST])
def test_what_is_revoked_on_its_way_stops_there_and_staff_are_notified(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    world = keeps(**given)
    world.send(plain())
    after_the_referral(monkeypatch, lambda: revoke(world))
    delivery = run_all(world)
    assert [effect.step for effect in demo.delivered] == ["referral"]
    assert delivery.state == "dismissed"
    assert delivery.has_uncleared_error
    assert delivery.message == sentences.MAY_BE_THERE()


@pytest.mark.parametrize("given", [{"updates": "once"}, EACH, LATEST, *REMOVES])
def test_what_is_revoked_while_it_is_prepared_does_not_leave(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    world = keeps(**given)
    world.send(plain())
    on_the_way(monkeypatch, world, lambda: revoke(world))
    delivery = run_all(world)
    assert demo.asked == []
    assert delivery.state == "dismissed"
    assert not delivery.has_uncleared_error


def test_what_is_revoked_before_it_left_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = keeps(**EACH, removes=True, behaviour="reject")
    world.send(plain())
    on_the_way(monkeypatch, world, lambda: revoke(world))
    delivery = run_all(world)
    assert demo.delivered == []
    assert (delivery.state, set(states(world))) == ("dismissed", {"skipped", "dismissed"})


def test_a_removal_is_tried_until_it_is_accepted(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.RETRY_SCHEDULE = [timedelta(minutes=1)]
    world = keeps(**EACH, removes=True)
    world.send(plain())
    run_all(world)

    def refuses(*_: object) -> None:
        raise demo.Rejected("It may not be removed.")

    with monkeypatch.context() as patch:
        patch.setattr(demo.DemoTransport, "remove", refuses)
        revoke(world)
        delivering.run(world.delivery.pk)
    delivery = world.delivery
    assert (delivery.state, delivery.has_uncleared_error) == ("queued", True)
    assert "may still be there" in delivery.message
    assert "Mireille" not in delivery.message
    Delivery.objects.update(due_at=delivery.opened_at)
    assert run_all(world).state == "dismissed"


def test_a_second_revocation_removes_nothing_twice() -> None:
    world = keeps(**EACH, removes=True)
    world.send(plain())
    run_all(world)
    revoke(world)
    revoke(world, number=9)
    run_all(world)
    revoke(world, number=10)
    run_all(world)
    assert [effect.step for effect in demo.asked].count("remove") == 1


def test_where_the_kind_cannot_remove_staff_are_notified() -> None:
    world = keeps(**EACH)
    world.send(plain())
    run_all(world)
    revoke(world)
    delivery = run_all(world)
    assert delivery.has_uncleared_error
    assert "Delete it in the destination" in delivery.message
    assert not delivery.versions.filter(action="remove").exists()


@pytest.mark.slow
@pytest.mark.parametrize("given", [one for one in KINDS if one["updates"] == "each"])
@pytest.mark.parametrize("pending", [1, 2, 3])
def test_after_a_revocation_nothing_counts_as_still_to_be_brought(
    given: dict[str, Any], pending: int
) -> None:
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    for number in range(2, 2 + pending):
        edit(world, number)
    world.send(plain("referral.revoked", number=9))
    run_all(world)
    assert states(world) == ["accepted", *["dismissed"] * pending]
    assert brought() == [1]


@pytest.mark.parametrize("given", KINDS)
def test_after_the_retention_period_a_late_message_makes_no_version(given: dict[str, Any]) -> None:
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    with transaction.atomic():
        retention.purge(world.referral, clock.now())
    for number in (2, 3):
        event = world.send(plain("referral.closed", number=number))
        assert "retention period" in event.reason
    assert (world.delivery.wanted, world.delivery.state) == (1, "imported")
    edit(world, 4)
    run_all(world)
    assert brought() == [1, 2]
    assert reasons(world) == [None, "reason 4"]
    close(world, 5)
    assert world.delivery.wanted == 3, "it is whole again"


# -- complete again, because a person says so -----------------------------------------------------


def delete_after_retention(world: World) -> None:
    with transaction.atomic():
        retention.purge(world.referral, clock.now())


@pytest.mark.parametrize("given", KINDS)
def test_a_person_sends_what_has_come_since_the_data_was_deleted(
    given: dict[str, Any], admin_client: Client
) -> None:
    world = keeps(**given)
    world.send(plain())
    run_all(world)
    delete_after_retention(world)
    world.send(plain("referral.closed", number=2))
    page = reverse("admin:referrals_referral_change", args=[world.referral.pk])
    send = reverse("admin:referrals_referral_complete", args=[world.referral.pk])
    assert send in admin_client.get(page).text

    assert "1 destination gets what is known now" in admin_client.post(send, follow=True).text
    run_all(world)
    assert brought() == [1, 2]
    assert send not in admin_client.get(page).text
    assert "Nothing was sent" in admin_client.post(send, follow=True).text
    assert world.delivery.wanted == 2
    (event,) = AuditEvent.objects.filter(action="count as complete")
    assert event.detail == {"destinations": 1}


def test_nobody_sends_a_referral_whose_data_is_deleted_or_that_was_dismissed(
    admin_client: Client,
) -> None:
    world = keeps(**EACH)
    world.send(plain())
    run_all(world)
    send = reverse("admin:referrals_referral_complete", args=[world.referral.pk])
    delete_after_retention(world)
    assert "Nothing was sent" in admin_client.post(send, follow=True).text

    world.send(plain("referral.closed", number=2))
    Delivery.objects.update(state="dismissed")
    assert "0 destinations" in admin_client.post(send, follow=True).text
    assert world.delivery.wanted == 1


def test_only_who_decides_on_imports_may_send_it(admin_client: Client) -> None:
    world = keeps(**EACH)
    world.send(plain())
    run_all(world)
    delete_after_retention(world)
    world.send(plain("referral.closed", number=2))
    liaison = client_of(LIAISON, world.organization)
    send = reverse("admin:referrals_referral_complete", args=[world.referral.pk])
    assert liaison.post(send).status_code in (403, 404)
    assert admin_client.get(send).status_code == 405
    assert world.referral.is_in_part
