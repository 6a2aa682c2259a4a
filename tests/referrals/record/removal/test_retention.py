"""What is deleted for good; revoking is tested with opening."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F

from core.database import clock
from core.models import AuditEvent
from integrations.models import Organization
from referrals import delivering, sentences
from referrals.answers.timeline import timeline
from referrals.models import Delivery, InboundEvent, Referral, ReferralFile, RetentionPeriod
from referrals.record.removal import retention
from referrals.running import dispatcher
from tests.rows import write
from tests.world import World, plain

pytestmark = pytest.mark.postgres  # what is due, and what is deleted

AT = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)


def test_only_old_files_that_no_row_names_are_swept(world: World):
    world.send(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}]))
    world.run()
    kept = {ReferralFile.objects.get().stored_as, world.referral.summaries.get().stored_as}
    lost = default_storage.save("attachments/file", ContentFile(b"left behind"))
    assert retention.sweep(clock.now() - timedelta(hours=1)) == 0
    retention.sweep(clock.now() + timedelta(seconds=1))
    assert not default_storage.exists(lost)
    assert all(default_storage.exists(name) for name in kept)


def test_revoking_deletes_the_files_from_the_disk(world: World, django_capture_on_commit_callbacks):
    world.send(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}]))
    world.run()
    names = [ReferralFile.objects.get().stored_as, world.referral.summaries.get().stored_as]
    with django_capture_on_commit_callbacks(execute=True):
        world.send(plain("referral.revoked", number=2))
    assert not any(default_storage.exists(name) for name in names)


def test_the_answers_of_the_destination_go_with_the_person(world: World):
    world.send(plain())
    world.run()
    write(world.delivery.attempts.all(), body="Mireille", message="Mireille", headers={"x": "y"})
    world.send(plain("referral.revoked", number=2))
    attempt = world.delivery.attempts.get()
    assert (attempt.body, attempt.message, attempt.headers) == ("", "", {})


def test_a_revocation_while_the_import_runs_keeps_nothing_of_the_person(world: World, monkeypatch):
    from integrations.destinations.demo.transport import DemoTransport

    world.send(plain())
    deliver = DemoTransport.deliver

    def revoked_meanwhile(self, parcel):
        receipt = deliver(self, parcel)
        world.send(plain("referral.revoked", number=2))
        return receipt

    monkeypatch.setattr(DemoTransport, "deliver", revoked_meanwhile)
    delivery = world.run()
    assert (delivery.state, delivery.message) == ("imported", sentences.IS_THERE())
    assert delivery.has_uncleared_error
    assert world.referral.snapshot == {}


def test_a_worker_lost_while_the_referral_was_revoked_sends_nothing_later(world: World):
    from referrals.delivering.claiming import claim, release_lost
    from referrals.models import Delivery

    world.send(plain())
    claim(world.delivery.pk)
    world.send(plain("referral.revoked", number=2))
    Delivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    release_lost()
    delivery = world.run()
    assert (delivery.state, delivery.closed_why) == ("dismissed", sentences.REVOKED())
    assert not delivery.steps.exists()
    assert not world.referral.summaries.exists()


# -- The retention period --------------------------------------------------------------------------


@pytest.fixture
def period(world: World) -> RetentionPeriod:
    return RetentionPeriod.objects.create(organization=world.organization, days=30)


def let_pass(days: float) -> None:
    """Let the last message on each referral be longer ago."""
    Referral.objects.update(changed_at=F("changed_at") - timedelta(days=days))


def test_what_a_referral_states_is_deleted_when_its_retention_period_is_over(
    world: World, period: RetentionPeriod, django_capture_on_commit_callbacks
):
    world.send(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}]))
    delivery = world.run()
    names = [ReferralFile.objects.get().stored_as, world.referral.summaries.get().stored_as]
    let_pass(29)
    assert retention.purge_expired() == 0
    let_pass(2)
    with django_capture_on_commit_callbacks(execute=True):
        assert retention.purge_expired() == 1
    assert retention.purge_expired() == 0
    assert world.referral.snapshot == {}
    assert world.referral.get_purged_why_display() == "its retention period was over"
    assert InboundEvent.objects.defer(None).get().body is None
    assert not any(default_storage.exists(name) for name in names)
    left = world.delivery
    assert (left.state, left.external_id) == ("imported", delivery.external_id)
    assert not left.has_uncleared_error


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda world: world.send(plain("referral.edited", number=2)),
        lambda world: Delivery.objects.update(error_at=clock.now()),
        lambda world: Referral.objects.update(organization=None),
    ],
    ids=["a message comes", "an error is raised", "it moves"],
)
def test_a_referral_is_looked_at_again_before_it_is_deleted(
    world: World, period: RetentionPeriod, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
):
    world.send(plain())
    world.run()
    let_pass(31)
    purge_one = retention._purge_one

    def just_before(*given: Any) -> bool:
        meanwhile(world)
        return purge_one(*given)

    monkeypatch.setattr(retention, "_purge_one", just_before)
    assert retention.purge_expired() == 0
    assert world.referral.snapshot != {}


def test_each_referral_deleted_by_its_period_is_in_the_audit_trail(
    world: World, period: RetentionPeriod
):
    world.send(plain("message.from_provider"))
    let_pass(31)
    retention.purge_expired()
    event = AuditEvent.objects.get()
    assert (event.username, event.action) == ("The retention period", "delete data")
    assert (event.object_id, event.detail) == (str(world.referral.pk), {"days": 30})
    titles = [moment.title for moment in timeline(world.referral, [])]
    assert "The retention period is over: the person's data was deleted" in titles


def test_an_organization_without_a_period_keeps_what_it_has(world: World):
    world.send(plain())
    world.run()
    let_pass(10_000)
    assert retention.purge_expired() == 0


def test_the_period_of_one_organization_is_not_that_of_another(
    world: World, period: RetentionPeriod
):
    elsewhere = Organization.objects.create(caredove_id="900", name="Elsewhere")
    world.send(plain("message.from_provider"))
    Referral.objects.update(organization=elsewhere)
    let_pass(31)
    assert retention.purge_expired() == 0


@pytest.mark.parametrize(
    "still_to_do",
    [
        {"state": "queued", "due_at": AT},
        {"state": "waiting", "due_at": None},
        {"state": "needs_attention", "reason": "rejected", "error_at": AT},
        {"state": "imported", "external_id": "RF-1", "due_at": AT},
        {"state": "imported", "external_id": "RF-1", "error_at": AT},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_a_referral_with_which_something_is_still_to_do_is_kept(
    world: World, period: RetentionPeriod, still_to_do: dict[str, Any]
):
    world.send(plain())
    Delivery.objects.update(**{"due_at": None, **still_to_do})
    let_pass(31)
    assert retention.purge_expired() == 0
    assert world.referral.snapshot != {}


def fail_and_clear(world: World) -> None:
    """Let an import fail, and a person clear its error."""
    world.send(plain())
    Delivery.objects.update(
        state="needs_attention", reason="bug", due_at=None, error_at=AT, error_cleared_at=AT
    )


def test_a_failure_that_a_person_has_cleared_is_not_kept_for_ever(
    world: World, period: RetentionPeriod
):
    fail_and_clear(world)
    let_pass(31)
    assert retention.purge_expired() == 1
    assert world.delivery.state == "needs_attention"


def test_what_is_retried_after_its_data_is_gone_is_not_sent(world: World, period: RetentionPeriod):
    fail_and_clear(world)
    let_pass(31)
    retention.purge_expired()
    delivering.retry(world.delivery)
    delivery = world.run()
    assert (delivery.state, delivery.closed_why) == ("dismissed", sentences.EXPIRED())
    assert not delivery.steps.exists()


def test_a_message_after_the_period_fills_the_referral_anew(world: World, period: RetentionPeriod):
    world.send(plain())
    world.run()
    let_pass(31)
    retention.purge_expired()
    event = world.send(plain("referral.edited", number=2))
    assert event.outcome == "already_imported"
    assert world.referral.purged_at is None
    assert world.referral.snapshot != {}
    assert retention.purge_expired() == 0


def test_a_revocation_after_the_period_still_reports_staff_to_remove_it_there(
    world: World, period: RetentionPeriod
):
    world.send(plain())
    world.run()
    let_pass(31)
    retention.purge_expired()
    world.send(plain("referral.revoked", number=2))
    assert world.referral.is_revoked
    assert (world.delivery.message, world.delivery.has_uncleared_error) == (
        sentences.IS_THERE(),
        True,
    )


def test_the_dispatcher_sees_to_it_beside_its_work():
    assert retention.purge_expired in dispatcher._beside
