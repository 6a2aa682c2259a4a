"""Notices of changes: signed, never an entry's content, at least once, at most one a minute."""

import base64
import json
import os
import sys
import threading
from datetime import timedelta

import pytest
import requests
from django.db.models import F

from core.database import clock
from directory.data_partners import notices
from directory.models import DataPartner, DataPartnerNotice, Secrecy
from directory.taking_in import take_in
from integrations.destinations.webhook.contract import SECRET, Partner
from tests.directory import agreed, make
from tests.directory.stored import change
from tests.services import answers, free_port, spawn

pytestmark = pytest.mark.usefixtures("directory")
OTHER_SECRET = f"whsec_{base64.b64encode(b'another secret of 32 bytes, here').decode()}"


@pytest.fixture
def receiver():
    server = Partner()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def partner(receiver):
    """A data partner that wants notices, and has heard of all that there is."""
    made = agreed.partner(notify_url=receiver.url, notify_secrets=SECRET)
    take_in()
    notices.make_and_send()
    return made


def later(**by):
    """Let time pass for notices. The receiver checks when they are signed, by its own clock."""
    passed = timedelta(**by)
    DataPartnerNotice.objects.update(made_at=F("made_at") - passed, due_at=F("due_at") - passed)


def test_a_notice_counts_changes_and_leads_to_them(partner, receiver):
    assert receiver.taken == {}
    service = make.service("Never named")
    other = make.service("Gone")
    take_in()
    change(other, secrecy=Secrecy.YES)
    notices.make_and_send()
    (taken,) = receiver.taken.values()
    sent = json.loads(taken)
    assert sent["type"] == "directory.changed"
    assert sent["data"]["counts"]["service"] == {"put": 1, "remove": 1}
    assert "Never named" not in taken
    found = agreed.client(partner).get(
        "/api/v1/directory/changes", {"after": sent["data"]["cursor"]}
    )
    assert str(service.entry.hsds_id) in {one["id"] for one in found.json()["changes"]}


def test_at_most_one_a_minute_and_none_without_changes(partner, receiver):
    for _ in range(2):
        make.service()
        take_in()
        notices.make_and_send()
    assert len(receiver.taken) == 1
    later(seconds=61)
    notices.make_and_send()
    assert len(receiver.taken) == 2
    later(seconds=61)
    notices.make_and_send()
    assert len(receiver.taken) == 2


def test_a_receiver_that_is_down_gets_the_same_notice_again(partner, receiver):
    make.service()
    take_in()
    receiver.failure = "503"
    notices.make_and_send()
    assert receiver.taken == {}
    later(hours=1)
    notices.make_and_send()
    assert list(receiver.taken) == [str(DataPartnerNotice.objects.get().pk)]
    assert DataPartnerNotice.objects.get().tries == 2


def test_410_ends_notices_until_the_agreement_is_saved_again(partner, receiver):
    make.service()
    take_in()
    receiver.failure = "410"
    notices.make_and_send()
    make.service()
    take_in()
    later(hours=1)
    notices.make_and_send()
    assert receiver.taken == {}
    partner.refresh_from_db()
    agreed.change(partner)
    notices.make_and_send()
    assert len(receiver.taken) == 1


@pytest.mark.programs
@pytest.mark.parametrize("is_right", [True, False], ids=["its secret", "another secret"])
def test_a_receiver_in_another_process_verifies_what_is_signed_for_it(is_right):
    """The stand-in CRMS takes notices, too: it knows nothing of the portal but the secret."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "manage.py", "crms_sandbox", "--port", str(port)]
    command += ["--notices-secret", SECRET if is_right else OTHER_SECRET]
    with spawn(command, dict(os.environ, DEBUG="true"), answers(url)):
        agreed.partner(notify_url=f"{url}/notices", notify_secrets=SECRET)
        take_in()
        notices.make_and_send()
        make.service("Never named")
        take_in()
        notices.make_and_send()
        notice = DataPartnerNotice.objects.get()
        kept = requests.get(f"{url}/sandbox/notices", timeout=60).json()["notices"]
        if not is_right:
            assert kept == {}
            assert (notice.sent_at, notice.due_at is None) == (None, False)  # it is tried again
            return
        assert list(kept) == [str(notice.pk)]
        assert kept[str(notice.pk)]["data"]["counts"]["service"] == {"put": 1}
        assert notice.sent_at
        page = requests.get(url, timeout=60).text
        assert "service: 1 put, 0 removed" in page


def test_an_agreement_that_has_ended_sends_none(partner, receiver):
    ended = clock.now().date() - timedelta(days=3)
    DataPartner.objects.update(valid_until=ended)
    make.service()
    take_in()
    notices.make_and_send()
    assert receiver.taken == {}
