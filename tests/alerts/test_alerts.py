"""People are told what is wrong: once for each cause and hour, without a word about a person."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from standardwebhooks import Webhook

from access.roles import SUPPORT
from alerts import sending, sentences, watching
from alerts.models import (
    Alert,
    AlertDelivery,
    AlertKind,
    AlertRecipient,
    AlertSettings,
    Trouble,
)
from alerts.running import look_and_send, look_at_the_portal_and_send
from core.database import clock
from integrations.models import Organization
from integrations.transport import TryAgain
from referrals import delivering
from referrals.delivering.decisions import team
from referrals.models import Delivery
from referrals.running import backlog
from referrals.running.dispatcher import Dispatcher
from tests.hooks import HookServer, running_hook_server
from tests.mail import MailServer, running_mail_server
from tests.people import person
from tests.referrals.delivering.test_bulk import failed
from tests.rows import write
from tests.world import REFERENCE, World, make_world, options, plain

pytestmark = pytest.mark.postgres  # claims, and constraints against doubles

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MORNING = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)  # 9:05 in Toronto
HOUR = timedelta(hours=1)


@pytest.fixture
def mail(settings: Any) -> Iterator[MailServer]:
    with running_mail_server() as server:
        settings.EMAIL_READY = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.PORTAL_URL = "https://portal.example.org"
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with running_hook_server() as server:
        yield server


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], datetime]:
    """Set the portal's clock."""

    def set_clock(moment: datetime) -> datetime:
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    set_clock(MORNING)
    return set_clock


@pytest.fixture
def world(db: None, at: Any) -> World:
    return make_world()


def recipient(world: World, *kinds: str, **given: Any) -> AlertRecipient:
    given = {"address": "ana@clinic.example", "organization": world.organization, **given}
    return AlertRecipient.objects.create(kinds=list(kinds or AlertKind.values), **given)


def kinds_sent() -> list[str]:
    """Return the kinds of the alerts, the oldest first."""
    return list(Alert.objects.order_by("made_at", "pk").values_list("kind", flat=True))


def succeed(world: World, moment: datetime) -> None:
    """Let another import go through."""
    failed(
        world, state="imported", reason="", error_at=None, external_id="RF-1", imported_at=moment
    )


# -- What begins a trouble -------------------------------------------------------------------------


def test_the_first_failure_of_a_kind_is_reported_and_the_next_ones_are_not(
    world: World, mail: MailServer
):
    recipient(world)
    failed(world, reason="rejected", last_kind="refused")
    look_and_send()
    failed(world, 5, reason="rejected", last_kind="refused")
    look_and_send()
    assert len(mail.mails) == 1
    failed(world, reason="unconfirmed", last_kind="silent")
    look_and_send()
    assert sorted(kinds_sent()) == ["failure", "failure"]
    assert len(mail.mails) == 2


def test_the_mail_states_what_where_since_when_whose_turn_and_where_to_look(
    world: World, mail: MailServer
):
    recipient(world)
    failed(world, 2, reason="gave_up", last_kind="failing")
    look_and_send()
    (got,) = mail.mails
    assert got["To"] == "ana@clinic.example"
    assert got["Subject"].strip() == (
        "[Dovetail] Birchwood CRMS: All automatic retries failed (Birchwood Community Mental "
        "Health)"
    )
    text = got.get_content()
    for line in (
        "What: All automatic retries failed (HTTP 5xx: an error there).",
        "Where: Birchwood CRMS, of Birchwood Community Mental Health",
        "How many: 2 imports so far",
        "Since: Nov 23, 2026, 09:05 (America/Toronto)",
        "Whose turn: support",
        "What to do: When the destination is working again, press Retry.",
        f"Look: https://portal.example.org/admin/referrals/delivery/?organization="
        f"{world.organization.pk}&destination={world.destination.pk}&reason=gave_up",
    ):
        assert line in text


def test_nothing_personal_is_reported(db: None, mail: MailServer, hook: HookServer):
    world = make_world(behaviour="reject")
    recipient(world)
    recipient(world, channel="webhook", address=hook.url, secret=SECRET)
    world.send(plain())
    delivery = world.run()
    write(Delivery.objects.all(), message="Mireille Tremblay-Okafor was not accepted")
    look_and_send()
    sent_text = mail.mails[0].as_string() + hook.received[0].body.decode()
    assert delivery.state == "needs_attention"
    for word in ("Mireille", "Tremblay", REFERENCE, "accepted"):
        assert word not in sent_text


