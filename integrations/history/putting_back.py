"""Making a row what it was in an earlier version, but for its secrets."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from core.compare import Effect, Row
from integrations import destinations
from integrations.history.sorts import SORTS, Record, Sort
from integrations.history.states import (
    differences,
    differences_in,
    is_secret,
    option_fields,
    organizations_of,
)
from integrations.hooks import listing_connected
from integrations.models import Destination, Source, TriggerConfig
from integrations.transport import DeclaredField


class NotPutBack(Exception):
    """A version that cannot be put back. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def would_change(record: Record) -> Row:
    """Return what putting this version back would change; raises NotPutBack.

    Of a row that is deleted, everything comes back, and nothing is said to differ.
    """
    model = record.instance_type
    now = model._default_manager.filter(pk=record.id).first()
    row = _as_it_was(record, copy(now))
    # Whatever has been saved since makes it another change, also where it looks the same.
    newest = SORTS[model].records.filter(id=record.id).latest().pk
    if now is None:
        return Row(str(record.id), Effect.CREATED, basis=newest)
    found = differences(now, row, model)
    if model is Source:  # the organizations of a row are not set before it is saved
        found += differences_in("organizations", now, record, model)
    effect = Effect.CHANGED if found else Effect.UNCHANGED
    return Row(str(record.id), effect, differences=found, basis=newest)


@transaction.atomic
def put_back(record: Record, note: str) -> Model:
    """Make the row what it was in this record, but for its secrets; return it.

    It is a change like any other, with whoever makes it as its author. Raises NotPutBack.
    """
    row = _as_it_was(record, record.instance_type._default_manager.filter(pk=record.id).first())
    row._change_reason = note[:100]
    row.save()
    if isinstance(row, Source):
        row.organizations.set(organizations_of(record))
        row.limit_to_its_destination()
    if isinstance(row, TriggerConfig):
        listing_connected(row)
    changed: Model = row
    return changed


def _as_it_was(record: Record, row: Any) -> Any:
    """Return the row, which is None when it was deleted, as it was in the record."""
    sort = SORTS[record.instance_type]
    if not sort.put_back:
        raise NotPutBack(
            _("{label}: earlier versions are not put back here.").format(label=sort.label)
        )
    row = row or _revived(sort, record)
    for name in sort.put_back:
        if name == "options":
            row.options = _options_as_they_were(row, record)
        elif name != "organizations":
            setattr(row, name, getattr(record, name))
    try:
        row.full_clean()
    except ValidationError as error:
        raise NotPutBack(" ".join(error.messages)) from None
    except ObjectDoesNotExist:
        raise NotPutBack(_("It belongs to something that is deleted by now.")) from None
    return row


def _revived(sort: Sort, record: Record) -> Any:
    if not sort.revived:
        raise NotPutBack(
            _(
                "This {verbose_name} was deleted, and its secrets are gone with it. Add it again."
            ).format(verbose_name=sort.model._meta.verbose_name)
        )
    row = record.instance
    row._state.adding = True
    return row


def _options_as_they_were(row: Destination, record: Record) -> dict[str, Any]:
    fields = option_fields(row.kind)
    # What is declared of the destination is no setting: it stays as it is, as a secret does.
    stays = {name for name in fields if isinstance(fields[name], DeclaredField)}
    then = {
        name: value
        for name, value in record.options.items()
        if name not in stays and not is_secret(fields, name)
    }
    form = destinations.transport_class(row.kind).OptionsForm(data=then, initial=dict(row.options))
    if not form.is_valid():
        raise NotPutBack(" ".join(_errors(form.errors)))
    return dict(form.cleaned_data)


def _errors(errors: Mapping[str, Iterable[Any]]) -> Iterator[str]:
    for text in errors.values():
        yield from map(str, text)
