"""Undo, in place: beside the message that says what was done."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from referrals.delivering.decisions import undoing
from referrals.models import Deed, Delivery
from referrals.running.tasks import wake_delivery


class UndoingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.undo_view))
        return [
            path("undo/<uuid:deed>/", view, name="referrals_delivery_undo"),
            *super().get_urls(),
        ]

    def _report_done(
        self,
        request: HttpRequest,
        what: Deed.What,
        done: list[tuple[Delivery, undoing.Before]],
        text: Any,
        after: undoing.Before | None = None,
        **words: str,
    ) -> None:
        """Say what was done, with a button that undoes it.

        `text` is a lazy sentence with a count. The form that the button belongs to stands in
        `admin/base_site.html`.
        """
        if not done:
            return
        deed = undoing.remember(what, request.user, done, after)  # type: ignore[arg-type]
        url = reverse("admin:referrals_delivery_undo", args=[deed.pk])
        button = format_html(
            '<button form="undo" formaction="{}" class="btn tiny">{}</button>', url, _("Undo")
        )
        sentence = text % {"count": len(done), **words}
        self.message_user(request, format_html("{} {}", sentence, button), messages.SUCCESS)

    def undo_view(self, request: HttpRequest, deed: UUID) -> HttpResponse:
        """Undo what this person has just done, and return to the page where that was said."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        done = Deed.objects.filter(pk=deed).first()
        mine = self.get_queryset(request)
        undone = undoing.undo(done, mine, request.user) if done else []  # type: ignore[arg-type]
        for delivery in undone:
            if delivery.state == delivery.State.QUEUED:
                wake_delivery(delivery.pk)
        if undone:
            count = len(undone)
            message = ngettext(
                "Undone for %(count)s import.", "Undone for %(count)s imports.", count
            )
            self.message_user(request, message % {"count": count}, messages.SUCCESS)
        if not done or len(undone) < len(done.before):
            self.message_user(
                request,
                _("What has gone on since, or was done more than an hour ago, is not undone."),
                messages.WARNING,
            )
        return HttpResponseRedirect(_where_from(request))

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("referrals.decide_delivery"))


def _where_from(request: HttpRequest) -> str:
    """Return the page of ours that the button was pressed on, or the list."""
    page = request.META.get("HTTP_REFERER", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if page and ours else reverse("admin:referrals_delivery_changelist")
