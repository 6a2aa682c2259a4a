"""The demo destination: every outcome a delivery can have, by option, without a network."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from django import forms
from django.core.validators import RegexValidator

from integrations.transport import (
    SUMMARY,
    ErrorKind,
    Misconfigured,
    Options,
    Parcel,
    Receipt,
    Rejected,
    Transport,
    TryAgain,
    Unconfirmed,
    YesNoField,
)
from mapping.targets import TargetField

REFERRAL_STEP = "referral"

SUCCEED = "succeed"
REJECT = "reject"
TRY_AGAIN = "try_again"
NO_ANSWER = "no_answer"
MISCONFIGURED = "misconfigured"
UNCONFIRMED = "unconfirmed"
REFUSE_FILES = "refuse_files"
CRASH = "crash"
CRASH_AFTER = "crash_after"

REFUSES_US = "The demo destination does not accept these credentials."

BEHAVIOURS = [
    (SUCCEED, "Takes everything"),
    (REJECT, "Refuses the referral"),
    (TRY_AGAIN, "Asks to try again"),
    (NO_ANSWER, "Takes the referral, but does not answer"),
    (MISCONFIGURED, "Refuses the credentials"),
    (UNCONFIRMED, "Takes the referral, but does not say so"),
    (REFUSE_FILES, "Takes the referral, but no files"),
    (CRASH, "Breaks before the referral is taken"),
    (CRASH_AFTER, "Breaks after the referral is taken"),
]


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that was "delivered"."""

    reference: str
    step: str
    sha256: str = ""

    @property
    def external_id(self) -> str:
        return f"DEMO-{self.reference}-{self.step}"[:200]


delivered: list[Effect] = []  # in this process, oldest first
misbehaved: Counter[str] = Counter()  # how often, by reference


class DemoOptions(Options):
    """What the demo destination does with the referrals it is given."""

    behaviour = forms.ChoiceField(choices=BEHAVIOURS, initial=SUCCEED, required=False)
    times = forms.IntegerField(
        initial=0,
        required=False,
        min_value=0,
        help_text="How often with each referral, before it takes it. 0: always.",
    )
    look_up = YesNoField(label="Can be searched", initial=True)
    effects_file = forms.CharField(
        initial="",
        required=False,
        validators=[RegexValidator(r"\.jsonl\Z", "The name of this file ends in .jsonl.")],
        help_text="Appends a JSON line to this file for each thing taken.",
    )


class DemoTransport(Transport):
    """Keeps what it is given in `delivered`, or fails as its options say."""

    label = "Demo (delivers nothing)"
    OptionsForm = DemoOptions
    target_fields = (
        TargetField("name", "Full name", required=True, max_length=200),
        TargetField("born", "Date of birth"),
        TargetField("note", "Note", takes_rest=True),
    )

    @property
    def is_stand_in(self) -> bool:
        return True

    def check(self) -> str:
        if self.options["behaviour"] == MISCONFIGURED:
            raise Misconfigured(REFUSES_US, kind=ErrorKind.CREDENTIALS)
        return "The demo destination is here. It delivers nothing."

    def deliver(self, parcel: Parcel) -> Receipt:
        referral = self._once(parcel, Effect(parcel.reference, REFERRAL_STEP))
        refused = {}
        for document in parcel.documents:
            if self.options["behaviour"] == REFUSE_FILES:
                refused[document.name] = "The demo destination takes no files."
                continue
            step = "summary" if document.category == SUMMARY else f"attachment:{document.key}"
            self._once(parcel, Effect(parcel.reference, step, document.sha256))
        return Receipt(referral, refused=refused)

    def _once(self, parcel: Parcel, effect: Effect) -> str:
        find = (lambda: self._find(effect)) if self.options["look_up"] else None
        return parcel.ledger.once(effect.step, lambda: self._apply(effect), find)

    def _find(self, effect: Effect) -> str | None:
        return effect.external_id if effect in self._effects() else None

    def _apply(self, effect: Effect) -> str:
        """Take one thing and return its id, failing before or after as the options say."""
        behaviour = self._behaviour(effect)
        _fail_before(behaviour)
        self._keep(effect)
        _fail_after(behaviour)
        return effect.external_id

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
        """Return what was taken by this process and, by the file, by all others."""
        path = Path(self.options["effects_file"] or "none")
        if not path.is_file():
            return delivered
        return [Effect(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _fail_before(behaviour: str) -> None:
    if behaviour == REJECT:
        raise Rejected("The demo destination did not accept the referral: “Name is required”.")
    if behaviour == TRY_AGAIN:
        raise TryAgain("The demo destination asks to try again.")
    if behaviour == MISCONFIGURED:
        raise Misconfigured(REFUSES_US, kind=ErrorKind.CREDENTIALS)
    if behaviour == CRASH:
        raise RuntimeError("The demo destination broke.")


def _fail_after(behaviour: str) -> None:
    if behaviour == NO_ANSWER:
        raise TryAgain(
            "The demo destination did not answer.", kind=ErrorKind.SILENT, maybe_done=True
        )
    if behaviour == UNCONFIRMED:
        raise Unconfirmed("The demo destination did not say whether it took the referral.")
    if behaviour == CRASH_AFTER:
        raise RuntimeError("The demo destination broke after taking the referral.")
