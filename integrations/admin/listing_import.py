"""The pages that import service listings: where from, then what would change, then doing it.

Between the preview and its confirmation nothing is kept: the page itself carries the rows, signed
for this person and this organization.
"""

from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import scope
from core import audit
from core.compare import Comparison, Effect, Outdated, agreed
from integrations.admin.choosing import choose_first
from integrations.admin.shared import ConfigurationAdmin
from integrations.listings import comparing, files
from integrations.listings.asking import ask, sources_for
from integrations.listings.comparing import Brought, Line
from integrations.listings.offers import Offer, Unreadable
from integrations.models import Organization, Source

VALID_SECONDS = 3600
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ChooseOrganization(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.none(), label=_("Organization"))

    def __init__(self, *args: Any, organizations: QuerySet[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["organization"]
        choice.queryset = organizations


class AskForm(forms.Form):
    """Which source is asked; there is hardly ever more than one."""

    source = forms.ModelChoiceField(Source.objects.none(), label=_("Ask"), empty_label=None)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["source"]
        choice.queryset = sources_for(organization)


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV or Excel (.xlsx). The first row names the columns: id and name; category, "
            "active and organization if you like."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,text/csv"}),
    )

    def clean_file(self) -> Offer:
        uploaded = self.cleaned_data["file"]
        if uploaded.size > files.MAX_BYTES:
            raise forms.ValidationError(
                gettext("The file is larger than {value} MB.").format(
                    value=files.MAX_BYTES // 1024**2
                )
            )
        try:
            return files.read(uploaded.read())
        except Unreadable as error:
            raise forms.ValidationError(error.message) from None


class ListingImport(ConfigurationAdmin):
    """The pages, as a part of the admin of listings."""

    def get_urls(self) -> list[Any]:
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"{_NAME}_{name}")
            for name, view in (("import", self.import_view), ("export", self.export_view))
        ]
        return [*own, *super().get_urls()]

    def may_import(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"may_import_listings": self.may_import(request)}
        return super().changelist_view(request, {**(extra_context or {}), **shown})

    # -- Import ------------------------------------------------------------------------------------

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Ask where from, show what would change, or do it: by what was posted."""
        if not self.may_import(request):
            raise PermissionDenied
        organizations = _organizations(request)
        chosen = ChooseOrganization(request.GET or None, organizations=organizations)
        if not chosen.is_valid():
            only = organizations.first() if organizations.count() == 1 else None
            if only is None:
                return choose_first(self, request, chosen, title=str(_TITLE))
            return HttpResponseRedirect(import_url(only))
        organization = chosen.cleaned_data["organization"]
        if "offer" in request.POST:
            return self._confirmed(request, organization)
        return self._where_from(request, organization)

    def _where_from(self, request: HttpRequest, organization: Organization) -> HttpResponse:
        asked = "ask" in request.POST
        sent = request.method == "POST" and not asked
        asking = AskForm(request.POST if asked else None, organization=organization)
        file = FileForm(request.POST, request.FILES) if sent else FileForm()
        failed = ""
        if asking.is_bound and asking.is_valid():
            try:
                offer = ask(asking.cleaned_data["source"], organization)
                return self._preview(request, organization, offer)
            except Unreadable as error:
                failed = error.message
        elif file.is_bound and file.is_valid():
            return self._preview(request, organization, file.cleaned_data["file"])
        context = {"asking": asking, "file": file, "failed": failed}
        return self._page(request, "where_from", organization, context)

    def _preview(
        self, request: HttpRequest, organization: Organization, offer: Offer, changed: bool = False
    ) -> HttpResponse:
        comparison = comparing.compare(offer, organization)
        context = {
            "offer": offer,
            "comparison": comparison,
            "groups": {effect.value: comparison.of(effect) for effect in Effect},
            "signed": _signed(request, organization, offer, comparison),
            "changed_meanwhile": changed,
        }
        return self._page(request, "preview", organization, context)

    def _confirmed(self, request: HttpRequest, organization: Organization) -> HttpResponse:
        try:
            message = signing.loads(
                request.POST["offer"], salt=_salt(request, organization), max_age=VALID_SECONDS
            )
        except signing.BadSignature:
            self.message_user(
                request, gettext("That preview is too old. Start again."), messages.WARNING
            )
            return HttpResponseRedirect(import_url(organization))
        offer = Offer.from_json(message["offer"])
        chosen, ended = request.POST.getlist("take"), request.POST.getlist("end")
        now = partial(comparing.compare, offer, organization)
        try:
            with agreed(message["digest"], now, Organization.objects.filter(pk=organization.pk)):
                brought = comparing.bring_in(offer, organization, set(chosen), set(ended))
        except Outdated:
            return self._preview(request, organization, offer, changed=True)
        self._report(request, organization, brought)
        listings = reverse(f"admin:{_NAME}_changelist")
        return HttpResponseRedirect(f"{listings}?organization__id__exact={organization.pk}")

    def _report(self, request: HttpRequest, organization: Organization, brought: Brought) -> None:
        counts = {"added": brought.added, "changed": brought.changed, "ended": brought.ended}
        audit.record(request, "import listings", organization, **counts)
        self.message_user(
            request,
            gettext(
                "{organization}: {added} added, {changed} changed, {ended} marked as not "
                "listed any more."
            ).format(
                organization=organization,
                added=brought.added,
                changed=brought.changed,
                ended=brought.ended,
            ),
            messages.SUCCESS,
        )

    def _page(
        self, request: HttpRequest, name: str, organization: Organization, context: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _TITLE,
            "opts": self.model._meta,
            "organization": organization,
            **context,
        }
        template = f"admin/integrations/servicelisting/import_{name}.html"
        return TemplateResponse(request, template, context)

    # -- Export ------------------------------------------------------------------------------------

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Return an organization's listings as a file that can be changed and imported again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = ChooseOrganization(request.GET, organizations=_organizations(request))
        kind = request.GET.get("format", "csv")
        if not chosen.is_valid() or kind not in FORMATS:
            return HttpResponseRedirect(reverse(f"admin:{_NAME}_changelist"))
        organization = chosen.cleaned_data["organization"]
        table = comparing.export(organization.listings.order_by("name", "pk"))
        # Without the mark Excel takes UTF-8 for Windows-1252.
        content = "\ufeff" + table.export("csv") if kind == "csv" else table.export(kind)
        audit.record(request, "export listings", organization)
        name = f"listings-{organization.caredove_id}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type=FORMATS[kind], headers=headers)


_NAME = "integrations_servicelisting"
_TITLE = _("Import service listings")


def import_url(organization: Organization) -> str:
    return reverse(f"admin:{_NAME}_import") + f"?organization={organization.pk}"


def _organizations(request: HttpRequest) -> QuerySet[Organization]:
    return scope.limited(Organization.objects.all(), request.user, "pk")


def _salt(request: HttpRequest, organization: Organization) -> str:
    return f"import listings {organization.pk} {request.user.pk}"


def _signed(
    request: HttpRequest, organization: Organization, offer: Offer, comparison: Comparison[Line]
) -> str:
    values = {"offer": offer.as_json(), "digest": comparison.digest()}
    return signing.dumps(values, salt=_salt(request, organization), compress=True)
