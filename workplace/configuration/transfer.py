"""One organization's configuration as a file: out of this portal, and into another."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import audit
from core.compare import Outdated, agreed
from core.encryption import EncryptionError, decrypt, encrypt
from integrations.configuration import ConfigurationError, transfer
from integrations.configuration.exporting import NotExported
from integrations.configuration.exporting import export as exported
from integrations.configuration.transfer import Placeholder, Preview, may_transfer
from integrations.models import Organization
from integrations.transport import SecretField

VALID_SECONDS = 3600
PREFIX = "secret-"  # before the name of a placeholder, in the form


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("As “Export configuration” wrote it: YAML, of one organization."),
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml,.json"}),
    )

    def clean_file(self) -> bytes:
        uploaded = self.cleaned_data["file"]
        if uploaded.size > transfer.MAX_BYTES:
            raise forms.ValidationError(gettext("The file is larger than 2 MB."))
        content: bytes = uploaded.read()
        return content


class SecretsForm(forms.Form):
    """A field for each secret that the file asks for."""

    def __init__(self, *args: Any, placeholders: tuple[Placeholder, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in placeholders:
            kept = gettext("One is stored here: leave it empty to keep that.") if one.stored else ""
            self.fields[PREFIX + one.name] = SecretField(
                label=one.label,
                required=not one.stored,
                help_text=gettext("In the file: {name}. {kept}").format(name=one.name, kept=kept),
            )


def export(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Return the configuration as a file, without secrets."""
    _check(request)
    organization = get_object_or_404(Organization, pk=pk)
    try:
        text = exported(organization)
    except NotExported as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(reverse("admin:configuration_history", args=[pk]))
    audit.record(request, "export configuration", organization)
    name = f"configuration-{organization.caredove_id}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)


def take_in(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for a file, show what it would do, or do it: by what was posted."""
    _check(request)
    if "sealed" in request.POST:
        return _confirmed(site, request)
    form = FileForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_bound and form.is_valid():
        raw = form.cleaned_data["file"]
        try:
            return _preview(site, request, raw, transfer.preview(raw, {}))
        except ConfigurationError as error:
            return _ask(site, request, form, error)
    return _ask(site, request, form)


def _check(request: HttpRequest) -> None:
    if not may_transfer(request.user):
        raise PermissionDenied


def _ask(
    site: AdminSite, request: HttpRequest, form: FileForm, error: ConfigurationError | None = None
) -> HttpResponse:
    problems = [str(problem) for problem in error.problems] if error else []
    return _page(site, request, "import", {"form": form, "problems": problems})


def _preview(
    site: AdminSite,
    request: HttpRequest,
    raw: bytes,
    preview: Preview,
    form: SecretsForm | None = None,
    **values: Any,
) -> HttpResponse:
    context = {
        "preview": preview,
        "form": form or SecretsForm(placeholders=preview.placeholders),
        "sealed": _seal(request, raw),
        "digest": preview.digest(),
        **values,
    }
    return _page(site, request, "preview", context)


def _confirmed(site: AdminSite, request: HttpRequest) -> HttpResponse:
    try:
        raw = _unseal(request, request.POST["sealed"])
    except (signing.BadSignature, EncryptionError):
        messages.warning(request, gettext("That preview is too old. Start again."))
        return HttpResponseRedirect(reverse("admin:configuration_import"))
    try:
        return _apply(site, request, raw)
    except ConfigurationError as error:
        return _ask(site, request, FileForm(), error)


def _apply(site: AdminSite, request: HttpRequest, raw: bytes) -> HttpResponse:
    preview = transfer.preview(raw, {})
    form = SecretsForm(request.POST, placeholders=preview.placeholders)
    if not form.is_valid():
        return _preview(site, request, raw, preview, form)
    rows = Organization.objects.filter(caredove_id=preview.caredove_id)
    try:
        with agreed(request.POST.get("digest", ""), partial(transfer.preview, raw, {}), rows):
            transfer.take_in(raw, _given(form.cleaned_data), by=request.user.get_username())
    except Outdated:
        now = transfer.preview(raw, {})
        return _preview(site, request, raw, now, changed_meanwhile=True)
    organization = rows.get()
    audit.record(request, "import configuration", organization, changes=len(preview.changes))
    messages.success(
        request,
        gettext("The configuration of {organization} was imported.").format(
            organization=organization
        ),
    )
    return HttpResponseRedirect(reverse("admin:configuration_history", args=[organization.pk]))


def _given(cleaned: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): secret for name, secret in cleaned.items() if secret}


def _page(
    site: AdminSite, request: HttpRequest, name: str, context: dict[str, Any]
) -> HttpResponse:
    context = {**site.each_context(request), "title": gettext("Import configuration"), **context}
    return TemplateResponse(request, f"admin/configuration/{name}.html", context)


# -- The file, between the preview and its confirmation: it may hold secrets ---------------------


def _seal(request: HttpRequest, raw: bytes) -> str:
    return _signer(request).sign(encrypt(raw, _context(request)).decode())


def _unseal(request: HttpRequest, sealed: str) -> bytes:
    inner = _signer(request).unsign(sealed, max_age=VALID_SECONDS)
    return decrypt(inner.encode(), _context(request))


def _signer(request: HttpRequest) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=_context(request))


def _context(request: HttpRequest) -> str:
    return f"import configuration {request.user.pk}"
