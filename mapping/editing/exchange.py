"""Mappings as plain dicts: how they are exported, and read from a configuration file.

name: default
destination_kind: crms
rules:
  - {target: client.gender, from: [registrant.gender], transforms: [{name: value_table, table: gender}]}
value_tables:
  gender: {male: male, female: female, "*": unknown}   # "*" stands for anything else
"""  # noqa: E501

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mapping import models
from mapping.editing import versions
from mapping.editing.versions import Author
from mapping.engine.checks import Fault, check_mapping
from mapping.engine.engine import Rule
from mapping.engine.transforms import ANYTHING_ELSE
from mapping.hooks import mapping_stored

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
TABLE_NAME = re.compile(r"[-a-zA-Z0-9_]{1,50}")
ENTRY_LENGTH = 255

_PARTS = {"target": "target", "sources": "from", "transforms": "transforms"}


class ExchangeError(ValueError):
    """A mapping that cannot be taken in. `errors` pairs each key with what is wrong there."""

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors = tuple(errors)
        super().__init__(" ".join(f"{key}: {message}" for key, message in self.errors))


class RuleDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A rule as it is written in a file."""

    target: Name
    sources: list[str] = msgspec.field(default_factory=list, name="from")
    transforms: list[dict[str, Any]] = []

    def as_rule(self, position: int) -> Rule:
        """Return the rule as the engine takes it."""
        return models.rule_from(position, self.target, self.sources, self.transforms)


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """A mapping as it is written in a file."""

    name: Name
    destination_kind: Annotated[str, msgspec.Meta(max_length=50)]
    rules: list[RuleDraft]
    value_tables: dict[str, dict[str, str]] = {}

    def engine_rules(self) -> tuple[Rule, ...]:
        """Return the rules as the engine takes them."""
        return tuple(rule.as_rule(position) for position, rule in enumerate(self.rules, start=1))


def read(data: Mapping[str, Any]) -> Draft:
    """Return the mapping that a dict describes; raises ExchangeError naming the key."""
    if errors := list(_table_errors(data.get("value_tables"))):
        raise ExchangeError(errors)
    try:
        draft = msgspec.convert(data, Draft)
    except msgspec.ValidationError as error:
        raise ExchangeError([_located(str(error))]) from None
    faults = check_mapping(draft.destination_kind, draft.engine_rules(), draft.value_tables)
    if faults:
        raise ExchangeError(_keyed(fault) for fault in faults)
    return draft


def _table_errors(tables: object) -> Iterator[tuple[str, str]]:
    """Yield what is wrong in value tables. In YAML a bare yes, no or 1 is not text."""
    for name, entries in tables.items() if isinstance(tables, Mapping) else ():
        if not TABLE_NAME.fullmatch(str(name)):
            yield f"value_tables.{name}", _("A name is made of letters, digits, - and _.")
        if not isinstance(entries, Mapping):
            yield f"value_tables.{name}", _("It must pair each value with another.")
            continue
        for pair in entries.items():
            if not all(isinstance(text, str) and len(text) <= ENTRY_LENGTH for text in pair):
                text = _("It must be text, in quotes, of at most {count} characters.")
                message = text.format(count=ENTRY_LENGTH)
                yield f"value_tables.{name}.{pair[0]}", message


def _located(message: str) -> tuple[str, str]:
    """Return the key and the message of msgspec's `message - at `$.key``."""
    found = re.fullmatch(r"(.*?)(?: - at `\$\.?(.*)`)?", message, re.DOTALL)
    words, key = found.groups() if found else (message, "")
    return key or "mapping", f"{words}."


def _keyed(fault: Fault) -> tuple[str, str]:
    if fault.rule is None:
        return "rules", fault.message
    return f"rules[{fault.rule.position - 1}].{_PARTS[fault.part]}", fault.message


def export_mapping(mapping: models.Mapping) -> dict[str, Any]:
    """Return the mapping as a dict that `import_mapping` takes."""
    return {
        "name": mapping.name,
        "destination_kind": mapping.destination_kind,
        "rules": [
            {"target": rule.target, "from": rule.sources, "transforms": rule.transforms}
            for rule in mapping.rules.all()
        ],
        "value_tables": mapping.engine_tables(),
    }


def import_mapping(
    data: Mapping[str, Any], organization: Model | None, author: Author = None
) -> models.Mapping:
    """Create or change the organization's mapping of this name; None: that of all organizations.

    Raises ExchangeError naming the key, and then changes nothing. What is the same already is
    not written again.
    """
    draft = read(data)
    mapping = _found(draft, organization)
    if mapping.shipped:
        raise ExchangeError(
            [
                (
                    "name",
                    _("“{name}” ships with Dovetail: choose another name.").format(name=draft.name),
                )
            ]
        )
    return _stored(mapping, draft, author, gettext_noop("Imported"))


