"""Bulk retries on screen: the question before, how far it is, what became of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from integrations.admin.shared import Tool
from referrals.admin.viewing import ViewOnlyAdmin, badge, referrals_named
from referrals.delivering.decisions import bulk
from referrals.models import BulkRetry, BulkRetryItem

State, ItemState = BulkRetry.State, BulkRetryItem.State
TYPED_ABOVE = 50  # imports: more are confirmed by typing their number
SHOWN_FIRST = 100  # references beside a reason, or in the question
ITEMS_PER_PAGE = 100
LATE = _("That has happened already, or somebody else has just acted on it.")

Deed = Callable[[BulkRetry, User], bool]
DEEDS: dict[str, tuple[Deed, Promise]] = {
    "pause": (bulk.pause, _("Pause")),
    "resume": (bulk.resume, _("Resume")),
    "cancel": (bulk.cancel, _("Cancel the rest")),
}
POSSIBLE = {State.RUNNING: ("pause", "cancel"), State.PAUSED: ("resume", "cancel")}


class NumberForm(forms.Form):
    """Asks for the number that stands above it, when it is large."""

    number = forms.IntegerField(
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "size": 6})
    )

    def __init__(self, expected: int, data: Any = None) -> None:
        super().__init__(data)
        self.expected = expected
        self.fields["number"].label = gettext("Type {expected} to confirm").format(
            expected=expected
        )

    def clean_number(self) -> int:
        given: int = self.cleaned_data["number"]
        if given != self.expected:
            raise forms.ValidationError(
                gettext("Type the number {expected}.").format(expected=self.expected)
            )
        return given


@admin.register(BulkRetry)
class BulkRetryAdmin(ViewOnlyAdmin):
    organization_path = "organization"
    shows_a_person = False
    change_form_template = "admin/referrals/bulkretry.html"
    list_display = ["asked_at", "organization", "shown_state", "progress", "asked_by"]
    list_display_links = ["asked_at"]
    list_filter = ["state"]
    list_select_related = ["organization", "asked_by"]
    fields = ["state"]
    search_fields = ["pk__exact"]
    search_help_text = _("The whole reference of a referral that was sent again.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BulkRetry], search_term: str
    ) -> tuple[QuerySet[BulkRetry], bool]:
        if term := search_term.strip():
            named = BulkRetryItem.objects.filter(delivery__referral__in=referrals_named(term))
            queryset = queryset.filter(pk__in=named.values("bulk_retry"))
        return queryset, False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("referrals.decide_delivery"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRetry]:
        rows: QuerySet[BulkRetry] = super().get_queryset(request)
        waiting = Count("items", filter=Q(items__state=ItemState.WAITING))
        return rows.annotate(total=Count("items"), waiting=waiting)

    @admin.display(description=_("state"))
    def shown_state(self, bulk_retry: BulkRetry) -> SafeString:
        return badge(bulk_retry.state, bulk_retry.get_state_display())

    @admin.display(description=_("had their turn"))
    def progress(self, bulk_retry: Any) -> str:
        done = bulk_retry.total - bulk_retry.waiting
        return gettext("{done} of {total}").format(done=done, total=bulk_retry.total)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path(
                "confirm/<uuid:selection>/",
                view(never_cache(self.confirm_view)),
                name="referrals_bulkretry_confirm",
            ),
            path(
                "<uuid:pk>/progress/",
                view(never_cache(self.progress_view)),
                name="referrals_bulkretry_progress",
            ),
            *(
                path(
                    f"<uuid:pk>/{deed}/",
                    view(require_POST(self.deed_view)),
                    {"deed": deed},
                    name=f"referrals_bulkretry_{deed}",
                )
                for deed in DEEDS
            ),
        ]
        return own + super().get_urls()

    # -- the question --------------------------------------------------------------------------

    def confirm_view(self, request: HttpRequest, selection: UUID) -> HttpResponse:
        """Say how many can be sent again and how many cannot, and why; begin when confirmed."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        asked = list(self.get_queryset(request).filter(selection=selection))
        if not asked:
            raise Http404
        if any(one.state != State.ASKED for one in asked):
            return self._to_progress(asked)  # the second click of two
        items = BulkRetryItem.objects.filter(bulk_retry__in=asked)
        count = items.filter(state=ItemState.WAITING).count()
        form = NumberForm(count, request.POST or None) if count > TYPED_ABOVE else None
        if request.method == "POST" and count and (form is None or form.is_valid()):
            bulk.start(asked, request.user)  # type: ignore[arg-type]
            return self._to_progress(asked)
        return self._question(request, items, count, form)

    def _question(
        self,
        request: HttpRequest,
        items: QuerySet[BulkRetryItem],
        count: int,
        form: NumberForm | None,
    ) -> HttpResponse:
        refused = _refusals(items)
        context = {
            **self.admin_site.each_context(request),
            "title": ngettext(
                "Send {count} import again?", "Send {count} imports again?", count
            ).format(count=count),
            "opts": self.model._meta,
            "count": count,
            "refused": refused,
            "refused_count": sum(group["count"] for group in refused),
            "waiting": _with_deliveries(items.filter(state=ItemState.WAITING))[:SHOWN_FIRST],
            "form": form,
            "minutes": _minutes(count),
        }
        return TemplateResponse(request, "admin/referrals/ask_retry.html", context)

    def _to_progress(self, asked: list[BulkRetry]) -> HttpResponse:
        if len(asked) == 1:
            url = reverse("admin:referrals_bulkretry_change", args=[asked[0].pk])
        else:
            url = reverse("admin:referrals_bulkretry_changelist")
        return HttpResponseRedirect(url)

    # -- how far it is -------------------------------------------------------------------------

    def tools(self, request: HttpRequest, obj: BulkRetry) -> list[Tool]:
        if not self.has_decide_permission(request):
            return []
        return [
            Tool(
                str(DEEDS[deed][1]),
                reverse(f"admin:referrals_bulkretry_{deed}", args=[obj.pk]),
                post=True,
            )
            for deed in POSSIBLE.get(State(obj.state), ())
        ]

    def more(self, request: HttpRequest, obj: BulkRetry) -> dict[str, Any]:
        found = bulk.standing(obj)
        sent = _with_deliveries(obj.items.exclude(state=ItemState.REFUSED))
        return {
            "title": gettext("Bulk retry for {organization}").format(organization=obj.organization),
            "subtitle": None,
            "standing": found,
            "sentence": progress(obj, found),
            "refused": _refusals(obj.items.all()),
            "page": Paginator(sent, ITEMS_PER_PAGE).get_page(request.GET.get("p")),
            "is_open": obj.state in (State.RUNNING, State.PAUSED),
        }

    def progress_view(self, request: HttpRequest, pk: UUID) -> JsonResponse:
        """Answer how far it is: counts, and the sentence that the page shows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = get_object_or_404(self.get_queryset(request), pk=pk)
        found = bulk.standing(obj)
        return JsonResponse(
            {
                "state": obj.state,
                "total": found.total,
                "done": found.done,
                "under_way": found.under_way,
                "sentence": progress(obj, found),
            }
        )

    def deed_view(self, request: HttpRequest, pk: UUID, deed: str) -> HttpResponse:
        """Pause, resume or cancel."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        obj = get_object_or_404(self.get_queryset(request), pk=pk)
        if not DEEDS[deed][0](obj, request.user):  # type: ignore[arg-type]
            self.message_user(request, LATE, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:referrals_bulkretry_change", args=[pk]))


def progress(bulk_retry: BulkRetry, found: bulk.Standing) -> str:
    """Return how far it is, as sentences."""
    parts = [
        gettext("{done} of {total} had their turn. Sent again: {sent}.").format(
            done=found.done, total=found.total, sent=found.sent
        )
    ]
    counted = (
        (gettext("Not sent again: {count}."), found.refused),
        (gettext("Cancelled: {count}."), found.cancelled),
        (gettext("Imported since: {count}."), found.imported),
        (gettext("Failed again: {count}."), found.failed),
        (gettext("Still on their way: {count}."), found.under_way),
        (gettext("Dismissed since: {count}."), found.dismissed),
    )
    parts += [sentence.format(count=count) for sentence, count in counted if count]
    if bulk_retry.state == State.RUNNING:
        parts.append(gettext("Time left: {time}.").format(time=_minutes(found.waiting)))
    return " ".join(parts)


def _minutes(waiting: int) -> str:
    minutes = round(bulk.time_left(waiting).total_seconds() / 60)
    if not minutes:
        return gettext("less than a minute")
    about = ngettext("about {count} minute", "about {count} minutes", minutes)
    return about.format(count=minutes)


def _refusals(items: QuerySet[BulkRetryItem]) -> list[dict[str, Any]]:
    """Return each reason with its count and its imports, the most frequent first."""
    refused = items.filter(state=ItemState.REFUSED)
    reasons = refused.order_by().values_list("why").annotate(count=Count("pk")).order_by("-count")
    return [
        {
            "why": why,
            "count": count,
            "items": _with_deliveries(refused.filter(why=why))[:SHOWN_FIRST],
        }
        for why, count in reasons
    ]


def _with_deliveries(items: QuerySet[BulkRetryItem]) -> QuerySet[BulkRetryItem]:
    related = items.select_related("delivery__referral", "delivery__destination")
    return related.defer(
        "delivery__message",
        "delivery__missing_files",
        "delivery__closed_why",
        "delivery__referral__snapshot",
        "delivery__destination__options",
        "delivery__destination__paused_reason",
    )
