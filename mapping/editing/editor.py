"""The mapping editor's form: what was typed becomes a mapping as `exchange` writes it, and back.

The fields of the form, all of them plain inputs that work without JavaScript:

    rules-<n>-target, -sources (several), -combine, -combine-<option>
    rules-<n>-use-<k> (a transform), -use-<k>-<option>; in the order of the page
    tables-<n>-name, -fallback, -sent (several), -value (several), -paste, -delete
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext

from mapping.editing import exchange
from mapping.editing.pasting import ENTRY_LENGTH, Pasted, pasted
from mapping.editing.wording import ONE_MORE, field_in_words, rule_in_words
from mapping.engine import engine
from mapping.engine.checks import Fault
from mapping.engine.engine import Context, Rule
from mapping.engine.targets import OWN, Own, TargetField, takes_any
from mapping.engine.transforms import (
    ANYTHING_ELSE,
    TRANSFORMS,
    Option,
    OptionKind,
    Transform,
)
from mapping.models import rule_from
from mapping.source import catalogue

JOINS = tuple(transform for transform in TRANSFORMS.values() if transform.joins)
CHANGES = tuple(transform for transform in TRANSFORMS.values() if not transform.joins)

_DASH = re.compile(r"\s*[–—-]\s*")
_OF_A_FORM = re.compile(rf"{catalogue.FORM} of (?P<form>.+?) [–—-] (?P<question>.+)", re.IGNORECASE)


@dataclass
class TableDraft:
    """A value table as it was typed: its rows may repeat or lack something."""

    name: str
    fallback: str = ""
    entries: list[tuple[str, str]] = field(default_factory=list)
    paste: str = ""
    understood: Pasted | None = None
    summary: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def pasted_values(self) -> frozenset[str]:
        """What was pasted just now, as sent."""
        return (
            frozenset(sent for sent, _ in self.understood.entries)
            if self.understood
            else frozenset()
        )

    def as_dict(self) -> dict[str, str]:
        """Return the entries, the one for anything else included."""
        return dict(self.entries) | ({ANYTHING_ELSE: self.fallback} if self.fallback else {})


@dataclass
class MappingDraft:
    """The rules and value tables of the form, saved or not."""

    rules: list[dict[str, Any]]  # as exchange writes them: target, from, transforms
    tables: list[TableDraft]

    def content(self, name: str, kind: str) -> dict[str, Any]:
        """Return the mapping as `exchange` writes it."""
        return {
            "name": name,
            "destination_kind": kind,
            "rules": self.rules,
            "value_tables": self.entries(),
        }

    def engine_rules(self) -> list[Rule]:
        """Return the rules as the engine takes them."""
        return [_engine_rule(rule, place) for place, rule in enumerate(self.rules, start=1)]

    def entries(self) -> dict[str, dict[str, str]]:
        """Return the value tables by name, as the engine takes them."""
        return {table.name: table.as_dict() for table in self.tables}

    def targets(self, kind: str, fields: Sequence[TargetField]) -> list[TargetField]:
        """Return what the rules may fill: the fields of the kind, and in an open one their own."""
        context = Context(ZoneInfo("UTC"), {}, fields, is_open=takes_any(kind))
        return engine.targets_of(self.engine_rules(), context)

    @property
    def has_pasted(self) -> bool:
        """Whether rows were pasted that nobody has looked at yet."""
        return any(table.understood for table in self.tables)


NEW = TargetField("", ONE_MORE, OWN)


# -- What was typed ----------------------------------------------------------------------------


def draft_of(content: Mapping[str, Any]) -> MappingDraft:
    """Return the form's content for a mapping as `exchange` writes it."""
    tables = [_table_of(name, entries) for name, entries in content["value_tables"].items()]
    return MappingDraft([dict(rule) for rule in content["rules"]], tables)


def _table_of(name: str, entries: Mapping[str, str]) -> TableDraft:
    rows = [(sent, value) for sent, value in entries.items() if sent != ANYTHING_ELSE]
    return TableDraft(name, entries.get(ANYTHING_ELSE, ""), rows)


