"""The demo destination: every outcome a delivery can have, by option, without a network."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.text.sentences import Cause, Term
from integrations.capabilities import Capability, Finding
from integrations.transport import (
    SUMMARY,
    Batch,
    BatchReceipt,
    ErrorKind,
    Misconfigured,
    Options,
    Parcel,
    Receipt,
    Rejected,
    Transport,
    TryAgain,
    Unconfirmed,
    Updates,
    YesNoField,
)
from mapping.engine.targets import TargetField

REFERRAL_STEP = "referral"
REMOVE_STEP = "remove"

SUCCEED = "succeed"
REJECT = "reject"
TRY_AGAIN = "try_again"
NO_ANSWER = "no_answer"
MISCONFIGURED = "misconfigured"
UNCONFIRMED = "unconfirmed"
REFUSE_FILES = "refuse_files"
CRASH = "crash"
CRASH_AFTER = "crash_after"

REFUSES_US = Cause("demo_refuses_us", "The demo destination does not accept these credentials.")
REFUSES = Cause(
    "demo_refuses", "The demo destination did not accept the referral: “Name is required”."
)
ASKS_AGAIN = Cause("demo_asks_again", "The demo destination asks to try again.")
SILENT = Cause("demo_silent", "The demo destination did not answer.")
UNSAID = Cause("demo_unsaid", "The demo destination did not say whether it took the referral.")
HERE = Cause("demo_here", "The demo destination is here. It delivers nothing.")
NO_FILES = Cause("demo_no_files", "The demo destination takes no files.")

BEHAVIOURS = [
    (SUCCEED, _("Takes everything")),
    (REJECT, _("Refuses the referral")),
    (TRY_AGAIN, _("Asks to try again")),
    (NO_ANSWER, _("Takes the referral, but does not answer")),
    (MISCONFIGURED, _("Refuses the credentials")),
    (UNCONFIRMED, _("Takes the referral, but does not say so")),
    (REFUSE_FILES, _("Takes the referral, but no files")),
    (CRASH, _("Breaks before the referral is taken")),
    (CRASH_AFTER, _("Breaks after the referral is taken")),
]


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that was "delivered". Where more than one version goes, it says of which it is."""

    reference: str
    step: str
    sha256: str = ""
    version: str = ""
    number: int = 1

    @property
    def names(self) -> tuple[str, str, int]:
        """What it is of, without the id of the version and what the file holds."""
        return self.reference, self.step, self.number

    @property
    def external_id(self) -> str:
        return f"DEMO-{self.reference}-{self.step}"[:200]


asked: list[Effect] = []  # in this process, oldest first, whatever came of it
delivered: list[Effect] = []  # what was taken of it
misbehaved: Counter[str] = Counter()  # how often, by reference


