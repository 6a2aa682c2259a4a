"""Go on with a portal of an earlier version, and print what becomes of it as JSON.

    python -m tests.referrals.earlier FOLDER SCENARIO READING

FOLDER holds what `tests/fixtures/earlier/make.py` left, migrated. READING says how messages are
read: `today`, or `other`: with keys that differ from the earlier ones, whatever the readers do.
"""

import copy
import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import django

FILES = {
    hashlib.sha256(f"The {words}.".encode()).hexdigest(): words
    for words in ("letter", "bloods", "results", "consent")
}
MESSAGES = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "earlier" / "messages.json").read_text()
)
WRONG, RIGHT = "9000818800", "8069818800"
DELIVERED, CUT = "8069760500", "8069760501"


def main(folder: str, scenario: str, how: str) -> None:
    django.setup()
    from integrations.models import Destination
    from sandbox import running_sandbox
    from tests.reading import reading

    ledger = Path(folder) / "crms.jsonl"
    with (
        running_sandbox(token="t", ledger=ledger, attachment_listing=False) as crms,
        reading(other if how == "other" else lambda parsed: parsed),
        _files_there(),
    ):
        destination = Destination.objects.get()
        destination.options = {**destination.options, "base_url": crms.url}
        destination.save()
        SCENARIOS[scenario]()
        print(json.dumps({"crms": _crms(crms), **_portal()}))


# -- what happens ----------------------------------------------------------------------------------


def sent_again_then_run() -> None:
    """The same messages come again, and then the files that are still to follow go."""
    send("first", "fhir")
    send("second", "fhir")
    run()


def run_then_sent_again() -> None:
    run()
    send("first", "fhir")
    send("second", "fhir")
    run()


def cut() -> None:
    """The import goes on whose connection was cut, and its message comes again."""
    for _ in range(4):
        run()
    send("cut", "plain")
    run()


def split() -> None:
    """The message comes again whose foreign number was taken for the Reference #."""
    send("split", "fhir")
    send("other half", "fhir")
    run()


def send(name: str, endpoint: str) -> None:
    from integrations.models import Source
    from referrals.intake import opening, receiving

    body = copy.deepcopy(MESSAGES[name])
    if endpoint == "plain":
        body["event_id"] = f"{name} again"
    else:
        body["entry"][0]["resource"]["id"] = f"{name.replace(' ', '-')}-again"
    received = receiving.receive(Source.objects.get(), endpoint, json.dumps(body).encode())
    assert not received.duplicate
    assert opening.open_deliveries(received.event_id)


def run() -> None:
    """Run what has a due time, as if that and the time to settle had come."""
    from datetime import timedelta

    from core.database import clock
    from referrals import delivering
    from referrals.models import Delivery, Step

    past = clock.now() - timedelta(hours=1)
    Step.objects.filter(done_at=None).update(intended_at=past, searched_at=past)
    due = Delivery.objects.filter(due_at__isnull=False)
    for pk in list(due.values_list("pk", flat=True)):
        Delivery.objects.filter(pk=pk).update(due_at=past)
        delivering.run(pk)


SCENARIOS = {
    "sent again, then run": sent_again_then_run,
    "run, then sent again": run_then_sent_again,
    "run": run,
    "cut": cut,
    "split": split,
}


@contextmanager
def _files_there() -> Iterator[None]:
    from core import outbound

    def download(url: str, target: BytesIO, **_: Any) -> Any:
        target.write(b"The results.")
        return mock.Mock(content_type="text/plain")

    with mock.patch.object(outbound, "download", download):
        yield


def other(parsed: Any) -> Any:
    """Read the message with other keys than an earlier version, where today's are the same."""
    files = [_other_key(file) for file in parsed.files]
    names = {old.key: new.key for old, new in zip(parsed.files, files, strict=True)}
    document = dict(parsed.document)
    document["attachments"] = [
        {**one, "key": names[one["key"]]} for one in document.get("attachments", [])
    ]
    document["form_answers"] = [
        {"form": "call" if "call" in one["label"] else "intake", **one}
        for one in document.get("form_answers", [])
    ]
    references = parsed.references
    if references[0] == WRONG:
        references = (RIGHT,)
        document |= {"reference": RIGHT, "identifiers": [{"value": WRONG}]}
    return dataclasses.replace(parsed, files=tuple(files), document=document, references=references)


def _other_key(file: Any) -> Any:
    if file.former_key:
        return file
    return dataclasses.replace(file, key=f"{file.key}-{file.filename}", former_key=file.key)


# -- what became of it -----------------------------------------------------------------------------


def _crms(crms: Any) -> dict[str, list[list[str]]]:
    """Return the files of each referral in CRMS, by its reference."""
    found: dict[str, list[list[str]]] = {}
    for referral in crms.referrals:
        files = [FILES.get(one.sha256, one.category) for one in referral.attachments]
        found.setdefault(referral.external_reference, []).append(sorted(files))
    return found


def _portal() -> dict[str, Any]:
    from referrals.models import Delivery, Referral
    from referrals.record import snapshot

    shown = {}
    for referral in Referral.objects.filter(merged_into=None):
        document = snapshot.view(referral.snapshot)
        shown[referral.reference] = {
            "answers": sorted(one["value"] for one in document.get("form_answers", [])),
            "listed": sorted(one["filename"] for one in document.get("attachments", [])),
            "rows": sorted([one.filename, one.state] for one in referral.files.all()),
            "reading": referral.reading,
        }
    deliveries = [
        [delivery.reference, delivery.state, delivery.missing_files, delivery.corrections]
        for delivery in Delivery.objects.order_by("opened_at")
    ]
    steps = {
        delivery.reference: [step.name for step in delivery.steps.all()]
        for delivery in Delivery.objects.all()
    }
    return {"referrals": shown, "deliveries": deliveries, "steps": steps}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(*sys.argv[1:])
