"""`python -m scripts.demo`: a portal with a made-up agency, a stand-in CRMS, and what they do.

Ends by itself, with 0 only if every event came to its expected end. With `--stay` it uses the
portal of this directory, and stays up.
"""

import os
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

from core.outbound import OutboundError
from scripts.demo import environment, inbox, portal, report, state
from scripts.demo.report import Places
from scripts.demo.sending import Portal, Sending
from scripts.demo.stage import Failed, Stage, answers, choose_port, file_host
from scripts.demo.story import EVENTS, Run, picture
from scripts.demo.table import Table
from scripts.env_file import ROOT

STEP_SECONDS = 0.25
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked the demonstration to end."""


def main() -> int:
    """Run the demonstration; return the exit status."""
    options = _options()
    os.umask(0o077)  # logs and databases are for their owner
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        with ExitStack() as cleared:
            return _perform(options, cleared)
    except (Failed, state.NotOurs, portal.InUse, ImproperlyConfigured) as problem:
        print(f"\n{problem}", file=sys.stderr)
    except Stopped:
        print("Stopped before the end.", file=sys.stderr)
    return 1


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.demo", description=__doc__)
    add = parser.add_argument
    add("--stay", action="store_true", help="use the portal of this directory, and stay up")
    add("--state", type=Path, metavar="DIR", help="use a portal of its own, made anew in DIR")
    add("--port", type=int, help="of the portal (default: 8000, or any free one)")
    add("--crms-port", type=int, help="of the stand-in CRMS (default: 9009, or any free one)")
    add("--deadline", type=float, default=120, metavar="SECONDS", help="for all events to end")
    add(
        "--prove",
        action="store_true",
        help="state nothing of the stand-in CRMS: a test event proves what it can do",
    )
    add(
        "--fail",
        action="append",
        default=[],
        metavar="FAULT",
        help="a fault of the stand-in CRMS, as `manage.py crms_sandbox` takes it; repeatable",
    )
    return parser.parse_args()


def _stop(number: int, frame: object) -> NoReturn:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # the programs are ended in peace
    print("\nStopping.", flush=True)
    raise Stopped


def _perform(options: Namespace, cleared: ExitStack) -> int:
    directory = _settle(options, cleared)
    portal.set_up()
    secret, password = os.environ["CAREDOVE_SECRET"], os.environ["CAREDOVE_PASSWORD"]
    files = cleared.enter_context(file_host(picture(), portal.FILES_USER, password))
    port, crms_port = choose_port(options.port, 8000), choose_port(options.crms_port, 9009)
    places = Places(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{crms_port}", directory)

    print("Setting the portal up, and starting it.", flush=True)
    passwords = portal.prepare(places.crms_url, files, stated=not options.prove)
    stage = Stage(directory)
    cleared.callback(stage.clear)
    _open(stage, places, options.fail)
    if options.prove and not portal.prove(options.deadline):
        raise Failed("The test event did not prove what the stand-in CRMS can do.")

    report.begin(places)
    run = Run(f"http://{files}/files")
    sending = Sending(EVENTS, run, Portal(places.portal_url, portal.KEY, secret))
    _send_all(sending, stage, options.deadline)
    holdings = inbox.inspect(places.crms_url, sending.rows, picture(), run.files_url)
    went_well = report.verdict(sending.rows, holdings)
    report.turns(sending.rows)
    if options.stay:
        report.guide(places, sending.rows, holdings, passwords, secret)
        _stay(stage)
    return 0 if went_well else 1


def _settle(options: Namespace, cleared: ExitStack) -> Path:
    """Choose the portal; return the directory of this demonstration."""
    of_this_directory = options.stay and options.state is None
    usual = ROOT / "var" / ("run" if options.stay else "demo")
    directory = cleared.enter_context(
        state.taken((options.state or usual).resolve(), fresh=not of_this_directory)
    )
    if of_this_directory:
        environment.use_default()
    else:
        environment.use_own(directory)
    return directory


def _open(stage: Stage, places: Places, faults: list[str]) -> None:
    """Start the programs; return when they are ready."""
    crms_port, port = (url.rpartition(":")[2] for url in (places.crms_url, places.portal_url))
    ledger = stage.logs / "crms-ledger.jsonl"
    command = [sys.executable, "manage.py", "crms_sandbox", "--port", crms_port]
    command += ["--ledger", str(ledger), *(f"--fail={fault}" for fault in faults)]
    crms = stage.start("crms", command)
    web = stage.start_from_procfile("web", BIND="127.0.0.1", PORT=port)
    stage.start_from_procfile("dispatcher")
    crms.wait_for(answers(f"{places.crms_url}/"))
    web.wait_for(answers(f"{places.portal_url}/readyz"))
    stage.check()


def _send_all(sending: Sending, stage: Stage, deadline: float) -> None:
    """Tell the story until its end, or until the time is up."""
    table = Table()
    end = time.monotonic() + deadline
    while not sending.is_over:
        if time.monotonic() > end:
            sending.give_up()
            break
        try:
            for _ in sending.step():
                table.show(sending.rows)
        except OutboundError as error:
            stage.check()
            raise Failed(f"The portal runs, but does not answer: {error.message}") from error
        stage.check()
        time.sleep(STEP_SECONDS)
    table.end(sending.rows)


def _stay(stage: Stage) -> None:
    """Stay up until somebody asks to end; raises Failed when a program ends before."""
    print("\nAll of it stays up until you press Ctrl-C.", flush=True)
    with suppress(Stopped):
        while True:
            stage.check()
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
