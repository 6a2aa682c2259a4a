"""What a mapping would make of a referral, rule by rule, before anything is sent. Pure: no Django.

A rule that is broken is left out (`checks` says why): the others show what they do all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from core.text.sentences import Term as _
from mapping.editing.wording import field_in_words
from mapping.engine import engine
from mapping.engine.engine import AppliedTransform, Context, Filled, Outcome, Rule
from mapping.engine.lines import Line
from mapping.engine.targets import TargetField
from mapping.engine.transforms import TRANSFORMS, as_text
from mapping.source import catalogue
from mapping.source.catalogue import SourceField
from mapping.source.document import Document
from mapping.source.parts import Path, Value


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about a rule with this referral. `warns`: look at it; else for interest."""

    text: str
    warns: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One target field: what it gets from this referral, and what to know about it."""

    target: TargetField
    value: Value | None = field(repr=False)
    remarks: tuple[Remark, ...] = ()

    @property
    def shown(self) -> str:
        """The value as people write it; empty when there is none."""
        return "" if self.value is None else as_text(self.value)

    @property
    def warns(self) -> bool:
        return any(remark.warns for remark in self.remarks)


@dataclass(frozen=True, slots=True)
class Unread:
    """A source field with a value that no rule reads: it goes to the note."""

    source: SourceField
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent for one referral, and the remarks about it."""

    record: Mapping[str, Value] = field(repr=False)
    rows: tuple[Row, ...]
    note: tuple[Line, ...]
    unread: tuple[Unread, ...]

    @property
    def warnings(self) -> int:
        """How many target fields deserve a look."""
        return sum(row.warns for row in self.rows)


def preview(
    rules: Sequence[Rule],
    document: Document,
    context: Context,
    sending: AbstractContextManager[None] | None = None,
) -> Preview:
    """Return what these rules make of the document; never raises for a broken rule.

    What would be sent is made within `sending`: in the language of the organization.
    """
    broken = [error.rule for error in engine.errors(rules, context)]
    sound = [rule for rule in rules if not any(rule is one for one in broken)]
    with sending or nullcontext():
        outcome = engine.apply(sound, document, context)
    document = context.allowed.part(document)  # nothing else is shown
    values = {made.rule.target: tuple(_remarks(made, outcome, document)) for made in outcome.filled}
    return Preview(
        record=outcome.record,
        rows=tuple(_rows(engine.targets_of(rules, context), outcome, values)),
        note=outcome.note,
        unread=tuple(_unread(outcome, document)),
    )


def _rows(
    targets: Sequence[TargetField], outcome: Outcome, remarks_by_key: Mapping[str, Sequence[Remark]]
) -> Iterator[Row]:
    for target in targets:
        value = outcome.record.get(target.key)
        remarks = tuple(remarks_by_key.get(target.key, ()))
        if target.required and value is None:
            remarks += (
                Remark(str(_("This field must be filled, and with this referral it is empty."))),
            )
        yield Row(target, value, remarks)


def _remarks(made: Filled, outcome: Outcome, document: Document) -> Iterator[Remark]:
    """Yield what a rule loses, invents or passes over."""
    for step in made.steps:
        yield from _step_remarks(step, made, outcome)
    found = {step.result.problem for step in made.steps}
    yield from (Remark(problem) for problem in made.problems if problem not in found)
    yield from _passed_over(made, document)


def _step_remarks(step: AppliedTransform, made: Filled, outcome: Outcome) -> Iterator[Remark]:
    transform, result = TRANSFORMS[step.name], step.result
    if result.problem:
        yield Remark(result.problem)
    elif transform.fills and step.before is None and made.rule.sources:
        yield Remark(str(_("Nothing was sent here: the default is used.")))
    elif result.lossy and step.name == "truncate":
        yield Remark(str(_("The text is cut here; all of it goes to the note.")))
    elif result.lossy and made.paths & outcome.lossy:
        sent = str(
            _("{transform} writes it differently; what was sent goes to the note, too.")
        ).format(transform=transform.label)
        yield Remark(sent, warns=False)


def _passed_over(made: Filled, document: Document) -> Iterator[Remark]:
    """Name the sources that have a value which this rule does not use."""
    for key in made.rule.sources:
        source = catalogue.find(key)
        paths = source.read(document).paths if source else frozenset()
        if paths and not paths & made.paths:
            text = str(_("{field} has a value, too; an earlier field comes first.")).format(
                field=field_in_words(key)
            )
            yield Remark(text, warns=False)


def _unread(outcome: Outcome, document: Document) -> Iterator[Unread]:
    seen: frozenset[Path] = frozenset()  # an answer has two names
    for one in (*catalogue.fields(), *catalogue.answers_in(document)):
        reading = one.read(document)
        unread = reading.paths - seen
        if reading.value is not None and unread and reading.paths <= outcome.unused:
            yield Unread(one, as_text(reading.value))
            seen |= reading.paths if one.group == catalogue.FORM else frozenset()
