"""Data partners: what each sees and reads, its agreement and tokens, the letter at its end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit
from core.database import clock
from directory.data_partners import previewing, tokens
from directory.models import (
    DataPartner,
    DataPartnerLetter,
    Directory,
    Entry,
    Kind,
    Membership,
    ScheduledExport,
    Service,
)
from directory.taking_in import take_in
from directory.views import agreements
from workplace.directory.data_partners.forms import AgreementForm, suppliers_of
from workplace.directory.data_partners.seeing import seen_by_partner
from workplace.directory.shared import name_of, shown

SAMPLE = 10  # services, of each sort
SOON = timedelta(days=30)
NOTICES = 10


def partners(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List data partners, with agreement and last call; `entry`: links to how each sees it."""
    today = _today(directory)
    rows = [
        {
            "partner": one,
            "url": _url(one),
            "state": _state(one, today),
            "see_url": reverse("admin:directory_data_partner_sees", args=[one.pk]),
        }
        for one in DataPartner.objects.all()
    ]
    context = {"rows": rows, "asked": request.GET.get("entry", "")}
    return shown(site, request, "data_partners", _("Data partners"), context)


def partner(site: AdminSite, directory: Directory, request: HttpRequest, key: int) -> HttpResponse:
    """Show one data partner; POST makes or revokes a token, or notes that the letter was sent."""
    one = get_object_or_404(DataPartner.objects.select_related("view"), pk=key)
    secret = ""
    if request.method == "POST":
        secret = _do(request, one)
        if not secret:
            return HttpResponseRedirect(request.path)
    take_in()
    one.refresh_from_db()
    now, today = clock.now(), _today(directory)
    behind = Membership.objects.filter(view=one.view, number__gt=one.read_number or 0)
    context = {
        "partner": one,
        "state": _state(one, today),
        "secret": secret,
        "counts": _counts(one),
        "sample": _sample(one, directory),
        "behind": behind.count(),
        "tokens": tokens.good(one, now),
        "may_make_token": tokens.good(one, now).count() < tokens.MOST,
        "notices": one.notices.all()[:NOTICES],
        "files": _files(one),
        "letters": one.letters.all(),
        "needs_letter": one.valid_until is not None and one.valid_until < today + SOON,
        "letter_url": reverse("admin:directory_data_partner_letter", args=[key]),
        "agreement_url": reverse("admin:directory_agreement", args=[key]),
        "list_url": reverse("admin:directory_data_partners"),
        "include": _include(one),
        "see_url": reverse("admin:directory_data_partner_sees", args=[key]),
    }
    return shown(site, request, "data_partner", one.name, context)


def agreement(
    site: AdminSite, directory: Directory, request: HttpRequest, key: int | None = None
) -> HttpResponse:
    """Edit an agreement: first what enters and leaves the view is shown, then it is saved."""
    one = DataPartner() if key is None else get_object_or_404(DataPartner, pk=key)
    form = AgreementForm(one, request.POST if request.method == "POST" else None)
    effect, mark = None, ""
    if request.method == "POST" and form.is_valid():
        form.put(one)
        mark = previewing.digest(form.cleaned_data)
        try:
            if request.POST.get("deed") == "save" and request.POST.get("seen") == mark:
                agreements.save(one)
                audit.record(request, "agreement_saved", one)
                messages.success(request, _("The agreement was saved. It holds from now on."))
                return HttpResponseRedirect(_url(one))
            effect = previewing.effect(one, directory)
        except agreements.Unusable as unusable:
            form.add_error(unusable.key if unusable.key in form.fields else None, str(unusable))
    context = {
        "form": form,
        "effect": effect and _effect(effect, directory),
        "mark": mark,
        "back_url": reverse("admin:directory_data_partners") if key is None else _url(one),
    }
    return shown(site, request, "agreement", _("Agreement"), context)


def letter(site: AdminSite, directory: Directory, request: HttpRequest, key: int) -> HttpResponse:
    """Show the letter at the end of an agreement, in each language, for staff to send."""
    one = get_object_or_404(DataPartner, pk=key, valid_until__isnull=False)
    context = {
        "partner": one,
        "directory": directory,
        "languages": [*_spoken(directory)],
        "back_url": _url(one),
    }
    return shown(site, request, "letter", _("Letter at the end of the agreement"), context)


def _spoken(directory: Directory) -> Iterator[tuple[str, str]]:
    """Yield the languages of the directory that we write, each with the name of its catalog."""
    for code, _name in settings.LANGUAGES:
        if (language := code.split("-")[0]) in directory.languages:
            yield language, code


