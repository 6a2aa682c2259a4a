"""Mappings in the admin: rules and value tables on one page."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin

from access.scoped import ScopedAdmin
from mapping import catalogue, exchange
from mapping.forms import MappingForm, RuleForm, RuleFormSet, TableForm
from mapping.models import FieldRule, Mapping, ValueTable
from mapping.targets import kinds, target_fields
from mapping.transforms import TRANSFORMS


class _PartOfMapping(admin.TabularInline):  # type: ignore[type-arg]
    """Who may change a mapping may change its parts; nobody changes a shipped one."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("mapping.view_mapping") or self._may(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj)

    def _may(self, request: HttpRequest, mapping: Mapping | None) -> bool:
        if mapping is None:
            return request.user.has_perm("mapping.add_mapping")
        return request.user.has_perm("mapping.change_mapping") and not mapping.shipped


class ValueTableInline(_PartOfMapping):
    model = ValueTable
    form = TableForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "entries_as_sent", "fallback"] if obj and obj.shipped else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        middle = "entries_as_sent" if obj and obj.shipped else "entries"
        return ["name", middle, "fallback"]

    @admin.display(description="entries")
    def entries_as_sent(self, table: ValueTable) -> SafeString:
        rows = ((entry.sent, entry.value) for entry in table.entries.all())
        return format_html_join("", "{} = {}<br>", rows)


class FieldRuleInline(_PartOfMapping):
    model = FieldRule
    form = RuleForm
    formset = RuleFormSet


@admin.register(Mapping)
class MappingAdmin(ScopedAdmin, SimpleHistoryAdmin):  # type: ignore[misc]
    """Mappings; the shipped ones are there to read and to copy."""

    organization_path = "organization"
    shared = True
    form = MappingForm
    inlines = [FieldRuleInline, ValueTableInline]
    list_display = ["name", "destination_kind", "organization", "shipped", "changed_at"]
    list_filter = ["destination_kind", "shipped", "organization"]
    list_select_related = ["organization"]
    search_fields = ["name"]
    readonly_fields = ["source_fields", "target_fields", "transforms"]
    fieldsets = [
        (None, {"fields": ["name", "destination_kind", "organization"]}),
        (
            "What a rule can say",
            {"fields": ["target_fields", "source_fields", "transforms"], "classes": ["collapse"]},
        ),
    ]
    actions = ["copy"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and not (obj and obj.shipped)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj and obj.shipped)

    @admin.action(description="Copy the selected mappings", permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Mapping]) -> None:
        for mapping in queryset:
            copied = exchange.copy_mapping(mapping)
            self.message_user(request, f"“{copied.name}” was added.", messages.SUCCESS)

    @admin.display(description="targets")
    def target_fields(self, mapping: Mapping) -> SafeString:
        chosen = [mapping.destination_kind] if mapping.destination_kind else kinds()
        return _listed(
            (field.key, f"{field.group} – {field.label}{', required' * field.required}")
            for kind in chosen
            for field in target_fields(kind)
        )

    @admin.display(description="source fields")
    def source_fields(self, mapping: Mapping) -> SafeString:
        rows = [(field.key, f"{field.group} – {field.label}") for field in catalogue.fields()]
        return _listed([*rows, ("answer:…", "Form answers – by the key of the question")])

    @admin.display(description="transforms")
    def transforms(self, mapping: Mapping) -> SafeString:
        return _listed(
            (_example(transform.name), transform.help) for transform in TRANSFORMS.values()
        )


def _listed(rows: Any) -> SafeString:
    return format_html("{}", format_html_join("", "<code>{}</code> {}<br>", rows))


def _example(name: str) -> str:
    """Return a use of the transform as a rule writes it, with every option."""
    options = (f', "{option.name}": …' for option in TRANSFORMS[name].options)
    return f'{{"name": "{name}"{"".join(options)}}}'