def install_shipped(kind: str, data: Mapping[str, Any]) -> models.Mapping:
    """Create or renew the mapping that ships with a destination kind; raises ExchangeError."""
    draft = read({**data, "destination_kind": kind})
    mapping = _found(draft, None)
    newly_shipped = not mapping.shipped
    mapping.shipped = True
    return _stored(mapping, draft, None, gettext_noop("Ships with Dovetail"), anyway=newly_shipped)


def copy_mapping(
    mapping: models.Mapping,
    organization: Model | None = None,
    name: str = "",
    author: Author = None,
) -> models.Mapping:
    """Return a new mapping with the same rules, for people to change.

    It is the organization's alone; without one, everybody's. Without a name, or with one that is
    taken, it gets a free one.
    """
    names = models.Mapping.objects.filter(
        organization=organization.pk if organization else None,
        destination_kind=mapping.destination_kind,
    ).values_list("name", flat=True)
    draft = msgspec.convert(export_mapping(mapping), Draft)
    taken = set(names)
    draft.name = name if name and name not in taken else _free_name(name or mapping.name, taken)
    return _stored(
        _found(draft, organization),
        draft,
        author,
        _("Copied from “{name}”").format(name=mapping.name),
    )


def put_back(version: models.MappingVersion, author: Author = None) -> models.Mapping:
    """Save a version again, as a new one; the name stays. Raises ExchangeError when it is broken.

    A version can break afterwards: with a new release, a destination may know fewer fields.
    """
    mapping = version.mapping
    draft = read({**version.content, "name": mapping.name})
    return _stored(mapping, draft, author, f"Version {version.number} again")


def _free_name(name: str, taken: set[str]) -> str:
    copies = (
        f" (copy {number})" if number > 1 else " (copy)" for number in range(1, len(taken) + 2)
    )
    names = (name[: 100 - len(ending)] + ending for ending in copies)
    return next(free for free in names if free not in taken)


def _found(draft: Draft, organization: Model | None) -> models.Mapping:
    """Return the mapping that a draft names, or a new one that is not saved."""
    names = {
        "name": draft.name,
        "destination_kind": draft.destination_kind,
        "organization_id": organization.pk if organization else None,
    }
    return models.Mapping.objects.filter(**names).first() or models.Mapping(**names)


@transaction.atomic
def _stored(
    mapping: models.Mapping, draft: Draft, author: Author, note: str, *, anyway: bool = False
) -> models.Mapping:
    """Return the mapping with the draft's rules and value tables in place of its own."""
    wanted = msgspec.to_builtins(draft)
    if mapping.pk and not anyway and export_mapping(mapping) == wanted:
        return mapping
    mapping.save()
    store_parts(mapping, wanted, author, note)
    return mapping


def store_parts(
    mapping: models.Mapping, content: Mapping[str, Any], author: Author = None, note: str = ""
) -> None:
    """Put the rules and value tables of an exported mapping in place of its own; keep the version.

    Changes only what differs.
    """
    _store_rules(mapping, content["rules"])
    tables = {table.name: table for table in mapping.value_tables.all()}
    for name, entries in content["value_tables"].items():
        table = tables.pop(name) if name in tables else None
        store_table(table or models.ValueTable(mapping=mapping, name=name), entries)
    for gone in tables.values():
        gone.delete()
    versions.keep(mapping, export_mapping(mapping), author, note)
    mapping_stored(mapping)


def _store_rules(mapping: models.Mapping, rules: Iterable[Mapping[str, Any]]) -> None:
    rows = {row.target: row for row in mapping.rules.all()}
    for position, rule in enumerate(rules, start=1):
        row = rows.pop(rule["target"], None)
        row = row or models.FieldRule(mapping=mapping, target=rule["target"], position=0)
        values = {"position": position, "sources": rule["from"], "transforms": rule["transforms"]}
        if any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.save()
    for gone in rows.values():
        gone.delete()


def store_table(table: models.ValueTable, entries: Mapping[str, str]) -> None:
    """Put these entries in place of the table's own; changes only what differs."""
    fallback = entries.get(ANYTHING_ELSE, "")
    if table.pk is None or table.fallback != fallback:
        table.fallback = fallback
        table.save()
    wanted = {sent: value for sent, value in entries.items() if sent != ANYTHING_ELSE}
    for entry in table.entries.all():
        if wanted.get(entry.sent) == entry.value:
            del wanted[entry.sent]
        else:
            entry.delete()
    for sent, value in wanted.items():
        table.entries.create(sent=sent, value=value)