def typed(form: QueryDict, targets: Sequence[TargetField]) -> MappingDraft:
    """Return what a form says, in the order of the destination's fields.

    What cannot be right stays as it was typed: `checks` finds it, and the page shows it again.
    """
    places = {target.key: place for place, target in enumerate(targets)}
    rules = [rule for number in _numbers(form, "rules") if (rule := _typed_rule(form, number))]
    rules.sort(key=lambda rule: places.get(rule["target"], len(places)))
    tables = [_typed_table(form, f"tables-{number}-") for number in _numbers(form, "tables")]
    kept = [table for table in tables if table is not None]
    _find_table_faults(kept)
    return MappingDraft(rules, kept)


def _numbers(form: QueryDict, name: str) -> list[int]:
    """Return the numbers of the parts of this name, in the order of the page."""
    found = (re.match(rf"{name}-(\d{{1,4}})-", key) for key in form)
    return list(dict.fromkeys(int(match[1]) for match in found if match))


def _typed_rule(form: QueryDict, number: int) -> dict[str, Any] | None:
    prefix = f"rules-{number}-"
    typed_sources = (text.strip() for text in form.getlist(f"{prefix}sources"))
    sources = [source_key(text) for text in typed_sources if text]
    uses = [*_typed_join(form, prefix), *_typed_uses(form, prefix)]
    target = form.get(f"{prefix}target", "").strip()
    if f"{prefix}target" not in form or not (sources or any(_fills(use) for use in uses)):
        return None  # it would read nothing
    return {"target": target, "from": sources, "transforms": uses}


def _fills(use: Mapping[str, Any]) -> bool:
    transform = TRANSFORMS.get(use["name"])
    return bool(transform and transform.fills)


def source_key(text: str) -> str:
    """Return the key for a source field by its name on the page, or by its key; else the text."""
    key = _KEYS.get(_plain(text))
    if key:
        return key
    if exact := _OF_A_FORM.fullmatch(text):
        return catalogue.exact_key(exact["form"].strip(), exact["question"].strip())
    group, _, question = text.partition("–" if "–" in text else "-")
    if _plain(group) == _plain(catalogue.FORM) and question.strip():
        return f"{catalogue.ANSWER_PREFIX}{question.strip()}"
    if text.casefold().startswith(catalogue.ANSWER_PREFIX):
        return f"{catalogue.ANSWER_PREFIX}{text[len(catalogue.ANSWER_PREFIX) :].strip()}"
    return text


def _plain(text: str) -> str:
    return _DASH.sub("-", text.strip()).casefold()


_KEYS = {
    _plain(text): one.key
    for one in catalogue.fields()
    for text in (field_in_words(one.key), one.key)
}


def _typed_join(form: QueryDict, prefix: str) -> Iterator[dict[str, Any]]:
    name = form.get(f"{prefix}combine", "")
    if name in TRANSFORMS and TRANSFORMS[name].joins:
        yield {"name": name, **_typed_options(form, f"{prefix}combine-", TRANSFORMS[name])}


def _typed_uses(form: QueryDict, prefix: str) -> Iterator[dict[str, Any]]:
    for key in form:
        if not re.fullmatch(rf"{prefix}use-\d{{1,4}}", key) or not form[key]:
            continue
        name = str(form[key])
        transform = TRANSFORMS.get(name)
        options = _typed_options(form, f"{key}-", transform) if transform else {}
        yield {"name": name, **options}


def _typed_options(form: QueryDict, prefix: str, transform: Transform) -> dict[str, Any]:
    """Return the options that say something else than leaving them out would."""
    given = {
        option.name: _option_value(option, str(form[f"{prefix}{option.name}"]))
        for option in transform.options
        if f"{prefix}{option.name}" in form
    }
    defaults = {option.name: option.default or "" for option in transform.options}
    return {name: value for name, value in given.items() if value != defaults[name]}


def _option_value(option: Option, text: str) -> Any:
    if option.kind is OptionKind.NUMBER and text.strip().isdecimal():
        return int(text)
    return text if option.kind is OptionKind.TEXT else text.strip()


