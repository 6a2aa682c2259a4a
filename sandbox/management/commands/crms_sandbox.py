"""`manage.py crms_sandbox`: run the stand-in CRMS."""

import os
import signal
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox import Options, Sandbox
from sandbox.ledger import BrokenLedger
from sandbox.rules.faults import MODES, STEPS, BadFault
from sandbox.rules.options import MEBIBYTE

_MODES = "\n".join(f"  {mode.name:<16}{mode.says} ({mode.effect.value})" for mode in MODES.values())
_EPILOG = f"""
a fault is STEP:MODE, STEP:MODE:TIMES or STEP:MODE:RATE (TIMES: once, twice, always or a number)
  --fail create:timeout-after   --fail attachment:415:always   --fail any:503:5%

steps: {", ".join(STEPS)}

modes:
{_MODES}

a referral fails by itself when the client's e-mail is fail-[STEP-]MODE[-once|-twice|-always]@…
  fail-503-once@example.org   fail-attachment-415-always@example.org

a running sandbox is steered by POST and DELETE /sandbox/faults, also with any answer at all:
  {{"step": "create", "mode": "answer", "answer": {{"status": 400, "json": ["No"]}}}}
GET /sandbox/referrals shows all.
"""


class Command(BaseCommand):
    help = (
        "Run a stand-in CRMS on this machine: it takes referrals and files in, shows its inbox "
        "as a web page and fails on demand. For made-up people only."
    )
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=_EPILOG, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--port", type=int, default=9009, help="0 takes any free port (default: 9009)")
        add(
            "--ledger", type=Path, help="append one JSON line for each thing applied; read at start"
        )
        add(
            "--token", default=os.environ.get("CRMS_TOKEN", ""), help="default: $CRMS_TOKEN, or any"
        )
        add("--api-key-header", default="X-API-Key", help="taken beside Authorization: Bearer")
        add("--no-idempotency", action="store_true", help="do not read Idempotency-Key")
        add("--allow-duplicates", action="store_true", help="do not refuse a known reference (409)")
        add("--no-look-up", type=int, nargs="?", const=404, choices=(404, 501), metavar="STATUS")
        add("--nameless-look-up", action="store_true", help="look-ups name no external_reference")
        add("--unfiltered-look-up", action="store_true", help="look-ups list every referral")
        add("--look-up-page", type=int, default=0, help="results on a page (default: all)")
        add("--look-up-delay", type=float, default=0, help="seconds until look-ups find a referral")
        add("--no-attachment-listing", action="store_true", help="look-ups name no attachments")
        add("--max-file-mb", type=float, default=25, help="larger files get 413 (default: 25)")
        add(
            "--notices-secret",
            default=os.environ.get("NOTICES_SECRET", ""),
            help="of the receiver of notices at /notices; default: $NOTICES_SECRET, or none",
        )
        add("--tls", action="store_true", help="https, with a certificate that nobody trusts")
        add("--fail", action="append", default=[], metavar="FAULT", help="see below; repeatable")
        add("--fail-rate", type=float, default=0, help="0.05: five calls in 100 fail ambiguously")
        add("--seed", type=int, default=0, help="for --fail-rate and rates of faults")
        add("--hang", type=float, default=120, help="seconds a time-out lasts (default: 120)")
        add("--drip", type=float, default=1, help="seconds between two bytes (default: 1)")
        add("--retry-after", type=int, default=2, help="seconds in Retry-After (default: 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            sandbox = Sandbox(_options(options))
        except (BadFault, BrokenLedger, OSError) as error:
            raise CommandError(str(error)) from error
        sandbox.start()
        self.stdout.write(f"Sandbox CRMS: {sandbox.url}/ (for made-up people only)")
        self.stdout.flush()
        stop.wait()
        sandbox.stop()


def _options(given: dict[str, Any]) -> Options:
    return Options(
        port=given["port"],
        token=given["token"],
        api_key_header=given["api_key_header"],
        ledger=given["ledger"],
        idempotency=not given["no_idempotency"],
        allow_duplicates=given["allow_duplicates"],
        look_up=given["no_look_up"] is None,
        look_up_refusal=given["no_look_up"] or 404,
        look_up_names=not given["nameless_look_up"],
        look_up_filters=not given["unfiltered_look_up"],
        look_up_page=given["look_up_page"],
        notices_secret=given["notices_secret"],
        tls=given["tls"],
        look_up_delay=given["look_up_delay"],
        attachment_listing=not given["no_attachment_listing"],
        max_file_bytes=int(given["max_file_mb"] * MEBIBYTE),
        faults=tuple(given["fail"]),
        fail_rate=given["fail_rate"],
        seed=given["seed"],
        hang_seconds=given["hang"],
        drip_seconds=given["drip"],
        retry_after=given["retry_after"],
    )