def test_a_destination_that_is_tried_again_is_reported_as_that(world: World):
    queued = {"state": "queued", "reason": "", "error_at": None, "due_at": MORNING + HOUR}
    failed(world, tries=2, connection_failed_at=MORNING, last_kind="failing", **queued)
    look_and_send()
    assert kinds_sent() == ["retrying"]


def test_the_same_cause_is_reported_once_in_an_hour_and_not_forgotten(world: World, at: Any):
    (first,) = failed(world, reason="bug")
    watching.look()
    at(MORNING + timedelta(minutes=5))
    delivering.clear_error(first)
    watching.look()
    later = at(MORNING + timedelta(minutes=10))
    failed(world, reason="bug", error_at=later)
    watching.look()
    assert sorted(kinds_sent()) == ["failure", "recovery"]
    at(MORNING + HOUR)
    watching.look()
    watching.look()
    assert kinds_sent() == ["failure", "recovery", "failure"]


def test_several_dispatchers_report_it_once(world: World, monkeypatch: pytest.MonkeyPatch):
    recipient(world)
    failed(world)
    trouble = watching._trouble

    def and_the_other_was_quicker(sign: watching.Sign) -> Trouble | None:
        monkeypatch.setattr(watching, "_trouble", trouble)
        watching.look()
        return trouble(sign) and Trouble.objects.model(notified_at=None, pk=1)

    monkeypatch.setattr(watching, "_trouble", and_the_other_was_quicker)
    watching.look()
    assert kinds_sent() == ["failure"]
    assert AlertDelivery.objects.count() == 1


# -- What ends it ----------------------------------------------------------------------------------


def test_a_connection_works_again_when_an_import_goes_through(world: World, at: Any):
    failed(world, reason="gave_up", last_kind="failing")
    watching.look()
    moment = at(MORNING + timedelta(minutes=20))
    watching.look()
    assert kinds_sent() == ["failure"]
    succeed(world, moment)
    watching.look()
    watching.look()
    assert sorted(kinds_sent()) == ["failure", "recovery"]
    assert Trouble.objects.get().ended_at == moment


def test_a_destination_that_is_still_tried_again_does_not_work_yet(world: World, at: Any):
    queued = {"state": "queued", "reason": "", "error_at": None, "due_at": MORNING + HOUR}
    (poor,) = failed(world, tries=1, connection_failed_at=MORNING, last_kind="failing", **queued)
    watching.look()
    moment = at(MORNING + timedelta(minutes=20))
    succeed(world, moment)
    watching.look()
    assert kinds_sent() == ["retrying"]
    at(moment + HOUR)
    poor.delete()
    watching.look()
    assert kinds_sent() == ["retrying", "recovery"]


def test_a_hold_is_over_when_it_is_released(world: World, at: Any):
    world.destination.pause("401", MORNING)
    (delivery,) = failed(world, reason="connection", last_kind="credentials")
    watching.look()
    assert Trouble.objects.get().what == "held:4xx"
    at(MORNING + timedelta(minutes=20))
    delivering.clear_error(delivery)
    watching.look()
    assert kinds_sent() == ["failure"]
    world.destination.release()
    watching.look()
    assert sorted(kinds_sent()) == ["failure", "recovery"]


def test_what_is_wrong_with_referrals_is_over_when_none_is_left(world: World, at: Any):
    deliveries = failed(world, 2, reason="rejected", last_kind="refused")
    watching.look()
    moment = at(MORNING + timedelta(minutes=20))
    succeed(world, moment)
    delivering.clear_error(deliveries[0])
    watching.look()
    assert kinds_sent() == ["failure"]
    delivering.dismiss(deliveries[1], "entered by hand")
    watching.look()
    assert sorted(kinds_sent()) == ["failure", "recovery"]


