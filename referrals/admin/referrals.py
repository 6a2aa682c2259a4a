"""Referrals: what is known of one, how it stands, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from core import audit
from mapping.source.document import Document
from referrals.admin.holding import HoldingAdmin, OnHoldFilter
from referrals.admin.notes import DECIDE, NoteForm, NotesAdmin, may_write
from referrals.admin.onward.completing import CompletingAdmin
from referrals.admin.onward.downloading import DownloadingAdmin
from referrals.admin.onward.sending import SendingAdmin, sendings
from referrals.admin.onward.whereabouts import WhereaboutsAdmin
from referrals.admin.viewing import (
    ViewOnlyAdmin,
    badge,
    link_there,
    referrals_named,
)
from referrals.admin.work_list.choices import Choice, choices
from referrals.admin.work_list.deciding import written
from referrals.advice import SEEN, Actor, Advice
from referrals.answers.differences import Difference, differences
from referrals.answers.explain import Import, asker, explain_referral
from referrals.answers.timeline import (
    SHOWN,
    WITH_EVENTS,
    WITH_WORDS,
    Moment,
    events_of,
    timeline,
)
from referrals.delivering.summaries import store_summary
from referrals.models import Delivery, InboundEvent, Referral, ReferralFile, Version
from referrals.record import answered, files
from referrals.record.documents import document_of
from referrals.record.removal import holds
from referrals.summary import layout


@dataclass(frozen=True, slots=True)
class Standing:
    """How one import of a referral stands, for the page of the referral."""

    delivery: Delivery
    advice: Advice
    choices: list[Choice]
    there: Any  # its id in the destination, as a link where there is one
    sent: Version | None
    differences: list[Difference]

    @property
    def there_words(self) -> str:
        """How it stands at the destination, for the head of the page."""
        words = {"where": self.delivery.destination}
        if self.delivery.external_id:
            return _("In %(where)s") % words
        if self.delivery.state == Delivery.State.DISMISSED:
            return _("Dismissed for %(where)s") % words
        return _("Not in %(where)s") % words

    @property
    def seen_at(self) -> str:
        """Until when errors are seen on this page: a newer one stays."""
        return written(self.delivery.error_at) if self.delivery.error_at else ""

    @property
    def later_succeeded(self) -> bool:
        """Whether all that is left is to see that it went well after all."""
        return self.advice is SEEN and self.delivery.later_succeeded


def _standing(
    request: HttpRequest,
    one: Import,
    sent: Version | None,
    document: Document,
    time_zone: ZoneInfo,
) -> Standing:
    delivery = one.delivery
    return Standing(
        delivery,
        one.advice,
        choices(request, delivery, "referral"),
        link_there(delivery),
        sent,
        differences(cast(Document, sent.document), document, time_zone) if sent else [],
    )


def _sent(deliveries: Iterable[Delivery]) -> dict[UUID, Version]:
    """Return what each destination that has the referral was sent last, by the delivery's key."""
    there = [delivery for delivery in deliveries if delivery.external_id]
    newest = Version.objects.filter(document__isnull=False).order_by("-number")[:1]
    prefetch_related_objects(there, Prefetch("versions", newest, to_attr="sent"))
    return {one.pk: one.sent[0] for one in there if one.sent}  # type: ignore[attr-defined]


def _answers(
    deliveries: Iterable[Delivery], story: list[Moment]
) -> list[tuple[Delivery, dict[str, Any]]]:
    """Return what the partner of each destination says of the referral, where it says anything."""
    spoke = any(hasattr(moment.row, "partner_update") for moment in story)
    if not spoke and len(story) < SHOWN:
        return []
    known = [(delivery, answered.updates_of(delivery)) for delivery in deliveries]
    return [(delivery, answered.answer(updates)) for delivery, updates in known if updates]


def _summary_url(referral: Referral) -> str:
    """Return the URL of its summary; empty when the person's data is gone, or is elsewhere."""
    if referral.purged_at or referral.merged_into_id:
        return ""
    return reverse("admin:referrals_referral_summary", args=[referral.pk])


def _source_url(referral: Referral, story: Iterable[Moment]) -> str:
    """Return where the referral is opened at the source that spoke of it last; else empty."""
    rows = (moment.row for moment in story if isinstance(moment.row, InboundEvent))
    return next(filter(None, (row.source.address_of(referral.reference) for row in rows)), "")


def _note_form(request: HttpRequest, referral: Referral) -> NoteForm | None:
    """Return the form for a note, where this person may write one."""
    return NoteForm(auto_id="note-%s") if may_write(request, referral) else None


def _trail_url(request: HttpRequest, referral: Referral, deliveries: Iterable[Delivery]) -> str:
    """Return the URL of who has opened or changed it, for those who may see that; else empty."""
    if not audit.may_read(request.user):
        return ""
    events = [event.pk for event in events_of(referral)]
    keys = [referral.pk, *(delivery.pk for delivery in deliveries), *events]
    about = urlencode({"object_id__in": ",".join(map(str, keys))})
    return f"{reverse('admin:core_auditevent_changelist')}?{about}"


