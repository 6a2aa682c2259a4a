"""The audit trail on screen: read-only."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit.wording import in_words
from core.models import AuditEvent
from core.web.pagination import BoundedPaginator


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["at", "username", "deed", "sort", "about", "ip"]
    list_filter = ["at"]
    fields = ["at", "username", "deed", "action", "sort", "about", "object_id", "ip", "detail"]
    readonly_fields = ["deed", "sort", "about"]
    show_facets = admin.ShowFacets.NEVER  # they count every row
    search_fields = ["username__exact", "object_id__exact"]
    search_help_text = _("A full user name, or the full ID of an object.")
    show_full_result_count = False
    paginator = BoundedPaginator
    sortable_by = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return audit.may_read(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return audit.may_read(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under the name of what it lists."""
        return super().changelist_view(
            request, {"title": _("Audit events"), **(extra_context or {})}
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one event under the name of what was done."""
        event = self.get_object(request, object_id)
        named = {"title": in_words(event.action), "subtitle": None} if event else {}
        return super().change_view(request, object_id, form_url, {**named, **(extra_context or {})})

    @admin.display(description=_("what was done"))
    def deed(self, event: AuditEvent) -> str:
        """Return what was done, with its key, which is the same in every language, on hover."""
        return format_html('<span title="{}">{}</span>', event.action, in_words(event.action))

    @admin.display(description=_("what"))
    def sort(self, event: AuditEvent) -> str:
        try:
            return str(apps.get_model(audit.present_name(event.object_type))._meta.verbose_name)
        except (LookupError, ValueError):
            return event.object_type

    @admin.display(description=_("object"))
    def about(self, event: AuditEvent) -> str:
        """Return the object's name at that time, as a link to its page where it has one."""
        page = f"admin:{audit.present_name(event.object_type).replace('.', '_')}_change"
        try:
            url = reverse(page, args=[event.object_id])
        except NoReverseMatch:
            return event.object_label
        return format_html('<a href="{}">{}</a>', url, event.object_label)
