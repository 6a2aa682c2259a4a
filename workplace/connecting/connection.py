"""One listing: the form, what is missing, and what the choice would have done."""

from collections.abc import Mapping
from copy import copy

import msgspec
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit
from core.database import clock
from integrations.connections import differences_between
from integrations.hooks import listing_connected
from integrations.models import ServiceListing, TriggerConfig
from integrations.triggers import EARLY_AND_LATE, early_and_late
from referrals.answers import dry_run, readiness
from referrals.record.documents import document_of, masked_document_of
from workplace.connecting import shared
from workplace.connecting.fixing import fix_of
from workplace.connecting.forms import ConnectionForm, CopyForm, initial_from

GOES_ON = "on"
TALLY_SECONDS = 3600  # a page that was left open longer begins again


def connect(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Show, change or try the connection of a listing."""
    shared.require(request, shared.LOOKS)
    listing = shared.listing_or_404(request, pk)
    configs = shared.configs_of(request, listing)
    saved = _chosen(request, configs)
    if request.method == "POST":
        shared.require(request, shared.CHANGES)
    if not shared.may_connect(request):
        return _page(site, request, listing, configs, saved)
    # A row of its own: the form writes into it, and `saved` stays what it is.
    instance = copy(saved) if saved else TriggerConfig(listing=listing)
    wanted = request.GET.get("copy", "")
    pattern = shared.configs(request).filter(pk=wanted).first() if wanted.isdecimal() else None
    copied = initial_from(pattern, listing) if pattern else {}
    form = ConnectionForm(request.POST or None, instance=instance, initial=copied)
    tally = None
    if request.method == "POST" and form.is_valid():
        if "_dry_run" not in request.POST:
            return _save(request, form, saved)
        tally = _dry_run(request, form.instance, saved)
    return _page(site, request, listing, configs, saved, form=form, tally=tally)


def _chosen(request: HttpRequest, configs: Mapping[str, TriggerConfig]) -> TriggerConfig | None:
    """Return the connection that the URL asks for; without a word, the first there is."""
    wanted = request.GET.get("destination", "")
    if wanted:
        return configs.get(wanted)
    return None if "new" in request.GET else next(iter(configs.values()), None)


# -- what the person asked for ---------------------------------------------------------------------


def _save(request: HttpRequest, form: ConnectionForm, saved: TriggerConfig | None) -> HttpResponse:
    config: TriggerConfig = form.save()
    listing_connected(config)
    changes = list(differences_between(saved, config)) if saved else []
    audit.record(
        request,
        "change connection" if saved else "connect listing",
        config,
        changes={change.what: [change.was, change.now] for change in changes},
    )
    messages.success(request, _sentence(config, new=saved is None))
    url = reverse("admin:connect_listing", args=[config.listing_id])
    return HttpResponseRedirect(f"{url}?destination={config.destination_id}")


def _sentence(config: TriggerConfig, *, new: bool) -> str:
    sentence = (
        _("{listing} is connected to {destination}.")
        if new
        else _("The connection of {listing} to {destination} was saved.")
    )
    text = sentence.format(listing=config.listing, destination=config.destination)
    return text if config.enabled else " ".join((text, _("It is off: nothing is imported.")))


def _dry_run(
    request: HttpRequest, choice: TriggerConfig, saved: TriggerConfig | None
) -> dry_run.Tally:
    tally = _tally_of(request, choice.listing) if request.POST["_dry_run"] == GOES_ON else None
    if tally is None:
        tally = dry_run.begin(choice.listing, clock.now())
        audit.record(request, "rehearse connection", choice.listing, referrals=tally.referrals)
    sees_people = request.user.has_perm("referrals.view_referral")
    read = document_of if sees_people else masked_document_of
    dry_run.go_on(tally, choice, saved, read)
    return tally


def _tally_of(request: HttpRequest, listing: ServiceListing) -> dry_run.Tally | None:
    """Return how far the page has come; None when it has not begun."""
    try:
        carried = request.POST.get("tally", "")
        sent = signing.loads(carried, salt=_salt(request, listing), max_age=TALLY_SECONDS)
        return msgspec.convert(sent, dry_run.Tally)
    except (signing.BadSignature, msgspec.ValidationError):
        return None


def _carried(request: HttpRequest, listing: ServiceListing, tally: dry_run.Tally) -> str:
    return signing.dumps(msgspec.to_builtins(tally), salt=_salt(request, listing))


def _salt(request: HttpRequest, listing: ServiceListing) -> str:
    """What a page carries is for this person and this listing."""
    return f"dry run {listing.pk} {request.user.pk}"


# -- the page --------------------------------------------------------------------------------------


def _page(
    site: AdminSite,
    request: HttpRequest,
    listing: ServiceListing,
    configs: Mapping[str, TriggerConfig],
    saved: TriggerConfig | None,
    *,
    form: ConnectionForm | None = None,
    tally: dry_run.Tally | None = None,
) -> HttpResponse:
    copy_form = CopyForm(configs=shared.configs(request).exclude(listing=listing)) if form else None
    needs = readiness.needs(listing, saved)
    return shared.page(
        site,
        request,
        "connect",
        title=_("Connect {listing}").format(listing=listing),
        listing=listing,
        saved=saved,
        configs=configs.values(),
        form=form,
        copy_form=copy_form if copy_form and copy_form.offers else None,
        early_and_late=EARLY_AND_LATE,
        mixed=form is not None and early_and_late(form["on"].value() or []),
        needs=[fix_of(request, need, listing, saved) for need in needs],
        missing=sum(not need.met for need in needs),
        tally=tally,
        carried=_carried(request, listing, tally) if tally else "",
    )
