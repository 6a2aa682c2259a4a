"""Compare, resync, and the repetition of a run: asked for on a page, done by the dispatcher."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from core.timing import wakeups
from integrations.models import Destination
from referrals.admin.viewing import ViewOnlyAdmin, badge
from referrals.delivering import jobs, resyncing
from referrals.models import DestinationJob

What, State = DestinationJob.What, DestinationJob.State
BADGES = {
    State.WAITING: "queued",
    State.RUNNING: "running",
    State.DONE: "imported",
    State.FAILED: "with-error",
}


@admin.register(DestinationJob)
class DestinationJobAdmin(ViewOnlyAdmin):
    organization_path = "destination__organization"
    shows_a_person = False
    change_form_template = "admin/referrals/destinationjob.html"
    list_display = ["asked_at", "destination", "what", "shown_state", "asked_by"]
    list_display_links = ["asked_at"]
    list_filter = ["what", "state"]
    list_select_related = ["destination__organization", "asked_by"]
    fields = ["state"]

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, job: DestinationJob) -> SafeString:
        return badge(BADGES[State(job.state)], job.get_state_display())

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path(
                "start/<int:pk>/<str:what>/",
                view(never_cache(self.start_view)),
                name="referrals_start_job",
            ),
            path(
                "<uuid:pk>/progress/",
                view(never_cache(self.progress_view)),
                name="referrals_destinationjob_progress",
            ),
            *super().get_urls(),
        ]

    def start_view(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """Say what a comparison or a resync does; begin it when that is confirmed."""
        if not request.user.has_perm("referrals.decide_delivery"):
            raise PermissionDenied
        reachable = self.admin_site.get_model_admin(Destination).get_queryset(request)
        destination = get_object_or_404(reachable, pk=pk)
        if what not in (What.COMPARE, What.RESYNC):
            raise Http404
        if not destination.is_comparable:
            message = _("What is at this destination cannot be read and compared.")
            self.message_user(request, message, messages.WARNING)
            url = reverse("admin:integrations_destination_change", args=[destination.pk])
            return HttpResponseRedirect(url)
        if request.method == "POST":
            return begun(request, jobs.ask(What(what), destination, request.user))  # type: ignore[arg-type]
        context = {
            **self.admin_site.each_context(request),
            "title": f"{What(what).label} {destination}?",
            "opts": self.model._meta,
            "destination": destination,
            "what": what,
            "label": What(what).label,
        }
        return TemplateResponse(request, "admin/referrals/ask_job.html", context)

    def more(self, request: HttpRequest, obj: DestinationJob) -> dict[str, Any]:
        tables = sorted(obj.result.get("tables", {}).items())
        return {
            "title": _("{label}: {value}").format(
                label=obj.get_what_display(), value=obj.destination
            ),
            "subtitle": None,
            "sentence": progress(obj),
            "tables": tables,
            "refused": obj.result.get("refused", []),
            "is_open": obj.state in DestinationJob.OPEN,
        }

    def progress_view(self, request: HttpRequest, pk: UUID) -> JsonResponse:
        """Answer how far it is: the sentence that the page shows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = get_object_or_404(self.get_queryset(request), pk=pk)
        return JsonResponse({"state": job.state, "done": job.done, "sentence": progress(job)})


def begun(request: HttpRequest, job: DestinationJob) -> HttpResponse:
    """Wake the dispatcher, and lead to the page that shows how far a job is."""
    wakeups.wake()
    return HttpResponseRedirect(reverse("admin:referrals_destinationjob_change", args=[job.pk]))


def progress(job: DestinationJob) -> str:
    """Return how far a job is, or what came of it, as sentences."""
    match job.state:
        case State.WAITING:
            return _("It begins in a moment.")
        case State.RUNNING:
            looked_at = ngettext(
                "%(count)s referral so far.", "%(count)s referrals so far.", job.done
            )
            return looked_at % {"count": job.done}
        case State.FAILED:
            return str(job.message or "")
    return _ended(job)


def _ended(job: DestinationJob) -> str:
    result = job.result
    match job.what:
        case What.COMPARE:
            unequal = [name for name, one in result["tables"].items() if not one["equal"]]
            verdict = _("Something differs.") if unequal else _("Everything is equal.")
            behind = _("%(count)s referrals are still to be brought there.")
            return f"{verdict} {behind % {'count': result['behind']}}"
        case What.RESYNC:
            done = _("%(written)s referrals are written anew; %(removed)s were removed there.")
            waiting = _("%(count)s still wait to be brought.")
            behind = waiting % {"count": resyncing.behind(job.destination)}
            return f"{done % result} {behind}"
    again: str = _("%(name)s is there again, with %(rows)s rows.") % result
    return again