# -- Value tables ------------------------------------------------------------------------------


def _typed_table(form: QueryDict, prefix: str) -> TableDraft | None:
    sent, value = (
        [text.strip() for text in form.getlist(f"{prefix}{name}")] for name in ("sent", "value")
    )
    table = TableDraft(
        form.get(f"{prefix}name", "").strip(),
        form.get(f"{prefix}fallback", "").strip(),
        [pair for pair in zip(sent, value, strict=False) if any(pair)],
        form.get(f"{prefix}paste", ""),
    )
    if form.get(f"{prefix}delete") or not (table.name or table.entries or table.paste.strip()):
        return None
    return with_pasted(table) if table.paste.strip() else table


def with_pasted(table: TableDraft) -> TableDraft:
    """Return the table with the pasted rows among its own, and with what was understood."""
    understood = pasted(table.paste)
    existing = dict(table.entries)
    return replace(
        table,
        entries=list((existing | dict(understood.entries)).items()),
        understood=understood,
        summary=understood.summary(existing),
    )


def _find_table_faults(tables: Sequence[TableDraft]) -> None:
    """Write at each table what is wrong with its name and its rows."""
    seen: set[str] = set()
    for table in tables:
        if not exchange.TABLE_NAME.fullmatch(table.name):
            table.faults.append(gettext("The name is made of up to 50 letters, digits, - and _."))
        elif table.name in seen:
            table.faults.append(gettext("Another table is named “{name}”.").format(name=table.name))
        seen.add(table.name)
        table.faults += _entry_faults(table.entries)
        if len(table.fallback) > ENTRY_LENGTH:
            table.faults.append(
                gettext("“Anything else” is longer than {entry_length} characters.").format(
                    entry_length=ENTRY_LENGTH
                )
            )


