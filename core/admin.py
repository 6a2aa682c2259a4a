"""The audit trail on screen: read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.models import AuditEvent
from core.pagination import BoundedPaginator


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["at", "username", "action", "object_type", "object_label", "ip"]
    list_filter = ["at"]
    search_fields = ["username__exact", "object_id__exact"]
    search_help_text = "A user name or the id of an object, whole."
    show_full_result_count = False
    paginator = BoundedPaginator
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
