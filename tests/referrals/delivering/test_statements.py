"""What one new referral costs the database, from its event that is due to the settled import."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.database import clock
from integrations.destinations.webhook.transport import WebhookTransport
from referrals import delivering
from referrals.intake import opening
from referrals.models import Delivery
from referrals.record import versions
from referrals.running import tasks
from referrals.summary import pdf
from tests.integrations.sources.partner.partners import AT_LOOPBACK
from tests.world import World, make_world, plain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

LETTER = base64.b64encode(b"%PDF-1.4\n" + b"x" * 300 + b"\n%%EOF\n").decode()
WRITE = re.compile(r"(INSERT|UPDATE|DELETE)\b")
CLOCK = re.compile(r"SELECT (clock_timestamp|strftime)\(")


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    page = pdf.Summary(b"%PDF-1.4\n%%EOF\n", False, ())
    monkeypatch.setattr(pdf, "begin", lambda *_: lambda: page)
    return make_world()


def referral(number: int) -> dict[str, Any]:
    attachments = [{"id": "a1", "filename": "letter.pdf", "data": LETTER}]
    return plain(number=number, reference=f"35027686{number:02}", attachments=attachments)


def statements_of(do: Callable[[], object]) -> tuple[list[str], int]:
    """Return the statements, and how many transactions wrote something."""
    with CaptureQueriesContext(connection) as asked:
        do()
    statements, writing, within, wrote = [], 0, False, False
    for sql in (query["sql"].lstrip() for query in asked):
        if sql.startswith("BEGIN"):
            within, wrote = True, False
        elif sql.startswith(("COMMIT", "ROLLBACK")):
            within, writing = False, writing + wrote
        else:
            statements.append(sql)
            is_write = bool(WRITE.match(sql))
            wrote = wrote or is_write
            writing += is_write and not within
    return statements, writing


def import_one(world: World, number: int) -> Callable[[], object]:
    """Return what a worker does for a new event."""
    event_id = world.receive(referral(number)).event_id

    def work() -> None:
        opening.open_deliveries(event_id)
        tasks.wake_deliveries_of(event_id)
        assert delivering.run_next(event_id)

    return work


def test_a_new_referral_costs_few_statements_and_transactions(world: World) -> None:
    import_one(world, 1)()  # what a process learns once
    statements, writing = statements_of(import_one(world, 2))
    assert Delivery.objects.filter(state="imported").count() == 2
    assert len(statements) <= 44, "\n".join(statements)
    assert writing <= 8
    assert not [sql for sql in statements if CLOCK.match(sql)]


def test_a_push_costs_thirteen_statements_in_three_transactions(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebhookTransport, "_push", lambda *_: "P-1")
    world = make_world("webhook", ["received"], **AT_LOOPBACK)
    world.send(plain())
    world.run()  # what a process learns once
    event = world.send(referral(2))
    delivery = Delivery.objects.get(referral__events=event)
    # Claimed: the lease, what it has to bring and all around that, the attempt. Intended: the
    # lease, the step, its position, what is sent and shown, the host's number. Settled: the step,
    # the referral's lock, the delivery, the version, the attempt.
    for number in (1, 2):
        statements, writing = statements_of(lambda: delivering.run(delivery.pk))
        assert Delivery.objects.get(pk=delivery.pk).done == number
        assert len(statements) == 13, "\n".join(statements)
        assert writing == 3
        versions.ask(Delivery.objects.get(pk=delivery.pk), clock.now())


def test_a_look_for_due_deliveries_is_one_statement(world: World) -> None:
    for number in (1, 2, 3):
        world.send(referral(number))
    statements, _ = statements_of(lambda: delivering.due_deliveries(100))
    assert len(statements) == 1
