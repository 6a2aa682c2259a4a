"""People: their role, and the organizations that they work for."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from access.models import Membership
from access.scoped import ScopedAdmin, ScopedChoices

admin.site.unregister([User, Group])


class MembershipInline(ScopedChoices, admin.TabularInline):  # type: ignore[type-arg]
    """Follows the permission to change people: whoever gives roles gives organizations."""

    model = Membership
    extra = 0
    verbose_name_plural = "works for"
    autocomplete_fields = ["organization"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("auth.view_user")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("auth.change_user")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("auth.change_user")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("auth.change_user")


@admin.register(User)
class PortalUserAdmin(ScopedAdmin, UserAdmin):  # type: ignore[type-arg]
    """Only a superuser makes superusers, changes them, or gives permissions one by one."""

    ABOVE = ("is_superuser", "user_permissions")
    inlines = [MembershipInline]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [MembershipInline] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        above = () if _is_superuser(request) else self.ABOVE
        return (*super().get_readonly_fields(request, obj), *above)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not _is_superuser(request):
            return False
        return super().has_change_permission(request, obj)


@admin.register(Group)
class PortalGroupAdmin(ScopedAdmin, GroupAdmin):
    """Groups are roles; the shipped ones are renewed with each `migrate`."""


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_superuser)
