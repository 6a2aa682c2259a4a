"""From a source document and rules to the record that a destination takes. Pure: no Django.

    outcome = apply(rules, document, Context(time_zone, value_tables, targets))

Nothing is lost: what no rule puts whole into a field of the record goes, as lines of plain text,
to the one field that takes the rest. Beside the record stands the summary (PDF): what only says
how and when a referral was sent is there alone (`lines`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from mapping import sentences
from mapping.engine.lines import Line, lines
from mapping.engine.note import note as note_within
from mapping.engine.targets import OWN, Own, TargetField
from mapping.engine.transforms import (
    TRANSFORMS,
    Context,
    OptionKind,
    Options,
    Result,
    as_text,
)
from mapping.source import catalogue, parts
from mapping.source.catalogue import Reading
from mapping.source.document import Document
from mapping.source.parts import Path, Value

__all__ = [
    "AppliedTransform",
    "BadOption",
    "Context",
    "DoubleTarget",
    "Filled",
    "MappingError",
    "Outcome",
    "Problem",
    "Rule",
    "UnknownSource",
    "UnknownTarget",
    "UnknownTransform",
    "UnknownValueTable",
    "apply",
    "errors",
]

OWN_TARGET = re.compile(r"[A-Za-z_]\w{0,49}(\.[A-Za-z_]\w{0,49}){0,4}", re.ASCII)
LONGEST_TARGET = 100  # characters, which the column has room for
Use: TypeAlias = tuple[str, Options]  # the name of a transform and its options


@dataclass(frozen=True, slots=True)
class Rule:
    """Fills one target from the first source that is not empty, or from all of them by `join`.

    The transforms apply in their order. A rule without sources takes its value from `default`.
    """

    target: str
    sources: tuple[str, ...] = ()
    transforms: tuple[Use, ...] = ()
    position: int = 0

    def __str__(self) -> str:
        return str(self.named)

    @property
    def named(self) -> str:
        """Where the rule stands and what it fills."""
        if not self.target:
            return sentences.RULE_WITHOUT_TARGET(position=self.position)
        return sentences.RULE(position=self.position, target=self.target)


class MappingError(Exception):
    """A rule that cannot run. `str()` is a sentence that names the rule; no personal data."""

    part = "target"  # of the rule: target, sources or transforms

    def __init__(self, rule: Rule, message: str) -> None:
        self.sentence = sentences.AT_RULE(rule=rule.named, fault=message)
        super().__init__(self.sentence)
        self.rule = rule
        self.message = message


class UnknownTarget(MappingError):
    """The destination has no such field."""


class DoubleTarget(MappingError):
    """Another rule fills this target."""


class UnknownSource(MappingError):
    """The catalogue has no such field, or the rule has nothing to read."""

    part = "sources"


class UnknownTransform(MappingError):
    """There is no transform of this name, or not at this place."""

    part = "transforms"


class BadOption(MappingError):
    """A transform's options are not what it takes."""

    part = "transforms"


class UnknownValueTable(BadOption):
    """The mapping has no value table of this name."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that staff should look at, in one referral: a sentence without personal data."""

    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class AppliedTransform:
    """A transform that was applied: to which value, and what came of it."""

    name: str
    before: Value | None = field(repr=False)
    result: Result


