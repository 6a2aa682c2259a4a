"""What a webhook makes of certificates, of endless answers, of large pushes, and of failures."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from core.outbound import session
from integrations.destinations.webhook.transport import KEPT_BYTES, WebhookTransport
from integrations.models import Destination
from integrations.pacing import FAILURES
from integrations.transport import (
    Down,
    ErrorKind,
    Exchange,
    Misconfigured,
    Rejected,
    TryAgain,
)
from referrals import delivering
from referrals.models import Attempt, Delivery
from tests.contract.parcels import parcel
from tests.core.outbound import servers
from tests.core.outbound.servers import Peer, answering, in_chunks, serving
from tests.integrations.sources.partner.partners import AT_LOOPBACK, deliver
from tests.world import make_world, options, plain

SECRET = AT_LOOPBACK["secrets"]
LARGE = 30 * 1024 * 1024


@pytest.fixture(autouse=True)
def _outbound(settings: Any) -> Iterator[None]:
    settings.ALLOW_LOOPBACK = True
    settings.CA_BUNDLE = ""
    yield
    for kept in session._kept.sessions.values():
        kept.close()
    session._kept.sessions.clear()


def webhook(url: str) -> WebhookTransport:
    return WebhookTransport(options("webhook", url=url, secrets=SECRET))


@pytest.mark.parametrize(("name", "expired"), [("127.0.0.1", True), ("other.example", False)])
def test_a_certificate_that_is_not_valid_gets_nothing(
    settings: Any, tmp_path: Path, name: str, *, expired: bool
) -> None:
    authority = servers.authority(tmp_path)
    settings.CA_BUNDLE = str(authority.path)
    asked: list[bytes] = []

    def serve(peer: Peer) -> None:
        if received := peer.request():
            asked.append(received.body)

    with serving(serve, authority.context(name, expired=expired)) as server:
        transport = webhook(server.url("/in", scheme="https"))
        with pytest.raises(Down) as down:
            transport.deliver(parcel({"client.first_name": "Mireille"}))
        with pytest.raises(Down):
            transport.check()
    assert down.value.kind is ErrorKind.DOWN
    assert "certificate" in down.value.cause
    assert down.value.remedy
    assert asked == []


@pytest.mark.parametrize(("minutes", "shown"), [(12, True), (-90, True), (4, False)])
def test_a_clock_that_is_off_is_named_with_the_signature_that_is_not_accepted(
    minutes: int, *, shown: bool
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    body = b'{"message": "Message timestamp too old"}'
    partner = serving(answering(401, body, Date=date))
    with partner as server, pytest.raises(Misconfigured) as refused:
        webhook(server.url("/in")).deliver(parcel({}))
    assert refused.value.kind is ErrorKind.CREDENTIALS
    assert "Message timestamp too old" in refused.value.message
    assert (f"by {abs(minutes)} minutes" in refused.value.message) is shown


def test_of_an_answer_without_an_end_only_the_beginning_is_read() -> None:
    with serving(in_chunks(b"x" * KEPT_BYTES)) as server:
        receipt = webhook(server.url("/in")).deliver(parcel({}))
    assert receipt.external_id == "version-1"  # it was accepted; no id of theirs is in that


def test_a_push_of_thirty_megabytes_goes_whole() -> None:
    taken: list[bytes] = []

    def serve(peer: Peer) -> None:
        if received := peer.request():
            taken.append(received.body)
            peer.answer(200)

    with serving(serve) as server:
        webhook(server.url("/in")).deliver(parcel({"note": "n" * LARGE}, documents=()))
    (body,) = taken
    assert len(json.loads(body)["data"]["note"]) == LARGE


def test_a_partner_that_refuses_that_size_stops_this_referral_alone() -> None:
    with serving(answering(413)) as server, pytest.raises(Rejected):
        webhook(server.url("/in")).deliver(parcel({"note": "n" * LARGE}, documents=()))


@pytest.mark.django_db
def test_a_partner_that_fails_referral_after_referral_is_given_a_pause() -> None:
    world = make_world("webhook", ["received"], **AT_LOOPBACK)
    for number in range(FAILURES + 1):
        world.send(plain(number=number + 1, reference=str(3502768690 + number)))
    deliver(world, side_effect=TryAgain("busy", Exchange("HTTP 503"), maybe_done=True))
    destination = Destination.objects.get()
    assert destination.paused_until
    assert destination.paused_code == "HTTP 503"
    assert Attempt.objects.count() == FAILURES
    assert "503" in destination.recovering


@pytest.mark.django_db
def test_a_partner_gets_no_more_a_minute_than_it_takes() -> None:
    world = make_world("webhook", ["received"], **AT_LOOPBACK)
    Destination.objects.update(per_minute=1, at_once=1)
    for number in range(3):
        world.send(plain(number=number + 1, reference=str(3502768690 + number)))
    deliver(world)
    assert Delivery.objects.filter(state=Delivery.State.IMPORTED).count() == 1
    later = Delivery.objects.exclude(state=Delivery.State.IMPORTED)
    assert not any(delivering.run(delivery.pk) for delivery in later)
    Destination.objects.update(turn_at=Destination.objects.get().turn_at - timedelta(minutes=2))
    deliver(world)
    assert Delivery.objects.filter(state=Delivery.State.IMPORTED).count() == 2