@admin.register(Referral)
class ReferralAdmin(
    NotesAdmin,
    HoldingAdmin,
    SendingAdmin,
    CompletingAdmin,
    WhereaboutsAdmin,
    DownloadingAdmin,
    ViewOnlyAdmin,
):
    organization_path = "organization"
    referral_path = "pk"
    change_form_template = "admin/referrals/referral.html"
    list_display = ["reference", "listing", "organization", "imports", "changed_at"]
    list_filter = ["organization", OnHoldFilter]
    list_select_related = ["listing", "organization"]
    search_fields = ["reference__exact"]
    fields = ["reference"]  # the page has its own template

    # -- the list ------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Referral]:
        rows: QuerySet[Referral] = super().get_queryset(request)
        if request.resolver_match and "object_id" in request.resolver_match.kwargs:
            rows = rows.annotate(**WITH_WORDS)
        return rows.select_related("listing", "organization", "merged_into")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Referral], search_term: str
    ) -> tuple[QuerySet[Referral], bool]:
        if term := search_term.strip():
            queryset = queryset.filter(pk__in=referrals_named(term))
        deliveries = Delivery.objects.select_related("destination").only(
            "referral", "state", "destination__name"
        )
        shown = (
            queryset.annotate(is_on_hold=holds.on_hold())
            .defer("snapshot")
            .prefetch_related(Prefetch("deliveries", deliveries, to_attr="shown_deliveries"))
        )
        return shown, False

    @admin.display(description=gettext_lazy("imports"))
    def imports(self, referral: Referral) -> SafeString:
        on_hold: bool = referral.is_on_hold  # type: ignore[attr-defined]
        if referral.purged_at and not on_hold:
            return badge("dismissed", _("Deleted"))
        shown = [
            badge(
                delivery.state,
                _("{label}: {value}").format(
                    label=delivery.destination, value=delivery.get_state_display()
                ),
            )
            for delivery in referral.shown_deliveries  # type: ignore[attr-defined]
        ]
        if on_hold:
            shown.append(badge("on-hold", _("Legal hold")))
        return format_html_join(" ", "{}", ((one,) for one in shown))

    # -- one referral --------------------------------------------------------------------------

    def ids(self, referral: Referral) -> str:
        return ", ".join(str(alias) for alias in referral.aliases.all())

    def deleted(self, referral: Referral) -> str:
        if referral.purged_at is None:
            return ""
        return _("The person's data was deleted: {get_purged_why_display}.").format(
            get_purged_why_display=referral.get_purged_why_display()
        )

    def more(self, request: HttpRequest, obj: Referral) -> dict[str, Any]:
        zone = obj.organization.zone if obj.organization else ZoneInfo(settings.TIME_ZONE)
        prefetch_related_objects([obj], "files", "aliases", WITH_EVENTS)
        asking = asker.person(request.user)
        explanation = explain_referral(obj, asking, attempts=SHOWN)
        imports = explanation.imports if explanation.referral == obj else ()
        deliveries = [one.delivery for one in imports]
        document = document_of(obj)
        sent = _sent(deliveries)
        standings = [
            _standing(request, one, sent.get(one.delivery.pk), document, zone) for one in imports
        ]
        story = timeline(obj, deliveries)
        sheet = layout.sheet(document, zone)
        hold = holds.of(obj)
        return {
            "title": _("Referral {reference}").format(
                reference=obj.reference
            ),  # of the window: a name stands on the page alone
            "subtitle": None,
            "source_url": _source_url(obj, story),
            "edit_there": explanation.actor is Actor.REFERRAL_STAFF,
            "may_decide": request.user.has_perm(DECIDE),
            "differs": any(one.delivery.external_id for one in standings),
            "explanation": explanation,
            "standings": standings,
            "sendings": sendings(request, obj, deliveries),
            "timeline": story,
            "note_form": _note_form(request, obj),
            "hold": hold,
            "may_hold": self.may_hold(request),
            "hold_form": self.hold_form(request, obj),
            "shown_of_a_kind": SHOWN,
            "answers": _answers(deliveries, story),
            "files": obj.files.all(),
            "sheet": sheet,
            "summary_url": _summary_url(obj),
            "trail_url": _trail_url(request, obj, deliveries),
            "ids": self.ids(obj),
            "deleted": "" if hold else self.deleted(obj),
            "reads_bodies": request.user.has_perm("referrals.read_body"),
        }

    # -- its files -----------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        summary, file = (wrap(never_cache(view)) for view in (self.summary_view, self.file_view))
        return [
            path("<uuid:pk>/summary.pdf", summary, name="referrals_referral_summary"),
            path("<uuid:pk>/files/<int:file_pk>/", file, name="referrals_referral_file"),
            *super().get_urls(),
        ]

    def summary_view(self, request: HttpRequest, pk: UUID) -> FileResponse:
        """Return the Referral Summary, as it is or would be sent."""
        referral = self._visible(request, pk)
        stored = store_summary(referral, document_of(referral))
        saved = "download" in request.GET  # else it is shown, beside the referral
        action = "download summary" if saved else "view summary"
        audit.record(request, action, referral, sha256=stored.sha256)
        return FileResponse(
            files.open_stored(stored),
            as_attachment=saved,
            content_type="application/pdf",
            filename=f"referral-{referral.reference}-summary.pdf",
        )

    def file_view(self, request: HttpRequest, pk: UUID, file_pk: int) -> FileResponse:
        """Return an attachment, to be saved and never to be shown here: it may be anything."""
        referral = self._visible(request, pk)
        file = get_object_or_404(
            ReferralFile, pk=file_pk, referral=referral, state=ReferralFile.State.STORED
        )
        audit.record(request, "download file", referral, file=file.key, sha256=file.sha256)
        response = FileResponse(
            files.open_stored(file),
            as_attachment=True,
            content_type="application/octet-stream",
            filename=file.filename,
        )
        response["Content-Security-Policy"] = "sandbox"
        return response

    def _visible(self, request: HttpRequest, pk: UUID) -> Referral:
        referral = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, referral):
            raise PermissionDenied
        if (referral.purged_at and not holds.of(referral)) or referral.merged_into_id:
            raise Http404
        return referral