@dataclass(frozen=True, slots=True)
class Filled:
    """What one rule made: the value, what it read, and whether the value shows all of that."""

    rule: Rule
    value: Value | None = field(repr=False)
    paths: frozenset[Path]
    lossy: bool
    problems: tuple[str, ...]
    steps: tuple[AppliedTransform, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a document: the record by target key, and how it came about.

    `note` holds the lines that went to the field that takes the rest, before any cut. `unused`
    are the paths that no rule read, `lossy` those that rules did not put whole into the record.
    `filled` says of each rule, in their order, what it made.
    """

    record: Mapping[str, Value] = field(repr=False)
    note: tuple[Line, ...] = field(repr=False)
    problems: tuple[Problem, ...]
    unused: frozenset[Path]
    lossy: frozenset[Path]
    filled: tuple[Filled, ...] = field(default=(), repr=False)


def apply(rules: Sequence[Rule], document: Document, context: Context) -> Outcome:
    """Return the record for a document; raises a MappingError for the first rule that is broken."""
    for error in errors(rules, context):
        raise error
    targets = {target.key: target for target in targets_of(rules, context)}
    part = context.allowed.part(document)
    ordered = sorted(rules, key=lambda rule: rule.position)
    filled = [_fill(rule, targets[rule.target], document, part, context) for rule in ordered]
    # The lines that no field shows; of those aside, the ones that a field shows in part.
    whole = _shown_whole(filled)
    in_part = _union(made.paths for made in filled) - whole
    note = tuple(
        line
        for line in lines(part, context.time_zone)
        if not line.paths <= whole and (not line.aside or line.paths & in_part)
    )
    record = {made.rule.target: made.value for made in filled if made.value is not None}
    return Outcome(
        record=_with_rest(record, note, context.targets),
        note=note,
        problems=tuple(Problem(made.rule, text) for made in filled for text in made.problems),
        unused=frozenset(dict(parts.leaves(part))) - _union(made.paths for made in filled),
        lossy=_union(made.paths for made in filled if made.lossy) - _shown_whole(filled),
        filled=tuple(filled),
    )


def targets_of(rules: Iterable[Rule], context: Context) -> list[TargetField]:
    """Return what rules may fill: the fields of the kind, and in an open one their own."""
    known = {target.key for target in context.targets}
    named = dict.fromkeys(rule.target for rule in rules) if context.is_open else {}
    own = [key for key in named if key not in known and is_own_target(key, context.is_open)]
    every = {*known, *own}
    fit = [key for key in own if not any(_holds(key, one) or _holds(one, key) for one in every)]
    return [*context.targets, *(TargetField(key, key, OWN) for key in fit)]


def is_own_target(key: str, own: Own | bool = Own.KEYS) -> bool:
    """Return whether a mapping may name a field of its own so."""
    if own == Own.HEADINGS:
        fits = key.isprintable() and key == key.strip() != ""
    else:
        fits = bool(OWN_TARGET.fullmatch(key))
    return fits and len(key) <= LONGEST_TARGET


def _holds(key: str, other: str) -> bool:
    return other.startswith(f"{key}.")


# -- One rule ----------------------------------------------------------------------------------


def _fill(
    rule: Rule, target: TargetField, document: Document, part: Document, context: Context
) -> Filled:
    fields = (catalogue.find(source) for source in rule.sources)
    read = (context.allowed.read(field, document, part) for field in fields if field is not None)
    readings = [reading for reading in read if reading.value is not None]
    value, used = _chosen(rule, readings, context)
    steps: list[AppliedTransform] = []
    for name, options in rule.transforms:
        if TRANSFORMS[name].joins or (value is None and not TRANSFORMS[name].fills):
            continue
        steps.append(AppliedTransform(name, value, TRANSFORMS[name](value, options, context)))
        value = None if parts.is_empty(steps[-1].result.value) else steps[-1].result.value
    problems = [step.result.problem for step in steps if step.result.problem]
    fitted = _fitted(value, target)
    if fitted != value:
        problems.append(sentences.WAS_CUT(limit=target.max_length))
    whole = fitted is not None and fitted == value and not any(s.result.lossy for s in steps)
    return Filled(rule, fitted, used, not whole, tuple(problems), tuple(steps))


def _chosen(
    rule: Rule, readings: Sequence[Reading], context: Context
) -> tuple[Value | None, frozenset[Path]]:
    """Return all readings joined, where the rule says so, else the first; and their paths."""
    if not readings:
        return None, frozenset()
    for name, options in rule.transforms[:1]:
        if TRANSFORMS[name].joins:
            joined = TRANSFORMS[name]([reading.value for reading in readings], options, context)
            return joined.value, _union(reading.paths for reading in readings)
    return readings[0].value, readings[0].paths


def _fitted(value: Value | None, target: TargetField) -> Value | None:
    """Return the value, cut to what the field holds; the note is cut later, as a whole."""
    if target.max_length is None or target.takes_rest or not isinstance(value, str):
        return value
    return value if len(value) <= target.max_length else value[: target.max_length]


# -- The note ----------------------------------------------------------------------------------


def _union(sets: Iterable[frozenset[Path]]) -> frozenset[Path]:
    return frozenset(chain.from_iterable(sets))


def _shown_whole(filled: Iterable[Filled]) -> frozenset[Path]:
    """Return the paths that some field of the record shows whole."""
    return _union(made.paths for made in filled if not made.lossy)


def _with_rest(
    record: Mapping[str, Value], note: Sequence[Line], targets: Sequence[TargetField]
) -> dict[str, Value]:
    """Return the record with the note in the field that takes the rest, below its own rule."""
    rest = next((target for target in targets if target.takes_rest), None)
    if rest is None:
        return dict(record)
    opening = as_text(record[rest.key]) if rest.key in record else ""
    text = note_within(opening, note, rest.max_length)
    return {**record, rest.key: text} if text else dict(record)


# -- Broken rules --------------------------------------------------------------------------------


def errors(rules: Sequence[Rule], context: Context) -> Iterator[MappingError]:
    """Yield everything that keeps these rules from running, rule by rule."""
    targets = {target.key for target in targets_of(rules, context)}
    seen: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda rule: rule.position):
        if rule.target not in targets:
            yield UnknownTarget(rule, sentences.NO_FIELD(target=rule.target))
        elif rule.target in seen:
            yield DoubleTarget(rule, sentences.FILLED_ALREADY(rule=seen[rule.target].named))
        seen.setdefault(rule.target, rule)
        yield from _source_errors(rule)
        yield from _transform_errors(rule, context)


def _source_errors(rule: Rule) -> Iterator[MappingError]:
    for source in rule.sources:
        if catalogue.find(source) is None:
            yield UnknownSource(rule, sentences.NO_SOURCE_FIELD(source=source))
    if not rule.sources and not any(name == "default" for name, _ in rule.transforms):
        yield UnknownSource(rule, sentences.READS_NOTHING())


def _transform_errors(rule: Rule, context: Context) -> Iterator[MappingError]:
    for place, (name, options) in enumerate(rule.transforms):
        transform = TRANSFORMS.get(name)
        if transform is None:
            yield UnknownTransform(rule, sentences.NO_TRANSFORM(name=name))
            continue
        if transform.joins and place > 0:
            yield UnknownTransform(rule, sentences.MUST_BE_FIRST(transform=transform.label))
        faults = transform.faults(options)
        problems = (sentences.OF_TRANSFORM(transform=transform.label, fault=one) for one in faults)
        yield from (BadOption(rule, one) for one in problems)
        yield from _table_errors(rule, name, options, context)


def _table_errors(
    rule: Rule, name: str, options: Options, context: Context
) -> Iterator[MappingError]:
    for option in TRANSFORMS[name].options:
        table = options.get(option.name)
        if option.kind is not OptionKind.VALUE_TABLE or not isinstance(table, str):
            continue
        if table not in context.value_tables:
            yield UnknownValueTable(rule, sentences.NO_TABLE(table=table))