def test_what_is_sent_again_is_not_over_before_its_end_is_known(world: World, at: Any):
    (delivery,) = failed(world, reason="bug")
    watching.look()
    at(MORNING + timedelta(minutes=20))
    delivering.retry(delivery)
    watching.look()
    assert kinds_sent() == ["failure"]
    Delivery.objects.update(state="imported", due_at=None, external_id="RF-1")
    watching.look()
    assert sorted(kinds_sent()) == ["failure", "recovery"]


# -- Too old, and the digest -----------------------------------------------------------------------


def test_an_import_that_is_unfinished_for_too_long_is_reported(world: World, at: Any):
    AlertSettings.objects.create(organization=world.organization, oldest_hours=48)
    queued = {"state": "queued", "reason": "", "error_at": None, "due_at": MORNING}
    (delivery,) = failed(world, **queued)
    at(MORNING + timedelta(hours=47))
    watching.look()
    assert kinds_sent() == []
    at(MORNING + timedelta(hours=49))
    watching.look()
    watching.look()
    assert kinds_sent() == ["too_old"]
    at(MORNING + timedelta(hours=50))
    delivery.delete()
    watching.look()
    assert kinds_sent() == ["too_old", "recovery"]


def digests() -> int:
    return Alert.objects.filter(kind="digest").count()


def test_the_digest_comes_every_day_while_an_error_is_not_cleared(
    world: World, at: Any, mail: MailServer
):
    recipient(world, "digest")
    (delivery,) = failed(world)  # at 9:05, after today's hour
    look_and_send()
    assert digests() == 0
    at(datetime(2026, 11, 24, 12, 59, tzinfo=UTC))
    look_and_send()
    assert digests() == 0
    for minute in (0, 1, 59):
        at(datetime(2026, 11, 24, 13, minute, tzinfo=UTC))  # from 8:00 in Toronto
        look_and_send()
    assert digests() == 1
    (got,) = mail.mails
    assert "1 import with an error that no one has cleared" in got["Subject"]
    assert "* Birchwood CRMS: All automatic retries failed: 1" in got.get_content()
    at(datetime(2026, 11, 25, 13, 0, tzinfo=UTC))
    look_and_send()
    assert digests() == 2
    delivering.clear_error(delivery)
    at(datetime(2026, 11, 26, 13, 0, tzinfo=UTC))
    look_and_send()
    assert digests() == 2


def test_the_digest_states_whose_errors_are_and_how_many_are_snoozed(
    world: World, at: Any, mail: MailServer
):
    recipient(world, "digest")
    ana = person(SUPPORT, world.organization, name="ana")
    mine, later, _nobodys = failed(world, 3)
    team.assign(mine, ana, ana)
    team.snooze(later, datetime(2026, 12, 1, 5, 0, tzinfo=UTC), ana)
    at(datetime(2026, 11, 24, 13, 0, tzinfo=UTC))
    look_and_send()
    sent_text = mail.mails[0].get_content()
    assert "All automatic retries failed: 3" in sent_text
    assert "Assigned: 1 to ana." in sent_text
    assert "Snoozed: 1, the first until Dec 1, 2026, 00:00 (America/Toronto)." in sent_text


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("America/St_Johns", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 11, 22, 17, 0, tzinfo=UTC)),
    ],
)
def test_the_digest_comes_by_the_organizations_own_clock(zone: str, expected: datetime):
    organization = Organization(time_zone=zone)
    assert watching.digest_time(organization, 6, MORNING) == expected


# -- To whom ---------------------------------------------------------------------------------------


def test_each_is_notified_of_what_they_want_and_nobody_else_is(world: World):
    other = Organization.objects.create(caredove_id="9", name="Other")
    wanted = recipient(world, "failure")
    recipient(world, "digest")
    recipient(world, active=False)
    recipient(world, organization=other)
    failed(world)
    watching.look()
    assert AlertDelivery.objects.get().recipient == wanted


# -- On the way ------------------------------------------------------------------------------------


