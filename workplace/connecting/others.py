"""Connecting other listings in the same way: choose, see what would change, agree."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from integrations import connections
from integrations.connections import Applied
from integrations.models import ServiceListing, TriggerConfig
from workplace.connecting import shared
from workplace.connecting.forms import ChooseListings


def connect_others(
    site: AdminSite, request: HttpRequest, pk: int, destination: int
) -> HttpResponse:
    """Ask for the listings, show what would become of each, then do what was agreed to."""
    shared.require(request, shared.LOOKS + shared.CHANGES)
    listing = shared.listing_or_404(request, pk)
    pattern = shared.configs_of(request, listing).get(str(destination))
    if pattern is None:
        raise Http404
    ours = shared.listings(request).filter(organization=pattern.listing.organization_id)
    offered = ours.exclude(pk=pattern.listing_id).order_by("name")
    form = ChooseListings(request.POST or None, listings=offered)
    if not form.is_valid():
        plan = connections.plan(pattern, offered)
        return _page(site, request, pattern, "others", form=form, plan=plan)
    chosen = form.chosen()
    if "_apply" in request.POST:
        return _apply(request, pattern, chosen)
    plan = connections.plan(pattern, chosen)
    return _page(site, request, pattern, "others_plan", plan=plan)


def _apply(
    request: HttpRequest, pattern: TriggerConfig, chosen: list[ServiceListing]
) -> HttpResponse:
    agreed = request.POST.getlist("agreed")
    wanted = {entry.partition(":")[0] for entry in agreed}
    digests = {entry.partition(":")[2] for entry in agreed}
    listings = [listing for listing in chosen if str(listing.pk) in wanted]
    applied = connections.apply(pattern, listings, digests)
    for config in applied.done:
        audit.record(request, "connect like another", config, like=pattern.listing.caredove_id)
    _report(request, applied)
    url = reverse("admin:connect_listing", args=[pattern.listing_id])
    return HttpResponseRedirect(f"{url}?destination={pattern.destination_id}")


def _report(request: HttpRequest, applied: Applied) -> None:
    count = len(applied.done)
    if count:
        message = ngettext(
            "{count} more listing is connected in the same way.",
            "{count} more listings are connected in the same way.",
            count,
        )
        messages.success(request, message.format(count=count))
    for listing in applied.missed:
        message = _("{listing} was changed by somebody meanwhile, and is left as it is.").format(
            listing=listing
        )
        messages.warning(request, message)
    if not count and not applied.missed:
        messages.info(request, _("Nothing was chosen, and nothing was changed."))


def _page(
    site: AdminSite, request: HttpRequest, pattern: TriggerConfig, name: str, **context: object
) -> HttpResponse:
    title = _("Connect others like {listing}").format(listing=pattern.listing)
    return shared.page(site, request, name, title=title, pattern=pattern, **context)
