"""What is done in onboarding: credentials, the word that a preview was seen, going live."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit
from integrations import credentials as new_credentials
from integrations import sources
from integrations.hooks import listing_connected
from integrations.models import Organization, Source, SourceCredential
from workplace.connecting.shared import CHANGES
from workplace.models import PreviewSeen
from workplace.onboarding.showing import configs_of, organization_or_404, require, show

NAME_LENGTH = 100


class ChooseSource(forms.Form):
    """Which sender gets the credential."""

    source = forms.ModelChoiceField(Source.objects.none(), required=False)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["source"]
        sends = Q(organizations=organization) | Q(organizations=None)
        able = Source.objects.filter(sends, active=True, kind__in=sources.sending_kinds())
        field.queryset = able.distinct()
        field.empty_label = _("A new one, for {organization} alone").format(
            organization=organization
        )


def credentials(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the source, then make a credential and show its secret in the answer: never again."""
    organization = organization_or_404(request, pk)
    require(request, "integrations.add_sourcecredential", "integrations.add_source")
    form = ChooseSource(request.POST or None, organization=organization)
    context: dict[str, Any] = {"organization": organization, "form": form}
    if request.method == "POST" and form.is_valid():
        credential, secret = _make(request, organization, form.cleaned_data["source"])
        context |= {"credential": credential, "secret": secret}
        context |= _letter(request, credential.source.kind)
    title = _("Credentials for {organization}").format(organization=organization)
    return show(site, request, "credentials", title=title, **context)


def _make(
    request: HttpRequest, organization: Organization, source: Source | None
) -> tuple[SourceCredential, str]:
    with transaction.atomic():
        source = source or _new_source(organization)
        credential, secret = new_credentials.add_basic(source)
        audit.record(request, "add credential", credential)
    return credential, secret


def _new_source(organization: Organization) -> Source:
    """Return a new source that may send for this organization alone."""
    kind = sources.source_kind(sources.default_kind())
    name = f"{kind.label} – {organization}"[:NAME_LENGTH]
    if Source.objects.filter(name=name).exists():
        name = f"{name[: NAME_LENGTH - 20]} ({organization.caredove_id[:16]})"
    source, _ = Source.objects.get_or_create(name=name)
    source.organizations.set([organization])
    return source


def _letter(request: HttpRequest, source_kind: str) -> dict[str, Any]:
    """Return what the text for senders of a kind says: who they are, and where they post."""
    kind = sources.source_kind(source_kind)
    names = [f"{source_kind}-{endpoint.name}" for endpoint in kind.endpoints]
    urls = [request.build_absolute_uri(reverse(name)) for name in names]
    return {
        "sender": kind.label,
        "endpoints": list(zip(kind.endpoints, urls, strict=True)),
        "docs_url": request.build_absolute_uri(reverse("docs")),
    }


def preview_seen(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Write down that this person has seen what will be sent."""
    organization = organization_or_404(request, pk)
    require(request, *CHANGES)
    by = {"by_id": request.user.pk}
    PreviewSeen.objects.get_or_create(organization=organization, defaults=by)
    audit.record(request, "preview seen", organization)
    return _back(organization, "preview")


def go_live(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Switch the chosen connections on."""
    organization = organization_or_404(request, pk)
    require(request, *CHANGES)
    chosen = request.POST.getlist("config")
    off = configs_of(organization).filter(enabled=False)
    for config in [one for one in off if str(one.pk) in chosen]:
        config.enabled = True
        config.save()
        listing_connected(config)
        audit.record(request, "go live", config)
        messages.success(request, _("{config} is on.").format(config=config))
    return _back(organization, "live")


def _back(organization: Organization, anchor: str) -> HttpResponse:
    url = reverse("admin:onboarding", args=[organization.pk])
    return HttpResponseRedirect(f"{url}#{anchor}")
