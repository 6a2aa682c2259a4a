"""Destinations: the options of each kind as fields of one form, and "Test connection"."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.utils import pretty_name
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST

from access.filters import labeled_by
from core import audit
from integrations import destinations
from integrations.admin.choosing import choose_first, choose_only
from integrations.admin.shared import ConfigurationAdmin, Tool
from integrations.capabilities import Capability, How, Standing
from integrations.models import Destination
from integrations.transport import (
    ATTACHMENT,
    DECLARED_CHOICES,
    SUMMARY,
    UNDECLARED,
    DeclaredField,
    DeliveryError,
    SecretField,
)
from mapping.engine.targets import kind_label

PREFIX = "options"
NAMED = 10  # referrals, on the page of a destination
SHOWN = "shown by a test of the connection"
SHOWN_SECONDS = 3600
LIMITS = ("at_once", "per_minute")
ALLOWED = ("allowed_fields", "allowed_files")
STANDING_FIELDS = ("standing", "singled_out", "shown_capabilities", "last_good_test")


LABELS = {
    Capability.RECOGNIZES_KEYS: gettext_lazy("Keeps one copy of a file sent twice"),
    Capability.LISTS_FILES: gettext_lazy("Lists the files of a referral"),
    Capability.SEARCH_FINDS: gettext_lazy("Its search finds a referral that is there"),
    Capability.SEARCH_FILTERS: gettext_lazy("Its search lists no other referral"),
}
WHAT_PROVES = {
    Capability.RECOGNIZES_KEYS: gettext_lazy("A test event proves it (Onboarding)."),
    Capability.LISTS_FILES: gettext_lazy("The next import proves it."),
    Capability.SEARCH_FINDS: gettext_lazy(
        "The next import proves it, and so does a test of the connection."
    ),
    Capability.SEARCH_FILTERS: gettext_lazy(
        "The next import proves it, and so does a test of the connection."
    ),
}


def in_words(one: Standing) -> str:
    """Return how a capability is known, since when, and by whom."""
    day = date_format(timezone.localtime(one.at), "DATE_FORMAT") if one.at else ""
    if one.yes:
        how_to = str(WHAT_PROVES[one.capability])
    else:
        how_to = _("Choose “Not declared” to have it tested.")
    match one.how:
        case How.PROVED:
            return _("yes, proved on {day}.").format(day=day)
        case How.DISPROVED:
            return _("no, disproved on {day}. {because}").format(day=day, because=one.because)
        case How.DECLARED_AT_UPGRADE:
            sentence = (
                _("yes, declared at upgrade on {day}, not tested. {how_to}")
                if one.yes
                else _("no, declared at upgrade on {day}, not tested. {how_to}")
            )
            return sentence.format(day=day, how_to=how_to)
        case How.DECLARED:
            return _declared(one, day)
    return _("not proved yet. {how_to}").format(how_to=WHAT_PROVES[one.capability])


def _declared(one: Standing, day: str) -> str:
    """Return who declared a capability, and when, as far as that is known."""
    if one.by and day:
        sentence = (
            _("yes, declared by {who} on {day}, not tested.")
            if one.yes
            else _("no, declared by {who} on {day}, not tested.")
        )
    elif day:
        sentence = (
            _("yes, declared on {day}, not tested.")
            if one.yes
            else _("no, declared on {day}, not tested.")
        )
    else:
        sentence = _("yes, declared, not tested.") if one.yes else _("no, declared, not tested.")
    return sentence.format(who=one.by, day=day)


def option_fields(kind: str) -> dict[str, forms.Field]:
    """Return the fields of a kind's options by name."""
    fields: dict[str, forms.Field] = destinations.transport_class(kind).OptionsForm.base_fields
    return fields


def rarely_changed(kind: str) -> set[str]:
    """Return the options that whoever does not know better can leave as they are."""
    main = destinations.transport_class(kind).OptionsForm.main
    return {
        name
        for name, field in option_fields(kind).items()
        if not (field.required or isinstance(field, SecretField) or name in main)
    }


class ChooseKind(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=lambda: [*_labelled_kinds()])


