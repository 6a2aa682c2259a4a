"""Sources and their credentials. A secret is shown once, on the page that made it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from access.scoped import TICKED
from core import audit
from integrations import credentials, destinations, sources
from integrations.admin.shared import ConfigurationAdmin, Tool
from integrations.models import Destination, Source, SourceCredential, check_hosts
from integrations.transport import SecretField

ABOUT = {
    "basic": _(
        "Dovetail makes a key id and a secret for HTTP Basic. Those that are active stay so: "
        "switch the old one off when the sender uses the new one."
    ),
    "signature": _(
        "Dovetail makes a secret for Standard Webhooks signatures. From then on this "
        "source is not believed on HTTP Basic alone: every request has to be signed."
    ),
}
MAKERS: dict[str, Callable[[Source], tuple[SourceCredential, str]]] = {
    "basic": credentials.add_basic,
    "signature": credentials.add_signing_secret,
}
TITLES = {"basic": _("Add Basic credential"), "signature": _("Add signing secret")}


class HostsField(forms.CharField):
    """A list of host names, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").split()

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


def kind_label(kind: str) -> str:
    """Return the name of a kind for people; the kind itself when its folder is gone."""
    known = sources.kinds().get(kind)
    return known.label if known else kind


def _labelled_kinds() -> list[tuple[str, str]]:
    return [(name, kind.label) for name, kind in sources.kinds().items()]


def _is_partner(kind: str) -> bool:
    known = sources.kinds().get(kind)
    return bool(known and known.answers)


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    attachment_hosts = HostsField(
        required=False,
        validators=[check_hosts],
        help_text=_("One a line. Attachments named by URL are fetched from these hosts only."),
    )
    fetch_password = SecretField(
        label=_("Password for attachments"),
        required=False,
        help_text=_("Leave it empty to keep it as it is."),
    )
    fetch_token = SecretField(
        label=_("Token for attachments"),
        required=False,
        help_text=_("Instead of user name and password. Leave it empty to keep it as it is."),
    )
    forget = forms.BooleanField(required=False, label=_("Forget the stored password and token"))
    listings_password = SecretField(
        label=_("Password for the listing API"),
        required=False,
        help_text=_("Leave it empty to keep it as it is."),
    )
    forget_listings = forms.BooleanField(required=False, label=_("Forget the stored password"))

    class Meta:
        model = Source
        fields = [
            "name",
            "kind",
            "active",
            "organizations",
            "attachment_hosts",
            "referral_url",
            "fetch_username",
            "fetch_password",
            "fetch_token",
            "listings_url",
            "listings_username",
            "listings_password",
            "destination",
            "updates",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "updates" in self.fields:
            self.fields["updates"].required = False  # left out, a partner only reads

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("listings_url") and not self.cleaned_data.get("listings_username"):
            self.add_error("listings_username", gettext("The listing API asks for a user name."))
        if self.cleaned_data.get("fetch_username") and self.cleaned_data.get("fetch_token"):
            text = gettext("Give a token, or a user name and password: not both.")
            self.add_error("fetch_token", text)

    def clean_fetch_password(self) -> str | None:
        return self._kept("fetch_password")

    def clean_fetch_token(self) -> str | None:
        return self._kept("fetch_token")

    def clean_listings_password(self) -> str | None:
        kept = self._kept("listings_password", "forget_listings")
        before, now = self.instance.listings_url, self.cleaned_data.get("listings_url", "")
        moved = bool(before) and urlsplit(before)[:2] != urlsplit(now)[:2]
        if kept and moved and not self.cleaned_data["listings_password"]:
            raise forms.ValidationError(gettext("Enter it again: it was for another address."))
        return kept

    def _kept(self, name: str, forget: str = "forget") -> str | None:
        given: str = self.cleaned_data[name]
        stored: str | None = getattr(self.instance, name)
        return given or (None if self.data.get(forget) else stored)


class SourceCredentialInline(admin.TabularInline):  # type: ignore[type-arg]
    """They are added by the buttons above, and switched off here."""

    model = SourceCredential
    fields = ["scheme", "key", "created_at", "active"]
    readonly_fields = ["scheme", "key", "created_at"]
    can_delete = False
    verbose_name_plural = _("credentials")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Source)
