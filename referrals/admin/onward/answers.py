"""What a destination answered to one attempt, for those who may read it; on record when read."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core import audit
from referrals.admin.events import readable


class AnswersAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(never_cache(self.answer_view))
        own = path(
            "<uuid:pk>/attempts/<int:number>/answer/", view, name="referrals_delivery_answer"
        )
        return [own, *super().get_urls()]

    def answer_view(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        """Show headers and body of the last answer of an attempt: escaped, and short as kept."""
        if not request.user.has_perm("referrals.read_body"):
            raise PermissionDenied
        delivery = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, delivery):
            raise PermissionDenied
        attempt = get_object_or_404(delivery.attempts, number=number)
        audit.record(request, "read answer", delivery, attempt=number)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Answer to attempt {number}").format(number=number),
            "opts": self.model._meta,
            "delivery": delivery,
            "attempt": attempt,
            "body": readable(attempt.body.encode("utf-8", "replace")),
        }
        return TemplateResponse(request, "admin/referrals/answer.html", context)
