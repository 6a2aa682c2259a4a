"""What the demonstration says before and after the table."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.demo.inbox import Holdings
from scripts.demo.portal import KEY
from scripts.demo.sending import Row
from scripts.demo.story import End
from scripts.env_file import ROOT


@dataclass(frozen=True)
class Places:
    """Where to look."""

    portal_url: str
    crms_url: str
    logs: Path


def begin(places: Places) -> None:
    print(f"Portal: {places.portal_url}/admin/   Stand-in CRMS: {places.crms_url}/")
    print("Everybody in the following events is made up.\n", flush=True)


def verdict(rows: Sequence[Row], holdings: Holdings) -> bool:
    """Say whether all went as expected; what did not is explained. Returns the same."""
    wrong = [row for row in rows if not row.is_expected]
    print(f"\n{len(rows) - len(wrong)} of {len(rows)} events came to the expected end.")
    for row in wrong:
        print(f"✗ {row.event.title.strip()}: expected “{row.event.expected}”, but “{row.end}”.")
        _print(row.explanation or "The portal has not said why.")
    if holdings.problems:
        print(*(f"✗ {problem}" for problem in holdings.problems), sep="\n")
    else:
        print(
            f"CRMS has each of {holdings.referrals} referrals once, with {holdings.files} files "
            "in all, byte for byte."
        )
    return not wrong and not holdings.problems


def turns(rows: Sequence[Row]) -> None:
    """Say whose turn it is, where it is somebody's."""
    print("\nWhat people are told where something is left to do:")
    for row in _latest(rows):
        if row.end in (End.REFUSED, End.FILE_MISSING, End.PLAN_TOO_LOW):
            print(f"· {row.event.title}. Whose turn: {row.whose_turn}.")
            _print(row.explanation)


def _latest(rows: Sequence[Row]) -> list[Row]:
    """Return the last event of each referral, of those that are stored."""
    stored = (row for row in rows if row.answer and row.answer.stored)
    return list({row.reference: row for row in stored}.values())


def guide(
    places: Places,
    rows: Sequence[Row],
    holdings: Holdings,
    passwords: Mapping[str, str],
    secret: str,
) -> None:
    """Say where everything is, and who may sign in."""
    print(f"\nAdmin          {places.portal_url}/admin/")
    for role, password in passwords.items():
        print(f"               {role:<13} {password}")
    if passwords:
        print("               (shown this once; `manage.py changepassword ROLE` sets another)")
    else:
        print("               liaison, support, administrator: passwords as shown at the first run")
    print(f"CRMS inbox     {places.crms_url}/")
    print(f"A summary      {holdings.summary_url}")
    print(f"API            {places.portal_url}/api/v1/docs")
    print(f"Logs           {_short(places.logs)}/*.log")
    print("Why is a referral not in CRMS?")
    refused = [row.reference for row in _latest(rows) if row.end == End.REFUSED]
    print(f"               .venv/bin/python manage.py explain {[*refused, rows[0].reference][0]}")
    print("Send an event yourself:")
    print("               .venv/bin/python manage.py send_event FILE \\")
    print(f"                 --url {places.portal_url} --key {KEY} --secret {secret}", flush=True)


def _print(text: str) -> None:
    """Print what the portal says, set off."""
    width = min(shutil.get_terminal_size((100, 0)).columns, 100)
    print(textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  "))


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
