"""How long organizations keep what referrals say: set by administrators."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from access.scoped import RecordedAdmin
from core.database import clock
from core.web.pagination import BoundedPaginator
from integrations.admin.choosing import choose_only
from integrations.models import Organization
from referrals.models import RetentionPeriod
from referrals.record.removal import retention


class RetentionPeriodForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks once more when the period is already over for some referrals."""

    delete_now = forms.BooleanField(
        label=_("Delete what is older already"),
        required=False,
        help_text=_("Asked for when the last message on some referrals is longer ago than that."),
    )

    class Meta:
        model = RetentionPeriod
        fields = ["organization", "days", "delete_now"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "organization" in self.fields:
            choose_only(self.fields["organization"])

    def clean(self) -> None:
        super().clean()
        days = self.cleaned_data.get("days")
        organization = self._organization()
        if not days or organization is None or self.cleaned_data.get("delete_now"):
            return
        if count := retention.expired(organization, days, clock.now()).count():
            self.add_error("delete_now", too_old(count))

    def _organization(self) -> Organization | None:
        if self.instance.pk:
            return self.instance.organization  # type: ignore[no-any-return]
        return self.cleaned_data.get("organization")


def too_old(count: int) -> str:
    """Return what is told before data that is old already is deleted."""
    return ngettext(
        "The last message on {count} referral is longer ago. What it says would be deleted for "
        "good, beginning at once. Tick this if that is intended.",
        "The last message on {count} referrals is longer ago. What they say would be deleted for "
        "good, beginning at once. Tick this if that is intended.",
        count,
    ).format(count=intcomma(count))


@admin.register(RetentionPeriod)
class RetentionPeriodAdmin(RecordedAdmin):
    organization_path = "organization"
    form = RetentionPeriodForm
    paginator = BoundedPaginator  # which the lists of this app are drawn for
    list_display = ["organization", "days"]
    list_select_related = ["organization"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["organization"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return ["organization", "days", *(["delete_now"] if may else [])]
