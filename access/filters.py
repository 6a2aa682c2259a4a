"""Filters of lists that offer only what the person may see, by its name."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.admin import AllValuesFieldListFilter, RelatedFieldListFilter
from django.http import HttpRequest


class RelatedFilter(RelatedFieldListFilter):
    """Offers the rows that the admin of the related model would list to this person."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        related = model_admin.admin_site._registry.get(field.remote_field.model)
        if related is None:
            return super().field_choices(field, request, model_admin)
        return field.get_choices(
            include_blank=False,
            ordering=self.field_admin_ordering(field, request, model_admin),
            limit_choices_to={"pk__in": related.get_queryset(request).values("pk")},
        )


def labeled_by(label: Callable[[str], str]) -> type[AllValuesFieldListFilter]:
    """Return a filter for a column without `choices`, which shows the label of each value."""

    class LabelFilter(AllValuesFieldListFilter):
        def choices(self, changelist: Any) -> Iterator[Any]:
            everything, *values = super().choices(changelist)
            yield everything
            yield from ({**value, "display": label(str(value["display"]))} for value in values)

    return LabelFilter
