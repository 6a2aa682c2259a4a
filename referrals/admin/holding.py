"""Placing and releasing a legal hold on a referral."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from referrals.models import Referral
from referrals.record.removal import holds, retention


class HoldForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("For example, the case number. Anyone who may open this referral can read it."),
        max_length=holds.LONGEST,
    )


class OnHoldFilter(admin.SimpleListFilter):
    title = _("legal hold")
    parameter_name = "hold"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("With a legal hold"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Referral]) -> QuerySet[Referral]:
        return queryset.filter(holds.on_hold()) if self.value() == "yes" else queryset


class HoldingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        place = wrap(require_POST(sensitive_post_parameters()(self.hold_view)))
        release = wrap(require_POST(self.release_view))
        return [
            path("<uuid:pk>/hold/", place, name="referrals_referral_hold"),
            path("<uuid:pk>/release/", release, name="referrals_referral_release"),
            *super().get_urls(),
        ]

    def hold_form(self, request: HttpRequest, referral: Referral) -> HoldForm | None:
        """Return the form for a hold, where this person may place one."""
        gone = referral.purged_at or referral.merged_into_id
        may = not gone and self.may_hold(request)
        return HoldForm(auto_id="hold-%s") if may else None

    def may_hold(self, request: HttpRequest) -> bool:
        """Return whether this person may place and release holds."""
        return request.user.has_perm(holds.PERMISSION)

    def hold_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Place a hold, and return to the referral."""
        referral = self._referral(request, pk)
        form = HoldForm(request.POST)
        if not form.is_valid():
            # What was written is not repeated: messages are stored in the open.
            self.message_user(request, str(form.errors["reason"][0]), messages.WARNING)
        elif holds.place(referral, form.cleaned_data["reason"], request.user):  # type: ignore[arg-type]
            message = _("This referral is now on legal hold: nothing in it will be deleted.")
            self.message_user(request, message, messages.SUCCESS)
        else:
            message = _(
                "No legal hold was placed: there already is one, or the "
                "person's data was deleted or is elsewhere."
            )
            self.message_user(request, message, messages.WARNING)
        return _to(referral)

    def release_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Release the hold, and return to the referral."""
        referral = self._referral(request, pk)
        if retention.release(referral, request):
            message = _(
                "The legal hold was released: this referral will be deleted when its time comes."
            )
            self.message_user(request, message, messages.SUCCESS)
        else:
            self.message_user(request, _("There was no legal hold."), messages.WARNING)
        return _to(referral)

    def _referral(self, request: HttpRequest, pk: UUID) -> Referral:
        referral: Referral = get_object_or_404(self.get_queryset(request), pk=pk)
        may_see = self.has_view_permission(request, referral)
        if not (may_see and self.may_hold(request)):
            raise PermissionDenied
        return referral


def _to(referral: Referral) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:referrals_referral_change", args=[referral.pk]))