def sees(site: AdminSite, directory: Directory, request: HttpRequest, key: int) -> HttpResponse:
    """Show an entry, by its id or number, as the data partner sees it."""
    one = get_object_or_404(DataPartner.objects.select_related("view"), pk=key)
    take_in()
    asked = request.GET.get("entry", "").strip()
    entry = _entry(asked)
    language = request.GET.get("lang", "")
    if language not in directory.languages:
        language = directory.languages[0]
    context = {
        "partner": one,
        "asked": asked,
        "entry": entry,
        "languages": directory.languages,
        "language": language,
        "text": seen_by_partner(one, entry, language) if entry else "",
        "back_url": _url(one),
    }
    return shown(site, request, "data_partner_sees", _("See as this data partner"), context)


# -- what is done ---------------------------------------------------------------------------------


def _do(request: HttpRequest, one: DataPartner) -> str:
    """Do what was pressed; return a new token, else an empty text."""
    deed = request.POST.get("deed")
    if deed == "token":
        return _make_token(request, one)
    if deed == "revoke":
        token = get_object_or_404(one.tokens, pk=_key(request.POST.get("token")))
        tokens.revoke(token)
        audit.record(request, "data_partner_token_revoked", one, token=token.pk)
        messages.success(request, _("The token was revoked. It opens nothing from now on."))
    elif deed == "letter":
        way = request.POST.get("way", "").strip()[:200]
        if way:
            DataPartnerLetter.objects.create(
                data_partner=one,
                sent_on=clock.now().date(),
                way=way,
                by=request.user.get_username(),
            )
            messages.success(request, _("It was noted that the letter was sent."))
        else:
            messages.warning(request, _("Say how the letter was sent, for example by e-mail."))
    return ""


def _make_token(request: HttpRequest, one: DataPartner) -> str:
    try:
        secret = tokens.make(one)
    except tokens.TooMany:
        messages.warning(request, _("Two tokens are valid already. Revoke one of them first."))
        return ""
    audit.record(request, "data_partner_token_made", one)
    return secret


def _key(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0


# -- what is shown --------------------------------------------------------------------------------


def _url(one: DataPartner) -> str:
    return reverse("admin:directory_data_partner", args=[one.pk])


def _today(directory: Directory) -> Any:
    return clock.now().astimezone(directory.zone).date()


def _state(one: DataPartner, today: Any) -> str:
    if not one.has_begun(today):
        return _("not begun")
    if one.has_ended(today):
        return _("ended")
    return _("valid")


def _counts(one: DataPartner) -> list[tuple[str, int]]:
    """Return how many entries of each kind the data partner sees."""
    found = Membership.objects.filter(view=one.view, present=True).order_by("entry__kind")
    counted = found.values_list("entry__kind").annotate(number=Count("pk"))
    return [(str(Kind(kind).label), number) for kind, number in counted]


def _sample(one: DataPartner, directory: Directory) -> list[tuple[str, str]]:
    """Return some services that the data partner sees: name and id."""
    found = Service.objects.filter(
        entry__memberships__view=one.view, entry__memberships__present=True
    )
    return list(_named(found.order_by("-entry__last_modified"), directory))


def _named(found: Any, directory: Directory) -> Iterator[tuple[str, str]]:
    for service in found.select_related("entry")[:SAMPLE]:
        yield name_of(service, directory), str(service.entry.hsds_id)


def _include(one: DataPartner) -> list[tuple[str, str]]:
    """Return what the agreement lets in, by the labels of its form."""
    form, suppliers = AgreementForm(one), dict(suppliers_of(one))
    statuses = dict(Service.Status.choices)
    found = []
    for key, value in one.include.items():
        field = form.fields.get(key)
        label = str(field.label) if field else key
        if isinstance(value, bool):
            text = _("Yes") if value else _("No")
        elif key == "statuses":
            text = ", ".join(str(statuses.get(word, word)) for word in value)
        elif key == "sources":
            text = ", ".join(suppliers[word] for word in value)
        else:
            text = ", ".join(value) if isinstance(value, list) else str(value)
        found.append((label, text))
    return found


def _files(one: DataPartner) -> list[dict[str, Any]]:
    """Return the files that are written for the data partner, with the last time of each."""
    exports = ScheduledExport.objects.filter(partner=one.name).select_related("destination")
    return [{"export": export, "last": export.runs.first()} for export in exports]


def _effect(effect: previewing.Effect, directory: Directory) -> dict[str, Any]:
    return {
        "entering": effect.entering.count(),
        "entering_sample": list(_named(effect.entering, directory)),
        "leaving": effect.leaving.count(),
        "leaving_sample": list(_named(effect.leaving, directory)),
        "gone": effect.gone,
        "shown": effect.shown,
    }


def _entry(text: str) -> Entry | None:
    """Return an entry by its id or its number."""
    if number := _key(text):
        return Entry.objects.filter(number=number).first()
    try:
        return Entry.objects.filter(hsds_id=UUID(text)).order_by("pk").first()
    except ValueError:
        return None
