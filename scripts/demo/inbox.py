"""What the sandbox CRMS holds after the story, compared with what was sent."""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core import outbound
from scripts.demo.sending import Row
from scripts.demo.story import End

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Holdings:
    """How much of the story is in CRMS, and everything that is wrong with it."""

    referrals: int
    files: int
    problems: tuple[str, ...]
    summary_url: str  # of the first referral


def inspect(crms_url: str, rows: Sequence[Row], picture: bytes, files_url: str) -> Holdings:
    """Compare: one referral each, one summary, every file byte for byte, failures as planned."""
    sandbox = _Sandbox(crms_url)
    of_reference: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_reference[row.reference].append(row)
    problems = list(_missing_faults(sandbox, rows))
    found: list[dict[str, Any]] = []
    for reference, its_rows in of_reference.items():
        there = sandbox.referrals(reference)
        found += there
        sent = max((list(_files(row.body, picture, files_url)) for row in its_rows), key=len)
        problems += _problems(sandbox, reference, its_rows, there, sent)
    files = [file for referral in found for file in referral["attachments"]]
    first = next((file["id"] for file in files if file["category"] == "referral_summary"), "")
    url = f"{crms_url}/files/{first}" if first else ""
    return Holdings(len(found), len(files), tuple(problems), url)


class _Sandbox:
    """The sandbox CRMS, as it shows itself to tests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._referrals = self.get("/sandbox/referrals")["referrals"]

    def get(self, path: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.read(path))
        return content

    def read(self, path: str) -> bytes:
        return outbound.send("GET", self.url + path, max_bytes=MAX_BYTES, allow_loopback=True).body

    def referrals(self, reference: str) -> list[dict[str, Any]]:
        return [r for r in self._referrals if r["external_reference"] == reference]

    def contents(self, referral: dict[str, Any], category: str) -> list[bytes]:
        """Return the bytes of its files, as CRMS has them."""
        files = [file for file in referral["attachments"] if file["category"] == category]
        return [self.read(f"/sandbox/files/{file['id']}") for file in files]


def _missing_faults(sandbox: _Sandbox, rows: Sequence[Row]) -> Iterator[str]:
    """A failure that did not happen has proved nothing."""
    happened = sandbox.get("/sandbox/ledger")["faults"]
    for row in rows:
        if row.event.fault and row.event.fault not in happened:
            yield f"CRMS never failed with {row.event.fault}, as “{row.event.title}” asked it to."


def _problems(
    sandbox: _Sandbox,
    reference: str,
    rows: Sequence[Row],
    there: Sequence[dict[str, Any]],
    sent: Sequence[bytes],
) -> Iterator[str]:
    expected = {row.event.expected for row in rows}
    wanted = bool(expected & {End.IN_CRMS, End.FILE_MISSING})
    if len(there) != wanted:
        yield f"CRMS has {len(there)} referrals {reference}, and should have {int(wanted)}."
    for referral in there:
        summaries = sandbox.contents(referral, "referral_summary")
        if len(summaries) != 1 or not summaries[0].startswith(b"%PDF-"):
            yield f"{referral['id']} should have one summary as PDF; it has {len(summaries)}."
        arrived = sandbox.contents(referral, "attachment")
        missing = int(End.FILE_MISSING in expected)
        if len(arrived) != len(sent) - missing or Counter(arrived) - Counter(sent):
            yield (
                f"{referral['id']} has {len(arrived)} files, and should have "
                f"{len(sent) - missing} of those sent, byte for byte."
            )


def _files(body: bytes, picture: bytes, files_url: str) -> Iterator[bytes]:
    """Yield the files that a message brings, read in the simplest way, for either endpoint."""
    waiting = [json.loads(body)]
    while waiting:
        thing = waiting.pop()
        waiting += thing.values() if isinstance(thing, dict) else thing
        waiting = [inner for inner in waiting if isinstance(inner, dict | list)]
        if isinstance(thing, dict):
            yield from _file(thing, picture, files_url)


def _file(thing: dict[str, Any], picture: bytes, files_url: str) -> Iterator[bytes]:
    is_binary = thing.get("resourceType") == "Binary"
    inline = thing.get("content") if is_binary else thing.get("data")
    if isinstance(inline, str):
        yield base64.b64decode(inline)
    elif str(thing.get("url")).startswith(("https://files.", files_url)):
        yield picture
