"""What is deleted for good; revoking is tested with opening."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from core import clock
from referrals import retention
from referrals.models import ReferralFile
from tests.world import World, plain


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
    world.job.attempts.update(body="Mireille", message="Mireille", headers={"x": "y"})
    world.send(plain("referral.revoked", number=2))
    attempt = world.job.attempts.get()
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
    job = world.run()
    assert (job.state, job.message) == ("imported", retention.TELL_STAFF)
    assert job.has_uncleared_error
    assert world.referral.snapshot == {}


def test_a_worker_lost_while_the_referral_was_revoked_sends_nothing_later(world: World):
    from referrals.importing.claiming import claim, release_lost
    from referrals.models import ImportJob

    world.send(plain())
    claim(world.job.pk)
    world.send(plain("referral.revoked", number=2))
    ImportJob.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    release_lost()
    job = world.run()
    assert (job.state, job.closed_why) == ("dismissed", retention.REVOKED_WORD)
    assert not job.steps.exists()
    assert not world.referral.summaries.exists()
