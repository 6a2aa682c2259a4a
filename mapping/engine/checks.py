"""What is wrong with a mapping, before any referral meets it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mapping import sentences
from mapping.engine import engine
from mapping.engine.engine import Context, Rule
from mapping.engine.targets import TargetField, kinds, takes_any, target_fields
from mapping.engine.transforms import TRANSFORMS, Options, ValueTable


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `message` names the rule; `part` says where in it: target, sources, …

    `target` is the key of the field that is concerned, where there is one.
    """

    message: str
    rule: Rule | None = None
    part: str = ""
    target: str = ""
    alone: str = ""  # without the name of the rule

    def __str__(self) -> str:
        return self.message

    @property
    def at_rule(self) -> str:
        """The message for where the rule is seen: a sentence that does not name it."""
        text = str(self.alone or self.message)
        return text[:1].upper() + text[1:]


def check_mapping(
    kind: str, rules: Sequence[Rule], value_tables: Mapping[str, ValueTable]
) -> list[Fault]:
    """Return everything that is wrong with a mapping for a destination kind; best empty.

    Unknown fields, transforms, options and value tables; two rules for one target; required
    targets without a rule; values that are longer than their target.
    """
    targets = target_fields(kind)
    if kind not in kinds():
        return [Fault(sentences.NO_KIND(kind=kind))]
    context = Context(ZoneInfo("UTC"), value_tables, targets, is_open=takes_any(kind))
    broken = [
        Fault(e.sentence, e.rule, e.part, e.rule.target, e.message)
        for e in engine.errors(rules, context)
    ]
    return [*broken, *_missing(rules, targets), *_too_long(rules, context)]


def _missing(rules: Sequence[Rule], targets: Sequence[TargetField]) -> Iterator[Fault]:
    filled = {rule.target for rule in rules}
    for target in targets:
        if target.required and target.key not in filled:
            message = sentences.NOT_FILLED(target=target.key, label=target.label)
            yield Fault(message, target=target.key)


def _too_long(rules: Sequence[Rule], context: Context) -> Iterator[Fault]:
    limits = {target.key: target.max_length for target in context.targets}
    for rule in rules:
        limit = limits.get(rule.target)
        for name, options in rule.transforms if limit else ():
            longest = max(_lengths(name, options, context.value_tables), default=0)
            if limit and longest > limit:
                label = TRANSFORMS[name].label
                fault = sentences.TOO_LONG(transform=label, longest=longest, limit=limit)
                message = sentences.AT_RULE(rule=rule.named, fault=fault)
                yield Fault(message, rule, "transforms", rule.target, fault)


def _lengths(name: str, options: Options, value_tables: Mapping[str, ValueTable]) -> Iterator[int]:
    """Yield how long the values can be that a transform makes up or lets through."""
    if name == "truncate" and isinstance(options.get("length"), int):
        yield options["length"]
    elif name == "default":
        yield len(str(options.get("value", "")))
    elif name == "value_table":
        yield from map(len, value_tables.get(str(options.get("table")), {}).values())