def _entry_faults(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    seen: set[str] = set()
    for number, (sent, value) in enumerate(entries, start=1):
        if not sent:
            yield gettext("Row {number} does not say which value is sent.").format(number=number)
        elif sent == ANYTHING_ELSE:
            yield gettext("Row {number}: use “Anything else” for what no row names.").format(
                number=number
            )
        elif sent in seen:
            yield gettext("“{sent}” appears twice.").format(sent=sent)
        if max(len(sent), len(value)) > ENTRY_LENGTH:
            yield gettext("Row {number} is longer than {entry_length} characters.").format(
                number=number, entry_length=ENTRY_LENGTH
            )
        seen.add(sent)


# -- What the page shows -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OptionInput:
    """An option of a transform with its value, as a field of the form."""

    option: Option
    name: str  # of the input
    value: Any
    tables: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"id_{self.name}"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What to choose from, with its label; what stands there already is among them."""
        if self.option.kind is OptionKind.VALUE_TABLE:
            offered = [(name, name) for name in self.tables]
        else:
            offered = [(choice, self.option.shown(choice)) for choice in self.option.choices]
        known = not self.value or self.value in dict(offered)
        return offered if known else [*offered, (str(self.value), str(self.value))]

    @property
    def input(self) -> str:
        """Which input the option takes: text, number, select or time zone."""
        by_kind = {
            OptionKind.NUMBER: "number",
            OptionKind.TIME_ZONE: "time zone",
            OptionKind.CHOICE: "select",
            OptionKind.VALUE_TABLE: "select",
        }
        return by_kind.get(self.option.kind, "text")


@dataclass(frozen=True, slots=True)
class UseInput:
    """One transform of a rule, or a place for one (without a transform)."""

    name: str  # of the input
    chosen: str = ""
    transform: Transform | None = None
    options: tuple[OptionInput, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One target field with its rule, if there is one, as a row of the page."""

    number: int
    target: TargetField
    words: str = ""
    sources: tuple[str, ...] = ()
    combine: UseInput = UseInput("")
    uses: tuple[UseInput, ...] = ()
    faults: tuple[str, ...] = ()
    known: bool = True
    is_named_here: bool = False  # its key is typed on the page
    is_new: bool = False

    @property
    def prefix(self) -> str:
        return f"rules-{self.number}-"

    @property
    def sentence(self) -> str:
        """What the rule does, in words; also where there is none."""
        return self.words or (
            gettext("Everything that no rule uses") if self.target.takes_rest else "nothing"
        )

    @property
    def blank_use(self) -> UseInput:
        """A place for one transform more."""
        return UseInput(f"{self.prefix}use-{len(self.uses)}")

    @property
    def anchor(self) -> str:
        return "rule-new" if self.is_new else f"rule-{self.target.key.replace('.', '-')}"


def rows(
    draft: MappingDraft,
    targets: Sequence[TargetField],
    faults: Sequence[Fault] = (),
    *,
    is_open: Own | bool = False,
) -> list[RuleRow]:
    """Return a row for each target field; rules for others, which are broken, come last.

    Where the kind `is_open`, one row more is for a field that is named on the page.
    """
    rules = {rule["target"]: rule for rule in reversed(draft.rules)}  # of two, the first
    known = {target.key for target in targets}
    unknown = [
        TargetField(key, key, gettext("Unknown fields"))
        for key in rules
        if key and key not in known
    ]
    tables = tuple(table.name for table in draft.tables if table.name)
    shown = [
        _row(number, target, rules.get(target.key), tables, faults, known=target not in unknown)
        for number, target in enumerate([*targets, *unknown])
    ]
    if not is_open:
        return shown
    unnamed = [rule for rule in draft.rules if not rule["target"]]
    second = [rule for rule in draft.rules if rule is not rules[rule["target"]]]
    typed_here = next(iter([*unnamed, *second]), None)
    target = replace(NEW, key=typed_here["target"] if typed_here else "")
    new = _row(len(shown), target, typed_here, tables, faults, known=True)
    own = [replace(row, is_named_here=not row.known) for row in shown]
    return [*own, replace(new, is_named_here=True, is_new=True)]


def _row(
    number: int,
    target: TargetField,
    rule: Mapping[str, Any] | None,
    tables: tuple[str, ...],
    faults: Sequence[Fault],
    *,
    known: bool,
) -> RuleRow:
    wording = tuple(fault.at_rule for fault in faults if fault.target == target.key)
    row = RuleRow(number, target, faults=wording, known=known)
    transforms = list(rule["transforms"]) if rule else []
    joining = transforms[:1] if transforms and _joins(transforms[0]) else []
    return replace(
        row,
        words=rule_in_words(_engine_rule(rule)) if rule else "",
        sources=tuple(_source_text(key) for key in rule["from"]) if rule else (),
        combine=_use_input(f"{row.prefix}combine", joining[0] if joining else {}, tables),
        uses=tuple(
            _use_input(f"{row.prefix}use-{place}", use, tables)
            for place, use in enumerate(transforms[len(joining) :])
        ),
    )


def _engine_rule(rule: Mapping[str, Any], position: int = 0) -> Rule:
    return rule_from(position, rule["target"], rule["from"], rule["transforms"])


def _joins(use: Mapping[str, Any]) -> bool:
    transform = TRANSFORMS.get(use.get("name", ""))
    return bool(transform and transform.joins)


def _source_text(key: str) -> str:
    """Return a source field's name on the page: one that `source_key` understands."""
    words = field_in_words(key) if catalogue.find(key) else key
    return words if source_key(words) == key else key


def _use_input(name: str, use: Mapping[str, Any], tables: tuple[str, ...]) -> UseInput:
    chosen = str(use.get("name", ""))
    transform = TRANSFORMS.get(chosen)
    return UseInput(name, chosen, transform, option_inputs(name, transform, use, tables))


def option_inputs(
    name: str, transform: Transform | None, given: Mapping[str, Any], tables: tuple[str, ...] = ()
) -> tuple[OptionInput, ...]:
    """Return a field for each option of the transform used in the input of this name."""
    return tuple(
        OptionInput(option, f"{name}-{option.name}", given.get(option.name, option.default), tables)
        for option in (transform.options if transform else ())
    )