def _labelled_kinds() -> list[tuple[str, str]]:
    return [(kind, str(transport.label)) for kind, transport in destinations.kinds().items()]


class NamesField(forms.CharField):
    """A list of names, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in str(value or "").splitlines())
        return [line for line in lines if line]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class FilesField(forms.TypedChoiceField):
    """Categories of files; None for what is usual for the kind."""

    NONE = "none"

    def __init__(self, **kwargs: Any) -> None:
        choices = [
            ("", gettext_lazy("What is usual for this kind")),
            (self.NONE, gettext_lazy("None")),
            (SUMMARY, gettext_lazy("The Referral Summary")),
            (ATTACHMENT, gettext_lazy("Attachments")),
            (
                f"{SUMMARY} {ATTACHMENT}",
                gettext_lazy("The Referral Summary and attachments"),
            ),
        ]
        super().__init__(choices=choices, coerce=self._categories, empty_value=None, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return " ".join(one for one in (SUMMARY, ATTACHMENT) if one in value) or self.NONE

    def _categories(self, given: str) -> list[str]:
        return [] if given == self.NONE else given.split()


class DestinationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A destination, and the options of its kind as fields beside its own."""

    kind: ClassVar[str]
    allowed_fields = NamesField(
        label=gettext_lazy("Fields that may leave"),
        required=False,
        help_text=gettext_lazy(
            "One a line: a field such as registrant.phone_1, a group such as registrant, "
            "requester, appointment, answers, messages, status or also_sent, or all. Nothing else "
            "leaves, in whatever form. Empty: none."
        ),
    )
    allowed_files = FilesField(label=gettext_lazy("Files that may leave"), required=False)

    class Meta:
        model = Destination
        fields = ["organization", "name", *LIMITS, *ALLOWED]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = self.kind
        if "organization" in self.fields:
            choose_only(self.fields["organization"])
        self.options = destinations.transport_class(self.kind).OptionsForm(
            self.data if self.is_bound else None,
            prefix=PREFIX,
            initial=self.instance.options,
        )
        for name, field in self.options.fields.items():
            self._add_option(name, field)

    def _add_option(self, name: str, field: forms.Field) -> None:
        stored = self.instance.options.get(name)
        field.label = field.label or _(pretty_name(name))
        if isinstance(field.widget, forms.TextInput):
            field.widget.attrs.setdefault("class", "vTextField")
        if isinstance(field, DeclaredField):
            self._show_declared(name, field)
        elif not isinstance(field, SecretField):
            self.initial.setdefault(f"{PREFIX}-{name}", field.initial if stored is None else stored)
        elif stored:
            kept = _("A value is stored. Leave this empty to keep it.")
            field.help_text = f"{field.help_text} {kept}".strip()
        self.fields[f"{PREFIX}-{name}"] = field

    def _show_declared(self, name: str, field: DeclaredField) -> None:
        """Let nobody declare by the way what is only kept from before the upgrade."""
        stored = self.instance.options.get(name)
        shown = UNDECLARED if stored is None else stored
        if name in self.instance.declared_at_upgrade():
            as_it_is = _("Yes") if stored else _("No")
            kept = _("{as_it_is}, as before the upgrade: nobody has confirmed it").format(
                as_it_is=as_it_is
            )
            field.choices, shown = [("", kept), *DECLARED_CHOICES], ""
        self.initial.setdefault(f"{PREFIX}-{name}", shown)

    def clean(self) -> None:
        super().clean()
        for name, errors in self.options.errors.items():
            field = None if name == "__all__" else f"{PREFIX}-{name}"
            if field is None or field not in self.errors:
                self.add_error(field, errors)
        if self.options.is_valid():
            self.instance.options = dict(self.options.cleaned_data)


