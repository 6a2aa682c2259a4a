"""Which listing: those that are not connected yet come first."""

from django import forms
from django.contrib.admin import AdminSite
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models import TriggerConfig
from workplace.connecting import shared

SHOWN = 100


class FindForm(forms.Form):
    q = forms.CharField(
        label=_("Find a listing"),
        required=False,
        max_length=100,
        help_text=_("Name or Caredove id."),
    )


def choose(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the person's listings, each with where it goes."""
    shared.require(request, shared.LOOKS)
    form = FindForm(request.GET)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    connected = Exists(TriggerConfig.objects.filter(listing=OuterRef("pk")))
    found = (
        shared.listings(request)
        .filter(Q(name__icontains=words) | Q(caredove_id__startswith=words))
        .annotate(connected=connected)
        .filter(Q(active=True) | Q(connected=True))
        .prefetch_related("trigger_configs__destination")
        .order_by("connected", "organization__name", "name")
    )
    return shared.page(
        site,
        request,
        "choose",
        title=gettext("Connect a listing"),
        form=form,
        listings=found[:SHOWN],
        count=found.count(),
        may_connect=shared.may_connect(request),
    )
