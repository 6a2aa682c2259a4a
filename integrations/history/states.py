"""What differs between two states of a row: records of its history, or the row itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from core.compare import Difference, in_words
from core.fields import EncryptedJSONField, EncryptedTextField
from integrations import destinations
from integrations.models import Organization, Source
from integrations.transport import UNDECLARED, DeclaredField, SecretField
from integrations.triggers import labels_of


def differences(old: Any, new: Any, model: type[Model]) -> list[Difference]:
    """Return what differs between two states of a row: records of history, or the row itself."""
    return [one for name in _compared(model) for one in differences_in(name, old, new, model)]


def _compared(model: type[Model]) -> Iterator[str]:
    # What nobody edits (holds, tests, times) is no configuration. Only sources relate to several.
    unkept = set(getattr(model, "history").model._history_excluded_fields)  # noqa: B009
    for field in model._meta.concrete_fields:
        if field.editable and not field.primary_key and field.name not in unkept:
            yield field.name
    if model is Source:
        yield "organizations"


def differences_in(name: str, old: Any, new: Any, model: type[Model]) -> Iterator[Difference]:
    field: Any = model._meta.get_field(name)
    label = str(capfirst(field.verbose_name))
    if name == "options":
        yield from _options(old, new)
    elif isinstance(field, EncryptedTextField | EncryptedJSONField):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield _secret(label, was, now)
    elif field.many_to_many or getattr(old, field.attname) != getattr(new, field.attname):
        was, now = _shown(field, old), _shown(field, new)
        if was != now:
            yield Difference(label, was or "(empty)", now or "(empty)")


def _secret(label: str, was: object, now: object) -> Difference:
    if was and now:
        return Difference(label, "a secret", _("another secret"))
    return Difference(label, "a secret" if was else "(empty)", "a secret" if now else "(empty)")


def _shown(field: Any, state: Any) -> str:
    if field.many_to_many:
        return ", ".join(sorted(organization.name for organization in organizations_of(state)))
    if field.is_relation:
        related = getattr(state, field.name)
        return str(related) if related else ("deleted" if getattr(state, field.attname) else "")
    value = getattr(state, field.name)
    if isinstance(value, list):
        return labels_of(value)
    return in_words(dict(field.flatchoices).get(value, value))


def organizations_of(state: Any) -> list[Organization]:
    """Return the organizations that a source is limited to, now or in a record of its history."""
    if isinstance(state, Source):
        return list(state.organizations.all())
    kept = state.organizations.select_related("organization")
    return [row.organization for row in kept if row.organization]


def _options(old: Any, new: Any) -> Iterator[Difference]:
    fields = option_fields(new.kind)
    was, now = old.options or {}, new.options or {}
    for name in {**was, **now}:
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        label = str(getattr(fields.get(name), "label", None) or name)
        if is_secret(fields, name):
            yield _secret(label, before, after)
        else:
            nothing = UNDECLARED if isinstance(fields[name], DeclaredField) else in_words(None)
            texts = (nothing if value is None else in_words(value) for value in (before, after))
            yield Difference(label, *texts)


def option_fields(kind: str) -> Mapping[str, Any]:
    """Return the fields of a kind's options by name; none when its folder is gone."""
    if kind not in destinations.names():
        return {}
    fields: Mapping[str, Any] = destinations.transport_class(kind).OptionsForm.base_fields
    return fields


def is_secret(fields: Mapping[str, Any], name: str) -> bool:
    """Return whether an option is a secret, or may be one: its kind does not know it any more."""
    return name not in fields or isinstance(fields[name], SecretField)
