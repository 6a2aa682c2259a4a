"""Writing a note on a referral."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from referrals.models import Referral
from referrals.record import notes

DECIDE = "referrals.decide_delivery"
NOTE = "note-text"  # the field, on the page of the referral


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note for colleagues"),
        help_text=_(
            "Whoever may open this referral can read it. It is encrypted, and deleted with the "
            "person's data."
        ),
        max_length=notes.LONGEST,
        widget=forms.Textarea({"rows": 3}),
    )


def may_write(request: HttpRequest, referral: Referral) -> bool:
    """Return whether this person may write a note on the referral."""
    gone = referral.purged_at or referral.merged_into_id
    return not gone and request.user.has_perm(DECIDE)


class NotesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        view = require_POST(sensitive_post_parameters()(self.note_view))
        own = path(
            "<uuid:pk>/note/", self.admin_site.admin_view(view), name="referrals_referral_note"
        )
        return [own, *super().get_urls()]

    def note_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Keep the note, and return to the story of the referral."""
        referral = get_object_or_404(self.get_queryset(request), pk=pk)
        if not (self.has_view_permission(request, referral) and request.user.has_perm(DECIDE)):
            raise PermissionDenied
        form = NoteForm(request.POST)
        if not form.is_valid():
            # What was written is not repeated: messages are stored in the open.
            self.message_user(request, str(form.errors["text"][0]), messages.WARNING)
        elif notes.add(referral, form.cleaned_data["text"], request.user):  # type: ignore[arg-type]
            self.message_user(request, _("The note is kept with the referral."), messages.SUCCESS)
        else:
            message = _("The note was not kept: the person's data is deleted, or is elsewhere.")
            self.message_user(request, message, messages.WARNING)
        page = reverse("admin:referrals_referral_change", args=[pk])
        return HttpResponseRedirect(f"{page}#timeline")
