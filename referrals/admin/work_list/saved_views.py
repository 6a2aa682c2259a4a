"""Views of the work list that people keep: filters and columns under a name, some shared."""

from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from access import scope
from core import audit
from integrations.models import Organization
from referrals.models import SavedView

MOST = 20  # of one person, so that all stand in a line
LONGEST = 2_000  # characters of a query
LONGEST_VALUE = 40
SHARED_BY = "referrals.decide_delivery"  # whoever works on imports shares views with colleagues


def seen_by(user: Any) -> QuerySet[SavedView]:
    """Return a person's own views, and those that are shared in their organizations."""
    shared = Q(organization__isnull=False)
    if not scope.sees_all(user):
        shared = Q(organization__in=scope.organization_ids(user))
    return SavedView.objects.filter(Q(owner=user.pk) | shared)


def query_of(given: str, words: set[str]) -> str:
    """Return of a query what a view may keep: filters and columns, in one order.

    What somebody searched for is not kept: it may be a name.
    """
    pairs = parse_qsl(given[:LONGEST].replace("\0", ""))
    known = (pair for pair in pairs if pair[0] in words and len(pair[1]) <= LONGEST_VALUE)
    return urlencode(sorted(known))


class ViewForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the view"), help_text=_("Without names of people, please."), max_length=60
    )
    organization = forms.ModelChoiceField(
        Organization.objects.none(), label=_("Share with"), required=False
    )

    def __init__(self, organizations: QuerySet[Organization], data: Any = None) -> None:
        super().__init__(data)
        field: Any = self.fields["organization"]
        field.queryset = organizations


class SavedViewsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    view_words: ClassVar[set[str]]  # what a view may keep

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "views/save/",
                wrap(require_POST(self.save_view)),
                name="referrals_delivery_save_view",
            ),
            path(
                "views/<int:view>/delete/",
                wrap(require_POST(self.delete_view_of_list)),
                name="referrals_delivery_delete_view",
            ),
            *super().get_urls(),
        ]

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the filters and columns that are shown, in place of one's view of that name."""
        self._check(request)
        query = query_of(request.POST.get("query", ""), self.view_words)
        form = ViewForm(self._organizations(request), request.POST)
        user: Any = request.user
        own = SavedView.objects.filter(owner=user)
        if not form.is_valid():
            self.message_user(
                request, _("The view was not saved: give it a name."), messages.WARNING
            )
        elif own.exclude(name=form.cleaned_data["name"]).count() >= MOST:
            message = _("The view was not saved: you have %(count)s already.") % {"count": MOST}
            self.message_user(request, message, messages.WARNING)
        else:
            kept, _made = SavedView.objects.update_or_create(
                owner=user,
                name=form.cleaned_data["name"],
                defaults={"query": query, "organization": form.cleaned_data["organization"]},
            )
            audit.record(request, "save view", kept)
            self.message_user(request, _("The view is saved."), messages.SUCCESS)
        return _to_list(query)

    def delete_view_of_list(self, request: HttpRequest, view: int) -> HttpResponse:
        """Delete one's own view; whoever sees all organizations deletes any that is shared."""
        self._check(request)
        mine = Q(owner=request.user.pk)
        if scope.sees_all(request.user):
            mine |= Q(organization__isnull=False)
        kept = SavedView.objects.filter(mine, pk=view).first()
        if kept:
            audit.record(request, "delete view", kept)
            kept.delete()
            self.message_user(request, _("The view is deleted."), messages.SUCCESS)
        return _to_list("")

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _organizations(self, request: HttpRequest) -> QuerySet[Organization]:
        """Return the organizations with which this person may share a view."""
        if not request.user.has_perm(SHARED_BY):
            return Organization.objects.none()
        return scope.limited(Organization.objects.all(), request.user, "pk")


def _to_list(query: str) -> HttpResponse:
    url = reverse("admin:referrals_delivery_changelist")
    return HttpResponseRedirect(f"{url}?{query}" if query else url)
