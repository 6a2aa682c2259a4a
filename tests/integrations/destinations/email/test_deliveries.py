"""A referral goes by a real mail server with TLS, once, and what becomes of it when it does not."""

import io
import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pikepdf
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from pypdf import PdfReader

from access.roles import SUPPORT
from core.database import clock
from core.models import AuditEvent
from integrations.channels.smtp import Security
from referrals import delivering
from referrals.answers import whereabouts
from referrals.models import Delivery, Version
from referrals.record.removal import retention
from tests.core.outbound import servers
from tests.people import person
from tests.smtp import Mailbox, mail_server
from tests.world import REFERENCE, World, make_world, plain

pytestmark = pytest.mark.django_db

PASSPHRASE = "maple-river-lantern-otter"
IDENTIFYING = ("Mireille", "Tremblay", "Okafor", REFERENCE, "1991-06", "705-555-0142")
PERSON = {
    "first_name": "Mireille",
    "last_name": "Tremblay-Okafor",
    "date_of_birth": "1991-06-29",
    "phone_1": "705-555-0142",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> servers.Authority:
    return servers.authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority: servers.Authority) -> ssl.SSLContext:
    return authority.context("127.0.0.1")


@pytest.fixture
def mailbox(tls: ssl.SSLContext, authority: servers.Authority, settings: Any) -> Iterator[Mailbox]:
    settings.CA_BUNDLE = str(authority.path)
    with mail_server(tls, Security.STARTTLS) as running:
        yield running


def mailed_to(mailbox: Mailbox, **given: Any) -> World:
    options = mailbox.options("starttls", **given)
    world = make_world("email", ["received", "edited", "closed_any"], **options)
    world.listing.category = "Counselling"
    world.listing.save()
    return world


def by_hand(world: World, **given: Any) -> Version:
    known = User.objects.filter(username="amelie").first()
    sender = known or person(SUPPORT, world.organization, name="amelie")
    transport = world.destination.transport()
    chosen = {"recipients": ["intake@partner.example"], **given}
    sending = transport.prepare_sending(chosen, "Amélie Roy")
    return delivering.send_by_hand(world.referral, world.destination, sender, sending.options)


def due_now() -> None:
    Delivery.objects.filter(state=Delivery.State.QUEUED).update(due_at=clock.now())


def read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def pdf_of(mail: EmailMessage) -> bytes:
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    content: bytes = attached.get_content()  # type: ignore[attr-defined]
    return content


def text_of(content: bytes, passphrase: str = PASSPHRASE) -> str:
    pages = PdfReader(io.BytesIO(content), password=passphrase).pages
    return " ".join(page.extract_text() for page in pages)


# -- What arrives ----------------------------------------------------------------------------------


def test_a_trigger_sends_the_summary_which_opens_with_the_passphrase_alone(mailbox: Mailbox):
    world = mailed_to(mailbox, recipients="intake@partner.example, second@partner.example")
    world.send(plain(registrant=PERSON))
    assert world.run().state == Delivery.State.IMPORTED
    (content,) = mailbox.taken
    mail = read(content)
    protected = pdf_of(mail)
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(protected))
    text = text_of(protected)
    for word in ("Mireille", "Tremblay-Okafor", REFERENCE):
        assert word in text
    (name,) = (part.get_filename() for part in mail.iter_attachments())
    assert re.fullmatch(r"secure-[0-9a-f]{8}\.pdf", str(name))
    assert mailbox.envelopes == [["intake@partner.example", "second@partner.example"]]
    assert mail["Message-ID"] == f"<{Version.objects.get().pk}@birchwood.example>"
    assert world.delivery.external_id == mail["Message-ID"].strip("<>")


def test_nothing_around_the_pdf_identifies_anyone(mailbox: Mailbox):
    templates = {"subject": "{listing} {program} {sent_on}", "body": "{sender_name} {organization}"}
    world = mailed_to(mailbox, **templates)
    event = plain(registrant=PERSON)
    event["service_listing"]["name"] = event["organization"]["name"] = "Mireille Tremblay"
    world.send(event)
    world.run()
    (content,) = mailbox.taken
    mail = read(content)
    body = mail.get_body()
    assert body is not None
    seen = f"{content.decode('ascii')} {mail['Subject']} {body.get_content()}"
    for word in IDENTIFYING:
        assert word not in seen
    assert mail["Subject"].startswith("Adult Counselling - Milltown Counselling 20")
    name = "Birchwood Community Mental Health"
    assert body.get_content().strip() == f"{name} {name}"


