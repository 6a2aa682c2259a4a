"""What differs between two versions of a mapping, as `exchange` writes them. Pure: no Django."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.compare import Difference
from core.text.sentences import Term as _
from mapping.editing.wording import rule_in_words, target_in_words
from mapping.engine.engine import Rule
from mapping.engine.targets import TargetField
from mapping.engine.transforms import ANYTHING_ELSE

Content = Mapping[str, Any]


def differences(old: Content, new: Content, targets: Sequence[TargetField]) -> list[Difference]:
    """Return what changed from the old to the new, in words, in the order of the target fields."""
    renamed = (
        [Difference(str(_("Name")), old["name"], new["name"])] if old["name"] != new["name"] else []
    )
    return [*renamed, *_rules(old, new, targets), *_tables(old, new)]


def _rules(old: Content, new: Content, targets: Sequence[TargetField]) -> Iterator[Difference]:
    before, after = _by_target(old), _by_target(new)
    places = {target.key: place for place, target in enumerate(targets)}
    keys = sorted(before | after, key=lambda key: places.get(key, len(places)))
    for key in keys:
        was, now = before.get(key, ""), after.get(key, "")
        if was != now:
            yield Difference(target_in_words(key, targets), was, now)
    kept = [key for key in before if key in after]
    if kept != [key for key in after if key in before]:
        yield Difference(str(_("Order of the rules")), str(_("as it was")), str(_("changed")))


def _by_target(content: Content) -> dict[str, str]:
    return {rule["target"]: rule_in_words(_rule(rule)) for rule in content["rules"]}


def _rule(rule: Mapping[str, Any]) -> Rule:
    uses = tuple(
        (str(use.get("name", "")), {key: value for key, value in use.items() if key != "name"})
        for use in rule["transforms"]
    )
    return Rule(rule["target"], tuple(rule["from"]), uses)


def _tables(old: Content, new: Content) -> Iterator[Difference]:
    before, after = old["value_tables"], new["value_tables"]
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            entries = len(now if was is None else was)
            size = str(_("1 entry") if entries == 1 else _("{count} entries")).format(count=entries)
            table = str(_("Value table {name}")).format(name=name)
            yield Difference(table, *((size, "") if now is None else ("", size)))
        else:
            yield from _entries(name, was, now)


def _entries(name: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Difference]:
    for sent in [*was, *(sent for sent in now if sent not in was)]:
        if was.get(sent) != now.get(sent):
            if sent == ANYTHING_ELSE:
                label = str(_("Value table {name}: anything else")).format(name=name)
            else:
                label = str(_("Value table {name}: “{sent}”")).format(name=name, sent=sent)
            texts = (
                str(_("“{text}”")).format(text=table[sent]) if sent in table else ""
                for table in (was, now)
            )
            yield Difference(label, *texts)
