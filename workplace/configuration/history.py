"""All changes of one organization's configuration, in the order of time."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import make_aware
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import scope
from integrations.configuration.transfer import may_transfer
from integrations.history.changes import Change, Trail, Wanted
from integrations.history.sorts import SORTS, Sort
from integrations.models import Organization, Source, SourceCredential

PER_PAGE = 25
ADMINISTRATORS_ONLY = (Source, SourceCredential)  # as in their own pages


class FilterForm(forms.Form):
    who = forms.ChoiceField(required=False)
    what = forms.ChoiceField(required=False)
    since = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until = forms.DateField(
        required=False, label=_("To"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )

    def __init__(self, data: Any, trail: Trail) -> None:
        super().__init__(data)
        people = [(str(user.pk), user.get_username()) for user in trail.authors()]
        sorts = [(sort.key, sort.label) for sort in trail.sorts]
        self.fields["who"] = forms.ChoiceField(
            label=_("Who"), choices=[("", gettext("Anybody")), *people], required=False
        )
        self.fields["what"] = forms.ChoiceField(
            label=_("What"), choices=[("", gettext("Anything")), *sorts], required=False
        )

    def wanted(self, organization: Organization) -> Wanted:
        """Return what is looked for; days are those of the organization."""
        if not self.is_valid():
            return Wanted()
        text = self.cleaned_data

        def midnight(day: Any, later: int = 0) -> datetime | None:
            if not day:
                return None
            return make_aware(datetime.combine(day + timedelta(later), time()), organization.zone)

        return Wanted(
            who=int(text["who"]) if text["who"] else None,
            what=text["what"] or None,
            since=midnight(text["since"]),
            until=midnight(text["until"], later=1),
        )


def show(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Show the changes that the person may see, a page at a time."""
    if not request.user.has_perm("integrations.view_organization"):
        raise PermissionDenied
    seen = scope.limited(Organization.objects.all(), request.user, "pk")
    organization = get_object_or_404(seen, pk=pk)
    everything = Trail(organization, _sorts(request.user))
    form = FilterForm(request.GET or None, everything)
    trail: Any = Trail(organization, everything.sorts, form.wanted(organization))
    page: Any = Paginator(trail, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **site.each_context(request),
        "title": gettext("Configuration history"),
        "organization": organization,
        "form": form,
        "filtered": form.is_bound and form.is_valid() and any(form.cleaned_data.values()),
        "page": page,
        "changes": [(change, _url(change)) for change in page.object_list],
        "query": _query(request),
        "may_export": may_transfer(request.user),
    }
    return TemplateResponse(request, "admin/configuration/history.html", context)


def _sorts(user: Any) -> list[Sort]:
    return [
        sort
        for model, sort in SORTS.items()
        if user.has_perm(f"{model._meta.app_label}.view_{sort.key}")
        and (model not in ADMINISTRATORS_ONLY or scope.sees_all(user))
    ]


def _url(change: Change) -> str:
    """Return the page of the version that this change made, if it has one."""
    record = change.record
    model = getattr(record, "instance_type", None)
    try:
        if model is None:
            return reverse("admin:mapping_mapping_change", args=[record.mapping_id])
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_simple_history"
        return reverse(name, args=[record.id, record.pk])
    except NoReverseMatch:  # credentials have no page of their own
        return ""


def _query(request: HttpRequest) -> str:
    """Return the filters as the beginning of a query, for links to other pages."""
    query = request.GET.copy()
    query.pop("page", None)
    return f"{query.urlencode()}&" if query else ""