def test_a_refused_mail_is_tried_again_later_under_the_same_id(
    world: World, at: Any, mail: MailServer
):
    recipient(world)
    failed(world)
    mail.refusing = "450 later"
    look_and_send()
    delivery = AlertDelivery.objects.get()
    assert delivery.problem == "The mail server refused the recipient (450)."
    assert delivery.due_at == MORNING + sending.PAUSES[0]
    mail.refusing = ""
    at(MORNING + timedelta(minutes=2))
    look_and_send()
    look_and_send()
    (got,) = mail.mails
    assert got["Message-ID"].startswith(f"<{delivery.pk}@")
    delivery.refresh_from_db()
    assert (delivery.due_at, delivery.tries, delivery.problem) == (None, 2, "")


def test_it_is_given_up_in_the_end_and_gives_the_reason(world: World, at: Any, mail: MailServer):
    recipient(world)
    failed(world)
    mail.refusing = "550 no"
    for day in range(len(sending.PAUSES) + 3):
        at(MORNING + timedelta(days=day))
        AlertDelivery.objects.exclude(alert__kind="failure").delete()
        look_and_send()
    delivery = AlertDelivery.objects.get(alert__cause__startswith="gave_up")
    assert (delivery.due_at, delivery.sent_at) == (None, None)
    assert delivery.tries == len(sending.PAUSES) + 1


def test_who_dies_while_sending_leaves_it_to_be_sent_later(
    world: World, at: Any, mail: MailServer, monkeypatch: pytest.MonkeyPatch
):
    recipient(world)
    failed(world)
    with monkeypatch.context() as dying:
        dying.setattr(sending, "send", _die)
        with pytest.raises(KeyboardInterrupt):
            look_and_send()
    look_and_send()
    assert mail.mails == []
    at(MORNING + sending.CLAIMED)
    look_and_send()
    assert len(mail.mails) == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_without_a_mail_server_the_admin_shows_it(world: World, settings: Any):
    settings.EMAIL_READY = False
    recipient(world)
    failed(world)
    look_and_send()
    assert AlertDelivery.objects.get().problem == sentences.NO_MAIL()


