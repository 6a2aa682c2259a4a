"""Why is it not in CRMS: a reference is asked for, and answered by a chain of checks.

What is asked stands in no URL: a referral that is found has a page under its own key, and what is
not found is kept, encrypted, with the session, so that the answer can be opened again.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from access import scope
from core import audit, encryption
from referrals.answers.explain import Explanation, asker, explain, explain_referral, find
from referrals.models import Referral
from workplace.next_steps import next_steps
from workplace.shell import may_ask

TITLE = _("Why is it not in CRMS?")
ASKED = "why"  # in the session, and what its value is encrypted for
WRITTEN_IN_GROUPS = re.compile(r"#?[\d\s–-]+")  # as people read a number out: 350-276 8696


class ReferenceForm(forms.Form):
    reference = forms.CharField(
        label=_("Reference"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 24}),
        help_text=_("Caredove's 10-digit Reference #, or another id of the referral."),
    )

    def clean_reference(self) -> str:
        """Return the reference as it is stored: of a number, its digits alone."""
        given: str = self.cleaned_data["reference"]
        number = re.sub(r"\D", "", given)
        return number if number and WRITTEN_IN_GROUPS.fullmatch(given) else given


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: ask, what was asked and not found, and the answer about a referral."""

    def page(view: Any) -> Any:
        return site.admin_view(never_cache(partial(view, site)))

    return [
        path("why/", page(ask), name="why"),
        path("why/asked/", page(answer_asked), name="why_asked"),
        path("why/<uuid:pk>/", page(answer), name="why_answer"),
    ]


def ask(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Take a reference, and go to the page of its answer."""
    _check(request)
    form = ReferenceForm(request.POST or None)
    if not form.is_valid():
        return _page(site, request, form)
    reference = form.cleaned_data["reference"]
    found = find(reference, asker.person(request.user))
    if found:
        return HttpResponseRedirect(reverse("admin:why_answer", args=[found.pk]))
    request.session[ASKED] = _sealed(reference)
    return HttpResponseRedirect(reverse("admin:why_asked"))


def answer_asked(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Answer what was asked last, of which there is no referral that the person may see."""
    _check(request)
    reference = _opened(request.session.get(ASKED, ""))
    if not reference:
        return HttpResponseRedirect(reverse("admin:why"))
    explanation = explain(reference, asker=asker.person(request.user))
    if explanation.referral:  # it has arrived meanwhile
        return HttpResponseRedirect(reverse("admin:why_answer", args=[explanation.referral.pk]))
    audit.record(request, "explain")
    return _page(site, request, ReferenceForm(), explanation)


def answer(site: AdminSite, request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer about a referral of the person's organizations."""
    _check(request)
    referral = get_object_or_404(scope.limited(Referral.objects.all(), request.user), pk=pk)
    explanation = explain_referral(referral, asker.person(request.user))
    audit.record(request, "explain", explanation.referral)
    return _page(site, request, ReferenceForm(), explanation)


def _check(request: HttpRequest) -> None:
    if not may_ask(request.user):
        raise PermissionDenied


def _page(
    site: AdminSite, request: HttpRequest, form: forms.Form, explanation: Explanation | None = None
) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": TITLE,
        "form": form,
        "explanation": explanation,
        "next_steps": next_steps(site, request, explanation) if explanation else None,
    }
    return TemplateResponse(request, "admin/why/why.html", context)


def _sealed(reference: str) -> str:
    return urlsafe_b64encode(encryption.encrypt(reference.encode(), ASKED)).decode()


def _opened(sealed: str) -> str:
    try:
        return encryption.decrypt(urlsafe_b64decode(sealed), ASKED).decode() if sealed else ""
    except encryption.EncryptionError:  # its key is gone: it is asked again
        return ""
