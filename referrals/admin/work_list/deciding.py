"""What people can do to deliveries: to many, as actions of the list; to one, at its own address."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy
from django.views.decorators.http import require_POST

from core.database import clock
from referrals import delivering
from referrals.admin.work_list.undoing import UndoingAdmin
from referrals.delivering.decisions import bulk, undoing
from referrals.delivering.decisions.deciding import open_step_name
from referrals.models import MAX_EXTERNAL_ID, Deed, Delivery
from referrals.running.tasks import wake_delivery

State, Reason = Delivery.State, Delivery.Reason
CONFIRMED = "confirmed"  # in the POST of a page that asked
BACK = "back"  # in the POST of a page about one delivery: return there, to one of these
PAGES = {
    "import": ("admin:referrals_delivery_change", "pk"),
    "referral": ("admin:referrals_referral_change", "referral_id"),
    "why": ("admin:why_answer", "referral_id"),
}
MOST = 2_000  # imports, in one go
NAMED = 50  # of them, in a question
ONE_ONLY = gettext_lazy("Look in the destination for one referral at a time: choose one.")
DISMISSED = ngettext_lazy(
    "%(count)s import was dismissed.", "%(count)s imports were dismissed.", "count"
)
CLEARED = ngettext_lazy("%(count)s import was cleared.", "%(count)s imports were cleared.", "count")
NOT_ASKED = gettext_lazy("Nobody has to look for it, or somebody else has just answered.")


class DismissForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Why is it not to be imported?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )


class PresentForm(forms.Form):
    external_id = forms.CharField(
        label=gettext_lazy("Its id in the destination"),
        max_length=MAX_EXTERNAL_ID,
        widget=forms.TextInput({"autofocus": True}),
    )


class AbsentForm(forms.Form):
    """Nothing is asked but whether it is meant."""


class ClearForm(forms.Form):
    """`seen_at` is when the question was shown: an error that came later stays."""

    note = forms.CharField(
        label=gettext_lazy("Note (without names, please)"),
        help_text=gettext_lazy(
            "What was done about it, for whoever looks later. You can leave it empty."
        ),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )
    seen_at = forms.DateTimeField(
        widget=forms.HiddenInput, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z"]
    )


class DecidingAdmin(UndoingAdmin):
    actions = ["retry", "dismiss", "clear_errors", "it_is_there", "it_is_not_there"]

    def get_urls(self) -> list[Any]:
        views = dict.fromkeys(self.actions, self.deed_view) | {"retry": self.retry_view}
        own = [
            path(
                f"<uuid:pk>/{deed}/",
                self.admin_site.admin_view(require_POST(view)),
                {} if deed == "retry" else {"deed": deed},
                name=f"referrals_delivery_{deed}",
            )
            for deed, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Send this import again, and return to the page where that was asked, or to its own."""
        delivery = self._decidable(request, pk)
        self._retry_one(request, delivery)
        page, key = PAGES.get(request.POST.get(BACK, ""), PAGES["import"])
        return HttpResponseRedirect(reverse(page, args=[getattr(delivery, key)]))

    def deed_view(self, request: HttpRequest, pk: UUID, deed: str) -> HttpResponse:
        """Do something else to this import: what the action of the list does, to it alone."""
        self._decidable(request, pk)
        done = getattr(self, deed)(request, self.get_queryset(request).filter(pk=pk))
        own = reverse("admin:referrals_delivery_change", args=[pk])
        return done or HttpResponseRedirect(own)

    def _decidable(self, request: HttpRequest, pk: UUID) -> Delivery:
        delivery: Delivery = get_object_or_404(_full(self.get_queryset(request)), pk=pk)
        if not (
            self.has_view_permission(request, delivery) and self.has_decide_permission(request)
        ):
            raise PermissionDenied
        return delivery

    @admin.action(description=gettext_lazy("Retry"), permissions=["decide"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        deliveries = list(_full(queryset)[:2])
        if len(deliveries) == 1:
            self._retry_one(request, deliveries[0])
            return back(request, queryset)
        count = queryset.count()
        if count > bulk.LIMIT:
            message = _(
                "You chose {count}. This takes the oldest {limit}; retry the rest after."
            ).format(count=count, limit=bulk.LIMIT)
            self.message_user(request, message, messages.WARNING)
        selection = bulk.ask(queryset, request.user)  # type: ignore[arg-type]
        return HttpResponseRedirect(reverse("admin:referrals_bulkretry_confirm", args=[selection]))

    def _retry_one(self, request: HttpRequest, delivery: Delivery) -> None:
        try:
            delivering.retry(delivery, request.user)  # type: ignore[arg-type]
        except delivering.RetryRefused as refusal:
            message = _("Not sent again ({reference}): {why}").format(
                reference=delivery.referral.reference, why=refusal.why
            )
            self.message_user(request, message, messages.WARNING)
        else:
            wake_delivery(delivery.pk)
            self.message_user(request, _("1 import was sent again."), messages.SUCCESS)

    @admin.action(description=gettext_lazy("Dismiss"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        form = DismissForm(answer_of(request))
        if not form.is_valid():
            text = _("A dismissed import is not sent, whatever happens to the referral later.")
            return self._ask(request, queryset, "dismiss", form, text)
        why = form.cleaned_data["why"]
        user: Any = request.user
        chosen = [(one, undoing.before_dismissal(one)) for one in _full(queryset)]
        dismissed = [one for one in chosen if delivering.dismiss(one[0], why, user)]
        self._report_done(request, Deed.What.DISMISS, dismissed, DISMISSED)
        if left := len(chosen) - len(dismissed):
            message = _("{left} cannot be dismissed: imported, or under way.").format(left=left)
            self.message_user(request, message, messages.WARNING)
        return back(request, queryset)

    @admin.action(description=gettext_lazy("Clear errors"), permissions=["decide"])
    def clear_errors(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> HttpResponse | None:
        """Ask for a note, and clear what was to be seen when the question was shown."""
        deliveries = queryset.filter(error_at__isnull=False, error_cleared_at__isnull=True)
        form = ClearForm(answer_of(request), initial={"seen_at": written(clock.now())})
        if not form.is_valid():
            text = _(
                "Clear errors once you have dealt with them. Their history is "
                "kept; a later error is shown again."
            )
            return self._ask(request, deliveries, "clear_errors", form, text)
        values = {key: form.cleaned_data[key] for key in ("note", "seen_at")}
        user: Any = request.user
        with transaction.atomic():
            cleared = [
                (delivery, undoing.before(delivery))
                for delivery in _full(deliveries).order_by("error_at")[:MOST]
                if delivering.clear_error(delivery, user, **values)
            ]
        self._report_done(request, Deed.What.CLEAR, cleared, CLEARED)
        if left := deliveries.count():
            text = _(
                "{left} not cleared: more at once than {most}, or an error that is newer."
            ).format(left=left, most=MOST)
            self.message_user(request, text, messages.WARNING)
        return back(request, queryset)

    @admin.action(description=gettext_lazy("It is there"), permissions=["decide"])
    def it_is_there(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> HttpResponse | None:
        delivery = self._only_one(request, queryset)
        if delivery is None:
            return None
        form = PresentForm(answer_of(request))
        if not form.is_valid():
            text = _("You have found it in {destination}: {step}.").format(
                destination=delivery.destination, step=_step(delivery)
            )
            return self._ask(request, queryset, "it_is_there", form, text)
        found = delivering.confirm_present(delivery, form.cleaned_data["external_id"], request.user)  # type: ignore[arg-type]
        return self._report(request, queryset, delivery, found)

    @admin.action(description=gettext_lazy("It is not there, send again"), permissions=["decide"])
    def it_is_not_there(
        self, request: HttpRequest, queryset: QuerySet[Delivery]
    ) -> HttpResponse | None:
        delivery = self._only_one(request, queryset)
        if delivery is None:
            return None
        if not AbsentForm(answer_of(request)).is_valid():
            text = _(
                "You have looked in {destination}, and this is not there: {step}. It is sent "
                "again. If it is there after all, it will be there twice."
            ).format(destination=delivery.destination, step=_step(delivery))
            return self._ask(request, queryset, "it_is_not_there", AbsentForm(), text)
        absent = delivering.confirm_absent(delivery, request.user)  # type: ignore[arg-type]
        return self._report(request, queryset, delivery, absent)

    # -- asking and telling --------------------------------------------------------------------

    def _only_one(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> Delivery | None:
        deliveries = list(_full(queryset))
        if len(deliveries) != 1:
            self.message_user(request, ONE_ONLY, messages.WARNING)
            return None
        return deliveries[0]

    def _ask(
        self,
        request: HttpRequest,
        queryset: QuerySet[Delivery],
        action: str,
        form: forms.Form,
        text: str,
    ) -> TemplateResponse:
        count = queryset.count()
        context = {
            **self.admin_site.each_context(request),
            "title": getattr(self, action).short_description,
            "opts": self.model._meta,
            "deliveries": _full(queryset)[:NAMED],
            "count": count,
            "more": max(count - NAMED, 0),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across") == "1",
            "form": form,
            "text": text,
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": request.POST.get(BACK),
            "back_url": _page_of(request, queryset),
        }
        return TemplateResponse(request, "admin/referrals/ask.html", context)

    def _report(
        self, request: HttpRequest, queryset: QuerySet[Delivery], delivery: Delivery, done: bool
    ) -> HttpResponse | None:
        """Go on with a delivery about which a person has said how it stands."""
        if done:
            wake_delivery(delivery.pk)
            self.message_user(request, _("The import goes on."), messages.SUCCESS)
        else:
            self.message_user(request, NOT_ASKED, messages.WARNING)
        return back(request, queryset)


def _full(queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return queryset.select_related("referral", "destination", "trigger_config__mapping")


def answer_of(request: HttpRequest) -> Any:
    """Return what was posted, if it was posted as an answer to the question."""
    return request.POST if CONFIRMED in request.POST else None


def written(moment: datetime) -> str:
    """Return a moment as ClearForm reads it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}+00:00"


def _step(delivery: Delivery) -> str:
    """Return what to look for, in words."""
    name = open_step_name(delivery)
    if name.startswith("attachment"):
        return _("an attachment of the referral")
    return _("the referral's summary") if name == "summary" else _("the referral")


def back(request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
    """Return to the page where the button was pressed; else to the list."""
    url = _page_of(request, queryset)
    return HttpResponseRedirect(url) if url else None


def _page_of(request: HttpRequest, queryset: QuerySet[Delivery]) -> str:
    """Return the URL of the page that a button was pressed on; empty when it was the list."""
    page = PAGES.get(request.POST.get(BACK, ""))
    delivery = queryset.first() if page else None
    return reverse(page[0], args=[getattr(delivery, page[1])]) if page and delivery else ""
