"""Programs that race, are slow, and die."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from core.database import clock
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    TriggerConfig,
)
from referrals.models import Attempt
from tests.flow.crms import TOKEN, Crms, running_crms
from tests.flow.portal import Portal, eventually
from tests.flow.test_main_job import body_of
from tests.world import REFERENCE, options, plain


def referral(number: int, **more: object) -> dict[str, object]:
    """Return an event of a referral of its own."""
    return plain(number=number, reference=reference(number), **more)


def reference(number: int) -> str:
    return f"35{number:08}"


def assert_once_each(crms: Crms, numbers: range) -> None:
    """Every referral is in CRMS once, with one summary."""
    found = crms.referrals()
    assert sorted(r["external_reference"] for r in found) == sorted(map(reference, numbers))
    assert {len(r["attachments"]) for r in found} == {1}


# -- Many at once --------------------------------------------------------------------------------


@pytest.mark.postgres
def test_workers_and_dispatchers_that_race_do_each_delivery_once(portal: Portal, crms: Crms):
    workers = ["worker", "worker"] if settings.CELERY_BROKER_URL else []
    portal.start("web", "dispatcher", "dispatcher", *workers)
    numbers = range(20)
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(lambda number: portal.post(referral(number)), numbers))
    for number in numbers:
        portal.settled(reference(number))
    assert_once_each(crms, numbers)
    assert Attempt.objects.count() == len(numbers)


def test_a_slow_destination_does_not_starve_another_organization(
    portal: Portal, crms: Crms, tmp_path: Path
):
    portal.start_everything()
    slow = Destination.objects.get()
    slow.options |= {"read_seconds": 2}
    slow.save()
    crms.fail("create", "timeout", times=None)
    slow_ones = range(30)
    with running_crms(tmp_path / "ledger.jsonl") as other:
        connect(other)
        for number in slow_ones:
            portal.post(referral(number))
        eventually(lambda: Attempt.objects.count() >= 4, "the first tries")
        tried = Attempt.objects.count()
        theirs = {"organization": {"id": "900"}, "service_listing": {"id": "9001"}}
        portal.post(referral(99) | theirs)
        portal.settled(reference(99))
    # It went before most of those that were there before it.
    its = Attempt.objects.get(delivery__referral__reference=reference(99))
    before = Attempt.objects.filter(started_at__lt=its.started_at).count()
    assert before - tried < len(slow_ones) / 2


def connect(crms: Crms) -> None:
    """Connect another organization to a CRMS of its own."""
    organization = Organization.objects.create(caredove_id="900", name="Elsewhere")
    TriggerConfig.objects.create(
        listing=ServiceListing.objects.create(
            organization=organization, caredove_id="9001", name="Their listing"
        ),
        destination=Destination.objects.create(
            organization=organization,
            name="Their CRMS",
            kind="crms",
            options=options("crms", base_url=crms.url, token=TOKEN),
        ),
        on=["received"],
        mapping=TriggerConfig.objects.get().mapping,
    )


# -- Processes that die ----------------------------------------------------------------------------


def runner() -> str:
    """The program that imports in this set-up."""
    return "worker" if settings.CELERY_BROKER_URL else "dispatcher"


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("create", marks=[pytest.mark.whole, pytest.mark.postgres]),
        pytest.param("summary", marks=pytest.mark.scaled_out),
    ],
)
def test_a_worker_killed_in_the_middle_is_resumed(portal: Portal, crms: Crms, step: str):
    portal.env["LEASE_SECONDS"] = "15"
    portal.start_everything()
    crms.fail(step, "timeout-after")
    portal.post(plain())
    eventually(lambda: any(call["fault"] for call in crms.calls()), "the call without an answer")
    portal.program(runner()).kill()
    portal.start(runner())
    portal.settled(REFERENCE)
    (found,) = crms.referrals()
    assert len(found["attachments"]) == 1
    outcomes = list(Attempt.objects.order_by("number").values_list("outcome", flat=True))
    assert (outcomes[0], outcomes[-1]) == ("lost", "imported")


@pytest.mark.whole
def test_what_a_killed_program_was_doing_goes_on_within_two_minutes_as_shipped(
    portal: Portal, crms: Crms
):
    portal.env |= {"CELERY_BROKER_URL": "", "DISPATCHER_THREADS": "20"}
    portal.env.pop("LEASE_SECONDS", None)
    patient = Destination.objects.get()
    patient.options |= {"read_seconds": 120}
    patient.save()
    numbers = range(20)
    crms.fail("create", "timeout-after", times=len(numbers))
    portal.start("web", "dispatcher")
    for number in numbers:
        portal.post(referral(number))
    cut = "the calls without an answer"
    eventually(lambda: sum(bool(call["fault"]) for call in crms.calls()) == len(numbers), cut)
    killed_at = clock.now()
    portal.program("dispatcher").kill()
    portal.start("dispatcher")
    again = Attempt.objects.filter(number=2)
    eventually(lambda: again.count() == len(numbers), "the second tries")
    longest = max(again.values_list("started_at", flat=True)) - killed_at
    print(f"the longest of {len(numbers)}: {longest}")
    assert longest < timedelta(seconds=120)
    for number in numbers:
        portal.settled(reference(number))
    assert_once_each(crms, numbers)


@pytest.mark.whole  # as the tests of the embedded set-up, which has no broker at all
def test_a_dispatcher_alone_does_all_the_work(portal: Portal, crms: Crms):
    portal.env["CELERY_BROKER_URL"] = ""
    portal.start("web", "dispatcher")
    portal.post(body_of("event-plain.json"))
    portal.settled(REFERENCE)
    assert len(crms.referrals()) == 1
