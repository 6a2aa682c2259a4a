"""Who is told of what: recipients, when they are told, and what they have been told."""

import secrets
from base64 import b64encode
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from access.filters import RelatedFilter
from access.scoped import RecordedAdmin
from alerts import sending, sentences, words
from alerts.models import Alert, AlertDelivery, AlertKind, AlertRecipient, AlertSettings
from core import audit
from core.database.rows import update_one
from core.outbound import AddressRefused
from core.outbound.addresses import origin
from integrations.admin.choosing import choose_only
from integrations.admin.shared import Tool
from integrations.transport import DeliveryError, TryAgain
from referrals.admin.viewing import ViewOnlyAdmin

EMAIL, WEBHOOK = AlertRecipient.Channel.EMAIL, AlertRecipient.Channel.WEBHOOK
SECRET_BYTES = 32
SECONDS_BETWEEN_TESTS = 30  # of one recipient, who may not have asked for any


def check_webhook(url: str) -> None:
    """Raise ValidationError unless `url` is one that may be called."""
    try:
        scheme = origin(url).scheme
    except AddressRefused as error:
        raise ValidationError(error.message) from None
    if scheme != "https" and not settings.ALLOW_LOOPBACK:
        raise ValidationError(gettext("Only https addresses may be reached."))


class RecipientForm(forms.ModelForm):  # type: ignore[type-arg]
    may_connect: ClassVar[bool] = True
    address = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("An e-mail address; for a webhook, its https URL."),
        widget=forms.TextInput({"class": "vTextField"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Is told of"),
        choices=AlertKind.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=AlertKind.values,
    )

    class Meta:
        model = AlertRecipient
        fields = ["organization", "channel", "address", "kinds", "language", "active"]
        widgets = {"channel": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "organization" in self.fields:
            choose_only(self.fields["organization"])
        if "channel" in self.fields and not self.may_connect:
            self.fields["channel"].choices = [(EMAIL.value, EMAIL.label)]  # type: ignore[attr-defined]

    def clean(self) -> None:
        super().clean()
        address = self.cleaned_data.get("address")
        channel = self.cleaned_data.get("channel", self.instance.channel)
        if not address:
            return
        try:
            (check_webhook if channel == WEBHOOK else validate_email)(address)
        except ValidationError as error:
            self.add_error("address", error)


@admin.register(AlertRecipient)
class AlertRecipientAdmin(RecordedAdmin):
    """Liaisons and administrators set who is told; webhooks are the administrators' alone."""

    organization_path = "organization"
    form = RecipientForm
    list_display = ["shown_address", "organization", "channel", "notified_of", "active"]
    list_filter = ["channel", "active", ("organization", RelatedFilter)]
    list_select_related = ["organization"]

    # -- who may -------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_connect(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_connect(request, obj)

    def _may_connect(self, request: HttpRequest, obj: AlertRecipient | None = None) -> bool:
        if obj is not None and obj.channel != WEBHOOK:
            return True
        return obj is None or bool(request.user.has_perm("workplace.connect_webhook"))

    # -- the list and the form -----------------------------------------------------------------

    @admin.display(description=_("address"))
    def shown_address(self, recipient: AlertRecipient) -> str:
        if recipient.channel == WEBHOOK:
            return urlsplit(recipient.address).hostname or "–"  # the rest may hold a secret
        return recipient.address

    @admin.display(description=_("is told of"))
    def notified_of(self, recipient: AlertRecipient) -> str:
        if set(recipient.kinds) == set(AlertKind.values):
            return gettext("Everything")
        return ", ".join(str(AlertKind(kind).label) for kind in recipient.kinds)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not self.has_change_permission(request, obj) and obj:
            return super().get_form(request, obj, change, **kwargs)
        may = bool(request.user.has_perm("workplace.connect_webhook"))
        form = type("RecipientForm", (RecipientForm,), {"may_connect": may})
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj and not self.has_change_permission(request, obj):
            return ["organization", "channel", "shown_address", "notified_of", "active"]
        return ["organization", "channel", "address", "kinds", "language", "active"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["shown_address", "notified_of", *(["organization", "channel"] if obj else [])]

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        if obj.channel == WEBHOOK:
            return HttpResponseRedirect(self._url("secret", obj))
        message = gettext(
            "Alerts go to {address} from now on. Press “Send a test” to try it."
        ).format(address=obj.address)
        self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(self._url("change", obj))

    def _url(self, name: str, obj: AlertRecipient) -> str:
        return reverse(f"admin:workplace_alertrecipient_{name}", args=[obj.pk])

    # -- "Send a test" and the secret ----------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/test/",
                view(require_POST(self.test_view)),
                name="workplace_alertrecipient_test",
            ),
            path(
                "<int:pk>/secret/",
                view(never_cache(self.secret_view)),
                name="workplace_alertrecipient_secret",
            ),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: AlertRecipient | None = kwargs.get("obj")
        context["tools"] = self._tools(request, obj) if obj else []
        return super().render_change_form(request, context, *args, **kwargs)

    def _tools(self, request: HttpRequest, obj: AlertRecipient) -> list[Tool]:
        if not self.has_change_permission(request, obj):
            return []
        test = Tool(gettext("Send a test"), self._url("test", obj), post=True)
        secret = Tool(gettext("New secret"), self._url("secret", obj))
        return [test, secret] if obj.channel == WEBHOOK else [test]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        recipient = self._changeable(request, pk)
        try:
            if not cache.add(f"test-alert-{pk}", True, SECONDS_BETWEEN_TESTS):
                raise TryAgain(sentences.TRIED_JUST_NOW())
            sending.send_test(recipient)
        except DeliveryError as error:
            message = gettext("The test did not get through. {message}").format(
                message=error.message
            )
            self.message_user(request, message, messages.ERROR)
        else:
            self.message_user(
                request, gettext("The test was sent. Did it arrive?"), messages.SUCCESS
            )
        audit.record(request, "send a test alert", recipient)
        return HttpResponseRedirect(self._url("change", recipient))

    def secret_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then make a new secret and show it in the answer: never again."""
        recipient = self._changeable(request, pk)
        if recipient.channel != WEBHOOK:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("New secret"),
            "opts": self.model._meta,
            "recipient": recipient,
            "host": self.shown_address(recipient),
        }
        if request.method == "POST":
            secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
            update_one(AlertRecipient.objects.all(), recipient, secret=secret)
            audit.record(request, "new webhook secret", recipient)
            context["secret"] = secret
        return TemplateResponse(request, "admin/alerts/secret.html", context)

    def _changeable(self, request: HttpRequest, pk: int) -> AlertRecipient:
        recipient: AlertRecipient = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, recipient):
            raise PermissionDenied
        return recipient


@admin.register(AlertSettings)
class AlertSettingsAdmin(RecordedAdmin):
    organization_path = "organization"
    list_display = ["organization", "digest_hour", "oldest_hours"]
    list_select_related = ["organization"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["organization"] if obj else []


class DeliveryInline(admin.TabularInline):  # type: ignore[type-arg]
    """How an alert fared on its way to each recipient."""

    model = AlertDelivery
    fields = ("to", "sent_at", "tries", "due_at", "problem")
    readonly_fields = ("to", "sent_at", "tries", "due_at", "problem")
    can_delete = False
    verbose_name_plural = _("sent to")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertDelivery]:
        rows: QuerySet[AlertDelivery] = super().get_queryset(request)
        return rows.select_related("recipient")

    @admin.display(description=_("to"))
    def to(self, delivery: AlertDelivery) -> str:
        recipient = delivery.recipient
        if recipient.channel == WEBHOOK:
            return urlsplit(recipient.address).hostname or "–"
        return recipient.address


@admin.register(Alert)
class AlertAdmin(ViewOnlyAdmin):
    organization_path = "organization"
    shows_a_person = False
    list_display = ["about", "organization", "made_at", "sent"]
    list_filter = ["kind", ("organization", RelatedFilter)]
    list_select_related = ["organization", "destination"]
    fields = ["made_at", "organization", "kind", "about", "text"]
    readonly_fields = ["about", "text"]
    inlines = [DeliveryInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        rows: QuerySet[Alert] = super().get_queryset(request)
        sent = Count("deliveries", filter=Q(deliveries__sent_at__isnull=False))
        return rows.annotate(recipients=Count("deliveries"), sent=sent)

    def more(self, request: HttpRequest, obj: Alert) -> dict[str, Any]:
        """Show one alert under what it is about: its id says nothing to people."""
        return {"title": self.about(obj), "subtitle": None}

    @admin.display(description=_("about"))
    def about(self, alert: Alert) -> str:
        return words.subject(alert)

    @admin.display(description=_("what it says"))
    def text(self, alert: Alert) -> str:
        return words.text(alert)

    @admin.display(description=_("sent"))
    def sent(self, alert: Any) -> str:
        if not alert.recipients:
            return gettext("To nobody: no recipient wants it")
        return gettext("To {sent} of {recipients}").format(
            sent=alert.sent, recipients=alert.recipients
        )