def test_the_audit_trail_names_recipients_and_hash(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.send(plain(registrant=PERSON))
    world.run()
    sent = AuditEvent.objects.get(action="sent")
    (name,) = (part.get_filename() for part in read(mailbox.taken[0]).iter_attachments())
    assert sent.detail["recipients"] == ["intake@partner.example"]
    (left,) = whereabouts.of_referral(world.referral)
    assert (left.recipients, left.files) == ("intake@partner.example", "Summary")
    (digest,) = sent.detail["sha256"]
    assert name == f"secure-{digest[:8]}.pdf"
    assert not any(word in str(sent.detail) for word in IDENTIFYING)


def test_only_fields_that_may_leave_are_in_the_pdf(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.destination.allowed_fields = ["registrant.first_name"]
    world.destination.save()
    world.send(plain(registrant=PERSON))
    world.run()
    text = text_of(pdf_of(read(mailbox.taken[0])))
    assert "Mireille" in text
    assert "Tremblay" not in text
    assert "1991" not in text


# -- Once ------------------------------------------------------------------------------------------


def test_a_later_match_is_recorded_as_already_sent(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.send(plain(registrant=PERSON))
    world.run()
    event = world.send(plain("referral.edited", number=2, registrant=PERSON, reason="another"))
    assert event.outcome == "already_imported"
    world.run()
    assert len(mailbox.taken) == 1


def test_each_try_offers_the_same_bytes(mailbox: Mailbox):
    world = mailed_to(mailbox)
    mailbox.answers = {"DATA": ["451 4.3.0 later", "452 4.3.1 full", "250 OK"]}
    world.send(plain(registrant=PERSON))
    for state in ("queued", "queued", "imported"):
        due_now()
        assert world.run().state == state
    first, second, third = mailbox.offered
    assert first == second == third


def test_a_message_is_made_anew_where_what_it_is_made_of_has_changed(mailbox: Mailbox):
    world = mailed_to(mailbox)
    mailbox.answers = {"DATA": ["451 4.3.0 later"]}
    world.send(plain(registrant=PERSON))
    assert world.run().state == "queued"
    world.destination.options["passphrase"] = "another-passphrase-of-the-partner"
    world.destination.save()
    due_now()
    assert world.run().state == "imported"
    first, second = mailbox.offered
    assert "Mireille" in text_of(pdf_of(read(first)))
    assert "Mireille" in text_of(pdf_of(read(second)), "another-passphrase-of-the-partner")


def test_a_message_is_kept_encrypted_until_it_was_accepted(
    mailbox: Mailbox, django_capture_on_commit_callbacks: Any
):
    world = mailed_to(mailbox)
    mailbox.answers = {"DATA": ["451 4.3.0 later"]}
    world.send(plain(registrant=PERSON))
    world.run()
    version = Version.objects.get()
    kept = retention.storage.root / version.made_as
    assert kept.is_file()
    assert b"Message-ID" not in kept.read_bytes()
    retention.sweep(clock.now() + timedelta(days=1))
    assert kept.is_file(), "it belongs to a version"
    due_now()
    with django_capture_on_commit_callbacks(execute=True):
        assert world.run().state == "imported"
    version.refresh_from_db()
    assert (version.made_as, kept.exists()) == ("", False)


def test_where_it_is_not_known_a_person_decides_and_may_send_again_on_purpose(mailbox: Mailbox):
    world = mailed_to(mailbox)
    mailbox.hangs_up_at = "DATA"
    world.send(plain(registrant=PERSON))
    delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
    in_doubt = AuditEvent.objects.get(action="may have sent").detail
    assert in_doubt["recipients"] == ["intake@partner.example"]
    assert len(in_doubt["sha256"][0]) == 64
    mailbox.hangs_up_at = ""
    due_now()
    world.run()
    assert len(mailbox.offered) == 1, "never a second time by itself"
    by_hand(world)
    assert world.run().state == "imported"
    first, second = map(read, mailbox.taken)
    assert first["Message-ID"] != second["Message-ID"]


@pytest.mark.parametrize("there", [True, False])
def test_a_person_states_whether_it_arrived(mailbox: Mailbox, there: bool):
    world = mailed_to(mailbox)
    mailbox.hangs_up_at = "DATA"
    world.send(plain(registrant=PERSON))
    delivery = world.run()
    mailbox.hangs_up_at = ""
    if there:
        assert delivering.confirm_present(delivery, "queued as 4711")
    else:
        assert delivering.confirm_absent(delivery)
    assert world.run().state == "imported"
    assert len(mailbox.taken) == (1 if there else 2)
    assert len({read(one)["Message-ID"] for one in mailbox.taken}) == 1


# -- What goes wrong -------------------------------------------------------------------------------


def test_a_refused_recipient_is_shown_and_nobody_gets_it(mailbox: Mailbox):
    world = mailed_to(mailbox, recipients="a@partner.example b@partner.example")
    mailbox.recipients["b@partner.example"] = "550 5.1.1 no such user"
    world.send(plain(registrant=PERSON))
    delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "rejected")
    assert "b@partner.example" in delivery.message
    assert "550 5.1.1 no such user" in delivery.message
    assert mailbox.offered == []
    attempt = delivery.attempts.get()
    assert (attempt.kind, attempt.code) == ("refused", "SMTP 550")


def test_wrong_credentials_pause_the_destination_and_a_dead_server_is_probed(mailbox: Mailbox):
    world = mailed_to(mailbox, username="portal", password="wrong-password")
    world.send(plain(registrant=PERSON))
    assert world.run().reason == "connection"
    world.destination.refresh_from_db()
    assert not world.destination.is_down
    assert "rejected our credentials" in world.destination.paused
    assert "wrong-password" not in world.destination.paused


def test_a_server_that_is_not_there_is_probed_and_spends_no_try(mailbox: Mailbox, free_port: int):
    world = mailed_to(mailbox, smtp_port=free_port)
    world.send(plain(registrant=PERSON))
    delivery = world.run()
    assert (delivery.state, delivery.tries) == ("queued", 0)
    world.destination.refresh_from_db()
    assert world.destination.is_down


# -- By hand only ----------------------------------------------------------------------------------


def test_no_trigger_can_choose_a_destination_without_passphrase_and_recipients(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.config.full_clean()
    for taken_away in ("passphrase", "recipients"):
        stored = dict(world.destination.options)
        world.destination.options = {**stored, taken_away: ""}
        with pytest.raises(ValidationError) as caught:
            world.destination.full_clean()
        assert "Disconnect them first" in str(caught.value)
        world.config.destination.options = world.destination.options
        with pytest.raises(ValidationError) as caught:
            world.config.full_clean()
        assert list(caught.value.message_dict) == ["destination"]
        world.destination.options = world.config.destination.options = stored
    world.config.delete()
    world.destination.options["passphrase"] = ""
    world.destination.full_clean()


def test_what_was_opened_before_is_not_sent_without_the_passphrase(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.send(plain(registrant=PERSON))
    world.destination.options["passphrase"] = ""
    world.destination.save()
    delivery = world.run()
    assert (delivery.reason, mailbox.commands) == ("rejected", [])
    assert "by hand only" in delivery.message


# -- By hand ---------------------------------------------------------------------------------------


def test_a_passphrase_made_for_one_message_goes_when_it_was_accepted(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.config.delete()
    world.destination.options["passphrase"] = ""
    world.destination.save()
    world.send(plain(registrant=PERSON))
    mailbox.answers = {"DATA": ["451 4.3.0 later"]}
    version = by_hand(world)
    passphrase = version.options["passphrase"]
    assert world.run().state == "queued"
    version.refresh_from_db()
    assert version.options["passphrase"] == passphrase, "the next try needs it"
    due_now()
    assert world.run().state == "imported"
    first, second = mailbox.offered
    assert first == second
    assert "Mireille" in text_of(pdf_of(read(first)), passphrase)
    version.refresh_from_db()
    assert version.options is None
    body = read(first).get_body()
    assert body is not None
    assert "Amélie Roy" in body.get_content()
    assert passphrase not in first.decode("ascii") + str(body.get_content())


@pytest.mark.parametrize("given_up", ["dismissed", "sent again", "revoked"])
def test_passphrase_and_message_go_when_they_are_given_up(
    mailbox: Mailbox, given_up: str, django_capture_on_commit_callbacks: Any
):
    world = mailed_to(mailbox, passphrase="")
    world.config.delete()
    world.send(plain(registrant=PERSON))
    mailbox.answers = {"RCPT": ["550 5.1.1 no such user"]}
    version = by_hand(world)
    delivery = world.run()
    version.refresh_from_db()
    assert version.options["passphrase"]
    kept = retention.storage.root / version.made_as
    assert kept.is_file()
    with django_capture_on_commit_callbacks(execute=True):
        if given_up == "dismissed":
            assert delivering.dismiss(delivery, "It was told by phone.")
        elif given_up == "sent again":
            by_hand(world)
        else:
            retention.revoke(world.referral, clock.now())
    version.refresh_from_db()
    assert (version.options, version.made_as, kept.exists()) == (None, "", False)


def test_recipients_that_are_no_longer_allowed_get_nothing(mailbox: Mailbox):
    world = mailed_to(mailbox, allowed_domains="else.example")
    world.send(plain("referral.archived", registrant=PERSON))
    by_hand(world, recipients=["new@else.example"])
    world.destination.refresh_from_db()
    world.destination.options["allowed_domains"] = "partner.example"
    world.destination.save()
    delivery = world.run()
    assert delivery.reason == "rejected"
    assert "new@else.example" in delivery.message
    assert mailbox.commands == []


def test_staff_are_notified_where_the_data_is_after_a_revocation(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.send(plain(registrant=PERSON))
    world.run()
    retention.revoke(world.referral, clock.now())
    delivery = world.delivery
    assert delivery.has_uncleared_error
    assert "revoked" in delivery.message


def test_our_own_retention_sends_the_partner_nothing(mailbox: Mailbox):
    world = mailed_to(mailbox)
    world.send(plain(registrant=PERSON))
    world.run()
    retention.purge(world.referral, clock.now() + timedelta(days=400))
    world.run()
    assert len(mailbox.offered) == 1
    assert Version.objects.get().options is None