def test_a_webhook_is_signed(world: World, hook: HookServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()  # the receiver compares the time with its own
    recipient(world, channel="webhook", address=hook.url, secret=SECRET)
    failed(world, reason="rejected", last_kind="refused")
    look_and_send()
    (got,) = hook.received
    body = Webhook(SECRET).verify(got.body, got.headers)
    assert got.headers["webhook-id"] == str(AlertDelivery.objects.get().pk)
    assert body["type"] == "alert.failure"
    assert body["data"]["organization"] == {"id": "812", "name": world.organization.name}
    assert body["data"]["cause"] == "rejected:4xx"
    assert json.loads(got.body)["data"]["count"] == 1


def test_a_webhook_that_fails_is_called_again_later(world: World, hook: HookServer, at: Any):
    recipient(world, channel="webhook", address=hook.url, secret=SECRET)
    failed(world)
    hook.status = 500
    look_and_send()
    assert AlertDelivery.objects.get().problem == "The webhook answered HTTP 500."
    hook.status = 200
    at(MORNING + timedelta(minutes=2))
    look_and_send()
    assert AlertDelivery.objects.get().sent_at


@pytest.mark.parametrize("through", [True, False], ids=["it gets through", "it does not"])
def test_a_delivery_that_another_dispatcher_has_taken_is_not_sent_a_second_time(
    world: World, through: bool, at: Any, monkeypatch: pytest.MonkeyPatch
):
    recipient(world)
    failed(world)
    watching.look()
    sent: list[str] = []

    def while_it_is_sent(_: AlertRecipient, message: Any) -> None:
        sent.append(message.id)
        if len(sent) == 1:
            # Both have seen that it was due, at the same moment.
            assert not sending._deliver(AlertDelivery.objects.get().pk, MORNING)
            assert sending.send_due() == 0
        if not through:
            raise TryAgain("Busy.")

    monkeypatch.setattr(sending, "send", while_it_is_sent)
    assert sending.send_due() == int(through)
    assert not sending._deliver(AlertDelivery.objects.get().pk, MORNING)
    assert (len(sent), AlertDelivery.objects.get().tries) == (1, 1)


@pytest.mark.parametrize("url", ["https://169.254.169.254/", "http://127.0.0.1:1/"])
def test_a_webhook_leads_nowhere_inside(world: World, settings: Any, url: str):
    settings.ALLOW_LOOPBACK = False
    recipient(world, channel="webhook", address=url, secret=SECRET)
    failed(world)
    look_and_send()
    assert "not" in AlertDelivery.objects.get().problem
    assert AlertDelivery.objects.get().sent_at is None


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_answers_nothing_holds_up_no_import(
    transactional_db: None, mail: MailServer, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()
    settings.BESIDE_SECONDS, settings.CELERY_BROKER_URL = 0.05, ""
    mail.silent = True
    world = make_world(behaviour="reject")
    recipient(world)
    world.send(plain())
    world.run()
    watching.look()
    world.destination.options = options("demo")
    world.destination.save()
    world.receive(plain("referral.edited", number=2))
    dispatcher = Dispatcher(threads=1)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    while not AlertDelivery.objects.filter(tries=1).exists():
        pass
    while not Delivery.objects.filter(state="imported").exists():
        pass
    assert not AlertDelivery.objects.filter(sent_at__isnull=False).exists()
    dispatcher.stopping.set()
    mail.stopping.set()
    thread.join()
    connections.close_all()


# -- Destinations that are paused ------------------------------------------------------------------


def test_a_destination_that_cannot_be_reached_is_reported_once_with_cause_and_remedy(
    world: World, mail: MailServer
):
    recipient(world)
    failed(world, state="queued", reason="", error_at=None, due_at=MORNING)
    world.destination.go_down("its certificate is not trusted. Have it renewed.", clock.now())
    look_and_send()
    look_and_send()
    (sent,) = mail.mails
    assert "cannot be reached" in sent["Subject"]
    assert "its certificate is not trusted. Have it renewed." in sent.get_content()
    assert "1 import" in sent.get_content()
    world.destination.release()
    look_and_send()
    assert sorted(kinds_sent()) == ["failure", "recovery"]


def test_one_that_turns_out_to_be_wrongly_set_up_does_not_work_again(
    world: World, mail: MailServer
):
    recipient(world)
    world.destination.go_down("it refused the connection. Look there.", clock.now())
    look_and_send()
    world.destination.pause("CRMS does not accept the credentials.", clock.now())
    look_and_send()
    assert sorted(kinds_sent()) == ["failure", "failure"]
    assert "paused" in mail.mails[-1]["Subject"]
    world.destination.release()
    look_and_send()
    assert sorted(kinds_sent()) == ["failure", "failure", "recovery"]


def test_the_referral_that_paused_a_destination_is_named(world: World, mail: MailServer):
    recipient(world)
    (delivery,) = failed(world, reason="connection", last_kind="credentials")
    world.destination.pause("CRMS says no.", clock.now(), by=delivery.reference or REFERENCE)
    look_and_send()
    assert f"referral {delivery.reference or REFERENCE}" in mail.mails[-1].get_content()
    assert "CRMS says no" not in mail.mails[-1].get_content()


def test_a_referral_that_is_refused_alone_is_named(world: World, mail: MailServer):
    recipient(world)
    (delivery,) = failed(world, reason="singled_out", last_kind="credentials")
    Delivery.objects.update(reference="4200000121")
    look_and_send()
    assert "referral 4200000121" in mail.mails[-1].get_content()
    assert delivery.reason == "singled_out"


# -- The portal itself -------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["stalled", "clock"])
def test_people_are_told_that_the_portal_itself_does_not_work(
    world: World, mail: MailServer, monkeypatch: Any, what: str
):
    recipient(world)
    wrong = {
        "stalled": (backlog, "stalled", backlog.Stalled(7, MORNING - HOUR), None),
        "clock": (clock, "offset", timedelta(seconds=-61), timedelta(seconds=2)),
    }
    module, name, bad, good = wrong[what]
    monkeypatch.setattr(module, name, lambda: bad)
    for _ in range(3):
        look_at_the_portal_and_send()
        look_and_send()  # what it knows nothing of goes on
    (begun,) = mail.mails
    assert "The portal" in begun["Subject"]
    assert what == "clock" or "7 due" in begun.get_content()
    assert "an administrator" in begun.get_content()
    monkeypatch.setattr(module, name, lambda: good)
    look_at_the_portal_and_send()
    assert len(mail.mails) == 2
    assert not Trouble.objects.filter(ended_at=None).exists()
