"""Rules in words, as the editor, the versions and the previews say them. Pure: no Django."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.text.sentences import Term as _
from mapping.engine.engine import Rule, Use
from mapping.engine.targets import TargetField
from mapping.engine.transforms import TRANSFORMS
from mapping.source import catalogue

ONE_MORE = _("One more field")


def field_in_words(key: str) -> str:
    """Return a source field as people choose it: `Registrant – First name`."""
    if key.startswith(catalogue.ANSWER_PREFIX):
        return f"{catalogue.FORM} – {key.removeprefix(catalogue.ANSWER_PREFIX).strip()}"
    if named := catalogue.form_and_question(key):
        form, question = named
        return str(_("{group} of {form} – {question}")).format(
            group=catalogue.FORM, form=form, question=question
        )
    field = catalogue.find(key)
    return f"{field.group} – {field.label}" if field else f"“{key}”"


def target_in_words(key: str, targets: Sequence[TargetField]) -> str:
    """Return a target with its group: `Client – City`; an unknown one by its key."""
    target = next((target for target in targets if target.key == key), None)
    if target is None:
        return key
    return f"{target.group} – {target.label}" if target.group else str(target.label)


def use_in_words(name: str, options: Mapping[str, Any]) -> str:
    """Return a transform with the options that are given: `Value table (gender)`."""
    transform = TRANSFORMS.get(name)
    if transform is None:
        return f"“{name}”"
    given = [str(options[one.name]) for one in transform.options if options.get(one.name)]
    return f"{transform.label} ({', '.join(given)})" if given else str(transform.label)


def rule_in_words(rule: Rule) -> str:
    """Return what a rule does, in one line."""
    first = rule.transforms[:1]  # may join the sources
    joins = first and first[0][0] in TRANSFORMS and TRANSFORMS[first[0][0]].joins
    joined, rest = (first, rule.transforms[1:]) if joins else ((), rule.transforms)
    if not rule.sources:
        return _constant(rest)
    read = field_in_words(rule.sources[0])
    for source in rule.sources[1:]:
        template = "{one} + {next}" if joined else str(_("{one}, else {next}"))
        read = template.format(one=read, next=field_in_words(source))
    return " → ".join([read, *(use_in_words(name, options) for name, options in rest)])


def _constant(uses: Sequence[Use]) -> str:
    for name, options in uses:
        if name == "default" and options.get("value"):
            return str(_("Always “{}”")).format(options["value"])
    return str(_("Nothing yet"))