class SourceAdmin(ConfigurationAdmin):
    form = SourceForm
    list_display = ["name", "shown_kind", "active"]
    search_fields = ["name"]
    formfield_overrides = TICKED
    readonly_fields = ["shown_kind", "fetch_secret", "listings_secret"]
    inlines = [SourceCredentialInline]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        secrets = ["fetch_password", "fetch_token", "forget"]
        listing_secrets = ["listings_password", "forget_listings"]
        if not self.has_change_permission(request, obj) and obj:
            secrets = listing_secrets = []
        listings = ["listings_url", "listings_username", "listings_secret", *listing_secrets]
        fetch = ["attachment_hosts", "fetch_username", "fetch_secret", *secrets]
        kind = "shown_kind" if obj else "kind"  # what a source has sent is read by its kind
        partner = ("A partner’s destination", {"fields": ["destination", "updates"]})
        if obj and _is_partner(obj.kind):
            return [(None, {"fields": ["name", kind, "active"]}), partner]
        return [
            (None, {"fields": ["name", kind, "active", "organizations"]}),
            (gettext("Referrals there"), {"fields": ["referral_url"]}),
            ("Fetching attachments", {"fields": fetch}),
            (gettext("Importing service listings"), {"fields": listings}),
            *([] if obj else [partner]),
        ]

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "destination":
            answered = [name for name, kind in destinations.kinds().items() if kind.answered]
            kwargs["queryset"] = Destination.objects.filter(kind__in=answered).select_related(
                "organization"
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.limit_to_its_destination()

    @admin.display(description=_("kind"), ordering="kind")
    def shown_kind(self, source: Source) -> str:
        return kind_label(source.kind)

    @admin.display(description=_("stored"))
    def fetch_secret(self, source: Source) -> str:
        if source.fetch_token:
            return "A token"
        return "A password" if source.fetch_password else gettext("Nothing")

    @admin.display(description=_("stored"))
    def listings_secret(self, source: Source) -> str:
        return "A password" if source.listings_password else gettext("Nothing")

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            return forms.ChoiceField(choices=_labelled_kinds)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [SourceCredentialInline] if obj else []

    # -- credentials -----------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(never_cache(self.add_credential))
        own = path("<int:pk>/add/<slug:scheme>/", view, name="integrations_source_add_credential")
        return [own, *super().get_urls()]

    def tools(self, request: HttpRequest, obj: Source) -> list[Tool]:
        if not request.user.has_perm("integrations.add_sourcecredential"):
            return []
        return [
            Tool(
                str(title),
                reverse("admin:integrations_source_add_credential", args=[obj.pk, scheme]),
            )
            for scheme, title in TITLES.items()
        ]

    def add_credential(self, request: HttpRequest, pk: int, scheme: str) -> HttpResponse:
        """Ask, then make the credential and show its secret in the answer: never again."""
        source = get_object_or_404(self.get_queryset(request), pk=pk)
        if scheme not in MAKERS or not request.user.has_perm("integrations.add_sourcecredential"):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": TITLES[scheme],
            "opts": self.model._meta,
            "source": source,
            "about": ABOUT[scheme],
        }
        if request.method == "POST":
            credential, secret = MAKERS[scheme](source)
            audit.record(request, "add credential", credential)
            context |= {"credential": credential, "secret": secret}
        return TemplateResponse(request, "admin/add_credential.html", context)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for credential, _fields in getattr(formset, "changed_objects", []):
            action = "switch credential on" if credential.active else "switch credential off"
            audit.record(request, action, credential)