@admin.register(Destination)
class DestinationAdmin(ConfigurationAdmin):
    organization_path = "organization"
    list_display = ["name", "organization", "shown_kind", "standing", "last_good_test"]
    list_filter = [("kind", labeled_by(kind_label)), "organization"]
    list_select_related = ["organization"]
    search_fields = ["name", "organization__name"]
    readonly_fields = [
        "shown_kind",
        "standing",
        "singled_out",
        "shown_capabilities",
        "last_good_test",
        "shown_options",
    ]
    actions = ["test_connections"]

    @admin.display(description=gettext_lazy("kind"))
    def shown_kind(self, destination: Destination) -> str:
        return kind_label(destination.kind)

    @admin.display(description=gettext_lazy("connection"))
    def standing(self, destination: Destination) -> str:
        if destination.paused_at is None:
            return destination.recovering or pgettext("connection", "Open")
        if destination.is_down:
            return _(
                "{reason} Nothing is lost. Dovetail tries to reach it at least every 15 minutes, "
                "and when you press “Test connection”. What is waiting will be sent automatically."
            ).format(reason=destination.paused)
        sentence = (
            _(
                "Paused: {reason} It was referral {reference}. Nothing is lost. Fix it, then press "
                "“Test connection”. What is waiting will be sent automatically."
            )
            if destination.paused_by
            else _(
                "Paused: {reason} Nothing is lost. Fix it, then press “Test connection”. What is "
                "waiting will be sent automatically."
            )
        )
        return sentence.format(reason=destination.paused_reason, reference=destination.paused_by)

    @admin.display(description=gettext_lazy("refused alone"))
    def singled_out(self, destination: Destination) -> str:
        """Name the referrals that wait for a person because only they are refused."""
        waiting = destination.deliveries.filter(reason="singled_out").order_by("opened_at")
        named = list(waiting.values_list("reference", flat=True)[: NAMED + 1])
        names = ", ".join(named[:NAMED])
        if len(named) > NAMED:
            return _("{names} and more").format(names=names)
        return names or _("None")

    @admin.display(description=gettext_lazy("what it can do"))
    def shown_capabilities(self, destination: Destination) -> str:
        standings = [(LABELS[one.capability], in_words(one)) for one in destination.standings()]
        if not standings:
            return _("Nothing of this kind of destination is to be proved.")
        return "\n".join(f"{label}: {words}" for label, words in standings)

    @admin.display(description=gettext_lazy("last good test"), ordering="checked_at")
    def last_good_test(self, destination: Destination) -> str:
        if destination.checked_at is None:
            return _("Never")
        return date_format(timezone.localtime(destination.checked_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("options"))
    def shown_options(self, destination: Destination) -> str:
        fields, not_set = option_fields(destination.kind), _("not set")
        return "\n".join(
            f"{fields[name].label or name}: {not_set if value is None else value}"
            for name, value in destination.options.items()
            if name in fields and not isinstance(fields[name], SecretField)
        )

    # -- the form --------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = ChooseKind(request.GET or None)
        if self.has_add_permission(request) and not chosen.is_valid():
            return choose_first(self, request, chosen)
        response: HttpResponse = super().add_view(request, *args, **kwargs)
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, *(["organization"] if obj else [])]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not _may_change(self, request, obj):
            return super().get_form(request, obj, change, **kwargs)
        form = type("DestinationForm", (DestinationForm,), {"kind": _kind(request, obj)})
        names = [*([] if obj else ["organization"]), "name", *LIMITS, *ALLOWED]
        return super().get_form(request, obj, change, **{**kwargs, "form": form, "fields": names})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ["organization", "name", "shown_kind"]
        standing = [*STANDING_FIELDS] if obj else []
        if not _may_change(self, request, obj):
            return [(None, {"fields": [*shown, *standing, *LIMITS, *ALLOWED, "shown_options"]})]
        kind = _kind(request, obj)
        names, rare = list(option_fields(kind)), rarely_changed(kind)
        more = [f"{PREFIX}-{name}" for name in names if name in rare]
        needed = [f"{PREFIX}-{name}" for name in names if name not in rare]
        return [
            (None, {"fields": [*shown[: 3 if obj else 2], *standing]}),
            *([(_("Connection"), {"fields": needed})] if needed else []),
            (_("More options"), {"fields": more, "classes": ["collapse"] if needed else []}),
            (_("Limits"), {"fields": [*LIMITS], "classes": ["collapse"]}),
            (_("What may leave"), {"fields": [*ALLOWED], "classes": ["collapse"]}),
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        obj.declare(form.options.declared, by=request.user.get_username())
        if obj.paused_at:
            message = _("Nothing is sent there yet. Press “Test connection” to open it again.")
            self.message_user(request, message, messages.WARNING)

    # -- "Test connection" -----------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        test, confirm = (
            self.admin_site.admin_view(require_POST(view))
            for view in (self.test_view, self.confirm_view)
        )
        return [
            path("<int:pk>/test/", test, name="integrations_destination_test"),
            path("<int:pk>/confirm/", confirm, name="integrations_destination_confirm"),
            *super().get_urls(),
        ]

    def tools(self, request: HttpRequest, obj: Destination) -> list[Tool]:
        if not self.has_change_permission(request, obj):
            return []
        url = reverse("admin:integrations_destination_test", args=[obj.pk])
        return [Tool(_("Test connection"), url, post=True)]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        destination = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, destination):
            raise PermissionDenied
        self._test(request, destination)
        return HttpResponseRedirect(
            reverse("admin:integrations_destination_change", args=[destination.pk])
        )

    @admin.action(description=gettext_lazy("Test connection"), permissions=["change"])
    def test_connections(self, request: HttpRequest, queryset: QuerySet[Destination]) -> None:
        for destination in queryset:
            self._test(request, destination)

    def _test(self, request: HttpRequest, destination: Destination) -> None:
        was_paused = destination.paused_at is not None
        try:
            answer, level = destination.test_connection(), messages.SUCCESS
        except DeliveryError as error:
            answer, level = error.message, messages.ERROR
            if error.confirmable:
                answer = format_html("{} {}", answer, _button(destination, error.confirmable))
        audit.record(request, "test connection", destination, good=level == messages.SUCCESS)
        if was_paused and level == messages.SUCCESS:
            opened = _("The connection is open again. What was waiting will be sent automatically.")
            answer = f"{answer} {opened}"
        self.message_user(request, format_html("{}: {}", destination, answer), level)

    # -- confirming what it has shown ------------------------------------------------------------

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep what a test of the connection has shown, and test again.

        Only what was shown, and for the options that it was shown for: it is signed with them.
        """
        destination = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, destination):
            raise PermissionDenied
        try:
            shown = signing.loads(request.POST.get("shown", ""), salt=SHOWN, max_age=SHOWN_SECONDS)
        except signing.BadSignature:
            shown = {}
        if shown.get("for") == _options_digest(destination):
            destination.options = {**destination.options, **shown["options"]}
            destination.save()
            audit.record(request, "confirm", destination, **shown["options"])
            self._test(request, destination)
        else:
            message = _(
                "The options were changed since, or it is long ago. Test the connection again."
            )
            self.message_user(request, message, messages.WARNING)
        return HttpResponseRedirect(
            reverse("admin:integrations_destination_change", args=[destination.pk])
        )


def _button(destination: Destination, confirmable: Mapping[str, str]) -> SafeString:
    """Return the button that confirms what was shown. Its form is in `admin/base_site.html`."""
    shown = {"for": _options_digest(destination), "options": dict(confirmable)}
    return format_html(
        '<button form="undo" formaction="{}" name="shown" value="{}" class="btn tiny">{}</button>',
        reverse("admin:integrations_destination_confirm", args=[destination.pk]),
        signing.dumps(shown, salt=SHOWN),
        _("It is the partner’s: confirm it"),
    )


def _options_digest(destination: Destination) -> str:
    """Return what tells whether a destination's options are still the same."""
    of = [destination.pk, destination.kind, destination.options]
    return salted_hmac(SHOWN, json.dumps(of, sort_keys=True)).hexdigest()


def _may_change(model_admin: DestinationAdmin, request: HttpRequest, obj: Any) -> bool:
    if obj is None:
        return bool(model_admin.has_add_permission(request))
    return bool(model_admin.has_change_permission(request, obj))


def _kind(request: HttpRequest, obj: Destination | None) -> str:
    if obj:
        return obj.kind
    chosen = ChooseKind(request.GET)
    return chosen.cleaned_data["kind"] if chosen.is_valid() else next(iter(destinations.kinds()))