class DemoOptions(Options):
    """What the demo destination does with the referrals it is given."""

    behaviour = forms.ChoiceField(choices=BEHAVIOURS, initial=SUCCEED, required=False)
    times = forms.IntegerField(
        initial=0,
        required=False,
        min_value=0,
        help_text=_("How often with each referral, before it takes it. 0: always."),
    )
    seconds = forms.FloatField(
        label=_("Seconds to answer"),
        initial=0,
        required=False,
        min_value=0,
        max_value=10,
        help_text=_("What it is given takes effect after half of them."),
    )
    look_up = YesNoField(label=_("Can be searched"), initial=True)
    updates = forms.ChoiceField(
        choices=[
            (Updates.ONCE, _("Takes a referral once")),
            (Updates.EACH, _("Takes each update, in order")),
            (Updates.LATEST, _("Takes the latest, instead of those before")),
        ],
        initial=Updates.ONCE,
        required=False,
    )
    removes = YesNoField(label=_("Removes what was revoked"), initial=False)
    by_hand = YesNoField(label=_("A person may send"), initial=False)
    batches = YesNoField(label=_("Takes what is due together"), initial=False)
    repeatable = YesNoField(label=_("Knows what it was sent, by its id"), initial=False)
    effects_file = forms.CharField(
        initial="",
        required=False,
        validators=[RegexValidator(r"\.jsonl\Z", _("The name of this file ends in .jsonl."))],
        help_text=_("Appends a JSON line to this file for each thing taken."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("batches") and not cleaned.get("effects_file"):
            self.add_error("effects_file", gettext("A run is written into a file beside this one."))
        for name, message in list(_senseless(cleaned)):
            self.add_error(name, message)
        return cleaned


def _senseless(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the options that make no sense with the others, and why."""
    once, latest = options.get("updates") == Updates.ONCE, options.get("updates") == Updates.LATEST
    if options.get("removes") and once:
        yield "removes", "What takes a referral once takes no second message that removes it."
    if options.get("by_hand") and not once:
        yield "by_hand", "What is kept current by itself is not sent by hand."
    if options.get("batches") and not latest:
        yield "batches", "What travels together is the latest of each referral."
    if latest and not options.get("repeatable"):
        yield "repeatable", "A newer version follows one that may have arrived: say yes."


class DemoTransport(Transport):
    """Keeps what it is given in `delivered`, or fails as its options say."""

    label = Term("Demo (delivers nothing)")
    OptionsForm = DemoOptions
    files_follow = True
    target_fields = (
        TargetField("name", Term("Full name"), required=True, max_length=200),
        TargetField("born", Term("Date of birth")),
        TargetField("note", Term("Note"), takes_rest=True),
    )

    def __init__(
        self, options: Mapping[str, Any], findings: Mapping[Capability, Finding] | None = None
    ) -> None:
        super().__init__(options, findings)
        self.updates = Updates(self.options["updates"])
        self.removes = self.options["removes"]
        self.by_hand = self.options["by_hand"]
        self.batches = self.options["batches"]
        self.repeatable = self.options["repeatable"]
        self.noun = Term("import") if self.updates is Updates.ONCE else Term("copy")

    @property
    def is_stand_in(self) -> bool:
        return True

    def check(self) -> str:
        if self.options["behaviour"] == MISCONFIGURED:
            raise Misconfigured(REFUSES_US(), kind=ErrorKind.CREDENTIALS)
        return HERE()

    def deliver(self, parcel: Parcel) -> Receipt:
        referral = self._once(parcel, REFERRAL_STEP)
        refused = {}
        for document in parcel.documents:
            if self.options["behaviour"] == REFUSE_FILES:
                refused[document.name] = NO_FILES()
                continue
            step = "summary" if document.category == SUMMARY else f"attachment:{document.key}"
            self._once(parcel, step, document.sha256)
        return Receipt(referral, refused=refused)

    def remove(self, parcel: Parcel) -> Receipt:
        return Receipt(self._once(parcel, REMOVE_STEP))

    def deliver_batch(self, batch: Batch) -> BatchReceipt:
        """Write the rows into a file of the run, beside the file of effects."""
        behaviour = self.options["behaviour"]
        folder = Path(self.options["effects_file"]).with_suffix(".runs")
        folder.mkdir(exist_ok=True)
        unfinished, finished = folder / f".{batch.id}.part", folder / f"{batch.id}.jsonl"
        sha256, rows = hashlib.sha256(), 0
        _fail_before(behaviour)
        with unfinished.open("wb") as file:
            for rows, parcel in enumerate(batch.parcels, start=1):  # noqa: B007 - counted
                line = json.dumps(_row(parcel)).encode() + b"\n"
                sha256.update(line)
                file.write(line)
        size = unfinished.stat().st_size
        self._take_time()
        finish(unfinished, finished)
        self._take_time()
        _fail_after(behaviour)
        return BatchReceipt(finished.name, rows, size, sha256.hexdigest())

    def _once(self, parcel: Parcel, step: str, sha256: str = "") -> str:
        of_version = (parcel.version, parcel.number) if self.takes_more else ()
        effect = Effect(parcel.reference, step, sha256, *of_version)
        exact = parcel.ledger.keys_hold
        find = (lambda: self._find(effect, exact=exact)) if self.options["look_up"] else None
        return parcel.ledger.once(effect.step, lambda: self._apply(effect), find)

    def _find(self, effect: Effect, *, exact: bool) -> str | None:
        """Look for it; when not `exact`, it may have been taken under another version's id."""
        if exact:
            return effect.external_id if effect in self._effects() else None
        same = (one for one in self._effects() if one.names == effect.names)
        return next((one.external_id for one in same), None)

    def _apply(self, effect: Effect) -> str:
        """Take one thing and return its id, failing before or after as the options say."""
        behaviour = self._behaviour(effect)
        asked.append(effect)
        _fail_before(behaviour)
        self._take_time()
        if not (self.repeatable and effect in self._effects()):
            self._keep(effect)
        self._take_time()
        _fail_after(behaviour)
        return effect.external_id

    def _take_time(self) -> None:
        """Let half of the time to answer pass; it stands for the wait for another system."""
        if seconds := self.options["seconds"]:
            time.sleep(seconds / 2)

    def _behaviour(self, effect: Effect) -> str:
        """Return what to do now: only a referral fails, and only so many times."""
        times = self.options["times"]
        if effect.step != REFERRAL_STEP or (times and misbehaved[effect.reference] >= times):
            return SUCCEED
        misbehaved[effect.reference] += 1
        behaviour: str = self.options["behaviour"]
        return behaviour

    def _keep(self, effect: Effect) -> None:
        delivered.append(effect)
        if self.options["effects_file"]:
            with Path(self.options["effects_file"]).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(effect)) + "\n")

    def _effects(self) -> list[Effect]:
        """Return what was taken: by the file, if it has one, else by this process.

        What the process has taken is of all destinations that have no file.
        """
        if not self.options["effects_file"]:
            return delivered
        path = Path(self.options["effects_file"])
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        return [Effect(**json.loads(line)) for line in lines]


def _row(parcel: Parcel) -> dict[str, Any]:
    return {
        "reference": parcel.reference,
        "version": parcel.version,
        "number": parcel.number,
        "action": parcel.action,
    }


def finish(unfinished: Path, finished: Path) -> None:
    """Let what was written appear, whole; what a run of this id left before is replaced."""
    unfinished.rename(finished)


def finished_runs(effects_file: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each finished run, by its file's name."""
    return {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in effects_file.with_suffix(".runs").glob("*.jsonl")
    }


def _fail_before(behaviour: str) -> None:
    if behaviour == REJECT:
        raise Rejected(REFUSES())
    if behaviour == TRY_AGAIN:
        raise TryAgain(ASKS_AGAIN())
    if behaviour == MISCONFIGURED:
        raise Misconfigured(REFUSES_US(), kind=ErrorKind.CREDENTIALS)
    if behaviour == CRASH:
        raise RuntimeError("The demo destination broke.")


def _fail_after(behaviour: str) -> None:
    if behaviour == NO_ANSWER:
        raise TryAgain(SILENT(), kind=ErrorKind.SILENT, maybe_done=True)
    if behaviour == UNCONFIRMED:
        raise Unconfirmed(UNSAID())
    if behaviour == CRASH_AFTER:
        raise RuntimeError("The demo destination broke after taking the referral.")
