"""The whole portal while things go wrong around it, or much comes at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from referrals.models import Delivery, InboundEvent
from tests.flow.crms import Crms
from tests.flow.portal import FHIR, PLAIN, Portal, eventually
from tests.flow.test_main_job import body_of
from tests.world import REFERENCE, plain

# -- What CRMS says ------------------------------------------------------------------------------


def test_a_refused_referral_goes_by_itself_once_it_is_edited(everything: Portal, crms: Crms):
    nameless = {"first_name": "Mireille", "last_name": "Tremblay-Okafor"}
    everything.post(plain(registrant=nameless))
    refused = everything.settled(REFERENCE, "needs_attention")
    assert refused["reason"] == "rejected"
    assert "Date of birth is required" in refused["message"]
    everything.post(plain("referral.edited", number=2))
    everything.settled(REFERENCE)
    assert len(crms.referrals()) == 1


@pytest.mark.parametrize("step", ["create", "summary", "attachment"])
def test_an_outage_of_crms_is_waited_out(everything: Portal, crms: Crms, step: str):
    crms.fail(step, "503", times=2)
    everything.post(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "QQ=="}]))
    everything.settled(REFERENCE)
    (found,) = crms.referrals()
    assert len(found["attachments"]) == 2


# -- Many at once --------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("path", "name"), [(PLAIN, "event-plain.json"), (FHIR, "fhir-full-referral.json")]
)
def test_the_same_event_100_times_at_once_is_one_event_and_one_import(
    everything: Portal, crms: Crms, path: str, name: str
):
    with ThreadPoolExecutor(100) as senders:
        posted = list(senders.map(lambda _: everything.post(body_of(name), path), range(100)))
    if path == PLAIN:
        assert Counter(answer.status_code for answer in posted) == {202: 1, 200: 99}
        assert sum(answer.json()["duplicate"] for answer in posted) == 99
        ids = {answer.json()["id"] for answer in posted}
    else:
        assert {answer.status_code for answer in posted} == {200}
        ids = {answer.json()["issue"][0]["diagnostics"] for answer in posted}
    everything.settled(REFERENCE)
    assert ids == {str(InboundEvent.objects.get().pk)}
    assert Delivery.objects.count() == 1
    assert len(crms.referrals()) == 1


@pytest.mark.postgres
def test_many_events_of_one_new_referral_at_once_are_one_import(everything: Portal, crms: Crms):
    events = [plain(number=number) for number in range(1, 21)]
    with ThreadPoolExecutor(20) as senders:
        posted = list(senders.map(everything.post, events))
    assert {answer.status_code for answer in posted} == {202}
    eventually(lambda: not InboundEvent.objects.exclude(state="opened").exists(), "all opened")
    everything.settled(REFERENCE)
    assert Delivery.objects.count() == 1
    assert len(crms.referrals()) == 1
