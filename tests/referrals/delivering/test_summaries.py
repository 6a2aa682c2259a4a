"""The summary of a delivery: rendered beside its creation, stored once, and never in its way."""

import threading
from collections.abc import Callable

import pytest

from integrations.destinations.demo import transport as demo
from referrals import delivering
from referrals.delivering.summaries import store_summary
from referrals.models import Delivery, Step, StoredSummary
from referrals.record.documents import document_of
from referrals.summary import pdf
from tests.world import World, make_world, options, plain

PAGE = pdf.Summary(b"%PDF-1.4\n%%EOF\n", False, ())
PATIENCE = 20  # seconds

Waits = Callable[[], pdf.Summary]


@pytest.fixture
def world(db: None) -> World:
    demo.delivered.clear()
    demo.misbehaved.clear()
    world = make_world()
    world.send(plain())
    return world


def sent() -> list[str]:
    return [effect.step for effect in demo.delivered]


def rendered_by(monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    monkeypatch.setattr(pdf, "begin", lambda *_: waits)


def test_a_referral_is_created_while_its_summary_is_being_rendered(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    created = threading.Event()
    once = demo.DemoTransport._once

    def watched(self: demo.DemoTransport, *args: str) -> str:
        external_id = once(self, *args)
        created.set()
        return external_id

    def rendered(*_: object) -> bytes:
        assert created.wait(PATIENCE)
        return PAGE.content

    monkeypatch.setattr(demo.DemoTransport, "_once", watched)
    monkeypatch.setattr(pdf, "_rendered", rendered)
    assert world.run().state == "imported"
    assert sent() == ["referral", "summary"]


def test_no_id_is_kept_back_while_the_summary_is_awaited(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    known: list[str] = []

    def wait() -> pdf.Summary:
        known.extend(Step.objects.filter(done_at__isnull=False).values_list("name", flat=True))
        return PAGE

    rendered_by(monkeypatch, wait)
    world.run()
    assert known == ["referral"]


def test_a_rendering_that_fails_after_the_creation_never_creates_it_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def fail() -> pdf.Summary:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        rendered_by(patch, fail)
        delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "bug")
    assert [(step.name, step.done_at is not None) for step in delivery.steps.all()] == [
        ("referral", True)
    ]
    delivering.retry(delivery)
    assert world.run().state == "imported"
    assert sent() == ["referral", "summary"]


def test_what_went_wrong_is_settled_also_where_the_summary_cannot_be_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def fail() -> pdf.Summary:
        raise OSError("No space left on device")

    world.destination.options = options("demo", behaviour="try_again")
    world.destination.save()
    rendered_by(monkeypatch, fail)
    delivery = world.run()
    assert (delivery.state, delivery.tries) == ("queued", 1)
    assert not StoredSummary.objects.exists()


@pytest.mark.postgres
def test_a_preview_at_the_same_moment_takes_nothing_from_the_delivery(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def wait() -> pdf.Summary:
        rendered_by(monkeypatch, lambda: PAGE)
        store_summary(world.referral, document_of(world.referral))
        return PAGE

    rendered_by(monkeypatch, wait)
    assert world.run().state == "imported"
    assert StoredSummary.objects.count() == 1
    assert sent() == ["referral", "summary"]


def test_a_kind_that_sends_all_at_once_has_the_summary_before_it_begins(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    stored: list[int] = []
    deliver = demo.DemoTransport.deliver

    def watched(self: demo.DemoTransport, parcel: object) -> object:
        stored.append(StoredSummary.objects.count())
        return deliver(self, parcel)  # type: ignore[arg-type]

    monkeypatch.setattr(demo.DemoTransport, "deliver", watched)
    world.run()
    assert stored == [0]
    monkeypatch.setattr(demo.DemoTransport, "files_follow", False)
    world.send(plain(number=2, reference="3502768697"))
    delivering.run(Delivery.objects.exclude(done=1).get().pk)
    assert stored == [0, 2]
