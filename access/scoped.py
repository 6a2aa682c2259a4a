"""Admin classes whose rows belong to organizations."""

import re
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import ManyToManyField, QuerySet
from django.forms import CheckboxSelectMultiple, Media
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst

from access import scope
from core import audit

# For `formfield_overrides`: Django's pair of boxes cannot be read out by a screen reader.
TICKED: Any = {ManyToManyField: {"widget": CheckboxSelectMultiple}}
# How the admin's filters go on after the name of their field.
OF_A_FILTER = r"(__(id|pk))?(__(exact|in|isnull|gte?|lte?|year|month|day))?"


class ScopedChoices:
    """Offers, for a relation, only rows that the admin of the other model would list."""

    admin_site: Any

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> Any:
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if related is not None:
            return related.get_queryset(request).order_by(*related.get_ordering(request))
        return super().get_field_queryset(db, db_field, request)  # type: ignore[misc]


class ScopedAdmin(ScopedChoices, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows and changes only rows of the person's organizations.

    `organization_path` leads from a row to its organization ("pk": it is one). Without it, the
    rows are for those who see all organizations. With `shared`, rows of no organization are shown
    to everybody, and changed by those who see all.
    """

    organization_path: ClassVar[str | None] = None
    shared: ClassVar[bool] = False

    @property
    def media(self) -> Media:
        """Return Django's scripts without those that fill in slugs: half of a first visit."""
        unused = ("urlify", "prepopulate", "xregexp")
        scripts: list[str] = super().media._js  # type: ignore[attr-defined]
        return Media(js=[one for one in scripts if not any(map(one.count, unused))])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if scope.sees_all(request.user):
            return rows
        if self.organization_path is None:
            return rows.none()
        return scope.limited(rows, request.user, self.organization_path, shared=self.shared)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self._reaches(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and self._reaches(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._owns(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._owns(request, obj)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under the name of what it lists."""
        context = {"title": capfirst(self.opts.verbose_name_plural), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *more: Any
    ) -> HttpResponse | None:
        """Act on the chosen rows; what cannot be the key of a row chooses none."""
        given = request.POST.copy()
        keys = [key for key in given.getlist(ACTION_CHECKBOX_NAME) if self._can_be_key(key)]
        given.setlist(ACTION_CHECKBOX_NAME, keys)
        request.POST = given  # type: ignore[assignment]
        response: HttpResponse | None = super().response_action(request, queryset, *more)
        return response

    def _can_be_key(self, key: str) -> bool:
        try:
            self.model._meta.pk.to_python(key)
        except ValidationError:
            return False
        return True

    def limited_history(self, request: HttpRequest, records: QuerySet[Any]) -> QuerySet[Any]:
        """Return the records of history, also of deleted rows, that the person may see."""
        if scope.sees_all(request.user):
            return records
        if self.organization_path is None:
            return records.none()
        path = "id" if self.organization_path == "pk" else self.organization_path
        return scope.limited(records, request.user, path, shared=self.shared)

    def get_history_queryset(self, request: HttpRequest, *args: Any) -> QuerySet[Any]:
        """Limit what simple-history lists: it asks for the row alone, and falls back on history."""
        if not self._can_be_key(args[-1]):
            raise Http404
        records: QuerySet[Any] = super().get_history_queryset(  # type: ignore[misc]
            request, *args
        )
        return self.limited_history(request, records)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Take from the URL what the page's own filters ask, and nothing else.

        Django takes any field of a related row: enough to guess, letter by letter, at what others
        have made of a shared row, or at the hash of a secret.
        """
        if lookup in self._own_words(request):
            return True
        offered = (one if isinstance(one, str) else one[0] for one in self._filtered_by(request))
        asked = any(re.fullmatch(rf"{re.escape(name)}{OF_A_FILTER}", lookup) for name in offered)
        return asked and super().lookup_allowed(lookup, value, request)

    def _filtered_by(self, request: HttpRequest) -> list[Any]:
        """Return the fields of the page's filters."""
        fields = [one for one in self.get_list_filter(request) if isinstance(one, str | tuple)]
        return [*fields, *filter(None, [self.date_hierarchy])]

    def _own_words(self, request: HttpRequest) -> set[str]:
        """Return the words of filters that are no fields, and read the URL themselves."""
        filters = [one for one in self.get_list_filter(request) if isinstance(one, type)]
        words = {getattr(one, "parameter_name", None) for one in filters}
        return {
            *filter(None, words),
            *(name for one in filters for name in getattr(one, "names", ())),
        }

    def _reaches(self, request: HttpRequest) -> bool:
        return self.organization_path is not None or scope.sees_all(request.user)

    def _owns(self, request: HttpRequest, obj: Any) -> bool:
        if not self._reaches(request):
            return False
        if obj is None or obj.pk is None or scope.sees_all(request.user):
            return True
        mine = scope.limited(
            type(obj)._default_manager.filter(pk=obj.pk), request.user, str(self.organization_path)
        )
        return mine.exists()


class RecordedAdmin(ScopedAdmin):
    """Writes down who set what: the names of the fields, never what stands in them."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        fields = sorted(form.changed_data)
        audit.record(request, "change" if change else "add", obj, fields=fields)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        audit.record(request, "delete", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            audit.record(request, "delete", obj)
        super().delete_queryset(request, queryset)
