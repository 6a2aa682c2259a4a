"""Sending what has come of a referral since its data was deleted: a person looks first."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from django.views.decorators.http import require_POST

from referrals.admin.notes import DECIDE
from referrals.delivering.decisions.completing import count_as_complete

SENT = ngettext_lazy(
    "%(count)s destination gets what is known now.",
    "%(count)s destinations get what is known now.",
    "count",
)
NOT_SENT = _("Nothing was sent: the referral is complete already, or its data is deleted.")


class CompletingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        own = path(
            "<uuid:pk>/complete/",
            self.admin_site.admin_view(require_POST(self.complete_view)),
            name="referrals_referral_complete",
        )
        return [own, *super().get_urls()]

    def complete_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Let what is known now go where the referral is kept current."""
        referral = get_object_or_404(self.get_queryset(request), pk=pk)
        if not (self.has_view_permission(request, referral) and request.user.has_perm(DECIDE)):
            raise PermissionDenied
        count = count_as_complete(referral, request.user)  # type: ignore[arg-type]
        if count is None:
            self.message_user(request, NOT_SENT, messages.WARNING)
        else:
            self.message_user(request, SENT % {"count": count}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:referrals_referral_change", args=[pk]))
