"""What is stored for readers, and changes as writers make them."""

import json
from typing import Any

from django.utils import timezone

from directory import changes
from directory.answers.building import dated
from directory.answers.rendering import moment
from directory.models import Answer, Entry, Membership
from directory.taking_in import take_in
from directory.views import members as membership
from directory.views.cutting import cut


def answer(row: Any, language: str = "en") -> Any:
    """Return the stored answer of an entry."""
    found = Answer.objects.get(entry=row.pk, language=language)
    service = getattr(row, "service_id", None) or row.pk
    changed = Entry.objects.get(pk=service).last_modified
    return json.loads(dated(found.full, moment(changed) if changed else ""))


def seen(row: Any, view: str = "pages") -> Any:
    """Return what a view sees of an entry."""
    member = Membership.objects.get(view__name=view, entry=row.pk, present=True)
    outside = membership.outside_of(member.view_id, [row.pk])
    return cut(answer(row), outside.get(row.pk, set()))


def members(view: str = "pages") -> set[int]:
    found = Membership.objects.filter(view__name=view, present=True)
    return set(found.values_list("entry", flat=True))


def numbers(view: str = "pages") -> dict[int, int]:
    found = Membership.objects.filter(view__name=view)
    return dict(found.values_list("entry", "number"))


def change(row: Any, **fields: Any) -> None:
    """Change an entry, or its own columns, and take it in."""
    if fields.get("withdrawn_by"):
        fields["withdrawn_at"] = timezone.now()
    of_entry = {name: value for name, value in fields.items() if hasattr(Entry, name)}
    own = {name: value for name, value in fields.items() if name not in of_entry}
    if of_entry:
        Entry.objects.filter(pk=row.pk).update(**of_entry)
    if own:
        type(row)._default_manager.filter(pk=row.pk).update(**own)
    changes.changed([row.pk])
    take_in()
