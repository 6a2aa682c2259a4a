"""People: their role, and the organizations that they work for."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, SetUnusablePasswordMixin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import tokens
from access.models import ApiToken, Membership
from access.scoped import TICKED, RecordedAdmin, ScopedAdmin, ScopedChoices
from access.signing_in import factors, provider

# Second factors are their owners': an administrator can take them away, and see none.
admin.site.unregister([User, Group, EmailAddress, Authenticator])
# The provider comes from the settings, and links are made by their owners.
admin.site.unregister([SocialAccount, SocialApp, SocialToken])


# What Django calls permissions, and our own: stored in English.
PERMITTED = {
    "add": _("Add"),
    "change": _("Change"),
    "delete": _("Delete"),
    "view": _("View"),
    "see_all_organizations": _("See what belongs to any organization"),
    "connect_webhook": _("Let alerts go to webhooks"),
    "decide_delivery": _("Retry, dismiss, and clear imports"),
    "send_referral": _("Send referrals by hand"),
    "read_body": _("Read the body of inbound events"),
    "place_legal_hold": _("Place and release legal holds"),
}


class PermissionChoices(ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Permissions in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        verb = obj.codename.removesuffix(f"_{obj.content_type.model}")
        said = PERMITTED.get(obj.codename) or PERMITTED.get(verb, obj.name)
        return f"{obj.content_type} | {said}"


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Django's own, whose help is in English for everybody: it joins texts when it is loaded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "usable_password" in self.fields:
            self.fields["usable_password"].help_text = format_html(
                '{}<ul id="id_unusable_warning" class="messagelist">'
                '<li class="warning">{}</li></ul>',
                SetUnusablePasswordMixin.usable_password_help_text,
                gettext("If disabled, the current password for this user will be lost."),
            )


class MembershipInline(ScopedChoices, admin.TabularInline):  # type: ignore[type-arg]
    """Follows the permission to change people: whoever gives roles gives organizations."""

    model = Membership
    extra = 0
    verbose_name_plural = _("works for")
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
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    formfield_overrides = TICKED
    change_password_form = PasswordForm

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [MembershipInline] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        above = () if _is_superuser(request) else self.ABOVE
        return (*super().get_readonly_fields(request, obj), *above)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not _is_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    # -- the second factor ---------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        reset = self.admin_site.admin_view(self.reset_view)
        unlink = self.admin_site.admin_view(self.unlink_view)
        return [
            path("<int:pk>/second-factor/", reset, name="auth_user_reset_second_factor"),
            path("<int:pk>/unlink/", unlink, name="auth_user_unlink"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        user = kwargs.get("obj")
        tools = []
        if user and self.has_change_permission(request, user) and factors.has_one(user):
            url = reverse("admin:auth_user_reset_second_factor", args=[user.pk])
            tools.append({"label": gettext("Reset the second factor"), "url": url, "post": True})
        if user and self.has_change_permission(request, user) and provider.is_linked(user):
            url = reverse("admin:auth_user_unlink", args=[user.pk])
            tools.append({"label": _("Unlink from the sign-in provider"), "url": url, "post": True})
        if tools:
            context["tools"] = tools
        return super().render_change_form(request, context, *args, **kwargs)

    def reset_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take away what somebody has lost: they set up another one when they sign in."""
        user = self._posted_for(request, pk)
        if isinstance(user, HttpResponse):
            return user
        factors.reset(user, request)
        message = gettext("{user} has no second factor now, and is signed out everywhere.").format(
            user=user
        )
        self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[pk]))

    def unlink_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let somebody sign in with a password again, and sign them out everywhere."""
        user = self._posted_for(request, pk)
        if isinstance(user, HttpResponse):
            return user
        provider.unlink(user, request)
        self.message_user(request, _("The account is unlinked. Set a password."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[pk]))

    def _posted_for(self, request: HttpRequest, pk: int) -> User | HttpResponse:
        """Return whom a button was pressed for, else an answer; raises PermissionDenied."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        user: User = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return user if request.method == "POST" else HttpResponseNotAllowed(["POST"])


@admin.register(Group)
class PortalGroupAdmin(ScopedAdmin, GroupAdmin):
    """Groups are roles; the shipped ones are renewed with each `migrate`."""

    filter_horizontal = ()
    formfield_overrides = TICKED

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionChoices
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_superuser)


class LabelledMoment(AdminSplitDateTime):
    """Django's two fields of a moment, each with a label for those who do not see them."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        for widget, label in zip(self.widgets, (_("Date"), _("Time")), strict=True):
            widget.attrs["aria-label"] = label


@admin.register(ApiToken)
class ApiTokenAdmin(RecordedAdmin):
    """Tokens are made and deleted, never changed. A token is shown once, in the answer."""

    organization_path = "organization"
    list_display = ("name", "organization", "expires_at", "used_at")
    list_filter = ("organization",)
    fields = ("organization", "name", "expires_at", "created_at", "used_at")
    readonly_fields = ("created_at", "used_at")
    formfield_overrides = {DateTimeField: {"widget": LabelledMoment}}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("organization", "name", "expires_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        tokens.make(obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Show the token: never again."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("API token"),
            "opts": self.opts,
            "token": obj,
            "address": request.build_absolute_uri("/api/v1/referrals/"),
        }
        response = TemplateResponse(request, "admin/api_token.html", context)
        add_never_cache_headers(response)
        return response
