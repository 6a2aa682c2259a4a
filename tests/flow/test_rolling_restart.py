"""Everything is restarted, one program after the other, while events come in: nobody notices."""

import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests
from django.conf import settings

from core.timing import ending
from integrations.models import Destination
from referrals.models import Attempt, Delivery, InboundEvent
from tests.flow.broker import Broker
from tests.flow.crms import Crms
from tests.flow.portal import COMMANDS, Portal, eventually
from tests.flow.test_processes import assert_once_each, reference, referral
from tests.services import ROOT, Program, answers, prints

pytestmark = [pytest.mark.scaled_out, pytest.mark.long]

# As systemd starts what has a socket: it is file descriptor 3 of the program, whose id it names.
ACTIVATED = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); "
    "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
    "os.chdir(sys.argv[2]); os.execvp('sh', ['sh', '-c', 'exec ' + sys.argv[3]])"
)
SENDERS = 200  # requests that wait at the same time, at most
TERM_TO_END = 90  # seconds, as is promised


@pytest.fixture
def port(portal: Portal) -> Iterator[socket.socket]:
    """The web server's port, which stays open while it is restarted."""
    with socket.create_server(("127.0.0.1", portal.port), backlog=4096) as listening:
        yield listening


def begin_web(portal: Portal, port: socket.socket) -> Program:
    """Start the web server at a port that is open."""
    command = [sys.executable, "-c", ACTIVATED, f"{port.fileno()}", f"{ROOT}", COMMANDS["web"]]
    web = Program(command, portal.env, name="web", pass_fds=(port.fileno(),))
    portal.programs.append(web)
    portal._stack.callback(web.stop)
    return web


def restart_everything(portal: Portal, port: socket.socket, broker: Broker) -> dict[str, float]:
    """Restart each program as `systemctl restart` does; return how long each took to end."""
    took = {}
    for name in ("web", "worker", "dispatcher"):
        began = time.monotonic()
        # Not killed: what does not end by itself is a failure.
        program = portal.program(name)
        os.kill(program.process.pid, program.stop_signal)
        program.process.wait(TERM_TO_END)
        took[name] = time.monotonic() - began
        started = begin_web(portal, port) if name == "web" else portal.begin(name)
        if name == "worker":
            started.wait_until(prints("ready."))
        if name == "web":
            started.wait_until(answers(f"{portal.url}/healthz"))
    broker.program.stop()
    broker.start()
    return took


@contextmanager
def sending(portal: Portal, referrals: int, rate: float) -> Iterator[list[Future[object]]]:
    """Post events of so many referrals, `rate` each second, for as long as the block."""
    sent: list[Future[object]] = []
    done = threading.Event()

    def post(number: int) -> object:
        event = referral(number % referrals) | {"event_id": f"evt_rolling_{number}"}
        try:
            return portal.post(event).status_code
        except requests.RequestException as error:
            return type(error).__name__

    def go_on(senders: ThreadPoolExecutor) -> None:
        due = time.monotonic()
        while not done.is_set():
            sent.append(senders.submit(post, len(sent)))
            due += 1 / rate
            done.wait(max(due - time.monotonic(), 0))

    with ThreadPoolExecutor(SENDERS) as senders:
        thread = threading.Thread(target=go_on, args=(senders,))
        thread.start()
        try:
            yield sent
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    ("times", "referrals", "rate"),
    [(1, 10, 10.0), pytest.param(10, 100, 20.0, marks=pytest.mark.whole)],
)
def test_a_rolling_restart_fails_no_request_and_doubles_nothing(
    portal: Portal,
    crms: Crms,
    broker: Broker,
    port: socket.socket,
    times: int,
    referrals: int,
    rate: float,
):
    portal.env["CELERY_BROKER_URL"] = broker.url
    web = begin_web(portal, port)
    portal.start("worker", "dispatcher")
    web.wait_until(answers(f"{portal.url}/healthz"))
    with sending(portal, referrals, rate) as sent:
        eventually(lambda: len(sent) >= referrals, "an event of each referral")
        took = [restart_everything(portal, port, broker) for _ in range(times)]
    answered = Counter(one.result() for one in sent)
    print(f"{len(sent)} events, answered {dict(answered)}; seconds to end: {took}")
    assert set(answered) == {202}
    assert InboundEvent.objects.count() == len(sent)
    for number in range(referrals):
        portal.settled(reference(number))
    assert_once_each(crms, range(referrals))
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"imported"}
    assert not Delivery.objects.exclude(state="imported").exists()


def test_a_port_that_closes_with_its_program_refuses_requests(portal: Portal):
    """The control: what is counted above does not pass without the open port."""
    portal.start("web")
    with sending(portal, 1, 20.0) as sent:
        eventually(lambda: len(sent) >= 5, "some events")
        portal.program("web").stop()
        portal.start("web")
    assert "ConnectionError" in {one.result() for one in sent}


@pytest.mark.parametrize("name", ["worker", "dispatcher"])
@pytest.mark.parametrize(
    "seconds", ["2", pytest.param("", marks=pytest.mark.whole)], ids=["short", "as shipped"]
)
def test_a_program_ends_in_time_though_its_call_does_not(
    portal: Portal, crms: Crms, name: str, seconds: str
):
    if seconds:
        portal.env["STOP_SECONDS"] = seconds
    if name == "dispatcher":
        portal.env["CELERY_BROKER_URL"] = ""
    patient = Destination.objects.get()
    patient.options |= {"read_seconds": 200}
    patient.save()
    portal.env["LEASE_SECONDS"] = "300"
    crms.fail("create", "timeout", times=None)
    portal.start("web", name)
    portal.post(referral(0))
    eventually(lambda: any(call["step"] == "create" for call in crms.calls()), "the call")
    began = time.monotonic()
    os.kill(portal.program(name).process.pid, portal.program(name).stop_signal)
    status = portal.program(name).process.wait(TERM_TO_END)
    took = time.monotonic() - began
    print(f"{name} ended after {took:.1f} s")
    assert status == ending.TOO_LATE
    assert took < float(seconds or settings.STOP_SECONDS) + 10
    assert "a call does not end" in portal.program(name).output()
